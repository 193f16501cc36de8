//! What the engines' targets have in common: a torrent, a clock, a name of ours.

/// The info-hash.
pub(crate) const HASH: [u8; 20] = [7; 20];
