//! BitTorrent bytes: what peers, trackers, torrents and magnets say, read strictly; what a monitor says, written minimally.
//!
//! In scope: bencode (BEP 3), metainfo of both versions (BEP 3, 12, 47, 52), magnets (BEP 9, 53), the peer
//! handshake and messages (BEP 3, 6, 10, 52), metadata and peer exchange (BEP 9, 11), claims taken back (BEP 54), introductions
//! (BEP 55), tracker requests and answers over HTTP (BEP 3, 7, 23, 31, 48) and UDP (BEP 15, 41), datagrams of the DHT (BEP 5, 32,
//! 42, 43, 51), local announcements (BEP 14), the allowed-fast set (BEP 6), Merkle trees and proofs (BEP 52), and what peer ids and names of clients claim
//! (BEP 20).
//!
//! Out of scope: sockets, clocks, timers, randomness, encryption, and every decision about whom to ask what.
//!
//! # What this crate cannot do
//!
//! There is no encoder for `piece`, `have`, `unchoke`, `have all`, or a bitfield with a set bit, nor for a metadata
//! block, hashes, a peer list or an introduction that was asked of us. Everything a monitor may send to a peer after the handshake is a variant of
//! [`message::Outgoing`], a closed list with no variant for arbitrary bytes. A program that writes to its peers only
//! what this crate encodes cannot upload content and cannot claim to have any.
//!
//! # How bytes are read
//!
//! Every parser is bounded by limits that the caller may tighten, refuses what it does not know how to read in one
//! way only, and never panics. A refusal is a [`Fault`]: which rule was broken, at which byte.
//!
//! ```
//! use wire::{handshake::{Handshake, Reserved}, infohash::InfoHashV1, message::Outgoing, peer_id::PeerId};
//!
//! let ours = Handshake {
//!     reserved: Reserved::default().with_extension().with_fast(),
//!     info_hash: InfoHashV1([7; 20]),
//!     peer_id: PeerId::azureus(*b"AF", *b"0100", [1; 12]),
//! };
//! assert_eq!(Handshake::parse(&ours.encode()), Ok(Some(ours)));
//! assert_eq!(Outgoing::Interested.encode(), [0, 0, 0, 1, 2]);
//! ```

#![no_std]

extern crate alloc;
// Property tests need it; nothing that is shipped does.
#[cfg(test)]
extern crate std;

pub mod allowed_fast;
pub mod bencode;
pub mod bitfield;
pub mod client;
pub mod compact;
pub mod extension;
mod fault;
pub mod handshake;
pub mod infohash;
pub mod krpc;
pub mod local;
pub mod lt_donthave;
pub mod magnet;
pub mod merkle;
pub mod message;
pub mod metainfo;
pub mod peer_id;
pub mod pex;
pub mod tracker_http;
pub mod tracker_udp;
pub mod tracker_url;
pub mod ut_holepunch;
pub mod ut_metadata;

pub use fault::Fault;
