//! The root a second time, by the definition of RFC 6962 word for word. It shares only the hash function with
//! [`Frontier`](super::Frontier) and with [`range_root`](super::range_root).

use alloc::vec::Vec;

use super::hash::{Hash, empty_root, node_hash};

/// Root over leaf hashes: MTH of RFC 6962, section 2.1. Holds all of them in memory, 32 bytes each.
#[must_use]
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let leaves: Vec<Hash> = leaves.into_iter().collect();
    merkle_tree_hash(&leaves)
}

fn merkle_tree_hash(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(largest_power_of_two_below(leaves.len()));
            node_hash(merkle_tree_hash(left), merkle_tree_hash(right))
        }
    }
}

/// The k of the RFC: k < n ≤ 2k.
fn largest_power_of_two_below(n: usize) -> usize {
    let mut k = 1;
    while k < n - k {
        k *= 2;
    }
    k
}
