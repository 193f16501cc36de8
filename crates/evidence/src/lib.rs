//! The nouns of the evidence and their exact bytes.
//!
//! Everything that `affiant` signs, logs, reports or verifies is defined here once: instants, identifiers,
//! observations and outcomes, openings and leaves, control notes, dossiers and reports. A value has one
//! encoding, and a reader refuses every other.
//!
//! In scope: types, their canonical lines, sealing and opening, strict parsing.
//! Out of scope: signatures and Merkle trees (`tlog`), storage (`ledger`), decisions (`casework`).
//! No I/O, no clock, no randomness: `now`, blinds and bytes are arguments.
//!
//! ```
//! use evidence::{Blind, Opening, Tag};
//!
//! let line = evidence::opening::seal(Tag::Run, &Blind::from([7; 32]), &"a fact").unwrap();
//! let opening = Opening::parse(&line).unwrap();
//! assert_eq!(opening.decode::<String>().unwrap(), "a fact");
//! ```
#![no_std]

extern crate alloc;

pub mod attribution;
pub mod candidates;
pub mod canonical;
pub mod challenge;
pub mod cir;
pub mod clock;
pub mod control;
pub mod document;
pub mod dossier;
pub mod endpoint;
pub mod entry;
pub mod extension;
pub mod hex;
pub mod leaf;
pub mod mandate;
pub mod observation;
pub mod opening;
pub mod outcome;
pub mod run;
pub mod software;
pub mod text;
pub mod time;
pub mod version;

pub use attribution::{Attribution, Class, Part};
pub use challenge::{Challenge, Check, Chooser, MerkleProof, Verification};
pub use cir::Cir;
pub use dossier::Dossier;
pub use endpoint::{Direction, Encryption, PortRole, Transport};
pub use entry::{Content, Entry};
pub use extension::Extension;
pub use hex::{Blind, Digest, InfoHashV1, InfoHashV2, KeyId, MseSecret, PeerId, PublicKey, Reserved, RunId, Signature, sha256};
pub use leaf::Leaf;
pub use mandate::Mandate;
pub use observation::Observation;
pub use opening::{Numbered, Opening, Tag};
pub use outcome::{Exclusion, Grade, Outcome, Phase};
pub use software::Software;
pub use text::Claimed;
pub use time::{Date, Mono, Now, Stamp, Utc};
pub use version::{TargetIds, Version};
