//! The tree that grows: one hash per complete subtree on the right edge.

use alloc::vec::Vec;
use core::fmt;

use super::hash::{Hash, empty_root, node_hash};
use super::subtree::HashReader;
use crate::MAX_TREE_SIZE;

/// The state needed to append leaves and to tell the root: at most 63 hashes, whatever the size.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees that make the tree, largest first: one for each one-bit of `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Restores a frontier from what [`Frontier::size`] and [`Frontier::peaks`] told.
    ///
    /// # Errors
    /// [`BadFrontier`] if the number of peaks does not fit the size, or the size is past [`MAX_TREE_SIZE`].
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Result<Self, BadFrontier> {
        let expected = size.count_ones() as usize;
        if size > MAX_TREE_SIZE || peaks.len() != expected {
            return Err(BadFrontier);
        }
        Ok(Self { size, peaks })
    }

    /// Reads the frontier of the first `size` leaves of a stored tree. Compare its root with a signed one before use.
    ///
    /// # Errors
    /// Whatever the reader reports.
    pub fn read<R: HashReader + ?Sized>(reader: &mut R, size: u64) -> Result<Self, R::Error> {
        let mut peaks = Vec::new();
        let mut covered = 0;
        for level in (0..64).rev() {
            if size >> level & 1 == 1 {
                peaks.push(reader.subtree(level, covered >> level)?);
                covered += 1 << level;
            }
        }
        Ok(Self { size, peaks })
    }

    /// Appends the hash of the next leaf.
    pub fn append(&mut self, leaf: Hash) {
        let mut carried = leaf;
        // Each trailing one-bit of the size is a complete left sibling, as in adding one to a binary number.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                carried = node_hash(left, carried);
            }
        }
        self.peaks.push(carried);
        self.size += 1;
    }

    /// Root of the tree as it stands.
    #[must_use]
    pub fn root(&self) -> Hash {
        let from_the_right = self.peaks.iter().rev().copied();
        from_the_right.reduce(|right, left| node_hash(left, right)).unwrap_or_else(empty_root)
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }
}

impl Extend<Hash> for Frontier {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.append(leaf));
    }
}

/// The stored parts cannot be a frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFrontier;

impl fmt::Display for BadFrontier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of subtree roots does not fit the size of the tree")
    }
}

impl core::error::Error for BadFrontier {}
