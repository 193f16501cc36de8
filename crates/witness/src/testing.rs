//! What the tests of this crate share: logs and witnesses with keys from known seeds, in passing folders.

use std::path::{Path, PathBuf};

use evidence::{Utc, sha256};
use ledger::keys::{Key, WitnessKey};
use ledger::{Founding, Keys, Ledger};
use tlog::merkle::Hash;
use tlog::note::KeyName;
use tlog::{SignedCheckpoint, VerifierKey};

use crate::Witness;

/// 2026-09-01T12:00:00.000Z
pub(crate) const NOON: Utc = Utc::from_ms(1_788_264_000_000);

pub(crate) fn key<Role>(name: &str) -> Key<Role> {
    Key::from_seed(sha256(format!("affiant test key {name}").as_bytes()).as_bytes()).unwrap()
}

pub(crate) fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A log that can be made to fork: two with the same keys and other people.
pub(crate) struct Log {
    _folder: tempfile::TempDir,
    pub(crate) ledger: Ledger,
    /// Every checkpoint so far, and the leaves.
    pub(crate) heads: Vec<SignedCheckpoint>,
    people: u64,
    salt: &'static str,
}

impl Log {
    /// Logs that differ in their salt share everything up to their founding and nothing after it.
    pub(crate) fn salted(salt: &'static str) -> Self {
        Self::watched(salt, Vec::new(), 0)
    }

    /// With witnesses in its anchor.
    pub(crate) fn watched(salt: &'static str, witnesses: Vec<VerifierKey>, quorum: usize) -> Self {
        let folder = folder();
        let founding = Founding {
            name: "log.example.org".into(),
            month: "2026-09".parse().unwrap(),
            now: NOON,
            not_before: NOON.date().start(),
            not_after: NOON.plus_ms(30 * 86_400_000),
            keys: Keys { root: key("root"), log: key("log"), registrar: key("reg"), worker: key("w1") },
            witnesses,
            quorum,
        };
        let mut ledger = Ledger::create(folder.path(), founding).unwrap();
        let heads = vec![ledger.checkpoint().unwrap()];
        Self { _folder: folder, ledger, heads, people: 0, salt }
    }

    pub(crate) fn new() -> Self {
        Self::salted("one")
    }

    /// Adds entries and a checkpoint.
    pub(crate) fn grow(&mut self, entries: u64) -> SignedCheckpoint {
        for _ in 0..entries {
            self.people += 1;
            let who = format!("{} {}", self.salt, self.people);
            let person: ledger::keys::AnalystKey = key(&who);
            self.ledger.delegate(&key("root"), evidence::control::Role::Analyst, Some(&who), &person.public()).unwrap();
        }
        let head = self.ledger.checkpoint().unwrap();
        self.heads.push(head.clone());
        head
    }

    pub(crate) fn shard(&self) -> PathBuf {
        self.ledger.shard()
    }

    pub(crate) fn key(&self) -> VerifierKey {
        ledger::Reader::open(&self.shard()).unwrap().anchor().log.clone()
    }

    pub(crate) fn leaves(&self) -> Vec<Hash> {
        let leaves = std::fs::read_to_string(self.shard().join("leaves.log")).unwrap();
        leaves.split_inclusive('\n').map(|leaf| tlog::merkle::leaf_hash(leaf.as_bytes())).collect()
    }

    /// The body that a log sends, with an honest proof.
    pub(crate) fn request(&self, old_size: u64, signed: &SignedCheckpoint) -> crate::request::Request {
        let leaves = self.leaves();
        let proof = tlog::merkle::consistency_proof(&leaves[..], old_size, signed.checkpoint().size()).unwrap_or_default();
        crate::request::Request { old_size, proof, signed: signed.clone() }
    }
}

/// The witness with a known key, which knows the log.
pub(crate) fn witness(folder: &Path, log: &Log) -> Witness {
    let mut witness = stranger(folder, "wit1");
    witness.trust(log.key()).unwrap();
    witness
}

/// A witness with a known key, which knows nobody.
pub(crate) fn stranger(folder: &Path, seed: &str) -> Witness {
    let witness_key: WitnessKey = key(seed);
    Witness::create_with(folder, &name(&format!("witness.example/{seed}")), witness_key).unwrap()
}

/// What the anchor names such a witness by.
pub(crate) fn verifier(seed: &str) -> VerifierKey {
    let witness_key: WitnessKey = key(seed);
    witness_key.verifier(&name(&format!("witness.example/{seed}"))).unwrap()
}
