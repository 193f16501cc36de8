//! A scripted peer: bytes in, bytes out, one test for each way a contact can end.

use evidence::observation::ClaimForm;
use evidence::{Direction, Grade, InfoHashV1, Mono, Now, Outcome, Phase, Utc, Verification, challenge::BLOCK_BYTES};
use proptest::prelude::*;
use wire::handshake::{self, Handshake};
use wire::message::{Block, Decoder, Message, id};
use wire::peer_id::PeerId;

use self::hostile::assert_no_content;
use super::*;
use crate::chance::Seed;
use crate::content::{Content, tests as synthetic};
use crate::transcript;

mod fast;
mod gossip;
mod hostile;
mod rendezvous;
mod said;

pub(super) const PIECE_BYTES: u32 = 2 * BLOCK_BYTES;
const PIECES: u32 = 9;
pub(super) const HASH: [u8; 20] = [7; 20];

pub(super) fn film() -> Content {
    synthetic::content(&[(u64::from(PIECE_BYTES * PIECES), Some("film"))], PIECE_BYTES, vec![])
}

pub(super) fn ours() -> Identity {
    Identity::new("affiant/0.1.0 (+https://monitor.example/)", Some(6881), Seed::new([1; 32]))
}

pub(super) fn now(ms: u64) -> Now {
    Now { mono: Mono::from_us(ms * 1_000), utc: Utc::from_ms(1_788_264_000_000 + ms as i64) }
}

fn frame(id: u8, payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32 + 1).to_be_bytes()[..], &[id], payload].concat()
}

pub(super) fn numbers(id: u8, numbers: &[u32]) -> Vec<u8> {
    frame(id, &numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>())
}

pub(super) fn greeting(fast: bool, peer_id: &[u8; 20]) -> Vec<u8> {
    let reserved = handshake::Reserved::default().with_extension();
    let reserved = if fast { reserved.with_fast() } else { reserved };
    let handshake = Handshake { reserved, info_hash: wire::infohash::InfoHashV1(HASH), peer_id: PeerId(*peer_id) };
    handshake.encode().to_vec()
}

pub(super) const QBITTORRENT: &[u8; 20] = b"-qB4520-abcdefghijkl";
const TRANSMISSION: &[u8; 20] = b"-TR3000-abcdefghijkl";

/// One contact and the peer's side of it.
struct Script<'a> {
    probe: Probe<'a>,
    clock_ms: u64,
    sent: Vec<u8>,
    read: usize,
    heard: Vec<Hearsay>,
    visit: Option<Visit>,
}

impl<'a> Script<'a> {
    fn new(target: Target<'a>, limits: Limits) -> Self {
        let mut script = Self {
            probe: Probe::new(target, Veil::Plain, limits, Seed::new([9; 32]), now(0)),
            clock_ms: 0,
            sent: vec![],
            read: 0,
            heard: vec![],
            visit: None,
        };
        script.drain();
        script
    }

    fn connected(mut self) -> Self {
        self.put(Input::Connected { observer: "198.51.100.9:40000".parse().unwrap(), peer: "192.0.2.7:51413".parse().unwrap() });
        self
    }

    fn put(&mut self, input: Input<'_>) {
        self.clock_ms += 10;
        self.probe.handle_input(now(self.clock_ms), input);
        self.drain();
    }

    fn says(&mut self, bytes: &[u8]) {
        self.put(Input::Received(bytes));
    }

    fn drain(&mut self) -> Option<Mono> {
        loop {
            match self.probe.poll_output() {
                Output::Send(bytes) => self.sent.extend(bytes),
                Output::Heard(hearsay) => self.heard.push(*hearsay),
                Output::Done(visit) => assert!(self.visit.replace(*visit).is_none(), "done twice"),
                Output::Wait(until) => return Some(until).filter(|until| until.us() < u64::MAX),
            }
        }
    }

    /// Lets time pass, waking whenever asked to, until the end or `ms` later.
    fn wait(&mut self, ms: u64) {
        let end = self.clock_ms + ms;
        while let Some(until) = self.drain().filter(|until| until.us() <= end * 1_000) {
            self.clock_ms = until.us().div_ceil(1_000);
            self.probe.handle_input(now(self.clock_ms), Input::Timeout);
        }
        self.clock_ms = end;
    }

    /// The requests sent since the last call.
    fn requests(&mut self) -> Vec<Block> {
        let blocks = messages(&self.sent[self.read..], self.read == 0).into_iter().filter_map(|message| match message {
            Message::Request(block) => Some(block),
            _ => None,
        });
        let blocks = blocks.collect();
        self.read = self.sent.len();
        blocks
    }

    fn end(mut self) -> Visit {
        self.wait(10_000_000);
        harmless(&self.sent);
        let visit = self.visit.expect("a contact ends");
        if let Some(bytes) = &visit.transcript {
            transcript::parse(bytes).unwrap();
        }
        assert_eq!(visit.volume.bytes_out, self.sent.len() as u64);
        assert_eq!(visit.volume.piece_bytes_out, 0);
        visit
    }
}

fn messages(mut bytes: &[u8], with_handshake: bool) -> Vec<Message<'_>> {
    if with_handshake && !bytes.is_empty() {
        assert!(Handshake::parse(bytes).unwrap().is_some());
        bytes = &bytes[handshake::LENGTH..];
    }
    let mut messages = Vec::new();
    while let Some((message, read)) = Decoder::default().decode(bytes).unwrap() {
        messages.push(message);
        bytes = &bytes[read..];
    }
    assert!(bytes.is_empty());
    messages
}

/// Nothing we send could give anything away or claim to have anything.
fn harmless(sent: &[u8]) {
    for message in messages(sent, true) {
        match message {
            Message::KeepAlive | Message::Interested | Message::Request(_) | Message::HaveNone | Message::Reject(_) => {}
            Message::Extended { id: 0, payload } => {
                let said = wire::extension::ExtensionHandshake::parse(payload).unwrap();
                use wire::extension::{LT_DONTHAVE, UT_HOLEPUNCH, UT_PEX};
                let may_be_offered = |name: &&[u8]| [LT_DONTHAVE, UT_HOLEPUNCH, UT_PEX].contains(name);
                assert!(
                    said.messages.keys().all(may_be_offered),
                    "we offer to hear what is gone, who else is there and who will dial us"
                );
            }
            other => panic!("sent {other:?}"),
        }
    }
}

fn target<'a>(content: Option<&'a Content>, identity: &'a Identity) -> Target<'a> {
    Target {
        info_hash: InfoHashV1::from(HASH),
        spoken: evidence::Version::V1,
        aim: Aim::Probe,
        direction: Direction::Outgoing,
        piece_count: Some(PIECES),
        content,
        identity,
    }
}

fn block(content_block: Block) -> Vec<u8> {
    let copy = synthetic::bytes((PIECE_BYTES * PIECES) as usize);
    let start = (content_block.piece * PIECE_BYTES + content_block.begin) as usize;
    let head = [content_block.piece.to_be_bytes(), content_block.begin.to_be_bytes()].concat();
    frame(id::PIECE, &[&head, &copy[start..start + content_block.length as usize]].concat())
}

/// Runs a script of a peer of the film against the default limits.
fn check(play: impl FnOnce(&mut Script<'_>)) -> Visit {
    let (content, identity) = (film(), ours());
    let mut script = Script::new(target(Some(&content), &identity), Limits::default()).connected();
    play(&mut script);
    script.end()
}

const ALL: &[u8] = &[0, 0, 0, 1, id::HAVE_ALL];
const UNCHOKE: &[u8] = &[0, 0, 0, 1, id::UNCHOKE];
const CHOKE: &[u8] = &[0, 0, 0, 1, id::CHOKE];

#[test]
fn a_seed_serves_two_pieces_and_everything_is_recorded() {
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        let sent = peer.sent.clone();
        assert!(matches!(messages(&sent, true)[..], [Message::Extended { id: 0, .. }, Message::HaveNone, Message::Interested]));
        peer.says(&frame(id::EXTENDED, b"\0d1:pi51413e1:v18:qBittorrent v4.5.2e"));
        peer.says(ALL);
        assert_eq!(peer.requests(), []);
        peer.says(UNCHOKE);
        for _ in 0..2 {
            let [asked] = peer.requests()[..] else { panic!("one request at a time") };
            let answer = block(asked);
            peer.says(&answer[..9]);
            peer.says(&answer[9..100]);
            peer.says(&answer[100..]);
        }
    });
    assert_eq!((visit.grade, visit.outcome), (Grade::Served, Outcome::Served { blocks: 2, pieces: 2 }));
    let said = visit.extension.unwrap();
    assert_eq!(said.client.unwrap().as_bytes(), b"qBittorrent v4.5.2");
    assert_eq!((visit.peer_id.unwrap().as_bytes(), said.listening_port), (QBITTORRENT, Some(51413)));
    let claim = visit.claim.unwrap();
    assert_eq!((claim.by, claim.pieces, claim.of), (ClaimForm::HaveAll, PIECES, PIECES));
    assert_eq!(visit.choke.iter().map(|change| change.choked).collect::<Vec<_>>(), [false]);
    assert_eq!(visit.volume.verified_bytes, 2 * u64::from(BLOCK_BYTES));
    let [one, two] = &visit.challenges[..] else { panic!("two challenges") };
    assert_ne!(one.piece, two.piece);
    assert_eq!(one.work.as_deref(), Some("film"));
    assert!(one.first_byte.unwrap() < one.answered.unwrap(), "the first byte was seen before the last");
    assert_eq!(visit.times.first_block, one.first_byte);
    assert_eq!((visit.times.last_block, visit.times.last_byte), (two.answered, two.answered));
    // The transcript has the digests that prove the blocks, and nothing of the blocks.
    let transcript = visit.transcript.unwrap();
    let blocks: Vec<_> = transcript::parse(&transcript)
        .unwrap()
        .into_iter()
        .filter_map(|record| match record {
            transcript::Record::Digested { prefix, rest_sha256, .. } if prefix[4] == id::PIECE => Some(rest_sha256),
            _ => None,
        })
        .collect();
    assert_eq!(blocks, [one.sha256.unwrap(), two.sha256.unwrap()]);
    assert_no_content(&transcript);
}

#[test]
fn allowed_fast_pieces_are_asked_for_while_choked() {
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(ALL);
        peer.says(&numbers(id::ALLOWED_FAST, &[4]));
        let [asked] = peer.requests()[..] else { panic!("the allowed piece is asked for") };
        assert_eq!(asked.piece, 4);
        peer.says(&block(asked));
        assert_eq!(peer.requests(), [], "there is no second piece it would give");
    });
    assert_eq!(visit.outcome, Outcome::Served { blocks: 1, pieces: 1 });
    assert!(visit.challenges[0].choked);
    assert!(visit.times.ended.mono_us < 2_000_000, "it is not kept waiting");
}

#[test]
fn an_allowed_piece_that_is_not_claimed_is_not_asked_for() {
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&numbers(id::ALLOWED_FAST, &[4]));
        peer.says(&frame(id::BITFIELD, &[0b1000_0000, 0]));
        assert_eq!(peer.requests(), []);
    });
    assert!(matches!(visit.outcome, Outcome::Choked { .. }));
}

#[test]
fn patience_depends_on_the_client() {
    for (peer_id, for_ms) in [(QBITTORRENT, 60_000), (TRANSMISSION, 130_000)] {
        let visit = check(|peer| {
            peer.says(&greeting(true, peer_id));
            peer.says(ALL);
        });
        assert_eq!((visit.grade, visit.outcome), (Grade::Claimed, Outcome::Choked { for_ms }));
    }
}

#[test]
fn a_leecher_with_nothing_is_left_after_twelve_seconds_and_one_with_news_is_asked() {
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&frame(id::HAVE_NONE, &[]));
    });
    assert_eq!((visit.grade, visit.outcome), (Grade::Handshaken, Outcome::NothingClaimed { after_ms: 12_000 }));
    assert_eq!(visit.claim.unwrap().by, ClaimForm::HaveNone);
    let visit = check(|peer| {
        peer.says(&greeting(false, QBITTORRENT));
        peer.says(&numbers(id::HAVE, &[3]));
        peer.says(UNCHOKE);
        let [asked] = peer.requests()[..] else { panic!("a single have is enough") };
        peer.says(&block(asked));
    });
    assert_eq!((visit.grade, visit.outcome), (Grade::Served, Outcome::Served { blocks: 1, pieces: 1 }));
    assert_eq!(visit.claim.unwrap().by, ClaimForm::Have);
}

#[test]
fn a_wrong_block_gets_one_more_try() {
    let spoilt = |asked: Block| {
        let mut bytes = block(asked);
        bytes[500] ^= 1;
        bytes
    };
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&[ALL, UNCHOKE].concat());
        let [first] = peer.requests()[..] else { panic!() };
        peer.says(&spoilt(first));
        let [second] = peer.requests()[..] else { panic!("one more try") };
        assert_ne!(first.piece, second.piece);
        peer.says(&spoilt(second));
        assert_eq!(peer.requests(), []);
    });
    assert_eq!((visit.grade, visit.outcome), (Grade::Claimed, Outcome::BadBlock { blocks: 2 }));
    assert!(
        visit
            .challenges
            .iter()
            .all(|challenge| matches!(challenge.verification, Verification::Mismatch { .. }) && challenge.sha256.is_some())
    );
    assert_eq!((visit.volume.verified_bytes, visit.times.first_block), (0, None));
    // Right bytes of the wrong length are wrong, and a peer that hangs up is still a peer that sent them.
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&[ALL, UNCHOKE].concat());
        let [first] = peer.requests()[..] else { panic!() };
        let answer = block(first);
        peer.says(&frame(id::PIECE, &answer[5..answer.len() - 1]));
        peer.put(Input::Closed(Why::EndOfStream));
    });
    assert_eq!(visit.outcome, Outcome::BadBlock { blocks: 1 });
}

#[test]
fn silence_and_refusal_after_unchoke_differ() {
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&[ALL, UNCHOKE].concat());
    });
    assert_eq!((visit.grade, visit.outcome), (Grade::Claimed, Outcome::NoBlock { after_ms: 30_000 }));
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&[ALL, UNCHOKE].concat());
        while let [asked] = peer.requests()[..] {
            peer.says(&numbers(id::REJECT, &[asked.piece, asked.begin, asked.length]));
        }
    });
    assert_eq!((visit.grade, visit.outcome), (Grade::Claimed, Outcome::Rejected { requests: 3 }));
}

#[test]
fn a_choke_without_the_fast_extension_drops_the_request() {
    let visit = check(|peer| {
        peer.says(&greeting(false, QBITTORRENT));
        peer.says(&[&frame(id::BITFIELD, &[0xff, 0x80])[..], UNCHOKE].concat());
        let [first] = peer.requests()[..] else { panic!() };
        peer.says(CHOKE);
        peer.says(UNCHOKE);
        let [second] = peer.requests()[..] else { panic!("asked again") };
        peer.says(&block(second));
        // The first answer arrives late, and is an answer all the same.
        peer.says(&block(first));
    });
    assert_eq!(visit.outcome, Outcome::Served { blocks: 2, pieces: 2 });
}

#[test]
fn the_ways_a_transport_ends_are_kept_apart() {
    let (content, identity) = (film(), ours());
    let end = |why: Why| {
        let mut script = Script::new(target(Some(&content), &identity), Limits::default());
        script.put(Input::Closed(why));
        script.end()
    };
    assert_eq!((end(Why::Refused).grade, end(Why::Refused).outcome), (Grade::Listed, Outcome::Refused));
    assert_eq!(end(Why::Refused).transcript, None);
    assert_eq!(end(Why::Unreachable).outcome, Outcome::Unreachable);
    assert_eq!(end(Why::Reset).outcome, Outcome::Reset { phase: Phase::Connect });
    assert_eq!(end(Why::TimedOut).outcome, Outcome::NoAnswer { phase: Phase::Connect, after_ms: 10 });
    assert_eq!(end(Why::Local("no descriptor".into())).outcome, Outcome::LocalFault { what: "no descriptor".into() });
    let silent = Script::new(target(Some(&content), &identity), Limits::default()).end();
    assert_eq!(silent.outcome, Outcome::NoAnswer { phase: Phase::Connect, after_ms: 4_000 });
    assert_eq!(check(|_| {}).outcome, Outcome::NoAnswer { phase: Phase::Handshake, after_ms: 10_000 });
    assert_eq!(check(|peer| peer.put(Input::Closed(Why::EndOfStream))).outcome, Outcome::Closed { phase: Phase::Handshake });
    for (phase, script) in [(Phase::Claims, vec![]), (Phase::Choked, vec![ALL]), (Phase::Transfer, vec![ALL, UNCHOKE])] {
        let visit = check(|peer| {
            peer.says(&greeting(true, QBITTORRENT));
            script.iter().for_each(|bytes| peer.says(bytes));
            peer.put(Input::Closed(Why::Reset));
        });
        assert_eq!(visit.outcome, Outcome::Reset { phase });
    }
}

#[test]
fn a_stopped_run_says_what_it_knows() {
    assert_eq!(check(|peer| peer.put(Input::Stop)).outcome, Outcome::NoAnswer { phase: Phase::Handshake, after_ms: 10 });
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(ALL);
        peer.put(Input::Stop);
    });
    assert_eq!(visit.outcome, Outcome::Choked { for_ms: 20 });
}

#[test]
fn strangers_and_ourselves() {
    let mut other = greeting(true, QBITTORRENT);
    other[30] ^= 1;
    let mut got = HASH;
    got[2] ^= 1;
    let visit = check(|peer| peer.says(&other));
    assert_eq!((visit.grade, visit.outcome), (Grade::Connected, Outcome::WrongInfoHash { got: InfoHashV1::from(got) }));
    assert!(visit.transcript.is_some_and(|bytes| bytes.ends_with(&other)), "what it said is kept");
    let visit = check(|peer| peer.says(b"SSH-2.0-OpenSSH"));
    assert_eq!(visit.outcome, Outcome::Garbage { rule: "handshake-protocol".into(), phase: Phase::Handshake });
    let another_of_ours = ours().peer_id(&Seed::new([77; 32])).0;
    assert_eq!(check(|peer| peer.says(&greeting(true, &another_of_ours))).outcome, Outcome::Ourselves);
    let mirrored = ours().peer_id(&Seed::new([9; 32])).0;
    let visit = check(|peer| peer.says(&greeting(true, &mirrored)));
    assert_eq!(visit.outcome, Outcome::Garbage { rule: "handshake-mirrored".into(), phase: Phase::Claims });
}

#[test]
fn broken_rules_have_their_names() {
    for (bytes, rule) in [
        (vec![0xff; 4], "message-too-long"),
        (frame(id::CHOKE, &[1]), "message-wrong-length"),
        (frame(id::BITFIELD, &[0xff]), "bitfield-length"),
        (frame(id::BITFIELD, &[0xff, 0xff]), "bitfield-spare-bit"),
        (numbers(id::HAVE, &[PIECES]), "have-no-such-piece"),
        (frame(99, &[]).repeat(101), "limit-unknown-messages"),
        ([CHOKE, UNCHOKE].concat().repeat(40), "limit-choke-changes"),
        (numbers(id::PIECE, &[0, 0, 0]).repeat(9), "limit-unsolicited-blocks"),
        (vec![0; 4 * 50_001], "limit-messages"),
    ] {
        let visit = check(|peer| {
            peer.says(&greeting(true, QBITTORRENT));
            peer.says(&bytes);
        });
        assert_eq!(visit.outcome, Outcome::Garbage { rule: rule.into(), phase: Phase::Claims });
        assert_eq!(visit.grade, Grade::Handshaken);
    }
    let visit = check(|peer| {
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(ALL);
        // An extension handshake that is none spoils nothing.
        peer.says(&frame(id::EXTENDED, b"\0nonsense"));
        peer.says(UNCHOKE);
        assert_eq!(peer.requests().len(), 1);
    });
    assert_eq!(visit.extension, None);
}

#[test]
fn without_a_dossier_the_grade_ends_at_claimed() {
    let identity = ours();
    for piece_count in [Some(PIECES), None] {
        let target = Target { piece_count, ..target(None, &identity) };
        let mut peer = Script::new(target, Limits::default()).connected();
        peer.says(&greeting(true, QBITTORRENT));
        peer.says(&[ALL, UNCHOKE].concat());
        let visit = peer.end();
        assert_eq!(visit.grade, Grade::Claimed);
        assert!(matches!(visit.outcome, Outcome::NothingClaimed { after_ms: ..2_000 }));
        assert_eq!(visit.challenges, []);
    }
}

#[test]
fn a_caller_speaks_first() {
    let (content, identity) = (film(), ours());
    let target = Target { direction: Direction::Incoming, ..target(Some(&content), &identity) };
    let mut peer = Script::new(target, Limits::default()).connected();
    assert!(peer.sent.is_empty());
    let hello = greeting(true, QBITTORRENT);
    peer.says(&hello[..48]);
    assert_eq!(peer.sent.len(), handshake::LENGTH, "some callers wait for us before their peer id");
    peer.says(&hello[48..]);
    peer.says(&[ALL, UNCHOKE].concat());
    let [asked] = peer.requests()[..] else { panic!() };
    peer.says(&block(asked));
    let visit = peer.end();
    assert_eq!((visit.grade, visit.direction), (Grade::Served, Direction::Incoming));
    let mut wrong = Script::new(target, Limits::default()).connected();
    wrong.says(&[&hello[..40], &[0; 28]].concat());
    assert!(wrong.sent.is_empty(), "nothing is said to a caller for another torrent");
}

#[test]
fn a_control_visit_tells_echoes_from_honest_peers() {
    let identity = ours();
    let control = Target { aim: Aim::Control, ..target(None, &identity) };
    let visit = |play: &dyn Fn(&mut Script<'_>)| {
        let mut script = Script::new(control, Limits::default()).connected();
        assert_eq!(script.sent.len(), handshake::LENGTH);
        play(&mut script);
        script.end().outcome
    };
    let hello = greeting(true, QBITTORRENT);
    let mut own_torrent = hello.clone();
    own_torrent[30] ^= 1;
    assert_eq!(visit(&|peer| peer.says(&hello)), Outcome::Echo);
    assert_eq!(visit(&|peer| peer.says(&hello[..48])), Outcome::Echo);
    let cut = |peer: &mut Script<'_>| {
        peer.says(&hello[..50]);
        peer.put(Input::Closed(Why::Reset));
    };
    assert_eq!(visit(&cut), Outcome::Echo);
    assert_eq!(visit(&|peer| peer.says(&own_torrent)), Outcome::NoEcho);
    assert_eq!(visit(&|peer| peer.says(b"HTTP/1.1 400")), Outcome::NoEcho);
    assert_eq!(visit(&|_| {}), Outcome::NoEcho);
    for why in [Why::EndOfStream, Why::Reset, Why::TimedOut] {
        assert_eq!(visit(&|peer| peer.put(Input::Closed(why.clone()))), Outcome::NoEcho);
    }
    let mut unreached = Script::new(control, Limits::default());
    unreached.put(Input::Closed(Why::Refused));
    assert_eq!(unreached.end().outcome, Outcome::Refused, "nothing is known of a peer that was not reached");
}

#[derive(Clone, Debug)]
enum Step {
    Bytes(Vec<u8>),
    Say(u8, Vec<u32>),
    Answer,
    Wait(u32),
    Close(u8),
    Timeout,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Bytes),
        (prop::sample::select(vec![0u8, 1, 2, 3, 14, 15, 20, 30]), Just(vec![])).prop_map(|(id, numbers)| Step::Say(id, numbers)),
        (prop::sample::select(vec![4u8, 13, 17]), 0..PIECES + 1).prop_map(|(id, piece)| Step::Say(id, vec![piece])),
        (prop::sample::select(vec![6u8, 8, 16, 7]), 0..PIECES, 0u32..3)
            .prop_map(|(id, piece, n)| Step::Say(id, vec![piece, n * BLOCK_BYTES, BLOCK_BYTES])),
        Just(Step::Answer),
        (0u32..200_000).prop_map(Step::Wait),
        (0u8..6).prop_map(Step::Close),
        Just(Step::Timeout),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_panics_and_nothing_is_given_away(
        steps in prop::collection::vec(step(), 0..40),
        connects: bool, greets: bool, fast: bool, incoming: bool, control: bool, with_content: bool,
    ) {
        let (content, identity) = (film(), ours());
        let target = Target {
            direction: if incoming { Direction::Incoming } else { Direction::Outgoing },
            aim: if control { Aim::Control } else { Aim::Probe },
            ..target(with_content.then_some(&content), &identity)
        };
        let mut peer = Script::new(target, Limits::default());
        if connects {
            peer = peer.connected();
        }
        if greets {
            peer.says(&greeting(fast, QBITTORRENT));
        }
        for step in steps {
            match step {
                Step::Bytes(bytes) => peer.says(&bytes),
                Step::Say(id, list) => peer.says(&numbers(id, &list)),
                Step::Answer => peer.requests().into_iter().for_each(|asked| peer.says(&block(asked))),
                Step::Wait(ms) => peer.wait(u64::from(ms)),
                Step::Close(0) => peer.put(Input::Closed(Why::Reset)),
                Step::Close(1) => peer.put(Input::Stop),
                Step::Close(_) => {}
                Step::Timeout => peer.put(Input::Timeout),
            }
        }
        let visit = peer.end();
        let proved = visit.challenges.iter().filter(|challenge| challenge.is_verified()).count();
        prop_assert_eq!(visit.grade == Grade::Served, proved > 0);
        let is_served = matches!(visit.outcome, Outcome::Served { .. });
        prop_assert!(!is_served || proved > 0);
    }
}
