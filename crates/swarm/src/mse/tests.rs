//! Both engines against each other, against whatever a peer may send, and against bytes made elsewhere.

mod agreement;
mod hostile;
mod vectors;

use evidence::InfoHashV1;

use super::exchange::{EXPONENT_LENGTH, PrivateKey};
use super::random::Choices;
use super::*;
use crate::chance::Seed;

const HANDSHAKE: [u8; 68] = [0x42; 68];

fn info_hash() -> InfoHashV1 {
    InfoHashV1::from([0x11; 20])
}

fn torrents() -> Torrents {
    [InfoHashV1::from([0x22; 20]), info_hash()].into_iter().collect()
}

fn choices(exponent: u8, outer_pad_length: usize, inner_pad_length: usize) -> Choices {
    Choices {
        private: PrivateKey::new([exponent; EXPONENT_LENGTH]),
        outer_pad: vec![exponent; outer_pad_length],
        inner_pad_length: inner_pad_length as u16,
    }
}

/// A handshake between both engines.
struct Contact {
    initiator: Initiator,
    responder: Responder,
    torrents: Torrents,
    /// The most bytes that arrive at once.
    fragment: usize,
    /// All that each side sent.
    wire: [Vec<u8>; 2],
}

/// How a side ended; `None` if it still waits.
type End = Option<Result<Box<Session>, Fault>>;

impl Contact {
    fn new(offer: Offer, policy: Policy) -> Self {
        let initiator = Initiator::with(info_hash(), offer, &HANDSHAKE, choices(1, 0, 0)).unwrap();
        let responder = Responder::with(policy, choices(2, 0, 0));
        Self { initiator, responder, torrents: torrents(), fragment: usize::MAX, wire: [vec![], vec![]] }
    }

    fn pads(mut self, [a, b, c, d]: [usize; 4]) -> Self {
        self.initiator = Initiator::with(info_hash(), Offer::Both, &HANDSHAKE, choices(1, a, c)).unwrap();
        self.responder = Responder::with(Policy::Rc4First, choices(2, b, d));
        self
    }

    fn run(&mut self) -> (End, End) {
        let (mut a_end, mut b_end) = (None, None);
        loop {
            let from_a = drain(&mut || self.initiator.poll_output(), &mut a_end);
            let from_b = drain(&mut || self.responder.poll_output(), &mut b_end);
            if from_a.is_empty() && from_b.is_empty() {
                return (a_end, b_end);
            }
            self.wire[0].extend(&from_a);
            self.wire[1].extend(&from_b);
            for fragment in from_a.chunks(self.fragment) {
                self.responder.handle_input(fragment, &self.torrents);
            }
            for fragment in from_b.chunks(self.fragment) {
                self.initiator.handle_input(fragment);
            }
        }
    }

    fn sessions(&mut self) -> (Box<Session>, Box<Session>) {
        let (a, b) = self.run();
        (a.unwrap().unwrap(), b.unwrap().unwrap())
    }

    fn faults(&mut self) -> (Option<Fault>, Option<Fault>) {
        let (a, b) = self.run();
        (a.map(|end| end.unwrap_err()), b.map(|end| end.unwrap_err()))
    }
}

fn drain(poll: &mut dyn FnMut() -> Output, end: &mut End) -> Vec<u8> {
    let mut sent = Vec::new();
    loop {
        match poll() {
            Output::Send(bytes) => sent.extend(bytes),
            Output::Done(session) => *end = Some(Ok(session)),
            Output::Failed(fault) => {
                *end = Some(Err(fault));
                return sent;
            }
            Output::Wait => return sent,
        }
    }
}

/// Sends text from one end to the other, and returns what the wire carried.
fn say(text: &[u8], from: &mut Session, to: &mut Session) -> Vec<u8> {
    let mut bytes = text.to_vec();
    from.encrypt(&mut bytes);
    let wire = bytes.clone();
    to.decrypt(&mut bytes);
    assert_eq!(bytes, text);
    wire
}
