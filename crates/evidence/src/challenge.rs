//! One block asked of a peer, and what came back.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{Digest, Stamp};

/// A block is at most this long, and all but the last of a piece are exactly this long. BEP 3.
pub const BLOCK_BYTES: u32 = 16 * 1024;

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// How many pieces this one was drawn from by chance. One means that no other could be asked for.
    pub among: u32,
    /// When the last byte of the answer arrived.
    pub answered: Option<Stamp>,
    /// When the request was sent.
    pub asked: Stamp,
    /// Whether the peer was choking us, so that the block came as an allowed-fast one (BEP 6).
    pub choked: bool,
    /// Who decided which pieces came into question.
    pub chosen_by: Chooser,
    /// When the first byte of the answer arrived.
    pub first_byte: Option<Stamp>,
    /// Length in bytes.
    pub length: u32,
    /// Offset in bytes from the start of the piece.
    pub offset: u32,
    /// Index of the piece.
    pub piece: u32,
    /// What the peer proved about the block (BEP 52), present exactly if that is what the bytes were compared with.
    pub proof: Option<MerkleProof>,
    /// SHA-256 of the bytes received.
    pub sha256: Option<Digest>,
    /// What the comparison said.
    pub verification: Verification,
    /// The mandated work whose byte range holds the block, if one does.
    pub work: Option<String>,
}

/// Who decided which pieces a challenge was drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chooser {
    /// The monitor: they are all that the peer claims.
    Monitor,
    /// The peer: it allowed these and no others while it choked us (BEP 6), or it revealed each of them to us by itself
    /// (BEP 16).
    Peer,
    /// The rule of BEP 6, which follows from the torrent and the monitor's own address: while it choked us the peer allowed
    /// pieces out of that set, or none.
    Rule,
}

/// What the bytes were compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The SHA-256 of the same block in the dossier's reference copy.
    DossierBlock,
    /// The SHA-1 of the whole piece in the metainfo (BEP 3).
    PieceSha1,
    /// A Merkle path to the file's root in the metainfo (BEP 52).
    Merkle,
}

/// How a challenge ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Verification {
    /// The bytes are the content.
    Match {
        /// How that is known.
        check: Check,
    },
    /// The bytes are not the content.
    Mismatch {
        /// How that is known.
        check: Check,
    },
    /// The bytes came, but no proof of what they should be, and there is nothing else to compare them with.
    Unproved {
        /// What came of the request for hashes (BEP 52).
        hashes: Hashes,
    },
    /// The peer rejected the request (BEP 6).
    Rejected,
    /// No answer came before the contact ended.
    Unanswered,
    /// The peer took back its claim to the piece (BEP 54) before it answered, which is no fault.
    Withdrawn,
}

/// What came of a request for hashes, where no proof came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hashes {
    /// The peer rejected it, which it may.
    Rejected,
    /// The hashes that it sent do not lead to the root, or are not those asked for.
    Wrong,
    /// No answer came before the contact ended.
    Unanswered,
}

/// A Merkle path (BEP 52): what SHA-256 a block has if it is the file's, and why that is so.
///
/// From `leaf` upwards, each sibling is put before the node if the bit of `index` for its layer is set, behind it otherwise,
/// and the SHA-256 of both is the next node. The last is `root`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerkleProof {
    /// The siblings from the leaf's up to a child of the root; none if the block is the whole file.
    pub hashes: Vec<Digest>,
    /// Number of the block in its file.
    pub index: u32,
    /// What the SHA-256 of the block must be.
    pub leaf: Digest,
    /// `pieces root` of the file in the info dictionary.
    pub root: Digest,
}

impl Challenge {
    /// Whether the block was received and is the content.
    pub fn is_verified(&self) -> bool {
        matches!(self.verification, Verification::Match { .. })
    }
}
