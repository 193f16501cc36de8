//! The peer's side of a contact, and the clock between the two.

use evidence::{Direction, Grade};
use swarm::Seed as Chance;
use swarm::mse::{Initiator, Offer, Output as Shaken, Policy, Responder, Session, Torrents};
use swarm::probe::{Aim, Identity, Input, Limits, Output, Probe, Target, Veil, Visit, Why};
use swarm::reception::{self, Reception};
use wire::handshake::LENGTH;
use wire::message::{Block, Decoder, Message};

use super::{record, said};
use crate::peers::handshake::greeting;
use crate::peers::messages::frame;
use crate::scene;
use crate::script::Script;

/// More than any engine needs to come to an end, once its peer is silent.
const WAKES_MAX: usize = 1_000;

/// What a contact may say, all in all: handshakes, some requests, some rejects.
const SENT_MAX: usize = 8 << 10;

/// How a contact is made.
pub(super) struct Way {
    pub(super) direction: Direction,
    pub(super) is_covered: bool,
    pub(super) aim: Aim,
    pub(super) has_content: bool,
    pub(super) knows_pieces: bool,
    pub(super) limits: Limits,
    pub(super) cipher: u8,
}

/// What lies between the peer and the wire.
enum Link {
    Plain,
    Shaking(Box<Responder>),
    Session(Box<Session>),
    /// The two no longer understand each other.
    Torn,
}

pub(super) struct Contact<'a> {
    probe: Probe<'a>,
    way: &'a Way,
    torrents: Torrents,
    link: Link,
    clock_us: u64,
    step: usize,
    /// What the probe has said, uncovered.
    sent: Vec<u8>,
    read: usize,
    open: Vec<Block>,
    /// What the peer's cover wants to say.
    due: Vec<u8>,
    bytes_in: u64,
    bytes_out: u64,
    /// How many others it has named.
    named: usize,
    visit: Option<Visit>,
}

fn identity() -> &'static Identity {
    static IDENTITY: std::sync::OnceLock<Identity> = std::sync::OnceLock::new();
    IDENTITY.get_or_init(scene::identity)
}

impl<'a> Contact<'a> {
    /// A contact that is established, unless the script says that it never is; nothing if a caller's cover fails.
    pub(super) fn begin(way: &'a Way, script: &mut Script<'_>) -> Option<Self> {
        let torrents: Torrents = [scene::hash()].into_iter().collect();
        let mut clock_us = 1;
        let mut bytes = (0, 0);
        let (veil, link, first) = match (way.direction, way.is_covered) {
            (_, false) => (Veil::Plain, Link::Plain, vec![]),
            (Direction::Outgoing, true) => {
                let policy = if way.cipher & 1 == 0 { Policy::PlainFirst } else { Policy::Rc4First };
                let responder = Responder::new(policy, Chance::new([5; 32]));
                (Veil::Mse(scene::hash()), Link::Shaking(Box::new(responder)), vec![])
            }
            (Direction::Incoming, true) => {
                let (named, session) = call(way.cipher, &torrents, &mut clock_us, &mut bytes)?;
                (named.veil, Link::Session(session), named.first)
            }
        };
        let target = Target {
            info_hash: scene::hash(),
            spoken: evidence::Version::V1,
            aim: way.aim,
            direction: way.direction,
            piece_count: way.knows_pieces.then_some(scene::PIECES),
            content: way.has_content.then(scene::content),
            identity: identity(),
        };
        let probe = Probe::new(target, veil, way.limits, Chance::new([9; 32]), scene::now(clock_us));
        let mut contact = Self {
            probe,
            way,
            torrents,
            link,
            clock_us,
            step: usize::MAX,
            sent: vec![],
            read: 0,
            open: vec![],
            due: vec![],
            bytes_in: bytes.0,
            bytes_out: bytes.1,
            named: 0,
            visit: None,
        };
        contact.drain();
        // A dial that fails is a script that begins with its end.
        let is_refused = way.direction == Direction::Outgoing && script.peek() == Some(8);
        if !is_refused {
            contact.put(Input::Connected { observer: scene::address(scene::OURS), peer: scene::address(scene::THEIRS) });
            contact.say_uncovered(&first);
        }
        Some(contact)
    }

    pub(super) fn is_over(&self) -> bool {
        self.visit.is_some()
    }

    pub(super) fn set_step(&mut self, step: u8) {
        self.step = usize::from(step) + 1;
    }

    /// Says something under whatever cover there is.
    pub(super) fn say(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        match &mut self.link {
            Link::Plain | Link::Torn => {}
            Link::Session(session) => session.encrypt(&mut bytes),
            // It comes through once the handshake is over, which it is by now, or never.
            Link::Shaking(_) => return,
        }
        self.receive(&bytes);
    }

    /// Says something as it is, which no cover survives.
    pub(super) fn say_uncovered(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if !matches!(self.link, Link::Plain) {
            self.link = Link::Torn;
        }
        self.receive(bytes);
    }

    fn receive(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(self.step) {
            if self.is_over() {
                return;
            }
            self.bytes_in += part.len() as u64;
            self.put(Input::Received(part));
        }
    }

    /// Answers the oldest open request with the right bytes, changed.
    pub(super) fn answer(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        let Some(block) = self.next_request() else { return };
        let Some(bytes) = scene::block(block.piece, block.begin, block.length) else {
            panic!("a block was asked for that there is not: {block:?}")
        };
        let mut bytes = bytes.to_vec();
        change(&mut bytes);
        let head = [block.piece.to_be_bytes(), block.begin.to_be_bytes()].concat();
        self.say(&frame(7, &[&head[..], &bytes].concat()));
    }

    pub(super) fn reject(&mut self) {
        let Some(block) = self.next_request() else { return };
        let numbers = [block.piece, block.begin, block.length];
        self.say(&frame(16, &numbers.map(u32::to_be_bytes).concat()));
    }

    fn next_request(&mut self) -> Option<Block> {
        (!self.open.is_empty()).then(|| self.open.remove(0))
    }

    pub(super) fn close(&mut self, why: Why) {
        self.put(Input::Closed(why));
    }

    pub(super) fn stop(&mut self) {
        self.put(Input::Stop);
    }

    /// Wakes the engine though no moment has come.
    pub(super) fn wake(&mut self) {
        self.put(Input::Timeout);
    }

    /// The peer id that the probe gave, if it has spoken.
    pub(super) fn mirrored(&self) -> [u8; 20] {
        self.sent.get(48..LENGTH).and_then(|id| id.try_into().ok()).unwrap_or_default()
    }

    /// Lets time pass, and wakes the engine whenever it wants to be woken.
    pub(super) fn wait(&mut self, ms: u64) {
        let end = self.clock_us + ms * 1_000;
        for _ in 0..WAKES_MAX {
            let until = self.drain();
            if until > end || self.is_over() {
                self.clock_us = end.max(self.clock_us);
                return;
            }
            self.clock_us = self.clock_us.max(until);
            self.probe.handle_input(scene::now(self.clock_us), Input::Timeout);
        }
        panic!("an engine wants to be woken again and again");
    }

    /// Hangs on until the engine has had enough, and checks what is left. The grade that the peer came to.
    pub(super) fn end(mut self) -> Grade {
        self.wait(10_000_000);
        let visit = self.visit.take().expect("a contact ends");
        // Whatever comes afterwards changes nothing.
        self.probe.handle_input(scene::now(self.clock_us + 1), Input::Received(b"more"));
        self.probe.handle_input(scene::now(self.clock_us + 2), Input::Timeout);
        assert!(matches!(self.probe.poll_output(), Output::Wait(until) if until.us() == u64::MAX), "it is over");
        said(&self.sent);
        assert!(self.sent.len() <= SENT_MAX, "{} bytes were said", self.sent.len());
        assert_eq!((visit.volume.bytes_in, visit.volume.bytes_out), (self.bytes_in, self.bytes_out), "every byte is counted");
        let grade = visit.grade;
        record::check(visit, self.way);
        grade
    }

    fn put(&mut self, input: Input<'_>) {
        self.clock_us += 10_000;
        self.probe.handle_input(scene::now(self.clock_us), input);
        self.drain();
        let due = core::mem::take(&mut self.due);
        self.receive(&due);
    }

    /// Hears all that the probe says; when it wants to be woken.
    fn drain(&mut self) -> u64 {
        loop {
            match self.probe.poll_output() {
                Output::Send(bytes) => {
                    self.bytes_out += bytes.len() as u64;
                    self.hear(bytes);
                }
                Output::Heard(hearsay) => {
                    self.named += hearsay.peers.len();
                    assert!(self.named <= self.way.limits.gossip.peers_max, "{} peers were taken from one", self.named);
                    let is_ours = |peer: &wire::pex::PexPeer| peer.address == scene::address(scene::OURS);
                    assert!(!hearsay.peers.iter().any(is_ours), "we are named to ourselves");
                }
                Output::Done(visit) => assert!(self.visit.replace(*visit).is_none(), "a contact ends once"),
                Output::Wait(until) => return until.us(),
            }
        }
    }

    fn hear(&mut self, mut bytes: Vec<u8>) {
        match &mut self.link {
            Link::Plain => {}
            Link::Session(session) => session.decrypt(&mut bytes),
            Link::Torn => return,
            Link::Shaking(responder) => {
                responder.handle_input(&bytes, &self.torrents);
                bytes.clear();
                loop {
                    match responder.poll_output() {
                        Shaken::Send(answer) => self.due.extend(answer),
                        Shaken::Wait => return,
                        Shaken::Failed(fault) => panic!("the probe's own MSE handshake is honest: {fault}"),
                        Shaken::Done(mut session) => {
                            bytes = session.take_payload();
                            self.link = Link::Session(session);
                            break;
                        }
                    }
                }
            }
        }
        self.sent.extend_from_slice(&bytes);
        self.read_requests();
    }

    fn read_requests(&mut self) {
        if self.read == 0 && self.sent.len() >= LENGTH {
            self.read = LENGTH;
        }
        while self.read > 0 {
            match Decoder::default().decode(&self.sent[self.read..]) {
                Ok(Some((message, taken))) => {
                    if let Message::Request(block) = message {
                        self.open.push(block);
                    }
                    self.read += taken;
                }
                _ => return,
            }
        }
    }
}

/// A call under MSE up to the torrent that it names, as the listener would take it.
fn call(
    cipher: u8,
    torrents: &Torrents,
    clock_us: &mut u64,
    bytes: &mut (u64, u64),
) -> Option<(Box<reception::Named>, Box<Session>)> {
    let offer = if cipher & 1 == 0 { Offer::Both } else { Offer::Rc4 };
    // With its payload a caller greets at once; without it, once the handshake is over.
    let hello = greeting(*b"-qB4520-abcdefghijkl");
    let payload: &[u8] = if cipher & 2 == 0 { &hello } else { &hello[..48] };
    let mut caller = Initiator::new(scene::hash(), offer, payload, Chance::new([6; 32])).ok()?;
    let mut reception = Reception::new(Chance::new([7; 32]));
    let (mut named, mut session) = (None, None);
    loop {
        match caller.poll_output() {
            Shaken::Send(part) => {
                *clock_us += 1_000;
                bytes.0 += part.len() as u64;
                reception.handle_input(scene::now(*clock_us), &part, torrents);
            }
            Shaken::Done(done) => session = Some(done),
            Shaken::Failed(_) => return None,
            Shaken::Wait => match reception.poll_output() {
                reception::Output::Send(part) => {
                    bytes.1 += part.len() as u64;
                    caller.handle_input(&part);
                }
                reception::Output::Named(done) => named = Some(done),
                reception::Output::Wait | reception::Output::TurnAway => return named.zip(session),
            },
        }
    }
}
