//! UDP trackers: packets out and packets in. BEP 15, with the URL data of BEP 41.
//!
//! Retransmission times and the life of a connection id (one minute) are the caller's: there is no clock here.

mod answer;
#[cfg(test)]
mod oracle;
mod request;

pub use answer::{AnnounceAnswer, Answer, Expected, ScrapeCounts, transaction_id};
pub use request::{AnnounceRequest, SCRAPE_MAX, connect, scrape};

use crate::fault::{Fault, rules};

/// How long a connection id may be used, in seconds. BEP 15.
pub const CONNECTION_LIFE_S: u32 = 60;

/// A packet that is not the answer that was waited for.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of tracker packets.
    pub enum Rule {
        TooShort "udp-tracker-too-short" "the packet is shorter than an answer of its kind",
        Action "udp-tracker-action" "the packet's action is neither what was asked nor an error",
        Transaction "udp-tracker-transaction" "the packet's transaction id is not the one that was sent",
        Peers "udp-tracker-peers" "the peers in a packet must be whole packed addresses of the tracker's own family",
        Counts "udp-tracker-counts" "a scrape answer must have three numbers for every torrent asked for",
    }
}

/// What a packet asks or answers. BEP 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A connection id.
    Connect,
    /// Peers.
    Announce,
    /// Counts.
    Scrape,
}

impl Action {
    const fn number(self) -> u32 {
        match self {
            Self::Connect => 0,
            Self::Announce => 1,
            Self::Scrape => 2,
        }
    }
}

const ERROR: u32 = 3;

/// The family of the socket, which decides how peers are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// Six bytes a peer.
    V4,
    /// Eighteen bytes a peer.
    V6,
}
