//! Peers that do it wrong, by accident or on purpose.

use proptest::prelude::*;

use super::super::cipher::Secret;
use super::super::session::Ciphers;
use super::*;

/// What a hand-made side sends after its key: the mark, and covered bytes.
struct ByHand {
    secret: Secret,
    ciphers: Ciphers,
}

/// An initiator up to the point where a responder sent its key, and that responder in our hands.
fn facing_initiator(offer: Offer) -> (Initiator, ByHand) {
    let mut initiator = Initiator::with(info_hash(), offer, &HANDSHAKE, choices(1, 0, 0)).unwrap();
    let key = PrivateKey::new([7; EXPONENT_LENGTH]);
    let sent = drain(&mut || initiator.poll_output(), &mut None);
    let secret = key.agree(sent[..96].try_into().unwrap()).unwrap();
    initiator.handle_input(&key.public());
    let ciphers = Ciphers::new(&secret, Role::Responder, &info_hash());
    (initiator, ByHand { secret, ciphers })
}

/// A responder that has our key, and the initiator in our hands.
fn facing_responder(policy: Policy) -> (Responder, ByHand) {
    let mut responder = Responder::with(policy, choices(2, 0, 0));
    let key = PrivateKey::new([7; EXPONENT_LENGTH]);
    responder.handle_input(&key.public(), &torrents());
    let sent = drain(&mut || responder.poll_output(), &mut None);
    let secret = key.agree(sent[..96].try_into().unwrap()).unwrap();
    let ciphers = Ciphers::new(&secret, Role::Initiator, &info_hash());
    (responder, ByHand { secret, ciphers })
}

impl ByHand {
    fn cover(&mut self, parts: &[&[u8]]) -> Vec<u8> {
        let mut bytes = parts.concat();
        self.ciphers.send.apply(&mut bytes);
        bytes
    }

    fn name(&self, info_hash: &InfoHashV1) -> Vec<u8> {
        let torrent = super::super::cipher::torrent_digest(info_hash.as_bytes());
        [self.secret.sync(), self.secret.cover(torrent)].concat()
    }
}

/// How the initiator takes crypto_select and len(PadD), given all of the pad.
fn selection(offer: Offer, selected: u32, pad_length: u16) -> End {
    let (mut initiator, mut by_hand) = facing_initiator(offer);
    let pad = vec![0; usize::from(pad_length)];
    initiator.handle_input(&by_hand.cover(&[&VC, &selected.to_be_bytes(), &pad_length.to_be_bytes(), &pad]));
    let mut end = None;
    drain(&mut || initiator.poll_output(), &mut end);
    end
}

/// How the responder takes VC, crypto_provide and len(PadC), given all of the pad and no payload.
fn offer(policy: Policy, vc: [u8; 8], provided: u32, pad_length: u16) -> End {
    let (mut responder, mut by_hand) = facing_responder(policy);
    let pad = vec![0; usize::from(pad_length) + 2];
    responder.handle_input(&by_hand.name(&info_hash()), &torrents());
    responder.handle_input(&by_hand.cover(&[&vc, &provided.to_be_bytes(), &pad_length.to_be_bytes(), &pad]), &torrents());
    let mut end = None;
    drain(&mut || responder.poll_output(), &mut end);
    end
}

fn verdict(end: End) -> Option<Result<Method, Fault>> {
    end.map(|end| end.map(|session| session.method()))
}

#[test]
fn a_selection_must_be_one_of_the_offered() {
    use Method::{Plain, Rc4};
    let bad = Some(Err(Fault::BadSelection));
    for (made, selected, due) in [
        (Offer::Both, 1, Some(Ok(Plain))),
        (Offer::Both, 2, Some(Ok(Rc4))),
        (Offer::Both, 0, bad),
        (Offer::Both, 3, bad),
        (Offer::Both, 4, bad),
        (Offer::Both, 0x0102, bad),
        (Offer::Plain, 2, bad),
        (Offer::Plain, 3, bad),
        (Offer::Rc4, 1, bad),
        (Offer::Rc4, 3, bad),
    ] {
        assert_eq!(verdict(selection(made, selected, 0)), due, "{made:?} {selected}");
    }
    assert_eq!(verdict(selection(Offer::Both, 2, 512)), Some(Ok(Rc4)));
    assert_eq!(verdict(selection(Offer::Both, 2, 513)), Some(Err(Fault::PadTooLong)));
    assert_eq!(verdict(selection(Offer::Both, 2, u16::MAX)), Some(Err(Fault::PadTooLong)));
}

#[test]
fn an_offer_must_hold_something_accepted() {
    use Method::{Plain, Rc4};
    for (policy, provided, due) in [
        (Policy::Rc4First, 0x0000_0102, Ok(Rc4)),
        (Policy::Rc4First, u32::MAX, Ok(Rc4)),
        (Policy::PlainFirst, u32::MAX, Ok(Plain)),
        (Policy::Rc4First, 0, Err(Fault::NoCommonMethod)),
        (Policy::Rc4First, 0xffff_fffc, Err(Fault::NoCommonMethod)),
        (Policy::Rc4Only, 1, Err(Fault::NoCommonMethod)),
    ] {
        assert_eq!(verdict(offer(policy, VC, provided, 0)), Some(due), "{policy:?} {provided}");
    }
    assert_eq!(verdict(offer(Policy::Rc4First, [0, 0, 0, 0, 0, 0, 0, 1], 2, 0)), Some(Err(Fault::Verification)));
    assert_eq!(verdict(offer(Policy::Rc4First, VC, 2, 512)), Some(Ok(Rc4)));
    assert_eq!(verdict(offer(Policy::Rc4First, VC, 2, 513)), Some(Err(Fault::PadTooLong)));
}

#[test]
fn an_unknown_torrent_is_refused() {
    for (named, known) in [(0x11, true), (0x22, true), (0x33, false)] {
        let (mut responder, by_hand) = facing_responder(Policy::Rc4First);
        responder.handle_input(&by_hand.name(&InfoHashV1::from([named; 20])), &torrents());
        let mut end = None;
        drain(&mut || responder.poll_output(), &mut end);
        assert_eq!(verdict(end), (!known).then_some(Err(Fault::UnknownTorrent)), "{named:x}");
    }
    let mut contact = Contact { torrents: Torrents::default(), ..Contact::new(Offer::Both, Policy::Rc4First) };
    assert_eq!(contact.faults(), (None, Some(Fault::UnknownTorrent)));
    assert_eq!(contact.initiator.phase(), Phase::Sync);
}

/// The responder is for another torrent than the initiator believes: its VC never comes.
#[test]
fn another_key_never_synchronises() {
    let (mut initiator, by_hand) = facing_initiator(Offer::Both);
    let mut other = by_hand.secret.stream_from(Role::Responder, &[0x33; 20]);
    let mut covered = [0; 600];
    other.apply(&mut covered);
    initiator.handle_input(&covered);
    let mut end = None;
    drain(&mut || initiator.poll_output(), &mut end);
    assert_eq!(verdict(end), Some(Err(Fault::NoSync)));
}

#[test]
fn a_pad_ends_within_its_limit() {
    for (length, due) in [(0, None), (512, None), (513, Some(Err(Fault::NoSync)))] {
        let (mut responder, by_hand) = facing_responder(Policy::Rc4First);
        responder.handle_input(&vec![0; length], &torrents());
        responder.handle_input(&by_hand.name(&info_hash())[..20], &torrents());
        let mut end = None;
        drain(&mut || responder.poll_output(), &mut end);
        assert_eq!(verdict(end), due, "responder, {length}");

        let (mut initiator, mut by_hand) = facing_initiator(Offer::Both);
        initiator.handle_input(&vec![0; length]);
        initiator.handle_input(&by_hand.cover(&[&VC]));
        let mut end = None;
        drain(&mut || initiator.poll_output(), &mut end);
        assert_eq!(verdict(end), due, "initiator, {length}");
    }
}

#[test]
fn weak_keys_end_it_before_anything_is_sent() {
    let mut one = [0; 96];
    one[95] = 1;
    for weak in [[0; 96], one, [0xff; 96]] {
        let mut responder = Responder::with(Policy::Rc4First, choices(2, 0, 0));
        responder.handle_input(&weak, &torrents());
        let mut end = None;
        assert_eq!(drain(&mut || responder.poll_output(), &mut end), b"");
        assert_eq!(verdict(end), Some(Err(Fault::WeakKey)));

        let mut initiator = Initiator::with(info_hash(), Offer::Both, &HANDSHAKE, choices(1, 0, 0)).unwrap();
        drain(&mut || initiator.poll_output(), &mut None);
        initiator.handle_input(&weak);
        let mut end = None;
        assert_eq!(drain(&mut || initiator.poll_output(), &mut end), b"");
        assert_eq!(verdict(end), Some(Err(Fault::WeakKey)));
        // A failure stays one.
        initiator.handle_input(&[1; 96]);
        assert!(matches!(initiator.poll_output(), Output::Failed(Fault::WeakKey)));
    }
}

#[test]
fn openings_are_told_apart() {
    let plain = b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0";
    for length in 0..plain.len() {
        let due = if length < 20 { Opening::Undecided } else { Opening::Plain };
        assert_eq!(detect(&plain[..length]), due, "{length}");
    }
    for wrong in 0..20 {
        let mut other = *plain;
        other[wrong] ^= 0x20;
        assert_eq!(detect(&other[..=wrong]), Opening::Hidden, "{wrong}");
    }
}

#[test]
fn a_replay_notices_what_does_not_belong_together() {
    let mut contact = Contact::new(Offer::Both, Policy::Rc4First).pads([5, 6, 7, 8]);
    let keys = contact.sessions().0.keys_for_record();
    let [a, b] = &contact.wire;
    assert!(replay::read(&keys, a, b).is_ok());

    let mut secret = keys.secret;
    secret[0] ^= 1;
    use replay::Mismatch;
    let other_secret = RecordKeys { secret, ..keys.clone() };
    assert_eq!(replay::read(&other_secret, a, b), Err(Mismatch::Secret(Role::Initiator)));
    let other_torrent = RecordKeys { info_hash: InfoHashV1::from([0x22; 20]), ..keys.clone() };
    assert_eq!(replay::read(&other_torrent, a, b), Err(Mismatch::Torrent));
    let other_method = RecordKeys { method: Method::Plain, ..keys.clone() };
    assert_eq!(replay::read(&other_method, a, b), Err(Mismatch::Method));
    for end in 0..a.len() {
        assert!(replay::read(&keys, &a[..end], b).is_err(), "{end}");
    }
    for end in 0..b.len() {
        assert!(replay::read(&keys, a, &b[..end]).is_err(), "{end}");
    }
    let mut other_vc = a.clone();
    other_vc[96 + 5 + 40] ^= 1;
    assert_eq!(replay::read(&keys, &other_vc, b), Err(Mismatch::Content(Role::Initiator)));
}

proptest! {
    #[test]
    fn garbage_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..2_000), fragment in 1..700_usize) {
        let mut initiator = Initiator::with(info_hash(), Offer::Both, &HANDSHAKE, choices(1, 0, 0)).unwrap();
        let mut responder = Responder::with(Policy::Rc4First, choices(2, 0, 0));
        for part in bytes.chunks(fragment) {
            initiator.handle_input(part);
            responder.handle_input(part, &torrents());
        }
        let (mut a, mut b) = (None, None);
        drain(&mut || initiator.poll_output(), &mut a);
        drain(&mut || responder.poll_output(), &mut b);
        // Nobody guesses a mark, so both wait until the longest pad is over, and then give up.
        prop_assert_eq!(verdict(a), (bytes.len() >= 96 + 512 + 8).then_some(Err(Fault::NoSync)));
        prop_assert_eq!(verdict(b), (bytes.len() >= 96 + 512 + 20).then_some(Err(Fault::NoSync)));
    }

    #[test]
    fn one_wrong_byte_is_survived(place in 0..1_200_usize, with in 1..=255_u8, fragment in 1..200_usize) {
        let mut honest = Contact::new(Offer::Both, Policy::Rc4First).pads([200, 100, 300, 50]);
        honest.run();
        let mut bytes = honest.wire[0].clone();
        let place = place % bytes.len();
        bytes[place] ^= with;
        let mut responder = Responder::with(Policy::Rc4First, choices(2, 100, 50));
        bytes.chunks(fragment).for_each(|part| responder.handle_input(part, &torrents()));
        let mut end = None;
        drain(&mut || responder.poll_output(), &mut end);
        // Pads and payload are covered, not protected.
        if let Some(Ok(session)) = end {
            prop_assert_eq!(session.info_hash(), info_hash());
            prop_assert!(place >= 96);
        }
    }

    #[test]
    fn after_the_handshake_anything_goes(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..200_usize) {
        let mut contact = Contact::new(Offer::Both, Policy::Rc4First);
        let (mut a, mut b) = contact.sessions();
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        say(first, &mut a, &mut b);
        say(second, &mut a, &mut b);
        say(&bytes, &mut b, &mut a);
    }
}
