//! Packets we receive.

use alloc::vec::Vec;
use core::net::SocketAddr;

use super::{Action, AddressFamily, ERROR, Error, Rule};
use crate::{Fault, compact};

/// What a packet must answer to be listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What was asked.
    pub action: Action,
    /// The transaction id that was sent.
    pub transaction_id: u32,
    /// The family of the socket.
    pub family: AddressFamily,
    /// For a scrape, how many torrents were asked for.
    pub torrents: usize,
}

/// A tracker's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A connection id, good for a minute.
    Connect {
        /// What to put into requests.
        connection_id: u64,
    },
    /// Peers.
    Announce(AnnounceAnswer),
    /// Counts, in the order of the request.
    Scrape(Vec<ScrapeCounts>),
    /// A refusal.
    Failure {
        /// Why, in the tracker's own words, not necessarily UTF-8.
        reason: Vec<u8>,
    },
}

/// A tracker's list of peers. All of it is hearsay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceAnswer {
    /// When to announce again, in seconds.
    pub interval_s: u32,
    /// Other peers, as counted by the tracker.
    pub incomplete: u32,
    /// Seeds, as counted by the tracker.
    pub complete: u32,
    /// The peers. Ports may be 0.
    pub peers: Vec<SocketAddr>,
}

/// What a tracker counts for a torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrapeCounts {
    /// Seeds.
    pub complete: u32,
    /// Completions.
    pub downloaded: u32,
    /// Other peers.
    pub incomplete: u32,
}

/// The transaction id of a packet, by which a socket with several requests under way finds the one it answers.
pub fn transaction_id(packet: &[u8]) -> Option<u32> {
    word(packet, 1)
}

impl Answer {
    /// Reads a packet. One that answers something else is refused, so that nobody can slip an answer in without
    /// guessing the transaction id.
    pub fn parse(packet: &[u8], expected: &Expected) -> Result<Self, Error> {
        let too_short = Fault::at(packet.len(), Rule::TooShort);
        let action = word(packet, 0).ok_or(too_short)?;
        if transaction_id(packet).ok_or(too_short)? != expected.transaction_id {
            return Err(Fault::at(4, Rule::Transaction));
        }
        if action == ERROR {
            return Ok(Self::Failure { reason: packet[8..].to_vec() });
        }
        if action != expected.action.number() {
            return Err(Fault::at(0, Rule::Action));
        }
        match expected.action {
            Action::Connect => {
                let id = packet.get(8..16).and_then(|id| id.try_into().ok()).ok_or(too_short)?;
                Ok(Self::Connect { connection_id: u64::from_be_bytes(id) })
            }
            Action::Announce => {
                let number = |index| word(packet, index).ok_or(too_short);
                Ok(Self::Announce(AnnounceAnswer {
                    interval_s: number(2)?,
                    incomplete: number(3)?,
                    complete: number(4)?,
                    peers: peers(&packet[20..], expected.family).ok_or(Fault::at(20, Rule::Peers))?,
                }))
            }
            Action::Scrape => {
                let (counts, rest) = packet[8..].as_chunks::<12>();
                if counts.len() != expected.torrents || !rest.is_empty() {
                    return Err(Fault::at(8, Rule::Counts));
                }
                let number = |counts: &[u8; 12], index| word(counts, index).unwrap_or(0);
                let read = |counts: &[u8; 12]| ScrapeCounts {
                    complete: number(counts, 0),
                    downloaded: number(counts, 1),
                    incomplete: number(counts, 2),
                };
                Ok(Self::Scrape(counts.iter().map(read).collect()))
            }
        }
    }
}

fn peers(bytes: &[u8], family: AddressFamily) -> Option<Vec<SocketAddr>> {
    match family {
        AddressFamily::V4 => compact::v4(bytes).map(Iterator::collect),
        AddressFamily::V6 => compact::v6(bytes).map(Iterator::collect),
    }
}

fn word(packet: &[u8], index: usize) -> Option<u32> {
    packet.get(index * 4..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANNOUNCE: Expected = Expected { action: Action::Announce, transaction_id: 7, family: AddressFamily::V4, torrents: 0 };
    const CONNECT: Expected = Expected { action: Action::Connect, ..ANNOUNCE };
    const SCRAPE: Expected = Expected { action: Action::Scrape, torrents: 1, ..ANNOUNCE };

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn reads_each_answer() {
        let connect = Answer::parse(&words(&[0, 7, 1, 2]), &CONNECT);
        assert_eq!(connect, Ok(Answer::Connect { connection_id: 0x1_0000_0002 }));
        // BEP 15 asks for at least sixteen bytes.
        assert!(Answer::parse(&words(&[0, 7, 1, 2, 3]), &CONNECT).is_ok());
        let mut packet = words(&[1, 7, 1800, 3, 5]);
        packet.extend([192, 0, 2, 1, 0x1a, 0xe1]);
        let due = AnnounceAnswer {
            interval_s: 1800,
            incomplete: 3,
            complete: 5,
            peers: Vec::from(["192.0.2.1:6881".parse().unwrap()]),
        };
        assert_eq!(Answer::parse(&packet, &ANNOUNCE), Ok(Answer::Announce(due)));
        let counts = ScrapeCounts { complete: 1, downloaded: 2, incomplete: 3 };
        assert_eq!(Answer::parse(&words(&[2, 7, 1, 2, 3]), &SCRAPE), Ok(Answer::Scrape(Vec::from([counts]))));
        let error = [&words(&[3, 7])[..], b"go away"].concat();
        for expected in [CONNECT, ANNOUNCE, SCRAPE] {
            assert_eq!(Answer::parse(&error, &expected), Ok(Answer::Failure { reason: b"go away".to_vec() }));
        }
    }

    #[test]
    fn the_sockets_family_decides_how_peers_are_packed() {
        let mut packet = words(&[1, 7, 1800, 3, 5]);
        packet.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0x1a, 0xe1]);
        let six = Expected { family: AddressFamily::V6, ..ANNOUNCE };
        let Ok(Answer::Announce(answer)) = Answer::parse(&packet, &six) else { panic!() };
        assert_eq!(answer.peers, ["[2001:db8::9]:6881".parse().unwrap()]);
        packet.truncate(26);
        assert_eq!(Answer::parse(&packet, &six), Err(Fault::at(20, Rule::Peers)));
    }

    #[test]
    fn refuses_what_was_not_asked() {
        let cases = [
            (Vec::new(), ANNOUNCE, 0, Rule::TooShort),
            (words(&[1]), ANNOUNCE, 4, Rule::TooShort),
            (words(&[1, 8, 0, 0, 0]), ANNOUNCE, 4, Rule::Transaction),
            (words(&[3, 8]), ANNOUNCE, 4, Rule::Transaction),
            (words(&[0, 7, 1, 2]), ANNOUNCE, 0, Rule::Action),
            (words(&[9, 7, 1, 2]), ANNOUNCE, 0, Rule::Action),
            (words(&[1, 7, 1, 2]), ANNOUNCE, 16, Rule::TooShort),
            (words(&[1, 7, 1, 2, 3, 4]), ANNOUNCE, 20, Rule::Peers),
            (words(&[0, 7, 1]), CONNECT, 12, Rule::TooShort),
            (words(&[2, 7, 1, 2]), SCRAPE, 8, Rule::Counts),
            (words(&[2, 7, 1, 2, 3, 4, 5, 6]), SCRAPE, 8, Rule::Counts),
        ];
        for (packet, expected, offset, rule) in cases {
            assert_eq!(Answer::parse(&packet, &expected), Err(Fault::at(offset, rule)), "{packet:?}");
        }
    }

    #[test]
    fn a_packet_tells_its_transaction() {
        assert_eq!(transaction_id(&words(&[1, 7])), Some(7));
        assert_eq!(transaction_id(&[0; 7]), None);
    }

    proptest! {
        #[test]
        fn arbitrary_packets_never_panic(mut bytes: Vec<u8>, action in 0u32..5, tail in prop::collection::vec(any::<u8>(), 0..64)) {
            let framed = [&words(&[action, 7])[..], &tail].concat();
            for expected in [CONNECT, ANNOUNCE, SCRAPE, Expected { family: AddressFamily::V6, ..ANNOUNCE }] {
                let _ = Answer::parse(&bytes, &expected);
                let _ = Answer::parse(&framed, &expected);
            }
            bytes.truncate(7);
            prop_assert_eq!(transaction_id(&bytes), None);
        }
    }
}
