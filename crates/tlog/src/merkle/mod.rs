//! Merkle trees by RFC 6962, section 2.1: roots, inclusion proofs and consistency proofs.
//!
//! [`Frontier`] and [`root_of`] are two roots of one tree computed by two code paths on purpose. Do not merge them:
//! a log that recomputes its root before it signs must not repeat the same fault twice.

mod consistency;
mod frontier;
mod hash;
mod inclusion;
mod root;
mod subtree;

pub use consistency::{consistency_proof, verify_consistency};
pub use frontier::{BadFrontier, Frontier};
pub use hash::{BadHash, Hash, empty_root, leaf_hash, node_hash};
pub use inclusion::{inclusion_proof, inclusion_proof_len, verify_inclusion};
pub use root::root_of;
pub use subtree::{HashReader, MakeError, OutOfRange, ProofError, range_root};
