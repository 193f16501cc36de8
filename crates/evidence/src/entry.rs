//! An entry of the log as its readers meet it: the leaf, and what it commits to where that is at hand.

use alloc::string::String;

use crate::Leaf;

/// One entry and its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the log, from 0.
    pub index: u64,
    /// The leaf.
    pub leaf: Leaf,
    /// What the leaf commits to.
    pub content: Content,
}

/// What a leaf commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The opening line, line feed included.
    Opening(String),
    /// The control note, signatures included.
    Note(String),
    /// Not held here: erased, or another recipient's.
    Absent,
}
