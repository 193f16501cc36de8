//! One torrent's peers, contact by contact.

use evidence::{Stamp, Utc, observation::Source, sha256};

use super::*;
use crate::pace::Budgets;

const START: Mono = Mono::from_us(0);
const REFUSED: Outcome = Outcome::Refused;
const SERVED: Outcome = Outcome::Served { blocks: 2, pieces: 2 };

fn found(index: u32) -> Found {
    let at = Stamp { mono_us: 0, utc: Utc::from_ms(0) };
    Found { at, index, list: sha256(b"list"), source: Source::Tracker, via: "udp://tracker.example/".into() }
}

fn ended(outcome: &Outcome, served: Option<Mono>, commitment: Digest) -> End<'_> {
    let met = served.map(|_| Family::QBittorrent);
    End { outcome, served, met, commitment }
}

fn keeper(revisit: Option<Revisit>) -> Keeper {
    Keeper::new(revisit, 1, &Budgets { per_address_hour: 10_000, ..Budgets::default() })
}

const EVERY_MINUTE: Option<Revisit> = Some(Revisit { after_ms: 60_000, within_ms: 90_000 });

fn peer(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn roster(change: impl FnOnce(&mut Limits)) -> Roster {
    let mut limits =
        Limits { tries_max: 3, retry_first_ms: 1_000, retry_max_ms: 1_500, allowed: Allowed::PLAIN_TCP, ..Limits::default() };
    change(&mut limits);
    let mut roster = Roster::new(limits);
    assert_eq!(roster.offer(START, peer(1), found(0)), Offered::New);
    roster
}

#[test]
fn peers_are_kept_once_and_within_the_limit() {
    let mut keeper = keeper(None);
    let mut roster = roster(|limits| limits.peers_max = 2);
    assert_eq!(roster.offer(START, peer(1), found(7)), Offered::Known);
    assert_eq!(roster.offer(START, peer(2), found(1)), Offered::New);
    assert_eq!(roster.offer(START, peer(3), found(2)), Offered::Full);
    assert_eq!(roster.take_due(START, &mut keeper).unwrap().found, found(0));
    assert_eq!((roster.len(), roster.open()), (2, 1));
    assert!(roster.knows(peer(2)) && !roster.knows(peer(3)));
}

#[test]
fn failures_are_retried_with_growing_gaps_and_then_final() {
    let mut keeper = keeper(None);
    let mut roster = roster(|_| {});
    let mut now = START;
    for (attempt, gap_ms) in [(0, Some(1_000)), (1, Some(1_500)), (2, None)] {
        let job = roster.take_due(now, &mut keeper).unwrap();
        assert_eq!((job.attempt, roster.take_due(now, &mut keeper)), (attempt, None));
        roster.finish(now, peer(1), &ended(&REFUSED, None, sha256(b"o")), &mut keeper);
        assert_eq!(roster.next_due(), gap_ms.map(|gap_ms| now.plus_ms(gap_ms)));
        now = roster.next_due().unwrap_or(now);
    }
    assert!(roster.is_settled());
    assert_eq!(roster.take_untried(&mut keeper), []);
}

#[test]
fn one_try_is_by_all_means_and_what_worked_serves_for_the_control_visit() {
    let mut keeper = keeper(None);
    let mut roster = roster(|limits| (limits.allowed, limits.climb_ms) = (Allowed::ALL, 7));
    let closed = Outcome::Closed { phase: evidence::Phase::Handshake };
    for (ms, means) in [(0, Means::TCP), (7, Means::TCP_MSE)] {
        let job = roster.take_due(START.plus_ms(ms), &mut keeper).unwrap();
        assert_eq!((job.attempt, job.means), (0, means));
        assert!(
            roster.finish(START.plus_ms(ms), peer(1), &ended(&closed, None, sha256(b"o")), &mut keeper),
            "there is more to try"
        );
    }
    let now = START.plus_ms(14);
    assert_eq!(roster.take_due(now, &mut keeper).unwrap().means, Means::UTP);
    assert!(!roster.finish(now, peer(1), &ended(&SERVED, Some(now), sha256(b"served")), &mut keeper));
    let job = roster.take_due(now.plus_ms(500), &mut keeper).unwrap();
    assert_eq!((job.errand, job.means), (Errand::Control { about: sha256(b"served") }, Means::UTP));
    assert!(
        !roster.finish(now, peer(1), &ended(&closed, None, sha256(b"c")), &mut keeper),
        "a control visit keeps to what worked"
    );
    assert_eq!(roster.take_due(now.plus_ms(100_000), &mut keeper).unwrap().means, Means::UTP);
}

#[test]
fn whoever_served_is_owed_a_control_visit() {
    let mut keeper = keeper(EVERY_MINUTE);
    let mut roster = roster(|_| {});
    roster.take_due(START, &mut keeper).unwrap();
    roster.finish(START, peer(1), &ended(&SERVED, Some(START), sha256(b"served")), &mut keeper);
    let now = START.plus_ms(500);
    assert_eq!(roster.take_due(now, &mut keeper).unwrap().errand, Errand::Control { about: sha256(b"served") });
    roster.finish(now, peer(1), &ended(&REFUSED, None, sha256(b"c")), &mut keeper);
    let now = roster.next_due().unwrap();
    assert_eq!(roster.take_due(now, &mut keeper).unwrap().errand, Errand::Control { about: sha256(b"served") });
    roster.finish(now, peer(1), &ended(&Outcome::NoEcho, None, sha256(b"c")), &mut keeper);
    assert_eq!(roster.next_due(), Some(START.plus_ms(60_000)), "counted from its last block");
    let now = START.plus_ms(60_000);
    assert_eq!(roster.take_due(now, &mut keeper).unwrap().errand, Errand::Probe);
    roster.finish(now, peer(1), &ended(&SERVED, Some(now), sha256(b"again")), &mut keeper);
    let now = roster.next_due().unwrap();
    roster.take_due(now, &mut keeper).unwrap();
    roster.finish(now, peer(1), &ended(&Outcome::Echo, None, sha256(b"c")), &mut keeper);
    assert!(roster.is_settled(), "an echo is not visited again");
    assert_eq!((keeper.kept(), keeper.lost()), (0, 0));
}

#[test]
fn a_second_vantage_has_its_turn_where_asked_for() {
    let mut keeper = keeper(EVERY_MINUTE);
    let mut roster = roster(|limits| limits.vantages_v4 = 2);
    let mut now = START;
    for (turn, gap_ms) in [(0, 500), (1, 59_500), (0, 500)] {
        let job = roster.take_due(now, &mut keeper).unwrap();
        assert_eq!((job.errand, job.turn), (Errand::Probe, turn));
        roster.finish(now, peer(1), &ended(&SERVED, Some(now), sha256(b"served")), &mut keeper);
        now = roster.next_due().unwrap();
        assert_eq!(roster.take_due(now, &mut keeper).unwrap().turn, turn, "the control visit is from where the proof was");
        roster.finish(now, peer(1), &ended(&Outcome::NoEcho, None, sha256(b"c")), &mut keeper);
        assert_eq!(roster.next_due(), Some(now.plus_ms(gap_ms)));
        now = roster.next_due().unwrap();
    }
}

#[test]
fn some_outcomes_are_final_at_once() {
    let mut keeper = keeper(None);
    for outcome in [
        Outcome::Ourselves,
        Outcome::BadBlock { blocks: 2 },
        Outcome::Garbage { rule: "r".into(), phase: evidence::Phase::Claims },
    ] {
        let mut roster = roster(|_| {});
        roster.take_due(START, &mut keeper).unwrap();
        roster.finish(START, peer(1), &ended(&outcome, None, sha256(b"o")), &mut keeper);
        assert!(roster.is_settled(), "{outcome:?}");
    }
}

#[test]
fn what_was_put_back_is_due_again_and_what_was_never_tried_is_named() {
    let mut keeper = keeper(None);
    let mut roster = roster(|_| {});
    roster.offer(START, peer(2), found(1));
    roster.take_due(START, &mut keeper).unwrap();
    roster.put_back(peer(1), START.plus_ms(10));
    roster.put_back(peer(1), START.plus_ms(20));
    assert_eq!(roster.take_due(START, &mut keeper).unwrap().peer, peer(2));
    roster.finish(START, peer(2), &ended(&REFUSED, None, sha256(b"o")), &mut keeper);
    assert_eq!(roster.next_due(), Some(START.plus_ms(10)));
    assert_eq!(roster.take_untried(&mut keeper), [(peer(1), found(0))]);
    assert!(roster.is_settled());
}

#[test]
fn a_session_that_was_not_visited_in_time_is_lost_and_one_whose_peer_left_is_not() {
    for (attempts, lost) in [(0, 1), (1, 0)] {
        let mut keeper = keeper(EVERY_MINUTE);
        let mut roster = roster(|_| {});
        roster.take_due(START, &mut keeper).unwrap();
        roster.finish(START, peer(1), &ended(&SERVED, Some(START), sha256(b"served")), &mut keeper);
        assert!(roster.take_due(START.plus_ms(500), &mut keeper).unwrap().is_kept);
        roster.finish(START.plus_ms(500), peer(1), &ended(&Outcome::NoEcho, None, sha256(b"c")), &mut keeper);
        let now = START.plus_ms(60_000);
        for _ in 0..attempts {
            assert!(roster.take_due(now, &mut keeper).unwrap().is_kept);
            roster.finish(now, peer(1), &ended(&REFUSED, None, sha256(b"o")), &mut keeper);
        }
        assert_eq!((keeper.kept(), keeper.lost()), (1, 0));
        let job = roster.take_due(START.plus_ms(90_001), &mut keeper).unwrap();
        assert!(!job.is_kept, "it takes of what is for everybody");
        assert_eq!((keeper.kept(), keeper.lost()), (0, lost));
    }
}

#[test]
fn urgent_visits_have_three_turns_of_four() {
    let mut keeper = keeper(EVERY_MINUTE);
    let mut roster = roster(|_| {});
    (2..=12).for_each(|port| assert_eq!(roster.offer(START, peer(port), found(0)), Offered::New));
    for _ in 0..6 {
        let job = roster.take_due(START, &mut keeper).unwrap();
        roster.finish(START, job.peer, &ended(&SERVED, Some(START), sha256(b"served")), &mut keeper);
    }
    let now = START.plus_ms(500);
    let turns: Vec<bool> = (0..8).map(|_| roster.take_due(now, &mut keeper).unwrap().errand != Errand::Probe).collect();
    assert_eq!(turns, [true, true, true, false, true, true, true, false]);
}

#[test]
fn a_rendezvous_leaves_everything_else_as_it_is() {
    let mut keeper = keeper(None);
    let mut roster = roster(|limits| limits.allowed = Allowed::ALL);
    assert_eq!(roster.summon(START, peer(1)), Summons::Never, "it was not contacted yet");
    assert_eq!(roster.summon(START, peer(9)), Summons::Never, "it is not known");
    roster.take_due(START, &mut keeper).unwrap();
    assert_eq!(roster.summon(START, peer(1)), Summons::Never);
    roster.finish(START, peer(1), &ended(&SERVED, Some(START), sha256(b"served")), &mut keeper);
    assert_eq!(roster.summon(START, peer(1)), Summons::Due);
    assert_eq!(roster.summon(START, peer(1)), Summons::Busy);
    let job = roster.take_due(START, &mut keeper).unwrap();
    assert_eq!((job.errand, job.means, job.rendezvous), (Errand::Rendezvous, Means::UTP, None));
    roster.put_back(peer(1), START.plus_ms(5));
    assert_eq!(roster.take_due(START.plus_ms(5), &mut keeper).unwrap().errand, Errand::Rendezvous);
    assert_eq!(roster.summon(START, peer(1)), Summons::Busy);
    let introduced = Outcome::Introduced { asked: 1, connects: 1 };
    roster.finish(START.plus_ms(5), peer(1), &ended(&introduced, None, sha256(b"r")), &mut keeper);
    assert_eq!(roster.next_due(), Some(START.plus_ms(505)), "the control visit that is owed");
    let job = roster.take_due(START.plus_ms(505), &mut keeper).unwrap();
    assert_eq!((job.errand, job.means), (Errand::Control { about: sha256(b"served") }, Means::TCP));
}

#[test]
fn whoever_was_told_to_dial_us_is_dialled_by_utp_alone_and_says_by_which_rendezvous() {
    let mut keeper = keeper(None);
    let mut roster = roster(|limits| (limits.allowed, limits.tries_max) = (Allowed::ALL, 1));
    let silence = Outcome::NoAnswer { phase: evidence::Phase::Connect, after_ms: 4_000 };
    let mut now = START;
    while let Some(at) = roster.next_due() {
        now = at;
        roster.take_due(now, &mut keeper).unwrap();
        roster.finish(now, peer(1), &ended(&silence, None, sha256(b"o")), &mut keeper);
    }
    assert!(roster.is_settled());
    roster.introduced(now, peer(1), sha256(b"rendezvous"));
    let job = roster.take_due(now, &mut keeper).unwrap();
    assert_eq!((job.errand, job.means, job.rendezvous), (Errand::Probe, Means::UTP, Some(sha256(b"rendezvous"))));
    roster.finish(now, peer(1), &ended(&SERVED, Some(now), sha256(b"served")), &mut keeper);
    now = roster.next_due().unwrap();
    let job = roster.take_due(now, &mut keeper).unwrap();
    assert_eq!((job.means, job.rendezvous), (Means::UTP, Some(sha256(b"rendezvous"))), "by the same hole");
    roster.finish(now, peer(1), &ended(&silence, None, sha256(b"c")), &mut keeper);
    now = roster.next_due().unwrap();
    assert_eq!(roster.take_due(now, &mut keeper).unwrap().rendezvous, None, "which is closed again");
}
