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
        let info_hash = InfoHashV1::from(<[u8; 20]>::try_from(&vector["info_hash"][..]).unwrap());
        let offer = match number(&vector["offer"]) {
            1 => Offer::Plain,
            2 => Offer::Rc4,
            _ => Offer::Both,
        };
        let (policy, method) = match number(&vector["selected"]) {
            1 => (Policy::PlainFirst, Method::Plain),
            _ => (Policy::Rc4First, Method::Rc4),
        };
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
