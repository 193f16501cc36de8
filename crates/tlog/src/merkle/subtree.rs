//! Where proofs get their hashes from: complete subtrees, held in memory or read from tiles.

use alloc::vec::Vec;
use core::fmt;

use super::hash::{Hash, empty_root, node_hash};

/// Gives the roots of complete subtrees of one tree.
///
/// A reader is neither trusted nor asked for its size: whoever makes a proof verifies it against a signed root before
/// handing it out.
pub trait HashReader {
    /// Why a hash could not be read.
    type Error;

    /// Root of the complete subtree with 2^`level` leaves that starts at leaf `index` · 2^`level`.
    ///
    /// # Errors
    /// If the subtree is not complete in this tree, or the store fails.
    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

impl<R: HashReader + ?Sized> HashReader for &mut R {
    type Error = R::Error;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, R::Error> {
        (**self).subtree(level, index)
    }
}

/// All leaf hashes of a tree are a reader; each subtree is hashed afresh.
impl HashReader for &[Hash] {
    type Error = OutOfRange;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, OutOfRange> {
        let width = 1_usize.checked_shl(level).ok_or(OutOfRange)?;
        let start = usize::try_from(index).ok().and_then(|index| index.checked_mul(width)).ok_or(OutOfRange)?;
        let end = start.checked_add(width).ok_or(OutOfRange)?;
        let mut row: Vec<Hash> = self.get(start..end).ok_or(OutOfRange)?.to_vec();
        for _ in 0..level {
            row = row.chunks_exact(2).map(|pair| node_hash(pair[0], pair[1])).collect();
        }
        row.first().copied().ok_or(OutOfRange)
    }
}

/// Root of the leaves `start..end` of a stored tree, taken as a tree of their own: MTH(D\[start:end\]) of RFC 6962.
///
/// # Errors
/// Whatever the reader reports.
pub fn range_root<R: HashReader + ?Sized>(reader: &mut R, start: u64, end: u64) -> Result<Hash, R::Error> {
    let width = end.saturating_sub(start);
    if width == 0 {
        return Ok(empty_root());
    }
    // Only a range that starts at a multiple of its width is a subtree of the stored tree.
    if width.is_power_of_two() && start.is_multiple_of(width) {
        let level = width.trailing_zeros();
        return reader.subtree(level, start >> level);
    }
    let middle = start + split_point(width);
    let left = range_root(reader, start, middle)?;
    let right = range_root(reader, middle, end)?;
    Ok(node_hash(left, right))
}

/// The largest power of two below `width`, which is at least two.
pub(super) const fn split_point(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

/// The leaf or subtree is not in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the leaf or subtree lies outside the tree")
    }
}

impl core::error::Error for OutOfRange {}

/// Why a proof could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MakeError<E> {
    /// The caller asked for a leaf or a size that the tree does not have.
    OutOfRange,
    /// The store failed.
    Read(E),
}

impl<E: fmt::Display> fmt::Display for MakeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange => f.write_str("the tree has no such leaf or size"),
            Self::Read(error) => write!(f, "a tree hash could not be read: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for MakeError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::OutOfRange => None,
            Self::Read(error) => Some(error),
        }
    }
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The leaf index is not below the tree size, or the old size is above the new one.
    OutOfRange,
    /// The proof has more or fewer hashes than these sizes need.
    WrongLength,
    /// The hashes lead to another root.
    WrongRoot,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfRange => "the proof is for a leaf or size that the tree does not have",
            Self::WrongLength => "the proof does not have the number of hashes that its sizes need",
            Self::WrongRoot => "the proof leads to another root",
        })
    }
}

impl core::error::Error for ProofError {}
