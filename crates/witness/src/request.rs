//! The body of `add-checkpoint`: an old size, a consistency proof and a checkpoint. Canonical or rejected.

use std::fmt::Write as _;

use tlog::checkpoint::CheckpointError;
use tlog::merkle::Hash;
use tlog::{MAX_TREE_SIZE, SignedCheckpoint};

/// Most proof lines. C2SP `tlog-witness`.
pub const MAX_PROOF_LINES: usize = 63;

/// Longest body: the old size, 63 lines of 45 bytes, and a checkpoint with its signatures.
pub const MAX_BODY_BYTES: usize = 64 << 10;

/// What a log asks a witness. Holding one says nothing about who asks: [`crate::decision::decide`] says what follows.
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
        let text = std::str::from_utf8(body).map_err(|_| BadRequest::NotText)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(BadRequest::NoBlankLine)?;
        let mut lines = head.split('\n');
        let old_size = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal).ok_or(BadRequest::OldSize)?;
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

/// Digits only, no leading zero, a size that a tree can have.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value.to_string() == text && value <= MAX_TREE_SIZE).then_some(value)
}

/// Why a body was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// It is longer than [`MAX_BODY_BYTES`].
    #[error("the request is longer than 64 KiB")]
    TooLong,
    /// It is not UTF-8.
    #[error("the request is not UTF-8")]
    NotText,
    /// No empty line ends the proof.
    #[error("no empty line stands before the checkpoint")]
    NoBlankLine,
    /// The first line is not `old` and a size.
    #[error("the first line is not 'old', a space and a size in canonical form")]
    OldSize,
    /// There are more than [`MAX_PROOF_LINES`].
    #[error("the consistency proof has more than 63 lines")]
    ProofTooLong,
    /// A proof line is not one hash.
    #[error("a line of the consistency proof is not the canonical base64 of a hash")]
    ProofLine,
    /// The checkpoint has no accepted form.
    #[error("{0}")]
    Checkpoint(CheckpointError),
}

#[cfg(test)]
mod tests;
