//! Message Stream Encryption: an honest initiator and an honest responder with a stranger between them, and either of
//! them with nobody but a stranger.

use swarm::Seed as Chance;
use swarm::mse::{Initiator, Method, Offer, Output, PAD_MAX, Policy, Responder, Session, Torrents, replay};

use crate::Seed;
use crate::scene;
use crate::script::Script;

/// What either side may send in its handshake: a key, two pads, and what stands between them, beside the payload.
const SENT_MAX: usize = 96 + 2 * PAD_MAX + 64;

const OFFERS: [Offer; 3] = [Offer::Plain, Offer::Rc4, Offer::Both];
const POLICIES: [Policy; 4] = [Policy::PlainOnly, Policy::Rc4Only, Policy::PlainFirst, Policy::Rc4First];

/// One side, and what became of it.
#[derive(Default)]
struct Side {
    sent: Vec<u8>,
    read: usize,
    session: Option<Box<Session>>,
    failed: bool,
}

impl Side {
    fn drain(&mut self, mut poll: impl FnMut() -> Output) {
        loop {
            match poll() {
                Output::Send(bytes) => {
                    assert!(!self.failed, "whoever has failed says nothing more");
                    self.sent.extend(bytes);
                }
                Output::Wait => return,
                Output::Done(session) => assert!(self.session.replace(session).is_none(), "a handshake ends once"),
                Output::Failed(fault) => {
                    self.failed = true;
                    let _ = (fault.name(), fault.to_string());
                    return;
                }
            }
        }
    }
}

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let head = script.byte();
    let offer = OFFERS[usize::from(head % 3)];
    let policy = POLICIES[usize::from(head >> 2 & 3)];
    let chance = script.byte();
    let fragment = usize::from(script.byte()).max(1);
    let payload = script.chunk();
    let torrents: Torrents = [scene::hash()].into_iter().collect();
    let named = if head & 0x10 == 0 { scene::HASH } else { [8; 20] };
    let mut a = Initiator::new(named.into(), offer, payload, Chance::new([chance; 32])).expect("a payload of 64 KiB at most");
    let mut b = Responder::new(policy, Chance::new([!chance; 32]));
    let (mut at_a, mut at_b) = (Side::default(), Side::default());
    at_a.drain(|| a.poll_output());
    at_b.drain(|| b.poll_output());
    assert!(at_b.sent.is_empty(), "a responder does not speak first");

    if head & 0x20 != 0 {
        // Nobody but a stranger, who talks to both.
        for part in script.rest().chunks(fragment) {
            a.handle_input(part);
            at_a.drain(|| a.poll_output());
            b.handle_input(part, &torrents);
            at_b.drain(|| b.poll_output());
        }
        check_lengths(&at_a, &at_b, payload);
        return;
    }

    // Changes on the way: where, and by what.
    let changes: Vec<(bool, usize, u8)> =
        (0..script.byte() % 8).map(|_| (script.byte() & 1 == 0, usize::from(script.short()), script.byte())).collect();
    let mut wire = [Vec::new(), Vec::new()];
    let mut carry = |side: &mut Side, from_a: bool| -> Option<Vec<u8>> {
        let end = side.sent.len().min(side.read + fragment);
        let mut part = side.sent[side.read..end].to_vec();
        for (_, at, with) in changes.iter().filter(|(of_a, ..)| *of_a == from_a) {
            if let Some(byte) = at.checked_sub(side.read).and_then(|at| part.get_mut(at)) {
                *byte ^= with;
            }
        }
        side.read = end;
        wire[usize::from(!from_a)].extend_from_slice(&part);
        (!part.is_empty()).then_some(part)
    };
    loop {
        let (to_b, to_a) = (carry(&mut at_a, true), carry(&mut at_b, false));
        if to_a.is_none() && to_b.is_none() {
            break;
        }
        b.handle_input(&to_b.unwrap_or_default(), &torrents);
        at_b.drain(|| b.poll_output());
        a.handle_input(&to_a.unwrap_or_default());
        at_a.drain(|| a.poll_output());
    }
    check_lengths(&at_a, &at_b, payload);

    let due = method(offer, policy).filter(|_| named == scene::HASH);
    if changes.iter().all(|(.., with)| *with == 0) {
        assert_eq!(at_a.session.as_ref().map(|session| session.method()), due, "both honest: they agree, if they can");
        assert_eq!(at_b.session.as_ref().map(|session| session.method()), due);
    }
    if let (Some(mut a), Some(mut b)) = (at_a.session, at_b.session) {
        assert_eq!(b.info_hash(), scene::hash());
        let heard = b.take_payload();
        assert_eq!(heard.len(), payload.len());
        if a.method() == b.method() {
            let mut text = *b"either way";
            a.encrypt(&mut text);
            b.decrypt(&mut text);
            assert_eq!(&text, b"either way");
        }
        if changes.is_empty() {
            assert_eq!(heard, payload);
            let read = replay::read(&a.keys_for_record(), &wire[0], &wire[1]).expect("what was recorded can be read again");
            assert_eq!((read.method, &read.from_initiator[..]), (b.method(), payload));
        }
        // What a record holds need not be what was on the wire.
        let _ = replay::read(&b.keys_for_record(), &wire[0], &wire[1]);
        let _ = replay::read(&b.keys_for_record(), &wire[1], &wire[0]);
    }
}

/// What two honest sides agree on.
fn method(offer: Offer, policy: Policy) -> Option<Method> {
    match (offer, policy) {
        (Offer::Plain, Policy::Rc4Only) | (Offer::Rc4, Policy::PlainOnly) => None,
        (Offer::Plain, _) | (Offer::Both, Policy::PlainOnly | Policy::PlainFirst) => Some(Method::Plain),
        (Offer::Rc4, _) | (Offer::Both, _) => Some(Method::Rc4),
    }
}

fn check_lengths(a: &Side, b: &Side, payload: &[u8]) {
    assert!(a.sent.len() <= SENT_MAX + payload.len() && b.sent.len() <= SENT_MAX, "a handshake is short");
}

pub(crate) fn seeds() -> Vec<Seed> {
    let greeting = crate::peers::handshake::greeting(*b"-qB4520-abcdefghijkl");
    let of = |head: u8, fragment: u8, rest: &[u8]| [&[head, 3, fragment][..], &crate::script::chunk(&greeting), rest].concat();
    let named = [
        ("rc4", of(2 | 3 << 2, 255, &[0])),
        ("plain", of(2 | 2 << 2, 100, &[0])),
        ("nothing-in-common", of(3 << 2 & 4, 200, &[0])),
        ("byte-by-byte", of(1 | 1 << 2, 1, &[0])),
        ("other-torrent", of(2 | 0x10, 200, &[0])),
        ("key-changed", of(2, 200, &[1, 0, 0, 5, 1])),
        ("select-changed", of(2, 200, &[2, 1, 0, 130, 2, 1, 0, 140, 1])),
        ("stranger-zeros", of(0x20, 100, &[0; 700])),
        ("stranger-ones", of(0x20, 100, &[1; 700])),
        ("stranger-greets", of(0x20, 100, &greeting)),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}
