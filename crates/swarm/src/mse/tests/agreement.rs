//! An honest initiator and an honest responder.

use evidence::Encryption;

use super::*;

/// Runs the handshake, talks both ways, and reads it all again from the wire.
fn check(mut contact: Contact, method: Method) {
    let (mut a, mut b) = contact.sessions();
    assert_eq!((a.method(), b.method()), (method, method));
    assert_eq!((a.info_hash(), b.info_hash()), (info_hash(), info_hash()));
    assert_eq!((a.take_payload(), b.take_payload()), (vec![], HANDSHAKE.to_vec()));
    assert_eq!((contact.initiator.phase(), contact.responder.phase()), (Phase::Over, Phase::Over));
    let [wire_a, wire_b] = &mut contact.wire;
    for text in [&b"one"[..], b"", b"and another"] {
        wire_a.extend(say(text, &mut a, &mut b));
        wire_b.extend(say(text, &mut b, &mut a));
    }
    assert_eq!(wire_a.ends_with(b"and another"), method == Method::Plain);

    let (keys_a, keys_b) = (a.keys_for_record(), b.keys_for_record());
    assert_eq!((keys_a.role, keys_b.role), (Role::Initiator, Role::Responder));
    let replay = replay::read(&keys_a, wire_a, wire_b).unwrap();
    assert_eq!(replay.method, method);
    assert_eq!(replay.from_initiator, [&HANDSHAKE[..], b"oneand another"].concat());
    assert_eq!(replay.from_responder, b"oneand another");
    assert_eq!(replay::read(&keys_b, wire_a, wire_b), Ok(replay));
}

#[test]
fn every_offer_meets_every_policy() {
    use Method::{Plain, Rc4};
    for (policy, of_plain, of_rc4, of_both) in [
        (Policy::PlainOnly, Some(Plain), None, Some(Plain)),
        (Policy::Rc4Only, None, Some(Rc4), Some(Rc4)),
        (Policy::PlainFirst, Some(Plain), Some(Rc4), Some(Plain)),
        (Policy::Rc4First, Some(Plain), Some(Rc4), Some(Rc4)),
    ] {
        for (offer, method) in [(Offer::Plain, of_plain), (Offer::Rc4, of_rc4), (Offer::Both, of_both)] {
            match method {
                Some(method) => check(Contact::new(offer, policy), method),
                None => assert_eq!(Contact::new(offer, policy).faults(), (None, Some(Fault::NoCommonMethod))),
            }
        }
    }
}

#[test]
fn every_fragmentation_agrees() {
    for fragment in (1..=120).chain([127, 128, 200, 511, 512, 513, 700]) {
        check(Contact { fragment, ..Contact::new(Offer::Both, Policy::Rc4First).pads([130, 77, 33, 5]) }, Method::Rc4);
        check(Contact { fragment, ..Contact::new(Offer::Plain, Policy::PlainFirst) }, Method::Plain);
    }
}

#[test]
fn pads_of_every_length_agree() {
    for length in 0..=PAD_MAX {
        // Every length in every place, and fragments that cut everywhere.
        let contact = Contact::new(Offer::Both, Policy::Rc4First).pads([length, PAD_MAX - length, length, PAD_MAX - length]);
        check(Contact { fragment: 61 + length % 7, ..contact }, Method::Rc4);
    }
    for pads in [[PAD_MAX; 4], [0; 4], [512, 0, 512, 0], [0, 512, 0, 512]] {
        check(Contact { fragment: 1, ..Contact::new(Offer::Both, Policy::Rc4First).pads(pads) }, Method::Rc4);
    }
}

#[test]
fn a_seed_decides_everything() {
    let sent = |seed: u8| {
        let mut initiator = Initiator::new(info_hash(), Offer::Both, b"", Seed::new([seed; 32])).unwrap();
        drain(&mut || initiator.poll_output(), &mut None)
    };
    assert_eq!(sent(1), sent(1));
    assert_ne!(sent(1)[..96], sent(2)[..96]);
}

#[test]
fn seeds_agree_too() {
    for seed in 0..20 {
        let initiator = Initiator::new(info_hash(), Offer::Both, &HANDSHAKE, Seed::new([seed; 32])).unwrap();
        let responder = Responder::new(Policy::Rc4First, Seed::new([seed + 100; 32]));
        check(Contact { initiator, responder, fragment: 100, ..Contact::new(Offer::Both, Policy::Rc4First) }, Method::Rc4);
    }
}

#[test]
fn first_payloads_of_every_size_agree() {
    for length in [0, 1, 67, 1_000, INITIAL_PAYLOAD_MAX] {
        let payload = vec![9; length];
        let initiator = Initiator::with(info_hash(), Offer::Rc4, &payload, choices(1, 3, 3)).unwrap();
        let (_, mut b) = Contact { initiator, ..Contact::new(Offer::Rc4, Policy::Rc4First) }.sessions();
        assert_eq!(b.take_payload(), payload);
    }
    let long = vec![9; INITIAL_PAYLOAD_MAX + 1];
    assert_eq!(Initiator::new(info_hash(), Offer::Rc4, &long, Seed::new([1; 32])).unwrap_err(), PayloadTooLong);
}

/// What follows a handshake in the same packet, or before anybody asks for the result, is payload.
#[test]
fn payload_that_hurries_is_kept() {
    for policy in [Policy::PlainFirst, Policy::Rc4First] {
        let mut contact = Contact::new(Offer::Both, policy);
        let Output::Send(first) = contact.initiator.poll_output() else { panic!() };
        contact.responder.handle_input(&first, &contact.torrents);
        let Output::Send(second) = contact.responder.poll_output() else { panic!() };
        contact.initiator.handle_input(&second);
        let Output::Send(third) = contact.initiator.poll_output() else { panic!() };
        contact.responder.handle_input(&third, &contact.torrents);
        let Output::Send(mut fourth) = contact.responder.poll_output() else { panic!() };
        let Output::Done(mut b) = contact.responder.poll_output() else { panic!() };
        let (mut early, mut late) = (b"with the handshake, ".to_vec(), b"before it was asked for".to_vec());
        b.encrypt(&mut early);
        b.encrypt(&mut late);
        fourth.extend(early);
        contact.initiator.handle_input(&fourth);
        contact.initiator.handle_input(&late);
        let Output::Done(mut a) = contact.initiator.poll_output() else { panic!() };
        assert_eq!(a.take_payload(), b"with the handshake, before it was asked for");
        contact.initiator.handle_input(b"not for the handshake any more");
        assert!(matches!(contact.initiator.poll_output(), Output::Wait));
        say(b"and on it goes", &mut b, &mut a);
        assert_eq!(b.take_payload(), HANDSHAKE);
    }
}

#[test]
fn phases_say_how_far_it_came() {
    let mut contact = Contact::new(Offer::Both, Policy::Rc4First).pads([9, 9, 9, 9]);
    let mut seen = vec![(contact.initiator.phase(), contact.responder.phase())];
    for _ in 0..2 {
        for byte in drain(&mut || contact.initiator.poll_output(), &mut None) {
            contact.responder.handle_input(&[byte], &contact.torrents);
            seen.push((contact.initiator.phase(), contact.responder.phase()));
        }
        for byte in drain(&mut || contact.responder.poll_output(), &mut None) {
            contact.initiator.handle_input(&[byte]);
            seen.push((contact.initiator.phase(), contact.responder.phase()));
        }
    }
    seen.dedup();
    use Phase::{Key, Over, Rest, Sync};
    assert_eq!(seen, [(Key, Key), (Key, Sync), (Sync, Sync), (Sync, Rest), (Sync, Over), (Rest, Over), (Over, Over)]);
}

#[test]
fn nothing_secret_is_shown() {
    let mut contact = Contact::new(Offer::Both, Policy::Rc4First);
    let before = format!("{:?} {:?}", contact.initiator, contact.responder);
    assert!(before.contains("PrivateKey(..)"), "{before}");
    let (a, _) = contact.sessions();
    assert_eq!((a.encryption(), Method::Rc4), (Encryption::MseRc4, a.method()));
    let shown = format!("{a:?} {:?}", a.keys_for_record());
    assert!(shown.contains("Secret(..)") && shown.contains("RecordKeys {"), "{shown}");
    let secret = format!("{:?}", &a.keys_for_record().secret[..4]);
    assert!(!shown.contains(secret.trim_matches(['[', ']'])), "{shown}");
}
