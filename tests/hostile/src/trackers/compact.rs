//! Lists of packed addresses. BEP 7, BEP 23.

use wire::compact::{V4_LENGTH, V6_LENGTH, v4, v6};

use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    assert_eq!(v4(data).map(|peers| peers.len()), data.len().is_multiple_of(V4_LENGTH).then_some(data.len() / V4_LENGTH));
    assert_eq!(v6(data).map(|peers| peers.len()), data.len().is_multiple_of(V6_LENGTH).then_some(data.len() / V6_LENGTH));
    let fours = v4(data).into_iter().flatten().zip(data.chunks(V4_LENGTH));
    let sixes = v6(data).into_iter().flatten().zip(data.chunks(V6_LENGTH));
    for (peer, bytes) in fours.chain(sixes) {
        let octets = match peer.ip() {
            std::net::IpAddr::V4(four) => four.octets().to_vec(),
            std::net::IpAddr::V6(six) => six.octets().to_vec(),
        };
        assert_eq!([&octets[..], &peer.port().to_be_bytes()].concat(), bytes, "an address has one packed form");
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("none", b""),
        ("two-v4", b"\xc0\x00\x02\x01\x1a\xe1\xcb\x00\x71\x09\x00\x00"),
        ("one-v6", b"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x1a\xe1"),
        ("half", b"\xc0\x00\x02"),
    ])
}
