//! Each kind of damage fails the step that is about it.

use std::fs;
use std::path::Path;

use super::*;
use crate::testing::{check, clock, served, station};

fn busy() -> tempfile::TempDir {
    let (folder, mut ledger) = station();
    for round in 0..3 {
        ledger.append_records(vec![served(round * 10), clock(i64::from(round)), served(round * 10 + 1)]).unwrap();
        ledger.checkpoint().unwrap();
    }
    folder
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = at.min(bytes.len() - 1);
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn every_file_is_covered() {
    let good = busy();
    assert!(check(good.path()).is_clean());
    let shard = good.path().join("log/2026-09");
    for path in crate::layout::files_below(&shard).unwrap() {
        let bytes = fs::read(&path).unwrap();
        for at in [0, 40, 100, 200, bytes.len() / 2, bytes.len() - 1] {
            flip(&path, at);
            let clean = fsck(&shard).is_ok_and(|report| report.is_clean());
            assert!(!clean, "a changed byte {at} in {} goes unseen", path.display());
            fs::write(&path, &bytes).unwrap();
        }
        // An earlier checkpoint and the tiles that only it needs may go.
        if ["5", "8", "5.txt", "8.txt"].iter().any(|old| path.ends_with(old)) {
            continue;
        }
        fs::remove_file(&path).unwrap();
        assert!(!fsck(&shard).is_ok_and(|report| report.is_clean()), "{} goes unmissed", path.display());
        fs::write(&path, &bytes).unwrap();
    }
    assert!(check(good.path()).is_clean());
}

#[test]
fn surplus_is_seen() {
    let folder = busy();
    let shard = folder.path().join("log/2026-09");
    for (file, more) in
        [("openings.log", "x\n"), ("openings.log", "x"), ("leaves.log", "x"), ("leaves.log", "x\n"), ("transcripts.pack", "x")]
    {
        let bytes = fs::read(shard.join(file)).unwrap();
        fs::write(shard.join(file), [&bytes, more.as_bytes()].concat()).unwrap();
        assert!(!check(folder.path()).is_clean(), "{file} {more:?}");
        fs::write(shard.join(file), bytes).unwrap();
    }
    for file in ["notes/99.note", "notes/x", "checkpoints/99.txt", "checkpoints/x", "tile/x", "tile/0/001"] {
        fs::write(shard.join(file), "x").unwrap();
        assert!(!check(folder.path()).is_clean(), "{file}");
        fs::remove_file(shard.join(file)).unwrap();
    }
    assert!(check(folder.path()).is_clean());
}

#[test]
fn faults_name_their_place_and_do_not_hide_others() {
    let folder = busy();
    let shard = folder.path().join("log/2026-09");
    let openings = fs::read_to_string(shard.join("openings.log")).unwrap();
    let lines: Vec<_> = openings.split_inclusive('\n').collect();
    fs::write(shard.join("openings.log"), [&lines[..3], &lines[4..]].concat().concat()).unwrap();
    flip(&shard.join("checkpoints/8.txt"), 40);
    let report = check(folder.path());
    let failed: Vec<_> = report.steps.iter().filter(|step| !step.passed()).collect();
    assert!(
        failed.iter().any(|step| step.faults == ["the opening of entry 5 is not held, and no erase note names it"]),
        "{report}"
    );
    assert!(failed.iter().any(|step| step.faults[0].contains("checkpoints/8.txt")), "{report}");
    assert!(report.to_string().contains("FAIL every checkpoint is signed by the log key (3 checked)"), "{report}");
}
