//! Peer exchange: hearsay about addresses. BEP 11.

use wire::pex::{PEERS_MAX, PexMessage};

use crate::{Seed, seeds as named};

pub(crate) fn run(data: &[u8]) {
    match PexMessage::parse(data) {
        Ok(message) => {
            // Two families to a list.
            assert!(message.added.len() <= 2 * PEERS_MAX && message.dropped.len() <= 2 * PEERS_MAX);
            let room = data.len() / 6;
            assert!(message.added.len() + message.dropped.len() <= room, "every peer has its bytes");
            for peer in &message.added {
                let _ = peer.flags.map(|flags| (flags.utp(), flags.holepunch(), flags.reachable(), flags.upload_only()));
            }
        }
        Err(fault) => assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}"),
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    named([
        ("both-families", BOTH_FAMILIES),
        ("empty", b"de"),
        ("empty-lists", b"d5:added0:7:added.f0:6:added60:8:added6.f0:7:dropped0:8:dropped60:e"),
        ("flags-missing", b"d5:added6:\xc0\x00\x02\x01\x1a\xe1e"),
        ("flags-too-few", b"d5:added12:\xc0\x00\x02\x01\x1a\xe1\xc0\x00\x02\x02\x1a\xe17:added.f1:\x01e"),
        ("half-a-peer", b"d5:added7:\xc0\x00\x02\x01\x1a\xe1\xc0e"),
        ("added-a-list", b"d5:addedlee"),
        ("not-a-dictionary", b"le"),
    ])
}

/// A peer of each family, one of each gone.
pub(crate) const BOTH_FAMILIES: &[u8] = b"d5:added6:\xc0\x00\x02\x01\x1a\xe17:added.f1:\x116:added618:\x20\x01\x0d\xb8\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x07\x1a\xe18:added6.f1:\x047:dropped6:\xc6\x33\x64\x01\x1a\xe18:dropped618:\x20\x01\x0d\xb8\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x1a\xe1e";
