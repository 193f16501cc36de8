//! One contact with one peer, from dial or accept to the last byte.
//!
//! A probe says who we are, that we have nothing and would like something, asks for a few blocks that nobody could
//! foresee, compares the answers with the dossier and hangs up. A control visit names an info-hash that does not
//! exist and watches for an answer. Either ends in a [`Visit`] that says what was received, and guesses nothing.
//!
//! The stream may lie under Message Stream Encryption: [`Veil`] says so, and everything else stays as it is.
//!
//! While the peer chokes us, only pieces it allows fast (BEP 6) are asked for; most busy clients serve a stranger no
//! other way; where it allows none, two of those that BEP 6 gives our address are asked for, which it may reject. Challenges come one at a time, from distinct pieces.

mod exam;
pub mod gossip;
mod habit;
mod identity;
mod limits;
mod machine;
mod peer;
#[cfg(test)]
mod tests;
mod veil;
mod visit;

use core::net::SocketAddr;

use evidence::{Direction, InfoHashV1, Mono, Version};

pub use gossip::Hearsay;
pub use identity::Identity;
pub use limits::Limits;
pub use machine::Probe;
pub use veil::{Accepted, Veil, Wire};
pub use visit::Visit;

use crate::content::Content;

/// What is asked of whom.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The 20 bytes named in the handshake: the torrent's, or for a control visit random ones.
    pub info_hash: InfoHashV1,
    /// Which version of the torrent is spoken: with version 2, hashes may be asked for, and our handshake says that we know
    /// it. With version 1 it does not say so, or the peer might answer with the other info-hash.
    pub spoken: Version,
    /// Why the contact is made.
    pub aim: Aim,
    /// Who dials.
    pub direction: Direction,
    /// How many pieces the torrent has, where a dossier or a metainfo says so.
    pub piece_count: Option<u32>,
    /// What blocks are checked against. Without it no block is asked for, and the grade ends at *claimed*.
    pub content: Option<&'a Content>,
    /// What we call ourselves.
    pub identity: &'a Identity,
}

/// Why a contact is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// To learn what the peer makes available.
    Probe,
    /// To see whether it answers an info-hash that does not exist.
    Control,
    /// To ask it for introductions, and for nothing else: see [`Probe::asking_for`].
    Rendezvous,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The transport is established.
    Connected {
        /// Our end.
        observer: SocketAddr,
        /// The peer's end.
        peer: SocketAddr,
    },
    /// Bytes arrived.
    Received(&'a [u8]),
    /// The transport ended, or could not be established.
    Closed(Why),
    /// The moment of the last [`Output::Wait`] has come.
    Timeout,
    /// The run ends: finish with what is known.
    Stop,
}

/// How the transport ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// In order, by the peer.
    EndOfStream,
    /// By a reset.
    Reset,
    /// The dial was refused.
    Refused,
    /// The network said that the peer cannot be reached.
    Unreachable,
    /// The system gave up waiting for the peer.
    TimedOut,
    /// Something on our side failed, in our own words and without an address.
    Local(String),
}

/// What to do next.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes.
    Send(Vec<u8>),
    /// The peer named others. None of them may be contacted for it before that is on record.
    Heard(Box<Hearsay>),
    /// Nothing until something happens, or until this moment.
    Wait(Mono),
    /// Hang up: the contact is over.
    Done(Box<Visit>),
}
