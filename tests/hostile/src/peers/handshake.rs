//! The 68 bytes that a connection begins with. BEP 3.

use wire::handshake::{Handshake, LENGTH};

use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    // As the bytes come in, one after the other.
    let mut last = None;
    for end in 0..=data.len().min(LENGTH + 4) {
        let part = &data[..end];
        let read = Handshake::parse(part);
        if let Some(Err(fault)) = last {
            assert_eq!(read, Err(fault), "what was refused stays refused, for the same reason");
        }
        match read {
            Ok(Some(handshake)) => {
                assert!(end >= LENGTH);
                assert_eq!(handshake.encode(), part[..LENGTH], "a handshake has one encoding");
                assert_eq!(Handshake::info_hash_of(part), Some(handshake.info_hash));
                let _ = (handshake.peer_id.claim(), format!("{handshake:?}"));
            }
            Ok(None) => assert!(end < LENGTH, "a whole handshake is read"),
            Err(fault) => assert!(fault.offset < end, "a fault lies within the input: {fault}"),
        }
        if Handshake::info_hash_of(part).is_some() {
            assert!(end >= 48, "an info-hash that has arrived");
        }
        last = Some(read);
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    let whole = greeting(*b"-qB4520-abcdefghijkl");
    named([
        ("whole", &whole),
        ("cut-in-the-hash", &whole[..40]),
        ("without-peer-id", &whole[..48]),
        ("with-message", &[&whole[..], &[0, 0, 0, 1, 15]].concat()),
        ("other-protocol", b"\x13BitTorrent protocoX"),
        ("http", b"GET / HTTP/1.1\r\n\r\n"),
        ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ])
}

/// A handshake for the torrent of the engines' targets.
pub(crate) fn greeting(peer_id: [u8; 20]) -> [u8; LENGTH] {
    let reserved = wire::handshake::Reserved::default().with_extension().with_fast().with_dht();
    let info_hash = wire::infohash::InfoHashV1(crate::scene::HASH);
    Handshake { reserved, info_hash, peer_id: wire::peer_id::PeerId(peer_id) }.encode()
}
