//! A caller's first words, up to the torrent that it names.

use swarm::Seed as Chance;
use swarm::mse::{Initiator, Offer, Output as Shaken, PAD_MAX, Torrents};
use swarm::probe::Veil;
use swarm::reception::{Output, Reception};

use crate::Seed;
use crate::peers::handshake::greeting;
use crate::scene;
use crate::script::{Script, chunk};

/// What a caller may be sent before it has named a torrent.
const SENT_MAX: usize = 96 + 2 * PAD_MAX + 64;

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let head = script.byte();
    let fragment = usize::from(script.byte()).max(1);
    let mut call = Call::new();
    if head & 1 != 0 {
        // An honest caller as far as the stranger lets it be one.
        let named = if head & 2 == 0 { scene::HASH } else { [8; 20] };
        let payload = if head & 4 == 0 { greeting(*b"-qB4520-abcdefghijkl").to_vec() } else { script.chunk().to_vec() };
        let mut caller =
            Initiator::new(named.into(), Offer::Both, &payload, Chance::new([2; 32])).expect("a payload of 64 KiB at most");
        loop {
            match caller.poll_output() {
                Shaken::Send(bytes) => {
                    for part in bytes.chunks(fragment) {
                        let answer = call.say(part);
                        caller.handle_input(&answer);
                    }
                }
                Shaken::Done(mut session) => {
                    let mut rest = script.rest().to_vec();
                    session.encrypt(&mut rest);
                    rest.chunks(fragment).for_each(|part| drop(call.say(part)));
                    break;
                }
                Shaken::Wait | Shaken::Failed(_) => break,
            }
        }
    }
    script.rest().chunks(fragment).for_each(|part| drop(call.say(part)));
    call.end(fragment);
}

struct Call {
    reception: Reception,
    torrents: Torrents,
    clock_us: u64,
    heard: Vec<u8>,
    sent: usize,
    over: bool,
}

impl Call {
    fn new() -> Self {
        Self {
            reception: Reception::new(Chance::new([1; 32])),
            torrents: [scene::hash()].into_iter().collect(),
            clock_us: 1,
            heard: vec![],
            sent: 0,
            over: false,
        }
    }

    /// Says something; what comes back.
    fn say(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.clock_us += 1_000;
        self.heard.extend_from_slice(bytes);
        self.reception.handle_input(scene::now(self.clock_us), bytes, &self.torrents);
        let mut answer = vec![];
        loop {
            match self.reception.poll_output() {
                Output::Send(bytes) => answer.extend(bytes),
                Output::Wait => break,
                Output::TurnAway => {
                    assert!(!self.over, "a call ends once");
                    self.over = true;
                }
                Output::Named(named) => {
                    assert!(!self.over, "a call ends once");
                    self.over = true;
                    match named.veil {
                        Veil::Plain => assert_eq!(named.first, self.heard, "what a plain caller said is handed on"),
                        Veil::Accepted(accepted) => {
                            assert_eq!(accepted.session.info_hash(), named.info_hash, "it names one torrent, twice");
                            assert_eq!(named.info_hash, scene::hash(), "and one that is ours");
                            let on_wire: usize =
                                accepted.wire.iter().filter(|part| part.is_received).map(|part| part.bytes.len()).sum();
                            assert_eq!(on_wire + accepted.heard.len(), self.heard.len(), "all that it said is recorded");
                            assert!(named.first.is_empty() && accepted.heard.len() >= 48);
                        }
                        Veil::Mse(_) => panic!("a caller is answered, not called"),
                    }
                }
            }
        }
        self.sent += answer.len();
        assert!(self.sent <= SENT_MAX, "{} bytes for a caller that has named nothing", self.sent);
        answer
    }

    /// Whatever was said, somebody who goes on talking is heard out or turned away in the end.
    fn end(&mut self, fragment: usize) {
        if !self.over && fragment > 64 {
            for _ in 0..2_200 {
                self.say(&[0xa5; 64]);
            }
            assert!(self.over, "a caller may talk for ever");
        }
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    let greeting = greeting(*b"-qB4520-abcdefghijkl");
    let named = [
        ("plain", [&[0, 68][..], &greeting].concat()),
        ("plain-byte-by-byte", [&[0, 1][..], &greeting].concat()),
        ("hidden", vec![1, 200]),
        ("hidden-byte-by-byte", vec![1, 1]),
        ("hidden-other-torrent", vec![3, 200]),
        ("hidden-greets-later", [&[5, 200][..], &chunk(b""), &greeting].concat()),
        ("hidden-greets-for-another", [&[5, 200][..], &chunk(b""), &greeting[..28], &[9; 40]].concat()),
        ("hidden-noise", [&[5, 200][..], &chunk(b"GET / HTTP/1.1\r\n\r\n")].concat()),
        ("page", b"\x00\x40GET / HTTP/1.1\r\nHost: monitor.example\r\n\r\n".to_vec()),
        ("noise", [&[0, 100][..], &[0x5a; 900]].concat()),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}
