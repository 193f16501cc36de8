//! Answers over UDP. BEP 15.

use wire::tracker_udp::{Action, AddressFamily, Answer, Expected, transaction_id};

use crate::Seed;
use crate::script::Script;

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let head = script.byte();
    let torrents = usize::from(script.byte());
    let packet = script.rest();
    let action = [Action::Connect, Action::Announce, Action::Scrape][usize::from(head % 3)];
    let family = if head & 0x80 == 0 { AddressFamily::V4 } else { AddressFamily::V6 };
    // Half the time the packet answers what was asked.
    let asked = transaction_id(packet).unwrap_or(0);
    let is_ours = head & 0x40 == 0;
    let expected = Expected { action, transaction_id: if is_ours { asked } else { !asked }, family, torrents };
    match Answer::parse(packet, &expected) {
        Ok(answer) => {
            assert!(is_ours, "an answer to somebody else was listened to");
            match answer {
                Answer::Connect { .. } => assert_eq!(action, Action::Connect),
                Answer::Announce(announce) => {
                    assert_eq!(action, Action::Announce);
                    let each = if family == AddressFamily::V4 { 6 } else { 18 };
                    assert!(announce.peers.len() * each <= packet.len() - 20, "every peer has its bytes");
                    assert!(announce.peers.iter().all(|peer| peer.is_ipv4() == (family == AddressFamily::V4)));
                }
                Answer::Scrape(counts) => assert_eq!((action, counts.len()), (Action::Scrape, torrents)),
                Answer::Failure { reason } => assert!(packet.ends_with(&reason)),
            }
        }
        Err(fault) => assert!(fault.offset <= packet.len(), "a fault lies within the input: {fault}"),
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    let packet = |head: u8, torrents: u8, words: &[u32], rest: &[u8]| {
        let words: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        [&[head, torrents][..], &words, rest].concat()
    };
    let v4 = b"\xc0\x00\x02\x01\x1a\xe1\xcb\x00\x71\x09\x00\x00";
    let v6 = b"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x1a\xe1";
    let named = [
        ("connect", packet(0, 0, &[0, 7, 1, 2], b"")),
        ("announce-v4", packet(1, 0, &[1, 7, 1800, 3, 2], v4)),
        ("announce-v6", packet(0x81, 0, &[1, 7, 1800, 3, 2], v6)),
        ("scrape", packet(2, 2, &[2, 7, 1, 2, 3, 4, 5, 6], b"")),
        ("scrape-too-few", packet(2, 3, &[2, 7, 1, 2, 3, 4, 5, 6], b"")),
        ("failure", packet(1, 0, &[3, 7], b"not today")),
        ("of-somebody-else", packet(0x40, 0, &[0, 7, 1, 2], b"")),
        ("half-a-peer", packet(1, 0, &[1, 7, 1800, 3, 2], &v4[..7])),
        ("cut", packet(1, 0, &[1, 7, 1800], b"")),
        ("other-action", packet(1, 0, &[2, 7, 1, 2, 3], b"")),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}
