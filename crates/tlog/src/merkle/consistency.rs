//! Consistency proofs: the old tree is a prefix of the new one.

use alloc::vec::Vec;

use super::hash::{Hash, empty_root, node_hash};
use super::subtree::{HashReader, MakeError, ProofError, range_root, split_point};

/// Makes PROOF(old_size, D\[new_size\]) of RFC 6962, section 2.1.2. It is empty when the old tree is, and when the
/// sizes are equal.
///
/// # Errors
/// If `old_size` is above `new_size`, or the reader fails.
pub fn consistency_proof<R: HashReader>(mut reader: R, old_size: u64, new_size: u64) -> Result<Vec<Hash>, MakeError<R::Error>> {
    if old_size > new_size {
        return Err(MakeError::OutOfRange);
    }
    if old_size == 0 || old_size == new_size {
        return Ok(Vec::new());
    }
    let (mut start, mut end) = (0, new_size);
    let mut from_the_root = Vec::new();
    while end != old_size {
        let middle = start + split_point(end - start);
        let sibling = if old_size <= middle {
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
    // The verifier already holds the root of the first leaves when they are the whole old tree.
    if start != 0 {
        from_the_root.push(range_root(&mut reader, start, end).map_err(MakeError::Read)?);
    }
    from_the_root.reverse();
    Ok(from_the_root)
}

/// Verifies that the tree with the old root is a prefix of the tree with the new root. RFC 9162, section 2.1.4.2.
///
/// # Errors
/// Says whether the sizes, the length or the hashes were wrong. An old tree without leaves must carry the empty root.
pub fn verify_consistency(
    old_size: u64,
    old_root: Hash,
    new_size: u64,
    new_root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::OutOfRange);
    }
    if old_size == 0 || old_size == new_size {
        return verify_trivial(old_size, old_root, new_size, new_root, proof);
    }

    // An old tree that is one complete subtree is its own first proof hash.
    let (seed, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(ProofError::WrongLength)?;
        (*first, rest)
    };

    let shared_levels = (old_size - 1).trailing_ones();
    let mut old_node = (old_size - 1) >> shared_levels;
    let mut new_node = (new_size - 1) >> shared_levels;
    let (mut old_running, mut new_running) = (seed, seed);
    for sibling in rest {
        if new_node == 0 {
            return Err(ProofError::WrongLength);
        }
        if old_node & 1 == 1 || old_node == new_node {
            old_running = node_hash(*sibling, old_running);
            new_running = node_hash(*sibling, new_running);
            while old_node & 1 == 0 && old_node != 0 {
                old_node >>= 1;
                new_node >>= 1;
            }
        } else {
            new_running = node_hash(new_running, *sibling);
        }
        old_node >>= 1;
        new_node >>= 1;
    }
    if new_node != 0 {
        return Err(ProofError::WrongLength);
    }
    if old_running == old_root && new_running == new_root { Ok(()) } else { Err(ProofError::WrongRoot) }
}

fn verify_trivial(old_size: u64, old_root: Hash, new_size: u64, new_root: Hash, proof: &[Hash]) -> Result<(), ProofError> {
    if !proof.is_empty() {
        return Err(ProofError::WrongLength);
    }
    let empty_is_empty = old_size != 0 || old_root == empty_root();
    let same_is_same = old_size != new_size || old_root == new_root;
    if empty_is_empty && same_is_same { Ok(()) } else { Err(ProofError::WrongRoot) }
}
