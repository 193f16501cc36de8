//! Messages between peers after the handshake: everything a peer may say is read, hardly anything can be said.
//!
//! BEP 3 (choke to cancel), 5 (port), 6 (suggest to allowed fast), 10 (extended), 52 (hashes).
//!
//! [`Message`] is what was received. [`Outgoing`] is the closed list of what can be sent; it has no piece, have,
//! unchoke, have all, no bitfield with a set bit, and no variant for arbitrary bytes.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{Decoder, Limits};
pub use encode::Outgoing;

use crate::fault::{Fault, rules};

/// Bytes that are not a peer message we accept.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of message framing.
    pub enum Rule {
        TooLong "message-too-long" "the message is longer than any message may be",
        WrongLength "message-wrong-length" "the message's length does not suit its type",
        BitfieldTooLong "message-bitfield-too-long" "the bitfield is longer than the limit",
        BlockTooLong "message-block-too-long" "the piece message carries a longer block than the limit",
        ExtendedTooLong "message-extended-too-long" "the extended message is longer than the limit",
        HashesTooLong "message-hashes-too-long" "the hashes message is longer than the limit",
        HashesLength "message-hashes-length" "a hashes message must carry whole SHA-256 hashes",
        UnknownTooLong "message-unknown-too-long" "a message of unknown type is longer than the limit",
    }
}

/// Type numbers of the messages.
pub mod id {
    /// BEP 3.
    pub const CHOKE: u8 = 0;
    /// BEP 3.
    pub const UNCHOKE: u8 = 1;
    /// BEP 3.
    pub const INTERESTED: u8 = 2;
    /// BEP 3.
    pub const NOT_INTERESTED: u8 = 3;
    /// BEP 3.
    pub const HAVE: u8 = 4;
    /// BEP 3.
    pub const BITFIELD: u8 = 5;
    /// BEP 3.
    pub const REQUEST: u8 = 6;
    /// BEP 3.
    pub const PIECE: u8 = 7;
    /// BEP 3.
    pub const CANCEL: u8 = 8;
    /// BEP 5.
    pub const PORT: u8 = 9;
    /// BEP 6.
    pub const SUGGEST: u8 = 13;
    /// BEP 6.
    pub const HAVE_ALL: u8 = 14;
    /// BEP 6.
    pub const HAVE_NONE: u8 = 15;
    /// BEP 6.
    pub const REJECT: u8 = 16;
    /// BEP 6.
    pub const ALLOWED_FAST: u8 = 17;
    /// BEP 10.
    pub const EXTENDED: u8 = 20;
    /// BEP 52.
    pub const HASH_REQUEST: u8 = 21;
    /// BEP 52.
    pub const HASHES: u8 = 22;
    /// BEP 52.
    pub const HASH_REJECT: u8 = 23;
}

/// One message from a peer. Payloads are borrowed from the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Nothing but a sign of life.
    KeepAlive,
    /// The peer will not answer requests.
    Choke,
    /// The peer will answer requests.
    Unchoke,
    /// The peer wants something we claim to have.
    Interested,
    /// The peer wants nothing of ours.
    NotInterested,
    /// The peer says it has this piece.
    Have(u32),
    /// The pieces the peer says it has; read it with [`crate::bitfield::Bitfield::parse`].
    Bitfield(&'a [u8]),
    /// The peer asks us for a block.
    Request(Block),
    /// The peer sends a block.
    Piece {
        /// Index of the piece.
        piece: u32,
        /// Offset in bytes from the start of the piece.
        begin: u32,
        /// The content.
        block: &'a [u8],
    },
    /// The peer takes a request back.
    Cancel(Block),
    /// The UDP port of the peer's DHT node.
    Port(u16),
    /// The peer would like us to ask for this piece.
    Suggest(u32),
    /// The peer says it has every piece.
    HaveAll,
    /// The peer says it has no piece.
    HaveNone,
    /// The peer will not answer this request of ours.
    Reject(Block),
    /// The peer will answer requests for this piece even while it chokes us.
    AllowedFast(u32),
    /// A message of the extension protocol; `id` 0 is its handshake.
    Extended {
        /// The number that the receiver of this message chose for its kind, or 0.
        id: u8,
        /// What follows the number.
        payload: &'a [u8],
    },
    /// The peer asks us for hashes.
    HashRequest(HashRange),
    /// The peer sends hashes of a file's Merkle tree.
    Hashes {
        /// Which hashes these are.
        range: HashRange,
        /// The base layer's hashes and then the proof's, 32 bytes each.
        hashes: &'a [u8],
    },
    /// The peer will not answer this request for hashes.
    HashReject(HashRange),
    /// A type we do not know.
    Unknown {
        /// Its number.
        id: u8,
        /// What follows the number.
        payload: &'a [u8],
    },
}

/// A part of a piece. BEP 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// Index of the piece.
    pub piece: u32,
    /// Offset in bytes from the start of the piece.
    pub begin: u32,
    /// Length in bytes, usually 16384.
    pub length: u32,
}

/// A run of hashes in the Merkle tree of one file. BEP 52.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashRange {
    /// The file's root.
    pub pieces_root: [u8; 32],
    /// The layer asked for, counted from the leaves, which are layer 0.
    pub base_layer: u32,
    /// Index of the first hash in that layer.
    pub index: u32,
    /// Number of hashes.
    pub length: u32,
    /// Number of ancestor layers to prove them with.
    pub proof_layers: u32,
}
