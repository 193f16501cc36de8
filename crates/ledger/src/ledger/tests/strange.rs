//! What no crash explains is refused, in words that say what and what to do, and without changing anything.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::testing::stamp;

fn shard(station: &Path) -> PathBuf {
    station.join("log/2026-09")
}

/// A station with two checkpoints and a few records after the last.
fn busy() -> tempfile::TempDir {
    let (folder, mut ledger) = station();
    ledger.append_records(vec![served(1), clock(2)]).unwrap();
    ledger.checkpoint().unwrap();
    ledger.append_records(vec![served(3), refused(4)]).unwrap();
    ledger.checkpoint().unwrap();
    ledger.append_records(vec![served(5), clock(6), fact(7)]).unwrap();
    folder
}

fn snapshot(station: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    crate::layout::files_below(station).unwrap().into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[track_caller]
fn refuses(station: &Path, words: &str) {
    let before = snapshot(station);
    let fault = Ledger::open(station, NOON.plus_ms(60_000)).unwrap_err();
    assert!(fault.to_string().contains(words), "{fault}");
    assert!(snapshot(station) == before, "something was changed");
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Where the lines of a file end.
fn ends(path: &Path) -> Vec<usize> {
    fs::read(path).unwrap().iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect()
}

#[test]
fn a_lost_lock_store() {
    let folder = busy();
    fs::remove_file(shard(folder.path()).join("lock")).unwrap();
    refuses(folder.path(), "lock store");
}

#[test]
fn a_lock_store_from_an_old_copy() {
    let folder = busy();
    let old = fs::read_to_string(shard(folder.path()).join("checkpoints/4.txt")).unwrap();
    fs::write(shard(folder.path()).join("lock"), old.split_once("\n\n").unwrap().0.to_owned() + "\n").unwrap();
    refuses(folder.path(), "old copy");
    fs::write(shard(folder.path()).join("lock"), "log.example.org/2026-09\n6\n").unwrap();
    refuses(folder.path(), "damaged");
    fs::write(
        shard(folder.path()).join("lock"),
        old.replace("2026-09", "2026-08").split_once("\n\n").unwrap().0.to_owned() + "\n",
    )
    .unwrap();
    refuses(folder.path(), "2026-08");
}

#[test]
fn a_checkpoint_ahead_of_the_log() {
    let folder = busy();
    let path = shard(folder.path()).join("leaves.log");
    let end = ends(&path)[4];
    edit(&path, |bytes| bytes.truncate(end));
    refuses(folder.path(), "holds only 5");
    edit(&path, |bytes| bytes.truncate(end - 3));
    refuses(folder.path(), "holds only 4");
}

#[test]
fn a_lost_or_changed_opening() {
    for line in [0_usize, 2, 6] {
        let folder = busy();
        let path = shard(folder.path()).join("openings.log");
        let ends = ends(&path);
        let start = line.checked_sub(1).map_or(0, |line| ends[line]);
        edit(&path, |bytes| bytes[start + 100] ^= 1);
        refuses(folder.path(), &format!("the opening of entry {}", line + 2));
        edit(&path, |bytes| drop(bytes.drain(start..ends[line])));
        refuses(folder.path(), &format!("the opening of entry {}", line + 2));
    }
}

#[test]
fn a_changed_leaf_anywhere() {
    let folder = busy();
    let path = shard(folder.path()).join("leaves.log");
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(29).chain(ends(&path).into_iter().map(|end| end - 1)) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        refuses(folder.path(), "strange past");
    }
}

#[test]
fn a_lost_or_changed_note() {
    let folder = busy();
    let path = shard(folder.path()).join("notes/1.note");
    edit(&path, |bytes| bytes[30] ^= 1);
    refuses(folder.path(), "1.note");
    fs::remove_file(&path).unwrap();
    refuses(folder.path(), "1.note");
}

#[test]
fn a_lost_transcript() {
    let folder = busy();
    edit(&shard(folder.path()).join("transcripts.pack"), |bytes| bytes.truncate(bytes.len() - 1));
    refuses(folder.path(), "transcript");
}

#[test]
fn more_openings_than_a_group_without_leaves() {
    let folder = busy();
    let (openings, leaves) = (shard(folder.path()).join("openings.log"), shard(folder.path()).join("leaves.log"));
    edit(&openings, |bytes| bytes.extend("x\n".repeat(GROUP_MAX_RECORDS + 1).bytes()));
    refuses(folder.path(), "acknowledged leaves were lost");
    let end = ends(&leaves)[8];
    assert_eq!(fs::metadata(&leaves).unwrap().len(), end as u64);
}

#[test]
fn entries_after_the_close_note() {
    let folder = busy();
    let mut ledger = reopen(folder.path());
    let key_head = ledger.replay.signer(ledger.worker(), Role::Worker).unwrap().head;
    ledger.close(&key("root")).unwrap();
    let leaf = ledger.worker.leaf(key_head.seq, key_head.prev, Part::Audit, sha256(b"x\n")).unwrap();
    ledger.leaves.write(leaf.line().as_bytes()).unwrap();
    ledger.openings.write(b"x\n").unwrap();
    drop(ledger);
    refuses(folder.path(), "after the close note");
    assert!(!check(folder.path()).is_clean());
}

#[test]
fn a_forged_leaf_after_the_last_checkpoint() {
    let folder = busy();
    let ledger = reopen(folder.path());
    let head = ledger.replay.signer(ledger.worker(), Role::Worker).unwrap().head;
    let mut leaf = ledger.worker.leaf(head.seq, head.prev, Part::Audit, sha256(b"x\n")).unwrap();
    drop(ledger);
    leaf.signature = evidence::Signature::from([1; 64]);
    edit(&shard(folder.path()).join("leaves.log"), |bytes| bytes.extend(leaf.line().bytes()));
    edit(&shard(folder.path()).join("openings.log"), |bytes| bytes.extend(b"x\n"));
    refuses(folder.path(), "signature");
}

#[test]
fn a_clock_that_went_back() {
    let folder = busy();
    for (now, words) in [(NOON.plus_ms(-86_400_000), "delegated from"), (NOON.plus_ms(-2_000), "record of")] {
        let fault = Ledger::open(folder.path(), now).unwrap_err().to_string();
        assert!(fault.contains(words) && fault.contains("set the clock right"), "{fault}");
    }
    Ledger::open(folder.path(), stamp(0).utc).unwrap();
}

#[test]
fn keys_that_are_not_this_stations() {
    for (file, words) in [("log.pem", "log key"), ("worker.pem", "worker.pem: "), ("registrar.pem", "registrar.pem: ")] {
        let folder = busy();
        let path = folder.path().join("keys").join(file);
        fs::remove_file(&path).unwrap();
        key::<crate::keys::Root>("other").save(&path, None).unwrap();
        refuses(folder.path(), words);
    }
}

#[test]
fn an_interrupted_founding() {
    let folder = busy();
    fs::remove_file(shard(folder.path()).join("anchor.txt")).unwrap();
    refuses(folder.path(), "founding was interrupted");
}

#[test]
fn an_erased_opening_may_be_missing_and_only_that() {
    let (folder, mut ledger) = station();
    let officer: ErasureKey = key("eve");
    ledger.delegate(&key("root"), Role::Erasure, Some("E. Officer"), &officer.public()).unwrap();
    let acked = ledger.append_records(vec![refused(1), refused(2), refused(3)]).unwrap();
    let control = Control::Erase(Erase { index: acked[1].index, leaf: acked[1].leaf, basis: "retention 30 days".into() });
    ledger.append_note(ledger.sign_note(&control, NoteKey::Erasure(&officer)).unwrap()).unwrap();
    ledger.checkpoint().unwrap();
    drop(ledger);
    assert!(check(folder.path()).to_string().contains("held although an erase note"));
    let shown =
        |index: u64| Reader::of_station(folder.path()).unwrap().entries().unwrap().nth(index as usize).unwrap().unwrap().content;
    assert_eq!(shown(acked[1].index), Content::Absent);

    let path = shard(folder.path()).join("openings.log");
    let ends = ends(&path);
    edit(&path, |bytes| drop(bytes.drain(ends[0]..ends[1])));
    drop(reopen(folder.path()));
    let report = check(folder.path());
    assert!(report.is_clean(), "{report}");
    assert_eq!(shown(acked[1].index), Content::Absent);
    assert!(matches!(shown(acked[2].index), Content::Opening(_)));
    edit(&path, |bytes| bytes.truncate(ends[0]));
    refuses(folder.path(), &format!("the opening of entry {}", acked[2].index));
}

#[test]
fn a_bit_that_flips_between_append_and_checkpoint_is_never_signed() {
    for at_end in [false, true] {
        let (folder, mut ledger) = station();
        ledger.append_records(vec![clock(1)]).unwrap();
        let good = ledger.checkpoint().unwrap();
        ledger.append_records(vec![clock(2), served(3)]).unwrap();
        let path = shard(folder.path()).join("leaves.log");
        let at = if at_end { fs::metadata(&path).unwrap().len() as usize - 1 } else { ends(&path)[2] + 200 };
        edit(&path, |bytes| bytes[at] ^= 1);
        let fault = ledger.checkpoint().unwrap_err();
        assert!(matches!(fault, Fault::Disagreement(_)), "{fault}");
        assert!(matches!(ledger.append_records(vec![clock(4)]), Err(Fault::Poisoned(_))));
        assert_eq!(fs::read(shard(folder.path()).join("checkpoint")).unwrap(), good.to_bytes());
        drop(ledger);
        refuses(folder.path(), "strange past");
    }
}

#[test]
fn a_lock_store_that_moved_is_never_signed_over() {
    let (folder, mut ledger) = station();
    ledger.checkpoint().unwrap();
    ledger.append_records(vec![clock(1)]).unwrap();
    edit(&shard(folder.path()).join("lock"), |bytes| {
        *bytes = String::from_utf8(bytes.clone()).unwrap().replace("\n2\n", "\n9\n").into_bytes()
    });
    let fault = ledger.checkpoint().unwrap_err();
    assert!(fault.to_string().contains("another process signs"), "{fault}");
    assert!(!shard(folder.path()).join("checkpoints/3.txt").exists());
}

#[test]
fn a_damaged_tile_is_never_signed_over() {
    let (folder, mut ledger) = station();
    ledger.checkpoint().unwrap();
    edit(&shard(folder.path()).join("tile/0/000.p/2"), |bytes| bytes[40] ^= 1);
    ledger.append_records(vec![clock(1)]).unwrap();
    assert!(matches!(ledger.checkpoint(), Err(Fault::Disagreement(_))));
}
