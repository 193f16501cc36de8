//! Proof files: one entry's place in a cosigned tree, verifiable offline. C2SP `tlog-proof`.
//!
//! Stricter than C2SP: the optional `extra` line is refused, because nothing authenticates it and no verifier reads it.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use crate::canonical::parse_decimal;
use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::merkle::{Hash, ProofError, inclusion_proof_len, leaf_hash, verify_inclusion};
use crate::note::MAX_NOTE_BYTES;
use crate::policy::{Policy, PolicyError, Witnessed};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Longest file: the header, an index, 63 hashes of 45 bytes, a blank line and the longest checkpoint.
const MAX_PROOF_BYTES: usize = 4096 + MAX_NOTE_BYTES;

/// An inclusion proof and the checkpoint it leads to. Holding one says nothing: call [`Proof::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

impl Proof {
    /// Puts a proof together.
    ///
    /// # Errors
    /// If the tree has no leaf at `index`, or its inclusion proof has another length.
    pub fn new(index: u64, hashes: Vec<Hash>, checkpoint: SignedCheckpoint) -> Result<Self, BadProof> {
        let expected = inclusion_proof_len(index, checkpoint.checkpoint().size());
        match expected {
            None => Err(BadProof::Inclusion(ProofError::OutOfRange)),
            Some(length) if length != hashes.len() => Err(BadProof::Inclusion(ProofError::WrongLength)),
            Some(_) => Ok(Self { index, hashes, checkpoint }),
        }
    }

    /// Reads a proof file, unverified.
    ///
    /// # Errors
    /// If the file is not in canonical form, or its parts do not fit each other.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadProof> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(BadProof::Malformed);
        }
        let file = core::str::from_utf8(bytes).map_err(|_| BadProof::Malformed)?;
        let (head, checkpoint) = file.split_once("\n\n").ok_or(BadProof::Malformed)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(BadProof::Malformed);
        }
        let line = lines.next().ok_or(BadProof::Malformed)?;
        if line.starts_with("extra ") {
            return Err(BadProof::Extra);
        }
        let index = line.strip_prefix("index ").and_then(parse_decimal).ok_or(BadProof::Malformed)?;
        let hashes: Result<Vec<Hash>, _> = lines.map(Hash::from_base64).collect();
        let hashes = hashes.map_err(|_| BadProof::Malformed)?;
        let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes()).map_err(BadProof::Checkpoint)?;
        Self::new(index, hashes, checkpoint)
    }

    /// The bytes that [`Proof::parse`] reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = format!("{HEADER}\nindex {}\n", self.index);
        for hash in &self.hashes {
            file.push_str(&hash.to_base64());
            file.push('\n');
        }
        file.push('\n');
        let mut bytes = file.into_bytes();
        bytes.extend(self.checkpoint.to_bytes());
        bytes
    }

    /// Verifies that these exact bytes are the leaf at [`Proof::index`] of a tree that the policy believes in.
    ///
    /// # Errors
    /// Says whether the checkpoint or the inclusion was at fault.
    pub fn verify(&self, leaf: &[u8], policy: &Policy) -> Result<Vec<Witnessed>, BadProof> {
        let witnessed = policy.check(&self.checkpoint).map_err(BadProof::Policy)?;
        let tree = self.checkpoint.checkpoint();
        verify_inclusion(leaf_hash(leaf), self.index, tree.size(), &self.hashes, tree.root()).map_err(BadProof::Inclusion)?;
        Ok(witnessed)
    }

    /// Index of the leaf in the log, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The inclusion proof, from the leaf's sibling up.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The checkpoint the proof leads to.
    #[must_use]
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

/// Why a proof was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadProof {
    /// The file is not in canonical form.
    Malformed,
    /// The file carries unauthenticated extra data, which is not read here.
    Extra,
    /// The checkpoint in the file is bad.
    Checkpoint(CheckpointError),
    /// The checkpoint is not to be believed.
    Policy(PolicyError),
    /// The hashes do not prove that the leaf is there.
    Inclusion(ProofError),
}

impl fmt::Display for BadProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the proof file is not in canonical form"),
            Self::Extra => f.write_str("the proof file carries extra data that nothing authenticates"),
            Self::Checkpoint(error) => write!(f, "the proof's checkpoint was refused: {error}"),
            Self::Policy(error) => write!(f, "the proof's checkpoint is not to be believed: {error}"),
            Self::Inclusion(error) => write!(f, "the leaf is not proven to be in the tree: {error}"),
        }
    }
}

impl core::error::Error for BadProof {}
