//! Inclusion proofs: this leaf stands at this index of that tree.

use alloc::vec::Vec;

use super::hash::{Hash, node_hash};
use super::subtree::{HashReader, MakeError, ProofError, range_root, split_point};

/// Makes PATH(index, D\[size\]) of RFC 6962, section 2.1.1: from the leaf's sibling up to the root's child.
///
/// # Errors
/// If `index` is not below `size`, or the reader fails.
pub fn inclusion_proof<R: HashReader>(mut reader: R, index: u64, size: u64) -> Result<Vec<Hash>, MakeError<R::Error>> {
    if index >= size {
        return Err(MakeError::OutOfRange);
    }
    let (mut start, mut end) = (0, size);
    let mut from_the_root = Vec::new();
    while end - start > 1 {
        let middle = start + split_point(end - start);
        let sibling = if index < middle {
            let sibling = range_root(&mut reader, middle, end);
            end = middle;
            sibling
        } else {
            let sibling = range_root(&mut reader, start, middle);
            start = middle;
            sibling
        };
        from_the_root.push(sibling.map_err(MakeError::Read)?);
    }
    from_the_root.reverse();
    Ok(from_the_root)
}

/// Number of hashes in the inclusion proof of this leaf, or `None` if the tree has no such leaf.
#[must_use]
pub fn inclusion_proof_len(index: u64, size: u64) -> Option<usize> {
    if index >= size {
        return None;
    }
    let (inner, border) = shape(index, size);
    Some((inner + border) as usize)
}

/// Verifies that the leaf with this hash stands at `index` of the tree with `size` leaves and this root.
///
/// # Errors
/// Says whether the index, the length or the hashes were wrong.
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> Result<(), ProofError> {
    let expected = inclusion_proof_len(index, size).ok_or(ProofError::OutOfRange)?;
    if proof.len() != expected {
        return Err(ProofError::WrongLength);
    }
    let (inner, _) = shape(index, size);
    let mut running = leaf;
    for (step, sibling) in proof.iter().enumerate() {
        // Below the right edge the index bit says the side; on the edge only left siblings are left.
        let below_edge = step < inner as usize;
        running = if below_edge && index >> step & 1 == 0 { node_hash(running, *sibling) } else { node_hash(*sibling, running) };
    }
    if running == root { Ok(()) } else { Err(ProofError::WrongRoot) }
}

/// Steps from the leaf to the right edge of the tree, and left siblings along that edge.
const fn shape(index: u64, size: u64) -> (u32, u32) {
    let inner = 64 - (index ^ (size - 1)).leading_zeros();
    let border = match index.checked_shr(inner) {
        Some(rest) => rest.count_ones(),
        None => 0,
    };
    (inner, border)
}
