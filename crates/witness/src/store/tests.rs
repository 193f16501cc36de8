use std::fs;

use super::*;
use crate::testing::{Log, folder};

fn kept_path(folder: &Path) -> PathBuf {
    fs::read_dir(folder.join("logs")).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some()).unwrap()
}

#[test]
fn state_survives_and_moves_only_from_where_it_is() {
    let (folder, mut log) = (folder(), Log::new());
    let (log_key, three) = (log.key(), log.grow(1));
    let mut store = Store::create(folder.path()).unwrap();
    store.trust(log_key.clone()).unwrap();
    let nothing = store.read(&log_key).unwrap();
    assert_eq!((nothing.last.size(), nothing.time_unix_s), (0, 0));
    store.compare_and_swap(&nothing, three.checkpoint(), 7).unwrap();
    drop(store);

    let mut store = Store::open(folder.path()).unwrap();
    let kept = store.read(&log_key).unwrap();
    assert_eq!((kept.last.size(), kept.time_unix_s), (3, 7));
    // Somebody who decided by what was is refused, and nothing moves.
    assert!(matches!(store.compare_and_swap(&nothing, log.grow(1).checkpoint(), 8), Err(Fault::Strange(_))));
    assert_eq!(store.read(&log_key).unwrap(), kept);
}

#[test]
fn two_writers_are_refused() {
    let folder = folder();
    let store = Store::create(folder.path()).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(Fault::Ledger(ledger::Fault::Locked { .. }))));
    drop(store);
    Store::open(folder.path()).unwrap();
    assert!(Store::create(folder.path()).is_err());
}

#[test]
fn a_log_is_taken_on_once() {
    let (folder, log) = (folder(), Log::new());
    let mut store = Store::create(folder.path()).unwrap();
    store.trust(log.key()).unwrap();
    assert!(store.trust(log.key()).is_err());
    // A witness's key is no log's.
    let name = log.key().name().clone();
    let cosigner = VerifierKey::new(name, KeyKind::Cosignature, *log.key().public_key()).unwrap();
    assert!(store.trust(cosigner).is_err());
}

#[test]
fn a_strange_past_is_refused() {
    let (folder, mut log) = (folder(), Log::new());
    let log_key = log.key();
    let mut store = Store::create(folder.path()).unwrap();
    store.trust(log_key.clone()).unwrap();
    let nothing = store.read(&log_key).unwrap();
    store.compare_and_swap(&nothing, log.grow(1).checkpoint(), 7).unwrap();
    drop(store);
    let (path, list) = (kept_path(folder.path()), folder.path().join("logs.txt"));
    let (good, good_list) = (fs::read_to_string(&path).unwrap(), fs::read_to_string(&list).unwrap());
    let mut bad: Vec<String> = (0..good.len()).map(|end| good[..end].to_string()).collect();
    bad.extend([
        good.replace("/1\n", "/2\n"),
        good.replace("time 7", "time 07"),
        good.replace("\n3\n", "\n03\n"),
        good.replace("\n3\n", "\n0\n"),
        good.replace("2026-09\n", "2026-10\n"),
        good.clone() + "\n",
        good.repeat(20),
    ]);
    for bad in bad {
        fs::write(&path, &bad).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(Fault::Strange(_))), "{bad}");
    }
    // The state of a log that is lost is not begun anew: a fork could then be cosigned.
    fs::remove_file(&path).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(Fault::Strange(_))));
    fs::write(&path, &good).unwrap();
    for bad in ["", "affiant.witness-logs/1", "affiant.witness-logs/2\n", &good_list.repeat(2), &good_list.replace("+", "-")] {
        fs::write(&list, bad).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(Fault::Strange(_))), "{bad}");
    }
    // Nor by way of a list that has lost the log.
    fs::write(&list, "affiant.witness-logs/1\n").unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    assert!(matches!(store.trust(log_key.clone()), Err(Fault::Strange(_))));
    drop(store);
    fs::write(&list, &good_list).unwrap();
    assert_eq!(Store::open(folder.path()).unwrap().read(&log_key).unwrap().last.size(), 3);
}

/// What a kill between any two steps of a write leaves: the old state or the new one, and a file that is ignored.
#[test]
fn a_crash_at_each_step_leaves_the_old_state_or_the_new_one() {
    let (folder, mut log) = (folder(), Log::new());
    let log_key = log.key();
    let mut store = Store::create(folder.path()).unwrap();
    store.trust(log_key.clone()).unwrap();
    let nothing = store.read(&log_key).unwrap();
    let path = kept_path(folder.path());
    let old = fs::read_to_string(&path).unwrap();
    let three = log.grow(1);
    store.compare_and_swap(&nothing, three.checkpoint(), 7).unwrap();
    drop(store);
    let new = fs::read_to_string(&path).unwrap();
    let unfinished = PathBuf::from(format!("{}{}", path.display(), durable::UNFINISHED));
    // While the new file is written, by any length.
    for end in (0..=new.len()).step_by(7).chain([new.len()]) {
        fs::write(&path, &old).unwrap();
        fs::write(&unfinished, &new[..end]).unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        assert_eq!(store.read(&log_key).unwrap(), nothing);
        store.compare_and_swap(&nothing, three.checkpoint(), 7).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), new);
        assert!(!unfinished.exists());
    }
    // Once it is in place and before it was answered: the log asks again and is told the new size.
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.read(&log_key).unwrap().last, *three.checkpoint());
}

#[test]
fn a_crash_while_a_log_is_taken_on_is_gone_over() {
    let (folder, log) = (folder(), Log::new());
    let mut store = Store::create(folder.path()).unwrap();
    store.trust(log.key()).unwrap();
    drop(store);
    // Its state is there, its place on the list is not.
    fs::write(folder.path().join("logs.txt"), "affiant.witness-logs/1\n").unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    assert!(store.logs().is_empty());
    store.trust(log.key()).unwrap();
    assert_eq!(store.read(&log.key()).unwrap().last.size(), 0);
}
