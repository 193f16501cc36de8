//! Transparency-log formats: Merkle trees, tiles, signed notes, checkpoints, cosignatures and proofs.
//!
//! In scope: RFC 6962 trees over SHA-256, and the C2SP formats `tlog-tiles`, `signed-note`, `tlog-checkpoint`,
//! `tlog-cosignature` (v1, Ed25519), `tlog-proof` and the request of `tlog-witness`, each read strictly: canonical or rejected, bounded, no panic.
//!
//! Out of scope: what a leaf means, private keys (a signer is a closure), files, networks and clocks.
//! A time here is always an argument or a value that was read.
//!
//! ```
//! use tlog::merkle::{Frontier, inclusion_proof, leaf_hash, root_of, verify_inclusion};
//!
//! let leaves = [leaf_hash(b"one\n"), leaf_hash(b"two\n"), leaf_hash(b"three\n")];
//! let mut frontier = Frontier::new();
//! for leaf in leaves {
//!     frontier.append(leaf);
//! }
//! // Two code paths that share nothing but the hash function agree on the root.
//! assert_eq!(frontier.root(), root_of(leaves));
//!
//! let proof = inclusion_proof(&leaves[..], 2, 3)?;
//! verify_inclusion(leaves[2], 2, 3, &proof, frontier.root())?;
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

#![no_std]

extern crate alloc;

mod canonical;
pub mod checkpoint;
pub mod cosignature;
pub mod ed25519;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
pub mod request;
pub mod tile;

pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use ed25519::verify_strict;
pub use merkle::Hash;
pub use note::{KeyKind, KeyName, Note, VerifierKey};
pub use policy::Policy;
pub use proof::Proof;

/// Most leaves a tree may have. C2SP implementations hold sizes in signed 64-bit integers.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;
