//! Handshakes made elsewhere: by a program in Python, and by real clients.

use std::collections::BTreeMap;

use super::*;

/// The values of each vector of a file, by name.
fn vectors(text: &str) -> Vec<(&str, BTreeMap<&str, Vec<u8>>)> {
    let mut vectors = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            vectors.push((name.trim_end_matches(']'), BTreeMap::new()));
            continue;
        }
        let (field, value) = line.split_once(' ').unwrap();
        let value = value.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
        vectors.last_mut().unwrap().1.insert(field, value.collect());
    }
    vectors
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn info_hash_of(vector: &BTreeMap<&str, Vec<u8>>) -> InfoHashV1 {
    InfoHashV1::from(<[u8; 20]>::try_from(&vector["info_hash"][..]).unwrap())
}

fn offer_of(vector: &BTreeMap<&str, Vec<u8>>) -> Offer {
    match number(&vector["offer"]) {
        1 => Offer::Plain,
        2 => Offer::Rc4,
        _ => Offer::Both,
    }
}

fn policy_of(vector: &BTreeMap<&str, Vec<u8>>) -> (Policy, Method) {
    match number(&vector["selected"]) {
        1 => (Policy::PlainFirst, Method::Plain),
        _ => (Policy::Rc4First, Method::Rc4),
    }
}

/// The engine that took part says the same bytes again, and makes the same of the client's.
#[test]
fn handshakes_with_real_clients_repeat() {
    let vectors = vectors(include_str!("../testdata/clients.txt"));
    assert_eq!(vectors.len(), 9);
    for (name, vector) in vectors {
        let (info_hash, (policy, method)) = (info_hash_of(&vector), policy_of(&vector));
        let choices = Choices {
            private: PrivateKey::new(vector["exponent"][..].try_into().unwrap()),
            outer_pad: vector["outer_pad"].clone(),
            inner_pad_length: number(&vector["inner_pad_length"]) as u16,
        };
        let (from_a, from_b) = (&vector["from_initiator"], &vector["from_responder"]);
        let (mut end, mut sent) = (None, vec![]);
        let (ours, theirs, role) = if vector["we"] == b"A" {
            let mut engine = Initiator::with(info_hash, offer_of(&vector), &vector["payload"], choices).unwrap();
            from_b.chunks(50).for_each(|part| engine.handle_input(part));
            sent.extend(drain(&mut || engine.poll_output(), &mut end));
            (from_a, &vector["plain_responder"], Role::Initiator)
        } else {
            let (mut engine, torrents) = (Responder::with(policy, choices), [info_hash].into_iter().collect());
            from_a.chunks(50).for_each(|part| engine.handle_input(part, &torrents));
            sent.extend(drain(&mut || engine.poll_output(), &mut end));
            (from_b, &vector["plain_initiator"], Role::Responder)
        };
        assert!(ours.starts_with(&sent) && ours.len() - sent.len() <= HANDSHAKE.len(), "{name}");
        let mut session = end.unwrap().unwrap();
        assert_eq!((session.method(), &session.take_payload()), (method, theirs), "{name}");

        let keys = session.keys_for_record();
        assert_eq!((&keys.secret[..], keys.role), (&vector["secret"][..], role), "{name}");
        let replay = replay::read(&keys, from_a, from_b).unwrap();
        assert_eq!(replay.provided, number(&vector["offer"]), "{name}");
        assert_eq!((&replay.from_initiator, &replay.from_responder), (&vector["plain_initiator"], &vector["plain_responder"]));
    }
}

#[test]
fn python_makes_the_same_handshakes() {
    let vectors = vectors(include_str!("../testdata/handshakes.txt"));
    assert_eq!(vectors.len(), 5);
    for (name, vector) in vectors {
        let pads: Vec<usize> = vector["pads"].chunks(2).map(|length| number(length) as usize).collect();
        let choices = |exponent: &[u8], outer: usize, inner: usize| Choices {
            private: PrivateKey::new(exponent.try_into().unwrap()),
            outer_pad: vec![exponent[0]; outer],
            inner_pad_length: inner as u16,
        };
        let (info_hash, offer, (policy, method)) = (info_hash_of(&vector), offer_of(&vector), policy_of(&vector));
        let a = choices(&vector["exponent_a"], pads[0], pads[2]);
        let b = choices(&vector["exponent_b"], pads[1], pads[3]);
        let mut contact = Contact {
            initiator: Initiator::with(info_hash, offer, &vector["payload"], a).unwrap(),
            responder: Responder::with(policy, b),
            torrents: [info_hash].into_iter().collect(),
            ..Contact::new(offer, policy)
        };
        let (mut a, mut b) = contact.sessions();
        assert_eq!(contact.wire[0], [&vector["message_1"][..], &vector["message_3"]].concat(), "{name}");
        assert_eq!(contact.wire[1], [&vector["message_2"][..], &vector["message_4"]].concat(), "{name}");
        assert_eq!((a.method(), b.take_payload()), (method, vector["payload"].clone()), "{name}");
        assert_eq!(a.keys_for_record().secret[..], vector["secret"], "{name}");
        assert_eq!(say(&vector["later_a"], &mut a, &mut b), vector["covered_a"], "{name}");
        assert_eq!(say(&vector["later_b"], &mut b, &mut a), vector["covered_b"], "{name}");
    }
}
