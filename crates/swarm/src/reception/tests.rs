//! Callers of every kind, heard one byte at a time and all at once.

use evidence::{Mono, Utc};

use super::*;
use crate::mse::{Initiator, Offer, Role};

const OURS: [u8; 20] = [7; 20];

fn hash() -> InfoHashV1 {
    InfoHashV1::from(OURS)
}

fn now() -> Now {
    Now { mono: Mono::from_us(1), utc: Utc::from_ms(1) }
}

fn greeting(hash: [u8; 20]) -> Vec<u8> {
    let reserved = wire::handshake::Reserved::default();
    let peer_id = wire::peer_id::PeerId([b'x'; 20]);
    Handshake { reserved, info_hash: wire::infohash::InfoHashV1(hash), peer_id }.encode().to_vec()
}

/// What the caller is sent, and the end if there is one.
fn drain(reception: &mut Reception) -> (Vec<u8>, Option<Output>) {
    let mut sent = vec![];
    loop {
        match reception.poll_output() {
            Output::Send(bytes) => sent.extend(bytes),
            Output::Wait => return (sent, None),
            end => return (sent, Some(end)),
        }
    }
}

fn torrents() -> Torrents {
    [hash()].into_iter().collect()
}

/// Calls under MSE, `step` bytes at a time, and says `greeting` within the handshake or after it.
fn call_hidden(skey: InfoHashV1, greeting: &[u8], is_within: bool, step: usize) -> Option<Output> {
    let mut reception = Reception::new(Seed::new([1; 32]));
    let payload = if is_within { greeting } else { &[] };
    let mut caller = Initiator::new(skey, Offer::Both, payload, Seed::new([2; 32])).unwrap();
    loop {
        let bytes = match caller.poll_output() {
            mse::Output::Send(bytes) => bytes,
            mse::Output::Done(mut session) => {
                let mut bytes = greeting.to_vec();
                session.encrypt(&mut bytes);
                bytes
            }
            mse::Output::Wait => return None,
            mse::Output::Failed(fault) => panic!("{fault}"),
        };
        for part in bytes.chunks(step) {
            reception.handle_input(now(), part, &torrents());
            let (sent, end) = drain(&mut reception);
            if end.is_some() {
                return end;
            }
            caller.handle_input(&sent);
        }
    }
}

#[test]
fn a_plain_caller_is_known_by_its_first_48_bytes_and_told_nothing() {
    let greeting = greeting(OURS);
    for step in [1, 7, 68] {
        let mut reception = Reception::new(Seed::new([1; 32]));
        let mut heard = 0;
        let named = greeting.chunks(step).find_map(|part| {
            heard += part.len();
            reception.handle_input(now(), part, &torrents());
            let (sent, end) = drain(&mut reception);
            assert!(sent.is_empty(), "nothing is said to a plain caller");
            end
        });
        let Some(Output::Named(named)) = named else { panic!("{named:?}") };
        assert_eq!((named.info_hash, &named.first[..]), (hash(), &greeting[..heard]));
        assert!(matches!(named.veil, Veil::Plain));
    }
}

#[test]
fn a_covered_caller_is_known_wherever_it_puts_its_handshake() {
    let greeting = greeting(OURS);
    for (is_within, step) in [(true, 1), (true, 10_000), (false, 1), (false, 10_000)] {
        let Some(Output::Named(named)) = call_hidden(hash(), &greeting, is_within, step) else { panic!("{is_within} {step}") };
        let Veil::Accepted(accepted) = named.veil else { panic!("a covered stream") };
        assert_eq!(named.info_hash, hash());
        assert!(accepted.heard.len() >= 48 && greeting.starts_with(&accepted.heard) && named.first.is_empty());
        let raw = |is_received| {
            accepted.wire.iter().filter(move |part| part.is_received == is_received).flat_map(|part| part.bytes.clone())
        };
        let keys = accepted.session.keys_for_record();
        assert_eq!(keys.role, Role::Responder);
        let (from_them, from_us): (Vec<u8>, Vec<u8>) = (raw(true).collect(), raw(false).collect());
        mse::replay::check(&keys, &from_them, &from_us).unwrap();
        // What the caller said is its stream and no part of the handshake, wherever it put it.
        let inner_pad = from_them.len() - accepted.session.head().end;
        assert!((2..=2 + mse::PAD_MAX).contains(&inner_pad), "{inner_pad}");
    }
}

#[test]
fn whoever_names_nothing_of_ours_is_turned_away() {
    let turned_away = |end: Option<Output>| assert!(matches!(end, Some(Output::TurnAway)), "{end:?}");
    turned_away(call_hidden(InfoHashV1::from([8; 20]), &greeting(OURS), true, 10_000));
    // One torrent outside, another inside.
    turned_away(call_hidden(hash(), &greeting([8; 20]), true, 10_000));
    turned_away(call_hidden(hash(), b"GET / HTTP/1.1", true, 10_000));
    let mut reception = Reception::new(Seed::new([1; 32]));
    reception.handle_input(now(), &[0xff; 2_000], &torrents());
    turned_away(drain(&mut reception).1);
    reception.handle_input(now(), &[0xff; 2_000], &torrents());
    assert!(matches!(reception.poll_output(), Output::Wait), "it ends once");
}
