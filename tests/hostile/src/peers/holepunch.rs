//! Introductions between peers that cannot reach each other. BEP 55.

use wire::ut_holepunch::HolepunchMessage;

use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    match HolepunchMessage::parse(data) {
        Ok(
            HolepunchMessage::Rendezvous(endpoint) | HolepunchMessage::Connect(endpoint) | HolepunchMessage::Error(endpoint, _),
        ) => {
            let ip = endpoint.ip();
            assert!(endpoint.port() != 0 && !ip.is_unspecified() && !ip.is_multicast(), "an endpoint that could be dialled");
            assert_eq!(ip.to_canonical(), ip, "an address has one form");
        }
        Err(fault) => assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}"),
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("rendezvous", b"\x00\x00\xc0\x00\x02\x01\x1a\xe1"),
        ("connect", b"\x01\x00\xc0\x00\x02\x01\x1a\xe1"),
        ("connect-v6", b"\x01\x01\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x1a\xe1"),
        ("error", b"\x02\x00\xc0\x00\x02\x01\x1a\xe1\x00\x00\x00\x02"),
        ("unknown-family", b"\x01\x02\xc0\x00\x02\x01\x1a\xe1"),
        ("port-zero", b"\x01\x00\xc0\x00\x02\x01\x00\x00"),
        ("cut", b"\x01\x00\xc0\x00\x02"),
    ])
}
