//! Peers that are asked for introductions (BEP 55), and that introduce us unasked.

use std::net::SocketAddr;

use super::super::Aim;
use super::*;

/// The number by which we want to be told.
const OURS: u8 = 4;
/// The number by which the peer wants to be asked.
const THEIRS: u8 = 33;

const CONNECT: u8 = 1;
const ERROR: u8 = 2;

fn target_at(host: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, host], 6881))
}

fn says(kind: u8, host: u8) -> Vec<u8> {
    let code: &[u8] = if kind == ERROR { &[0, 0, 0, 2] } else { &[] };
    frame(id::EXTENDED, &[&[OURS, kind, 0, 203, 0, 113, host, 0x1a, 0xe1], code].concat())
}

fn hello() -> Vec<u8> {
    frame(id::EXTENDED, b"\0d1:md12:ut_holepunchi33eee")
}

/// A rendezvous, and what is asked in it.
fn ask(wished: &[SocketAddr], limits: Limits, act: impl FnOnce(&mut Script<'_>)) -> (Visit, Vec<Vec<u8>>) {
    let identity = ours();
    let target = Target {
        info_hash: InfoHashV1::from(HASH),
        aim: Aim::Rendezvous,
        spoken: evidence::Version::V1,
        direction: Direction::Outgoing,
        piece_count: Some(PIECES),
        content: None,
        identity: &identity,
    };
    let mut script = Script::new(target, limits);
    script.probe = Probe::new(target, Veil::Plain, limits, Seed::new([9; 32]), now(0)).asking_for(wished.to_vec());
    let mut script = script.connected();
    act(&mut script);
    script.wait(100_000);
    let mut asked = Vec::new();
    for message in messages(&script.sent, true) {
        match message {
            Message::HaveNone | Message::Extended { id: 0, .. } => {}
            Message::Extended { id: THEIRS, payload } => asked.push(payload.to_vec()),
            other => panic!("nothing else is asked for: {other:?}"),
        }
    }
    (script.visit.expect("a contact ends"), asked)
}

#[test]
fn what_was_asked_for_is_taken_down_and_nothing_else() {
    let wished = [target_at(1), target_at(2)];
    let (visit, asked) = ask(&wished, Limits::default(), |peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&says(CONNECT, 1));
        peer.says(&[hello(), hello()].concat());
        peer.says(&[says(CONNECT, 7), says(0, 1), says(ERROR, 1), says(CONNECT, 1)].concat());
        assert!(peer.visit.is_none());
        peer.says(&says(CONNECT, 2));
        assert!(peer.visit.is_some(), "all are answered");
    });
    assert_eq!(asked, [vec![0, 0, 203, 0, 113, 1, 0x1a, 0xe1], vec![0, 0, 203, 0, 113, 2, 0x1a, 0xe1]]);
    assert_eq!(visit.outcome, Outcome::Introduced { asked: 2, connects: 1 });
    assert_eq!((visit.connects, visit.introduces), (vec![target_at(2)], Some(true)));
    assert_eq!((visit.grade, visit.challenges.len()), (Grade::Handshaken, 0));
}

#[test]
fn a_relay_that_cannot_or_does_not_answer_is_left_soon() {
    for (bytes, asked, patience_ms) in
        [(&hello()[..], 2, 3_000), (&frame(id::EXTENDED, b"\0d1:md6:ut_pexi9eee")[..], 0, 0), (&[], 0, 3_000)]
    {
        let (visit, said) = ask(&[target_at(1), target_at(2)], Limits::default(), |peer| {
            peer.says(&greeting(true, QBITTORRENT));
            peer.says(&[bytes, ALL, UNCHOKE].concat());
        });
        assert_eq!((visit.outcome, said.len() as u32), (Outcome::Introduced { asked, connects: 0 }, asked));
        let handshake = visit.times.handshake.unwrap().mono_us / 1_000;
        assert!((patience_ms..patience_ms + 30).contains(&(visit.times.ended.mono_us / 1_000 - handshake)));
    }
    let (visit, _) = ask(&[target_at(1)], Limits::default(), |peer| peer.put(Input::Closed(Why::EndOfStream)));
    assert_eq!(visit.outcome, Outcome::Closed { phase: Phase::Handshake });
}

#[test]
fn an_introduction_that_nobody_asked_for_is_passed_over() {
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&[hello(), says(CONNECT, 1), says(0, 2), says(ERROR, 3), frame(id::EXTENDED, &[OURS, 9])].concat());
    });
    assert_eq!((visit.connects, visit.introduces), (vec![], Some(true)));
    assert_eq!(visit.outcome.word(), "nothing-claimed");
}

#[test]
fn without_utp_nobody_is_told_that_we_can_be_introduced() {
    let limits = Limits { is_introducible: false, ..Limits::default() };
    let identity = ours();
    let mut script = Script::new(target(None, &identity), limits).connected();
    script.says(&greeting(true, QBITTORRENT));
    assert!(!script.sent.windows(12).any(|window| window == b"ut_holepunch"));
    let mut script = Script::new(target(None, &identity), Limits::default()).connected();
    script.says(&greeting(true, QBITTORRENT));
    assert!(script.sent.windows(12).any(|window| window == b"ut_holepunch"));
}
