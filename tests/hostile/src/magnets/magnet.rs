//! Magnet links. BEP 9, BEP 53.

use wire::magnet::{Magnet, PARAMETERS_MAX, PeerHint};

use super::url;
use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let magnet = match Magnet::parse(text) {
        Ok(magnet) => magnet,
        Err(fault) => return assert!(fault.offset <= text.len(), "a fault lies within the input: {fault}"),
    };
    assert!(magnet.v1.is_some() || magnet.v2.is_some(), "a link names a torrent");
    let versions = usize::from(magnet.v1.is_some()) + usize::from(magnet.v2.is_some());
    assert!((1..=versions).contains(&magnet.wire_hashes().count()), "it can be asked for");
    for tracker in &magnet.trackers {
        url::check(tracker, tracker.as_str().as_bytes());
    }
    for peer in &magnet.peers {
        match peer {
            PeerHint::Address(address) => assert_ne!(address.port(), 0, "a port that can be dialled"),
            PeerHint::Name { host, port } => assert!(!host.is_empty() && *port != 0),
        }
    }
    let parts = magnet.trackers.len() + magnet.refused_trackers.len() + magnet.peers.len() + magnet.others.len();
    assert!(parts <= PARAMETERS_MAX);
    if let Some(name) = magnet.shown_name() {
        assert!(!name.chars().any(char::is_control), "nothing that a terminal obeys: {name:?}");
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("v1", b"magnet:?xt=urn:btih:0707070707070707070707070707070707070707&dn=synthetic"),
        ("base32", b"magnet:?xt=urn:btih:A4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYH"),
        ("v2", b"magnet:?xt=urn:btmh:12200707070707070707070707070707070707070707070707070707070707070707"),
        (
            "hybrid",
            b"magnet:?xt.1=urn:btih:0707070707070707070707070707070707070707\
              &xt.2=urn:btmh:12200707070707070707070707070707070707070707070707070707070707070707",
        ),
        (
            "everything",
            b"magnet:?xt=urn:btih:0707070707070707070707070707070707070707&dn=a+b%20c&tr=http%3A%2F%2Ftracker.example%2Fannounce\
              &tr.1=udp://tracker.example:6969&x.pe=192.0.2.1:6881&x.pe=[2001:db8::1]:6881&x.pe=peer.example:1&so=0-3&xl=5&ws=x",
        ),
        ("no-topic", b"magnet:?dn=synthetic"),
        ("broken-escape", b"magnet:?xt=urn:btih:0707070707070707070707070707070707070707&dn=%c3%28%"),
        ("two-names", b"magnet:?xt=urn:btih:0707070707070707070707070707070707070707&dn=a&dn=b"),
        ("short-hash", b"magnet:?xt=urn:btih:07"),
        ("port-zero", b"magnet:?xt=urn:btih:0707070707070707070707070707070707070707&x.pe=192.0.2.1:0"),
    ])
}
