use super::*;
use crate::testlog::{ORIGIN, Sight, TestLog, utc};
use evidence::{Class, Outcome};

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
    let changes: [Change; 4] = [
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
fn only_a_cleared_peer_or_one_that_dialled_is_usable() {
    let dialled = at("2026-09-01T12:00:00.000Z", 5);
    let incoming = Sight { direction: Direction::Incoming, ..dialled.clone() };
    let elsewhere = Sight::at("192.0.2.8:51413", "2026-09-01T12:00:00.000Z", 5);
    let unnamed = Sight { work: None, ..dialled.clone() };
    type Case<'a> = (&'a str, &'a dyn Fn(&mut TestLog), Result<Option<usize>, Reason>);
    let cases: [Case<'_>; 9] = [
        (
            "dialled, not visited",
            &|log| {
                log.see(&dialled);
            },
            Err(Reason::NoControlVisit),
        ),
        (
            "dialled, cleared",
            &|log| {
                log.see_cleared(&dialled);
            },
            Ok(Some(0)),
        ),
        (
            "dialled us",
            &|log| {
                log.see(&incoming);
            },
            Ok(None),
        ),
        (
            "dialled us, echo",
            &|log| {
                let index = log.see(&incoming);
                log.control(index, &incoming, Outcome::Echo);
            },
            Err(Reason::Echo),
        ),
        (
            "cleared, then echo",
            &|log| {
                let index = log.see_cleared(&dialled);
                log.control(index, &dialled, Outcome::Echo);
            },
            Err(Reason::Echo),
        ),
        (
            "undecided, then cleared",
            &|log| {
                let index = log.see(&dialled);
                log.control(index, &dialled, Outcome::Refused);
                log.control(index, &dialled, Outcome::NoEcho);
            },
            Ok(Some(1)),
        ),
        (
            "a visit to somebody else",
            &|log| {
                let index = log.see(&dialled);
                log.control(index, &elsewhere, Outcome::NoEcho);
            },
            Err(Reason::NoControlVisit),
        ),
        (
            "a visit about nothing known",
            &|log| {
                log.see(&dialled);
                log.control(0, &dialled, Outcome::NoEcho);
            },
            Err(Reason::NoControlVisit),
        ),
        (
            "no work",
            &|log| {
                log.see_cleared(&unnamed);
            },
            Err(Reason::NoMandatedWork),
        ),
    ];
    for (name, make, expected) in cases {
        let mut log = TestLog::new();
        make(&mut log);
        let case = CaseFile::read(ORIGIN, log.read()).unwrap();
        let found = sessions(&case, case.size);
        match expected {
            Ok(control) => {
                assert_eq!(found.sessions.iter().map(|session| session.control).collect::<Vec<_>>(), [control], "{name}")
            }
            Err(reason) => assert_eq!((found.unusable, found.sessions.len()), (vec![(0, reason)], 0), "{name}"),
        }
    }
}
