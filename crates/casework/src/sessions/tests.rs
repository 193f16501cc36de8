use super::*;
use crate::testlog::{ORIGIN, Sight, TestLog, utc};
use evidence::{Class, Outcome, PeerId};

const PEER: &str = "192.0.2.7:51413";

/// Logs sights, each cleared, and lists the sessions: how many observations, start, end.
fn check(sights: &[Sight], expected: &[(usize, &str, &str)]) {
    let mut log = TestLog::new();
    for sight in sights {
        log.see_cleared(sight);
    }
    let case = CaseFile::read(ORIGIN, log.read()).unwrap();
    let found = sessions(&case, case.size);
    let found: Vec<_> = found.sessions.iter().map(|session| (session.observations.len(), session.start, session.end)).collect();
    let expected: Vec<_> = expected.iter().map(|(count, start, end)| (*count, utc(start), utc(end))).collect();
    assert_eq!(found, expected);
}

fn at(first: &str, seconds: i64) -> Sight {
    Sight::at(PEER, first, seconds)
}

#[test]
fn a_gap_of_thirty_minutes_extends_and_a_longer_one_ends() {
    let first = at("2026-09-01T12:00:00.000Z", 10);
    check(&[first.clone(), at("2026-09-01T12:30:10.000Z", 5)], &[(2, "2026-09-01T12:00:00.000Z", "2026-09-01T12:30:15.000Z")]);
    check(
        &[first, at("2026-09-01T12:30:10.001Z", 5)],
        &[
            (1, "2026-09-01T12:00:00.000Z", "2026-09-01T12:00:10.000Z"),
            (1, "2026-09-01T12:30:10.001Z", "2026-09-01T12:30:15.001Z"),
        ],
    );
}

#[test]
fn the_order_is_that_of_time_and_not_of_the_log() {
    check(
        &[at("2026-09-01T12:20:00.000Z", 5), at("2026-09-01T12:00:00.000Z", 5), at("2026-09-01T12:40:00.000Z", 5)],
        &[(3, "2026-09-01T12:00:00.000Z", "2026-09-01T12:40:05.000Z")],
    );
}

#[test]
fn the_end_is_the_latest_even_of_an_earlier_observation() {
    check(
        &[at("2026-09-01T12:00:00.000Z", 3600), at("2026-09-01T12:10:00.000Z", 5), at("2026-09-01T13:20:00.000Z", 5)],
        &[(3, "2026-09-01T12:00:00.000Z", "2026-09-01T13:20:05.000Z")],
    );
}

#[test]
fn no_session_is_longer_than_a_day() {
    let hours = |last: i64| -> Vec<Sight> {
        (0..48)
            .map(|half| {
                let mut sight = at("2026-09-01T00:00:00.000Z", 0);
                sight.first = sight.first.plus_ms(half * 1_800_000);
                sight.last = if half == 47 { utc("2026-09-02T00:00:00.000Z").plus_ms(last) } else { sight.first };
                sight
            })
            .collect()
    };
    check(&hours(0), &[(48, "2026-09-01T00:00:00.000Z", "2026-09-02T00:00:00.000Z")]);
    check(
        &hours(1),
        &[
            (47, "2026-09-01T00:00:00.000Z", "2026-09-01T23:00:00.000Z"),
            (1, "2026-09-01T23:30:00.000Z", "2026-09-02T00:00:00.001Z"),
        ],
    );
}

#[test]
fn a_change_of_attribution_or_key_starts_another_session() {
    let one = at("2026-09-01T12:00:00.000Z", 5);
    let later = at("2026-09-01T12:01:00.000Z", 5);
    type Change = fn(&mut Sight);
    let changes: [Change; 6] = [
        |sight| sight.peer_id = PeerId::from(*b"-EX2000-abcdefghijkl"),
        |sight| sight.laboratory = true,
        |sight| sight.asn = Some(64497),
        |sight| sight.isp = Some("other".into()),
        |sight| sight.class = Class::NotQualifying,
        |sight| sight.peer.set_port(51414),
    ];
    for change in changes {
        let mut other = later.clone();
        change(&mut other);
        check(
            &[one.clone(), other],
            &[
                (1, "2026-09-01T12:00:00.000Z", "2026-09-01T12:00:05.000Z"),
                (1, "2026-09-01T12:01:00.000Z", "2026-09-01T12:01:05.000Z"),
            ],
        );
    }
    check(&[one, later], &[(2, "2026-09-01T12:00:00.000Z", "2026-09-01T12:01:05.000Z")]);
}

#[test]
fn another_connection_of_the_same_client_extends() {
    let other = Sight { peer_id: PeerId::from(*b"-EX1000-zyxwvutsrqpo"), ..at("2026-09-01T12:01:00.000Z", 5) };
    check(&[at("2026-09-01T12:00:00.000Z", 5), other], &[(2, "2026-09-01T12:00:00.000Z", "2026-09-01T12:01:05.000Z")]);
}

#[test]
fn blocks_of_no_work_stretch_nothing() {
    let with_other = Sight {
        other_block_ms: Some(1_200_000),
        outcome: Outcome::Served { blocks: 3, pieces: 3 },
        ..at("2026-09-01T12:40:00.000Z", 5)
    };
    check(
        &[at("2026-09-01T12:00:00.000Z", 5), with_other],
        &[
            (1, "2026-09-01T12:00:00.000Z", "2026-09-01T12:00:05.000Z"),
            (1, "2026-09-01T12:40:00.000Z", "2026-09-01T12:40:05.000Z"),
        ],
    );
}

/// What the log says of its sessions: unusable observations, or whether each session was cleared, and by which visit.
type Verdicts = Result<Vec<(bool, Option<usize>)>, Reason>;

fn verdicts(make: &dyn Fn(&mut TestLog)) -> Verdicts {
    let mut log = TestLog::new();
    make(&mut log);
    let case = CaseFile::read(ORIGIN, log.read()).unwrap();
    let found = sessions(&case, case.size);
    match found.unusable.first() {
        Some((_, reason)) => Err(*reason),
        None => Ok(found.sessions.iter().map(|session| (session.is_cleared(&case), session.control)).collect()),
    }
}

#[test]
fn a_session_is_cleared_by_its_own_visit_or_dialled_us() {
    let dialled = at("2026-09-01T12:00:00.000Z", 5);
    let later = at("2026-09-01T14:00:00.000Z", 5);
    let incoming = Sight { direction: Direction::Incoming, ..dialled.clone() };
    let incoming_later = Sight { direction: Direction::Incoming, ..at("2026-09-01T12:10:00.000Z", 5) };
    let elsewhere = Sight::at("192.0.2.8:51413", "2026-09-01T12:00:00.000Z", 5);
    type Make<'a> = &'a dyn Fn(&mut TestLog);
    let not: Verdicts = Ok(vec![(false, None)]);
    let cases: [(&str, Make<'_>, Verdicts); 9] = [
        ("not visited", &|log| _ = log.see(&dialled), not.clone()),
        ("cleared", &|log| _ = log.see_cleared(&dialled), Ok(vec![(true, Some(0))])),
        ("dialled us", &|log| _ = log.see(&incoming), Ok(vec![(true, None)])),
        (
            "dialled us, and we dialled",
            &|log| {
                log.see(&dialled);
                log.see(&incoming_later);
            },
            not.clone(),
        ),
        (
            "undecided, then cleared",
            &|log| {
                let index = log.see(&dialled);
                log.control(index, &dialled, Outcome::Refused);
                log.control(index, &dialled, Outcome::NoEcho);
            },
            Ok(vec![(true, Some(1))]),
        ),
        (
            "a visit to somebody else",
            &|log| {
                let index = log.see(&dialled);
                log.control(index, &elsewhere, Outcome::NoEcho);
            },
            not.clone(),
        ),
        (
            "a visit about nothing known",
            &|log| {
                log.see(&dialled);
                log.control(0, &dialled, Outcome::NoEcho);
            },
            not,
        ),
        (
            "a visit about another session",
            &|log| {
                log.see_cleared(&dialled);
                log.see(&later);
            },
            Ok(vec![(true, Some(0)), (false, None)]),
        ),
        (
            "a visit about the session's second observation",
            &|log| {
                log.see(&dialled);
                let second = at("2026-09-01T12:10:00.000Z", 5);
                log.see_cleared(&second);
            },
            Ok(vec![(true, Some(0))]),
        ),
    ];
    for (name, make, expected) in cases {
        assert_eq!(verdicts(make), expected, "{name}");
    }
}

#[test]
fn an_unusable_observation_is_refused_by_itself() {
    let dialled = at("2026-09-01T12:00:00.000Z", 5);
    let incoming = Sight { direction: Direction::Incoming, ..dialled.clone() };
    let other_port = Sight { direction: Direction::Incoming, ..Sight::at("192.0.2.7:40000", "2026-09-01T12:00:00.000Z", 5) };
    let outgoing_other_port = Sight::at("192.0.2.7:40000", "2026-09-01T12:00:00.000Z", 5);
    let echoed = |seen: &Sight, visited: &Sight| {
        let (seen, visited) = (seen.clone(), visited.clone());
        move |log: &mut TestLog| {
            let index = log.see_cleared(&seen);
            log.control(index, &visited, Outcome::Echo);
        }
    };
    assert_eq!(verdicts(&echoed(&dialled, &dialled)), Err(Reason::Echo));
    assert_eq!(verdicts(&echoed(&incoming, &incoming)), Err(Reason::Echo));
    // A peer dials from any port, and answers on another.
    assert_eq!(verdicts(&echoed(&other_port, &dialled)), Err(Reason::Echo));
    assert_eq!(verdicts(&echoed(&outgoing_other_port, &dialled)), Ok(vec![(true, Some(0))]));
    for (reason, sight) in [
        (Reason::NoMandatedWork, Sight { work: None, ..dialled.clone() }),
        (Reason::UncleanContact, Sight { outcome: Outcome::BadBlock { blocks: 1 }, ..dialled.clone() }),
        (Reason::ClockWentBack, Sight { last: dialled.first.plus_ms(-1), ..dialled.clone() }),
    ] {
        assert_eq!(verdicts(&|log| _ = log.see_cleared(&sight)), Err(reason));
    }
}

fn marks(sights: &[Sight], mark: fn(&Session) -> bool) -> Vec<bool> {
    let mut log = TestLog::new();
    let indices: Vec<u64> = sights.iter().map(|sight| log.see_cleared(sight)).collect();
    let case = CaseFile::read(ORIGIN, log.read()).unwrap();
    let found = sessions(&case, case.size).sessions;
    let of = |index: &u64| found.iter().find(|session| session.served(&case).any(|served| served.index == *index)).unwrap();
    indices.iter().map(|index| mark(of(index))).collect()
}

#[test]
fn a_caller_that_is_known_already_is_a_repetition() {
    let repeated = |sights: &[Sight]| marks(sights, |session| session.is_repetition);
    let dialled = at("2026-09-01T12:00:00.000Z", 60);
    let from =
        |port: u16, first: &str| Sight { direction: Direction::Incoming, ..Sight::at(&format!("192.0.2.7:{port}"), first, 60) };
    let (near, far) = (from(40_000, "2026-09-01T12:31:00.000Z"), from(40_000, "2026-09-01T12:31:00.001Z"));
    assert_eq!(repeated(&[dialled.clone(), near.clone()]), [false, true]);
    assert_eq!(repeated(&[dialled.clone(), far]), [false, false]);
    // Before we dialled as well, as near.
    assert_eq!(repeated(&[from(40_000, "2026-09-01T11:29:00.000Z"), dialled.clone()]), [true, false]);
    assert_eq!(repeated(&[from(40_000, "2026-09-01T11:28:59.999Z"), dialled.clone()]), [false, false]);
    // Of two callers the later one.
    assert_eq!(repeated(&[from(1, "2026-09-01T12:00:00.000Z"), from(2, "2026-09-01T12:20:00.000Z")]), [false, true]);
    assert_eq!(repeated(&[from(2, "2026-09-01T12:20:00.000Z"), from(1, "2026-09-01T12:00:00.000Z")]), [true, false]);
    assert_eq!(repeated(&[from(1, "2026-09-01T12:00:00.000Z"), from(2, "2026-09-01T12:00:00.000Z")]), [false, true]);
    // Whom we dialled is never one.
    let other_port = Sight::at("192.0.2.7:40000", "2026-09-01T12:10:00.000Z", 60);
    assert_eq!(repeated(&[dialled.clone(), other_port]), [false, false]);
    // Another client, address or torrent is another peer.
    type Change = fn(&mut Sight);
    let changes: [Change; 3] = [
        |sight| sight.peer_id = PeerId::from(*b"-EX1000-zyxwvutsrqpo"),
        |sight| sight.peer = "192.0.2.8:40000".parse().unwrap(),
        |sight| sight.target.v2 = Some([0x22; 32].into()),
    ];
    for change in changes {
        let mut other = near.clone();
        change(&mut other);
        assert_eq!(repeated(&[dialled.clone(), other]), [false, false]);
    }
}

#[test]
fn another_session_of_the_same_client_or_another_vantage_corroborates() {
    let corroborated = |sights: &[Sight]| marks(sights, |session| session.is_corroborated);
    let first = at("2026-09-01T12:00:00.000Z", 60);
    assert_eq!(corroborated(&[first.clone(), at("2026-09-01T12:10:00.000Z", 60)]), [false, false]);
    let vantage = Sight { observer: "198.51.100.2:6881".parse().unwrap(), ..at("2026-09-01T12:10:00.000Z", 60) };
    assert_eq!(corroborated(&[first.clone(), vantage]), [true, true]);
    let port = Sight { observer: "198.51.100.1:6882".parse().unwrap(), ..at("2026-09-01T12:10:00.000Z", 60) };
    assert_eq!(corroborated(&[first.clone(), port]), [false, false]);
    assert_eq!(corroborated(&[first.clone(), at("2026-09-02T12:00:00.000Z", 60)]), [true, true]);
    assert_eq!(corroborated(&[first.clone(), at("2026-09-02T12:00:00.001Z", 60)]), [false, false]);
    let client = Sight { peer_id: PeerId::from(*b"-EX2000-abcdefghijkl"), ..at("2026-09-01T15:00:00.000Z", 60) };
    assert_eq!(corroborated(&[first.clone(), client]), [false, false]);
    assert_eq!(corroborated(&[first, Sight::at("192.0.2.7:51414", "2026-09-01T15:00:00.000Z", 60)]), [false, false]);
}
