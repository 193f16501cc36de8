//! What a log asks a witness: the body of `add-checkpoint`, an old size, a consistency proof and a checkpoint. C2SP
//! `tlog-witness`. Canonical or rejected.

use alloc::{format, vec::Vec};
use core::fmt::{self, Write as _};

use crate::canonical::parse_decimal;
use crate::checkpoint::CheckpointError;
use crate::merkle::Hash;
use crate::{MAX_TREE_SIZE, SignedCheckpoint};

/// Most proof lines. C2SP `tlog-witness`.
pub const MAX_PROOF_LINES: usize = 63;

/// Longest body: the old size, 63 lines of 45 bytes, and a checkpoint with its signatures.
pub const MAX_BODY_BYTES: usize = 64 << 10;

/// What a log asks a witness. Holding one says nothing about who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The size of the tree that the witness is thought to have cosigned last.
    pub old_size: u64,
    /// From that tree to the checkpoint's. RFC 6962, section 2.1.2.
    pub proof: Vec<Hash>,
    /// The checkpoint, signatures unverified.
    pub signed: SignedCheckpoint,
}

impl Request {
    /// Reads a body.
    ///
    /// # Errors
    /// If it is not in its one accepted form.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        if body.len() > MAX_BODY_BYTES {
            return Err(BadRequest::TooLong);
        }
        let text = core::str::from_utf8(body).map_err(|_| BadRequest::NotText)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(BadRequest::NoBlankLine)?;
        let mut lines = head.split('\n');
        let old_size = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(read_size).ok_or(BadRequest::OldSize)?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAX_PROOF_LINES {
                return Err(BadRequest::ProofTooLong);
            }
            proof.push(Hash::from_base64(line).map_err(|_| BadRequest::ProofLine)?);
        }
        let signed = SignedCheckpoint::parse(checkpoint.as_bytes()).map_err(BadRequest::Checkpoint)?;
        Ok(Self { old_size, proof, signed })
    }

    /// The bytes that [`Request::parse`] reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("old {}\n", self.old_size);
        for hash in &self.proof {
            // Writing to a string cannot fail.
            let _ = writeln!(head, "{}", hash.to_base64());
        }
        head.push('\n');
        let mut bytes = head.into_bytes();
        bytes.extend(self.signed.to_bytes());
        bytes
    }
}

/// Reads a size that a tree can have, in its one form: as a request gives it, and as a witness that knows better answers.
#[must_use]
pub fn read_size(text: &str) -> Option<u64> {
    parse_decimal(text).filter(|size| *size <= MAX_TREE_SIZE)
}

/// Why a body was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRequest {
    /// It is longer than [`MAX_BODY_BYTES`].
    TooLong,
    /// It is not UTF-8.
    NotText,
    /// No empty line ends the proof.
    NoBlankLine,
    /// The first line is not `old` and a size.
    OldSize,
    /// There are more than [`MAX_PROOF_LINES`].
    ProofTooLong,
    /// A proof line is not one hash.
    ProofLine,
    /// The checkpoint has no accepted form.
    Checkpoint(CheckpointError),
}

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the request is longer than 64 KiB",
            Self::NotText => "the request is not UTF-8",
            Self::NoBlankLine => "no empty line stands before the checkpoint",
            Self::OldSize => "the first line is not 'old', a space and a size in canonical form",
            Self::ProofTooLong => "the consistency proof has more than 63 lines",
            Self::ProofLine => "a line of the consistency proof is not the canonical base64 of a hash",
            Self::Checkpoint(fault) => return fault.fmt(f),
        })
    }
}

impl core::error::Error for BadRequest {}

#[cfg(test)]
mod tests;
