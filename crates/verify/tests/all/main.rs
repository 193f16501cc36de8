//! Bundles made by a test-only issuer, one good and many with one defect each; archives; the vectors of the contract.
//! Nothing of the real issuer is used: keys come from names, records are written by hand.

mod archive;
mod contract;
mod files;
mod keys;
mod large;
mod mutations;
mod records;
mod rules;
mod shard;
mod story;
mod vectors;
mod write_vectors;
