//! Contacts under Message Stream Encryption, with the other side's engine as the peer.

use evidence::{Direction, Encryption, Grade, Outcome, Phase};

use super::super::tests::{HASH, PIECE_BYTES, QBITTORRENT, film, greeting, now, numbers, ours};
use super::super::*;
use super::*;
use crate::chance::Seed;
use crate::mse::{self, Method, Policy, RecordKeys, Responder, Role, Torrents};
use crate::transcript::{self, Record};
use wire::handshake::Handshake;

fn skey() -> InfoHashV1 {
    InfoHashV1::from(HASH)
}

/// A peer that lets nobody in but under MSE.
struct Hidden {
    responder: Responder,
    session: Option<Box<Session>>,
    torrents: Torrents,
    heard: Vec<u8>,
}

impl Hidden {
    fn new(policy: Policy) -> Self {
        let torrents = [skey()].into_iter().collect();
        Self { responder: Responder::new(policy, Seed::new([3; 32])), session: None, torrents, heard: vec![] }
    }

    /// Takes in what the probe sent, and returns what goes back.
    fn hear(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if let Some(session) = &mut self.session {
            session.decrypt(&mut bytes);
            self.heard.extend(bytes);
            return vec![];
        }
        self.responder.handle_input(&bytes, &self.torrents);
        let mut out = vec![];
        loop {
            match self.responder.poll_output() {
                mse::Output::Send(bytes) => out.extend(bytes),
                mse::Output::Wait => return out,
                mse::Output::Done(mut session) => {
                    self.heard.extend(session.take_payload());
                    self.session = Some(session);
                }
                mse::Output::Failed(fault) => panic!("{fault}"),
            }
        }
    }

    fn say(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        self.session.as_mut().unwrap().encrypt(&mut bytes);
        bytes
    }
}

/// Everything that the probe has to send, and its visit if it is over.
fn drain(probe: &mut Probe<'_>) -> (Vec<u8>, Option<Visit>) {
    let (mut sent, mut end) = (vec![], None);
    loop {
        match probe.poll_output() {
            Output::Send(bytes) => sent.extend(bytes),
            Output::Done(visit) => end = Some(*visit),
            Output::Heard(_) => {}
            Output::Wait(_) => return (sent, end),
        }
    }
}

fn connect(probe: &mut Probe<'_>) {
    let (observer, peer) = ("198.51.100.9:40000".parse().unwrap(), "192.0.2.7:51413".parse().unwrap());
    probe.handle_input(now(1), Input::Connected { observer, peer });
}

fn aimed<'a>(identity: &'a Identity, content: Option<&'a crate::Content>, aim: Aim) -> Target<'a> {
    let info_hash = if aim == Aim::Control { InfoHashV1::from([5; 20]) } else { skey() };
    Target {
        info_hash,
        spoken: evidence::Version::V1,
        aim,
        direction: Direction::Outgoing,
        piece_count: Some(9),
        content,
        identity,
    }
}

fn outgoing<'a>(target: Target<'a>) -> Probe<'a> {
    Probe::new(target, Veil::Mse(skey()), Limits { settle_ms: 0, blocks: 1, ..Limits::default() }, Seed::new([9; 32]), now(0))
}

/// The raw bytes that are kept and the plain ones of a transcript, received and sent.
fn streams(transcript: &[u8]) -> [Vec<u8>; 4] {
    let mut streams = [const { vec![] }; 4];
    let mut is_whole = true;
    for record in transcript::parse(transcript).unwrap() {
        match record {
            Record::Received { .. } if !is_whole => {}
            Record::Digested { .. } => is_whole = false,
            Record::WireReceived { prefix, .. } => streams[0].extend(prefix),
            Record::WireSent { bytes, .. } => streams[1].extend(bytes),
            Record::Received { bytes, .. } => streams[2].extend(bytes),
            Record::Sent { bytes, .. } => streams[3].extend(bytes),
            other => panic!("{other:?}"),
        }
    }
    streams
}

/// Every byte received is in one record, as it was on the wire or as it was said, and never twice.
fn assert_accounted(visit: &Visit) {
    let records = transcript::parse(visit.transcript.as_ref().unwrap()).unwrap();
    let length = |record: &Record<'_>| match record {
        Record::Received { bytes, .. } => bytes.len() as u64,
        Record::Digested { length, .. } | Record::WireReceived { length, .. } => u64::from(*length),
        Record::Sent { .. } | Record::WireSent { .. } | Record::Dropped { .. } => 0,
    };
    assert_eq!(records.iter().map(length).sum::<u64>(), visit.volume.bytes_in);
}

/// What `transcript.md` lets anybody check.
fn assert_replays(visit: &Visit, role: Role) {
    let [wire_received, wire_sent, received, sent] = streams(visit.transcript.as_ref().unwrap());
    assert!(wire_received.len() == 14 || wire_received.len() == 54, "the head alone is kept, and nothing that a peer may choose");
    let method = if visit.encryption == Encryption::MseRc4 { Method::Rc4 } else { Method::Plain };
    let keys = RecordKeys { secret: *visit.mse_secret.unwrap().as_bytes(), info_hash: skey(), role, method };
    let (from_initiator, from_responder) = match role {
        Role::Initiator => (&wire_sent, &wire_received),
        Role::Responder => (&wire_received, &wire_sent),
    };
    mse::replay::check(&keys, from_initiator, from_responder).unwrap();
    for (wrong, due) in [
        (RecordKeys { secret: [9; 96], ..keys.clone() }, mse::replay::Mismatch::Secret(Role::Initiator)),
        (RecordKeys { info_hash: InfoHashV1::from([8; 20]), ..keys.clone() }, mse::replay::Mismatch::Torrent),
    ] {
        assert_eq!(mse::replay::check(&wrong, from_initiator, from_responder), Err(due));
    }
    assert!(sent.len() >= wire::handshake::LENGTH && Handshake::parse(&sent).is_ok(), "what was said is there as it was said");
    assert!(Handshake::parse(&received).is_ok());
    assert_accounted(visit);
}

#[test]
fn a_peer_under_mse_serves_as_any_other_and_the_transcript_can_be_replayed() {
    let (identity, content) = (ours(), film());
    for (policy, encryption) in [(Policy::Rc4Only, Encryption::MseRc4), (Policy::PlainFirst, Encryption::MsePlain)] {
        let mut probe = outgoing(aimed(&identity, Some(&content), Aim::Probe));
        let mut peer = Hidden::new(policy);
        connect(&mut probe);
        let mut moment = 2;
        while peer.session.is_none() {
            let answer = peer.hear(drain(&mut probe).0);
            // One byte at a time, as nothing promises more.
            for byte in answer {
                probe.handle_input(now(moment), Input::Received(&[byte]));
            }
            moment += 1;
        }
        assert_eq!(peer.heard.len(), wire::handshake::LENGTH, "our handshake came with the last message");
        let hello =
            [greeting(true, QBITTORRENT), numbers(wire::message::id::HAVE_ALL, &[]), numbers(wire::message::id::UNCHOKE, &[])];
        let hello = peer.say(hello.concat());
        probe.handle_input(now(moment), Input::Received(&hello));
        let sent = drain(&mut probe).0;
        peer.hear(sent);
        let at = peer.heard.len() - 12;
        let number = |at: usize| u32::from_be_bytes(peer.heard[at..at + 4].try_into().unwrap());
        let (piece, begin, length) = (number(at), number(at + 4), number(at + 8));
        let start = (piece * PIECE_BYTES + begin) as usize;
        let block = &crate::content::tests::bytes((9 * PIECE_BYTES) as usize)[start..start + length as usize];
        let mut message = (length + 9).to_be_bytes().to_vec();
        message.push(wire::message::id::PIECE);
        message.extend([piece.to_be_bytes(), begin.to_be_bytes()].concat());
        message.extend(block);
        let message = peer.say(message);
        probe.handle_input(now(moment + 1), Input::Received(&message));
        let visit = drain(&mut probe).1.expect("one block is enough");
        assert_eq!((visit.grade, &visit.outcome), (Grade::Served, &Outcome::Served { blocks: 1, pieces: 1 }));
        assert_eq!(visit.encryption, encryption);
        assert_replays(&visit, Role::Initiator);
    }
}

#[test]
fn a_peer_that_was_told_nothing_is_said_to_have_been_told_nothing() {
    let (identity, content) = (ours(), film());
    for aim in [Aim::Probe, Aim::Control] {
        let mut probe = outgoing(aimed(&identity, Some(&content), aim));
        connect(&mut probe);
        drain(&mut probe);
        probe.handle_input(now(2), Input::Closed(Why::EndOfStream));
        let visit = drain(&mut probe).1.unwrap();
        // For a control visit too: who was asked nothing has not declined to answer.
        assert_eq!(visit.outcome, Outcome::Closed { phase: Phase::Handshake });
        assert_eq!((visit.encryption, visit.mse_secret), (Encryption::MseFailed, None));
        let [received, wire_sent, plain_received, plain_sent] = streams(visit.transcript.as_ref().unwrap());
        assert!(received.is_empty() && plain_received.is_empty() && plain_sent.is_empty());
        assert_eq!(visit.volume.bytes_out, wire_sent.len() as u64);
    }
}

#[test]
fn a_control_visit_names_the_torrent_outside_and_the_random_hash_inside() {
    let identity = ours();
    let mut probe = outgoing(aimed(&identity, None, Aim::Control));
    let mut peer = Hidden::new(Policy::Rc4Only);
    connect(&mut probe);
    while peer.session.is_none() {
        let answer = peer.hear(drain(&mut probe).0);
        probe.handle_input(now(2), Input::Received(&answer));
    }
    assert_eq!(wire::handshake::Handshake::info_hash_of(&peer.heard), Some(wire::infohash::InfoHashV1([5; 20])));
    probe.handle_input(now(3), Input::Closed(Why::EndOfStream));
    let visit = drain(&mut probe).1.unwrap();
    assert_eq!((&visit.outcome, visit.encryption), (&Outcome::NoEcho, Encryption::MseRc4));
    assert_replays(&visit, Role::Initiator);
}

#[test]
fn nonsense_instead_of_a_handshake_is_named() {
    let identity = ours();
    let mut probe = outgoing(aimed(&identity, None, Aim::Probe));
    connect(&mut probe);
    drain(&mut probe);
    probe.handle_input(now(2), Input::Received(&[0; 96]));
    let visit = drain(&mut probe).1.unwrap();
    assert_eq!(visit.outcome, Outcome::Garbage { rule: "mse-weak-key".into(), phase: Phase::Handshake });
    assert_eq!((visit.encryption, visit.mse_secret), (Encryption::MseFailed, None));
    let kept = streams(visit.transcript.as_ref().unwrap()).into_iter().next().unwrap();
    assert_eq!(kept.len(), transcript::KEPT_MAX, "of nonsense no more than of any other");
    assert_accounted(&visit);
}
