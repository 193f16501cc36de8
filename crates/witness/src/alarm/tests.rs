use super::*;
use crate::testing::{Log, NOON, key, name};

fn signed(alarm: &Alarm) -> Vec<u8> {
    let monitor: ledger::keys::MonitorKey = key("monitor");
    monitor.sign_alarm(&name("monitor.example"), &alarm.text()).unwrap().to_bytes()
}

fn forks() -> (VerifierKey, Vec<Alarm>) {
    let (mut log, mut twin) = (Log::new(), Log::salted("two"));
    let (older, same) = (log.grow(1), twin.grow(1));
    let newer = twin.grow(4);
    let leaves = twin.leaves();
    let proof = tlog::merkle::consistency_proof(&leaves[..], 3, 7).unwrap();
    let base =
        Alarm { at: NOON, place: "https://log.example.org".into(), older, newer: same.clone(), shown_by: ShownBy::TheHeads };
    let by_proof = ShownBy::Proof { root: same.checkpoint().root(), proof };
    (log.key(), vec![base.clone(), Alarm { newer, shown_by: by_proof, ..base }])
}

#[test]
fn a_fork_is_proven_to_whoever_has_the_logs_key() {
    let (log, forks) = forks();
    for alarm in forks {
        let bytes = signed(&alarm);
        let (read, note) = Alarm::parse(&bytes).unwrap();
        assert_eq!(read, alarm);
        read.check(&log).unwrap();
        let monitor: ledger::keys::MonitorKey = key("monitor");
        note.verify(&monitor.verifier(&name("monitor.example")).unwrap()).unwrap();
    }
}

#[test]
fn what_does_not_contradict_proves_nothing() {
    let (log, forks) = forks();
    let [heads, proof] = &forks[..] else { panic!("two ways to fork") };
    let mut honest = Log::new();
    let (three, six) = (honest.grow(1), honest.grow(3));
    let leaves = honest.leaves();
    let extends =
        ShownBy::Proof { root: three.checkpoint().root(), proof: tlog::merkle::consistency_proof(&leaves[..], 3, 6).unwrap() };
    let wrong_root = match &proof.shown_by {
        ShownBy::Proof { proof, .. } => ShownBy::Proof { root: tlog::merkle::empty_root(), proof: proof.clone() },
        _ => panic!("the second is by proof"),
    };
    for (alarm, why) in [
        (Alarm { newer: heads.older.clone(), ..heads.clone() }, BadAlarm::NoContradiction),
        (Alarm { newer: proof.newer.clone(), ..heads.clone() }, BadAlarm::NoContradiction),
        (Alarm { older: three, newer: six, shown_by: extends, ..heads.clone() }, BadAlarm::NoContradiction),
        (Alarm { shown_by: wrong_root, ..proof.clone() }, BadAlarm::NoContradiction),
        (Alarm { shown_by: ShownBy::Nothing, ..proof.clone() }, BadAlarm::Unproven),
    ] {
        let (read, _) = Alarm::parse(&signed(&alarm)).unwrap();
        assert_eq!(read.check(&log), Err(why), "{}", alarm.text());
    }
    let other: ledger::keys::MonitorKey = key("another");
    assert_eq!(heads.check(&other.verifier(log.name()).unwrap()), Err(BadAlarm::NotTheLogs));
}

#[test]
fn other_forms_are_refused() {
    let (_, forks) = forks();
    for alarm in forks {
        let text = String::from_utf8(signed(&alarm)).unwrap();
        for (from, to) in [
            ("alarm/1", "alarm/2"),
            ("kind fork", "kind spoon"),
            ("kind fork\n", ""),
            ("\nat 2026", "\nat  2026"),
            ("\nolder ", "\nold "),
            ("\nnewer ", "\nnewer\n"),
            ("\n\n", "\nextra 1\n\n"),
        ] {
            let bad = text.replacen(from, to, 1);
            assert_ne!(bad, text);
            assert_eq!(Alarm::parse(bad.as_bytes()).unwrap_err(), BadAlarm::Malformed, "{from} {to}");
        }
        assert!(Alarm::parse(&text.as_bytes()[..text.len() - 1]).is_err());
    }
    assert!(Alarm::parse(&vec![b'a'; MAX_BYTES + 1]).is_err());
}
