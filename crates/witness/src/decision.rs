//! Whether a witness may cosign, decided from what it cosigned last and from nothing else. C2SP `tlog-witness`.

use tlog::checkpoint::CheckpointError;
use tlog::merkle::{ProofError, verify_consistency};
use tlog::{Checkpoint, VerifierKey};

use crate::request::{BadRequest, Request};

/// Decides about a request for a log whose key is known and whose last cosigned checkpoint is `last` (the empty tree if
/// there was none). On success the caller makes `request.signed` the last one, durably, and only then cosigns.
///
/// # Errors
/// Says what to answer; nothing may be cosigned then.
pub fn decide(log: &VerifierKey, last: &Checkpoint, request: &Request) -> Result<(), Refusal> {
    let new = request.signed.checkpoint();
    if new.origin() != log.name() || new.origin() != last.origin() {
        return Err(Refusal::UnknownLog);
    }
    request.signed.verify(log).map_err(Refusal::NotSigned)?;
    if request.old_size > new.size() {
        return Err(Refusal::OldSizeAbove);
    }
    if request.old_size != last.size() {
        return Err(Refusal::OtherSize { last: last.size() });
    }
    if new.size() == last.size() && new.root() != last.root() {
        return Err(Refusal::OtherRoot { last: last.size() });
    }
    verify_consistency(last.size(), last.root(), new.size(), new.root(), &request.proof).map_err(Refusal::Inconsistent)
}

/// Why a witness does not cosign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request has no accepted form.
    #[error("{0}")]
    Malformed(#[from] BadRequest),
    /// The old tree would be larger than the new one.
    #[error("the old size is above the checkpoint's")]
    OldSizeAbove,
    /// The witness does not know this log.
    #[error("this witness does not know the log of that origin")]
    UnknownLog,
    /// The log has not signed.
    #[error("{0}")]
    NotSigned(CheckpointError),
    /// The witness last cosigned a tree of another size.
    #[error("the last checkpoint cosigned has {last} entries")]
    OtherSize {
        /// The size of the tree cosigned last.
        last: u64,
    },
    /// The witness cosigned another tree of this size: the log has forked.
    #[error("another tree of {last} entries was cosigned")]
    OtherRoot {
        /// The size of both trees.
        last: u64,
    },
    /// The new tree is not shown to extend the old one.
    #[error("the consistency proof does not verify: {0}")]
    Inconsistent(ProofError),
}

impl Refusal {
    /// The status to answer with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::OldSizeAbove => 400,
            Self::NotSigned(_) => 403,
            Self::UnknownLog => 404,
            Self::OtherSize { .. } | Self::OtherRoot { .. } => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// The size that a 409 tells.
    #[must_use]
    pub const fn last_size(&self) -> Option<u64> {
        match self {
            Self::OtherSize { last } | Self::OtherRoot { last } => Some(*last),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
