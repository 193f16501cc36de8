use super::*;
use crate::testing::{Log, NOON, folder, name};

fn monitor(folder: &Path, log: &Log) -> Monitor {
    Monitor::create(folder, &name("monitor.example/m1")).unwrap();
    Monitor::open(folder, log.key()).unwrap()
}

fn at(log: &Log) -> Place {
    Place::Folder(log.shard())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn look(monitor: &mut Monitor, log: &Log, others: &[&Log]) -> Seen {
    let others: Vec<Place> = others.iter().map(|log| at(log)).collect();
    run(monitor.look(&at(log), &others, NOON)).unwrap()
}

fn alarm_of(seen: &Seen, monitor: &Monitor, log: &Log) -> Alarm {
    let Seen::Alarm { path, kind: "fork" } = seen else { panic!("{seen:?}") };
    let (alarm, note) = Alarm::parse(&fs::read(path).unwrap()).unwrap();
    note.verify(monitor.verifier()).unwrap();
    alarm.check(&log.key()).unwrap();
    alarm
}

#[test]
fn an_honest_log_is_followed() {
    let (folder, mut log) = (folder(), Log::new());
    let mut monitor = monitor(folder.path(), &log);
    assert_eq!(look(&mut monitor, &log, &[]), Seen::First(2));
    assert_eq!(look(&mut monitor, &log, &[]), Seen::Same(2));
    let mut size = 2;
    // Past a full tile.
    for entries in [1, 3, 5, 260] {
        log.grow(entries);
        assert_eq!(look(&mut monitor, &log, &[]), Seen::Extended { from: size, to: size + entries });
        size += entries;
    }
    drop(monitor);
    let mut monitor = Monitor::open(folder.path(), log.key()).unwrap();
    assert_eq!(look(&mut monitor, &log, &[]), Seen::Same(size));
    assert_eq!(fs::read_dir(folder.path().join("alarms")).unwrap().count(), 0);
}

/// A split view: the same log shows one tree here and another there.
#[test]
fn a_split_view_raises_an_alarm_whatever_the_sizes() {
    for (ours, theirs) in [(3, 3), (2, 5), (5, 2)] {
        let (folder, mut log, mut twin) = (folder(), Log::new(), Log::salted("two"));
        let mut monitor = monitor(folder.path(), &log);
        log.grow(ours);
        twin.grow(theirs);
        assert_eq!(look(&mut monitor, &log, &[]), Seen::First(2 + ours));
        let seen = look(&mut monitor, &twin, &[&log]);
        let alarm = alarm_of(&seen, &monitor, &log);
        assert_eq!(alarm.older.checkpoint().size(), 2 + ours.min(theirs));
        assert_eq!(alarm.newer.checkpoint().size(), 2 + ours.max(theirs));
        // The same two heads again are the same alarm.
        assert_eq!(look(&mut monitor, &twin, &[&log]), seen);
        assert_eq!(fs::read_dir(folder.path().join("alarms")).unwrap().count(), 1);
        // What was seen first is not forgotten for it.
        assert_eq!(look(&mut monitor, &log, &[]), Seen::Same(2 + ours));
    }
}

#[test]
fn a_log_that_goes_back_is_seen() {
    let (folder, mut log) = (folder(), Log::new());
    let mut monitor = monitor(folder.path(), &log);
    log.grow(3);
    assert_eq!(look(&mut monitor, &log, &[]), Seen::First(5));
    let back = crate::testing::folder();
    fs::write(back.path().join("checkpoint"), log.heads[0].to_bytes()).unwrap();
    let place = Place::Folder(back.path().into());
    let behind = |is_part| Seen::Behind { size: 2, seen: 5, is_part };
    assert_eq!(run(monitor.look(&place, &[], NOON)).unwrap(), behind(false));
    assert_eq!(run(monitor.look(&place, &[at(&log)], NOON)).unwrap(), behind(true));
    // The larger head stays the one to compare with.
    assert_eq!(look(&mut monitor, &log, &[]), Seen::Same(5));
}

#[test]
fn tiles_that_are_not_the_heads_are_an_alarm_without_proof() {
    let (folder, mut log, mut twin) = (folder(), Log::new(), Log::salted("two"));
    let mut monitor = monitor(folder.path(), &log);
    look(&mut monitor, &log, &[]);
    log.grow(6);
    twin.grow(6);
    // The head of one tree over the tiles of the other, after the first is known to be of this log.
    fs::write(twin.shard().join("checkpoint"), log.heads[1].to_bytes()).unwrap();
    let Seen::Alarm { kind: "unproven", path } = look(&mut monitor, &twin, &[]) else { panic!("no alarm") };
    // Nor is it hidden by an honest copy that lags.
    let lagging = Log::new();
    assert!(matches!(look(&mut monitor, &twin, &[&lagging]), Seen::Alarm { kind: "unproven", .. }));
    let (alarm, _) = Alarm::parse(&fs::read(path).unwrap()).unwrap();
    assert_eq!(alarm.check(&log.key()), Err(crate::alarm::BadAlarm::Unproven));
}

#[test]
fn what_the_log_has_not_signed_is_no_evidence() {
    let (folder, log) = (folder(), Log::new());
    let mut monitor = monitor(folder.path(), &log);
    let text = String::from_utf8(log.heads[0].to_bytes()).unwrap();
    let place = crate::testing::folder();
    for bad in [text.replacen("\n2\n", "\n3\n", 1), text.replacen("2026-09\n", "2026-10\n", 1), text[..40].into(), String::new()]
    {
        fs::write(place.path().join("checkpoint"), bad).unwrap();
        assert!(run(monitor.look(&Place::Folder(place.path().into()), &[], NOON)).is_err());
    }
    assert_eq!(look(&mut monitor, &log, &[]), Seen::First(2));
    // A head on the monitor's disk that was tampered with is no past to go on from.
    fs::write(folder.path().join("heads/2.txt"), text.replacen("\n2\n", "\n9\n", 1)).unwrap();
    assert!(matches!(run(monitor.look(&at(&log), &[], NOON)), Err(Fault::Strange(_))));
}

#[test]
fn one_monitor_works_on_a_folder() {
    let (folder, log) = (folder(), Log::new());
    let _monitor = monitor(folder.path(), &log);
    assert!(matches!(Monitor::open(folder.path(), log.key()), Err(Fault::Ledger(ledger::Fault::Locked { .. }))));
}
