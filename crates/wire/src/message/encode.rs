//! Everything a monitor can say to a peer.

use alloc::vec::Vec;
use core::net::SocketAddr;

use super::{Block, HashRange, id};
use crate::extension::OwnHandshake;
use crate::{ut_holepunch, ut_metadata};

/// A message that we may send. The list is closed on purpose: a piece, a have, an unchoke, a have all, a bitfield
/// with a set bit, a metadata block, hashes and a list of peers are not on it, and neither is a message of arbitrary bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outgoing<'a> {
    /// A sign of life.
    KeepAlive,
    /// We would like to request blocks.
    Interested,
    /// We no longer would.
    NotInterested,
    /// We ask for a block.
    Request(Block),
    /// We take a request back.
    Cancel(Block),
    /// We have no piece. To peers with the Fast Extension.
    HaveNone,
    /// We have no piece, as a bitfield of zeros. To peers without the Fast Extension.
    EmptyBitfield {
        /// Number of pieces of the torrent.
        piece_count: u32,
    },
    /// We will not answer this request. To peers with the Fast Extension.
    Reject(Block),
    /// What we speak of the extension protocol.
    ExtensionHandshake(OwnHandshake<'a>),
    /// We ask for a block of the info dictionary.
    MetadataRequest {
        /// The number the peer chose for `ut_metadata`.
        id: u8,
        /// Index of the 16 KiB block.
        piece: u32,
    },
    /// We will not send a block of the info dictionary.
    MetadataReject {
        /// The number the peer chose for `ut_metadata`.
        id: u8,
        /// Index of the 16 KiB block.
        piece: u32,
    },
    /// We ask for an introduction to a peer that we cannot dial.
    Rendezvous {
        /// The number the peer chose for `ut_holepunch`.
        id: u8,
        /// To whom.
        target: SocketAddr,
    },
    /// We ask for hashes of a file's Merkle tree.
    HashRequest(HashRange),
    /// We will not send these hashes.
    HashReject(HashRange),
}

impl Outgoing<'_> {
    /// The bytes, length prefix included.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Appends the bytes to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::KeepAlive => out.extend_from_slice(&[0; 4]),
            Self::Interested => frame(out, id::INTERESTED, &[]),
            Self::NotInterested => frame(out, id::NOT_INTERESTED, &[]),
            Self::Request(block) => frame(out, id::REQUEST, &block_bytes(block)),
            Self::Cancel(block) => frame(out, id::CANCEL, &block_bytes(block)),
            Self::HaveNone => frame(out, id::HAVE_NONE, &[]),
            Self::EmptyBitfield { piece_count } => {
                let zeros = alloc::vec![0; piece_count.div_ceil(8) as usize];
                frame(out, id::BITFIELD, &zeros);
            }
            Self::Reject(block) => frame(out, id::REJECT, &block_bytes(block)),
            Self::ExtensionHandshake(ours) => extended(out, 0, &ours.payload()),
            Self::MetadataRequest { id, piece } => extended(out, *id, &ut_metadata::request(*piece)),
            Self::MetadataReject { id, piece } => extended(out, *id, &ut_metadata::reject(*piece)),
            Self::Rendezvous { id, target } => extended(out, *id, &ut_holepunch::rendezvous(*target)),
            Self::HashRequest(range) => frame(out, id::HASH_REQUEST, &hash_range_bytes(range)),
            Self::HashReject(range) => frame(out, id::HASH_REJECT, &hash_range_bytes(range)),
        }
    }
}

fn frame(out: &mut Vec<u8>, id: u8, payload: &[u8]) {
    // The longest payload is the empty bitfield's 512 MiB, far below four gigabytes.
    let length = payload.len() as u32 + 1;
    out.extend_from_slice(&length.to_be_bytes());
    out.push(id);
    out.extend_from_slice(payload);
}

fn extended(out: &mut Vec<u8>, extended_id: u8, payload: &[u8]) {
    let length = payload.len() as u32 + 2;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&[id::EXTENDED, extended_id]);
    out.extend_from_slice(payload);
}

fn block_bytes(block: &Block) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&block.piece.to_be_bytes());
    bytes[4..8].copy_from_slice(&block.begin.to_be_bytes());
    bytes[8..].copy_from_slice(&block.length.to_be_bytes());
    bytes
}

fn hash_range_bytes(range: &HashRange) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[..32].copy_from_slice(&range.pieces_root);
    let numbers = [range.base_layer, range.index, range.length, range.proof_layers];
    for (place, number) in bytes[32..].chunks_exact_mut(4).zip(numbers) {
        place.copy_from_slice(&number.to_be_bytes());
    }
    bytes
}
