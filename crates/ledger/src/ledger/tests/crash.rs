//! A power cut at any byte of the last group loses nothing that was acknowledged.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

/// The files of a shard that grow.
const FILES: [&str; 3] = ["transcripts.pack", "openings.log", "leaves.log"];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn lengths(station: &Path) -> [u64; 3] {
    FILES.map(|file| fs::metadata(station.join("log/2026-09").join(file)).unwrap().len())
}

/// Cuts the files of a copy, opens it, and checks everything.
fn recover(station: &Path, cuts: [u64; 3], acknowledged: u64, at_most: u64) {
    let copied = folder();
    copy(station, copied.path());
    for (file, cut) in FILES.iter().zip(cuts) {
        let file = fs::OpenOptions::new().write(true).open(copied.path().join("log/2026-09").join(file)).unwrap();
        file.set_len(cut).unwrap();
    }
    let mut ledger = Ledger::open(copied.path(), NOON.plus_ms(60_000)).unwrap_or_else(|fault| panic!("{cuts:?}: {fault}"));
    assert!((acknowledged..=at_most).contains(&ledger.size()), "{cuts:?}: {}", ledger.size());
    ledger.append_records(vec![served(77)]).unwrap();
    ledger.checkpoint().unwrap();
    drop(ledger);
    let report = check(copied.path());
    assert!(report.is_clean(), "{cuts:?}: {report}");
}

#[test]
fn a_cut_at_every_byte_of_the_last_group_is_recovered() {
    let (folder, mut ledger) = station();
    ledger.append_records(vec![served(1), clock(2), served(3)]).unwrap();
    ledger.checkpoint().unwrap();
    let before = lengths(folder.path());
    ledger.append_records(vec![served(4), clock(5)]).unwrap();
    let after = lengths(folder.path());
    drop(ledger);
    // While openings and transcripts are written no leaf is: each may have come to the disk by any length.
    for opening in (before[1]..=after[1]).step_by(37).chain([after[1] - 1, after[1]]) {
        recover(folder.path(), [before[0], opening, before[2]], 5, 5);
        recover(folder.path(), [after[0], opening, before[2]], 5, 5);
    }
    for pack in before[0]..=after[0] {
        recover(folder.path(), [pack, before[1], before[2]], 5, 5);
        recover(folder.path(), [pack, after[1], before[2]], 5, 5);
    }
    // Once leaves are written, both are on disk.
    for leaf in before[2]..=after[2] {
        recover(folder.path(), [after[0], after[1], leaf], 5, 7);
    }
    recover(folder.path(), after, 7, 7);
}

#[test]
fn a_tail_of_zeros_is_recovered() {
    let (folder, mut ledger) = station();
    ledger.append_records(vec![served(1)]).unwrap();
    drop(ledger);
    for file in FILES {
        let path = folder.path().join("log/2026-09").join(file);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend([0; 5000]);
        fs::write(&path, bytes).unwrap();
    }
    let ledger = reopen(folder.path());
    assert_eq!(ledger.size(), 3);
    assert_eq!((ledger.dropped().leaf_bytes, ledger.dropped().opening_bytes), (5000, 5000));
    drop(ledger);
    assert!(check(folder.path()).is_clean());
}

#[test]
fn a_note_without_its_leaf_is_dropped() {
    let (folder, mut ledger) = station();
    let before = lengths(folder.path())[2];
    ledger.close(&key("root")).unwrap();
    drop(ledger);
    let path = folder.path().join("log/2026-09/leaves.log");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(before).unwrap();
    fs::write(folder.path().join("log/2026-09/notes/3.note.unfinished"), "affiant.cl").unwrap();
    let mut ledger = reopen(folder.path());
    assert!(!ledger.is_closed());
    assert_eq!(ledger.dropped().notes, 1);
    ledger.append_records(vec![clock(1)]).unwrap();
    drop(ledger);
    let report = check(folder.path());
    assert!(report.is_clean(), "{report}");
}

#[test]
fn a_checkpoint_committed_and_not_published_is_published_when_opened() {
    let (folder, mut ledger) = station();
    ledger.append_records(vec![clock(1)]).unwrap();
    let first = ledger.checkpoint().unwrap();
    ledger.append_records(vec![clock(2)]).unwrap();
    let second = ledger.checkpoint().unwrap();
    drop(ledger);
    let shard = folder.path().join("log/2026-09");
    for only_copy in [false, true] {
        if !only_copy {
            fs::remove_file(shard.join("checkpoints/4.txt")).unwrap();
        }
        fs::write(shard.join("checkpoint"), first.to_bytes()).unwrap();
        fs::write(shard.join("tile/0/000.p/9.unfinished"), "x").unwrap();
        drop(reopen(folder.path()));
        assert_eq!(fs::read(shard.join("checkpoint")).unwrap(), second.to_bytes());
        let report = check(folder.path());
        assert!(report.is_clean(), "{report}");
    }
    // The very first one.
    fs::remove_file(shard.join("checkpoint")).unwrap();
    drop(reopen(folder.path()));
    assert!(check(folder.path()).is_clean());
}

#[derive(Debug, Clone)]
enum Act {
    Append(Vec<u8>),
    Checkpoint,
    Reopen,
    /// Reopen with this share of the last group's openings, transcripts and leaves lost, in 256ths.
    Crash(u8, u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..6).prop_map(Act::Append),
        2 => Just(Act::Checkpoint),
        1 => Just(Act::Reopen),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(stage, share)| Act::Crash(stage, share)),
    ];
    prop::collection::vec(act, 1..14)
}

fn record(kind: u8) -> Record {
    match kind % 4 {
        0 => clock(i64::from(kind)),
        1 => refused(u16::from(kind)),
        2 => fact(i64::from(kind)),
        _ => served(u16::from(kind)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_acknowledged_stays(acts in acts()) {
        let (folder, mut ledger) = station();
        let mut acknowledged: Vec<crate::Acked> = Vec::new();
        for act in acts {
            match act {
                Act::Append(kinds) => acknowledged.extend(ledger.append_records(kinds.into_iter().map(record).collect()).unwrap()),
                Act::Checkpoint => drop(ledger.checkpoint().unwrap()),
                Act::Reopen => {
                    drop(ledger);
                    ledger = reopen(folder.path());
                }
                Act::Crash(stage, share) => {
                    // A group that is never acknowledged: written in part, then the power fails.
                    let before = lengths(folder.path());
                    ledger.append_records((0..4).map(record).collect()).unwrap();
                    drop(ledger);
                    let after = lengths(folder.path());
                    let part = |n: usize, share: u8| before[n] + (after[n] - before[n]) * u64::from(share) / 255;
                    let cuts = match stage % 3 {
                        0 => [part(0, share), before[1], before[2]],
                        1 => [after[0], part(1, share), before[2]],
                        _ => [after[0], after[1], part(2, share)],
                    };
                    for (file, cut) in FILES.iter().zip(cuts) {
                        let path = folder.path().join("log/2026-09").join(file);
                        fs::OpenOptions::new().write(true).open(path).unwrap().set_len(cut).unwrap();
                    }
                    ledger = reopen(folder.path());
                }
            }
        }
        drop(ledger);
        let report = check(folder.path());
        prop_assert!(report.is_clean(), "{report}");
        let entries: Vec<_> = Reader::of_station(folder.path()).unwrap().entries().unwrap().map(Result::unwrap).collect();
        for acked in acknowledged {
            prop_assert_eq!(entries[acked.index as usize].leaf.commitment, acked.commitment);
        }
    }
}
