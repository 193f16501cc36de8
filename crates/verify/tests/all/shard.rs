//! A log in the making: leaves, notes and openings, signed as an issuer would or as a forger might.

use std::collections::BTreeMap;

use evidence::{
    Blind, Digest, Leaf, Numbered, Part, Signature, Tag, Utc,
    control::{Control, Delegation, Role},
    leaf, opening, sha256,
};
use serde::Serialize;
use tlog::{
    Checkpoint, Hash, KeyKind, KeyName, Note, SignedCheckpoint, cosignature,
    merkle::{leaf_hash, root_of},
};

use crate::keys::{self, NAME, ORIGIN};

/// What a leaf is about to say, before it is signed.
pub struct Draft {
    pub signer: String,
    pub seq: u64,
    pub prev: Digest,
    pub part: Part,
    pub commitment: Digest,
}

pub struct Shard {
    pub leaves: Vec<String>,
    pub openings: BTreeMap<u64, String>,
    pub notes: BTreeMap<u64, Vec<u8>>,
    pub checkpoints: BTreeMap<u64, Vec<u8>>,
    /// Changes a leaf before it is signed.
    pub forge: fn(u64, &mut Draft),
    /// By signer: the next number and the previous leaf's hash or the delegation's digest.
    chains: BTreeMap<String, (u64, Digest)>,
    serial: u64,
}

impl Shard {
    pub fn new(forge: fn(u64, &mut Draft)) -> Self {
        Self {
            leaves: Vec::new(),
            openings: BTreeMap::new(),
            notes: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            forge,
            chains: BTreeMap::new(),
            serial: 0,
        }
    }

    pub fn next_index(&self) -> u64 {
        self.leaves.len() as u64
    }

    pub fn leaf_hash(&self, index: u64) -> Hash {
        leaf_hash(self.leaves[index as usize].as_bytes())
    }

    pub fn commitment(&self, index: u64) -> Digest {
        Leaf::parse(&self.leaves[index as usize]).unwrap().commitment
    }

    pub fn counts(&self) -> Vec<(evidence::KeyId, u64)> {
        let mut counts: Vec<_> =
            self.chains.iter().filter(|(_, (count, _))| *count > 0).map(|(name, (count, _))| (keys::kid(name), *count)).collect();
        counts.sort();
        counts
    }

    pub fn delegate(&mut self, name: &str, role: Role, holder: Option<&str>) -> u64 {
        self.serial += 1;
        let delegation = Delegation {
            role,
            holder: holder.map(Into::into),
            key: keys::public(name),
            serial: self.serial,
            not_before: Utc::parse_seconds("2026-09-01T00:00:00Z").unwrap(),
            not_after: Utc::parse_seconds("2026-09-09T00:00:00Z").unwrap(),
        };
        let note = root_note(&Control::Delegation(delegation));
        self.chains.insert(name.into(), (0, sha256(&note)));
        self.log_note(note)
    }

    /// Logs a note signed by a delegated key, or by root if the kind asks for it.
    pub fn decide(&mut self, control: &Control, by: &str) -> u64 {
        let note = match control.signer() {
            None => root_note(control),
            Some(role) => role_note(control, role, by),
        };
        self.log_note(note)
    }

    pub fn log_note(&mut self, note: Vec<u8>) -> u64 {
        let index = self.append("reg", Part::Ctl, sha256(&note));
        self.notes.insert(index, note);
        index
    }

    pub fn observe<T: Serialize>(&mut self, worker: &str, tag: Tag, part: Part, body: &T) -> u64 {
        let index = self.next_index();
        let blind = Blind::from(*sha256(format!("affiant test blind {index}").as_bytes()).as_bytes());
        let numbered = Numbered { body, kid: keys::kid(worker), seq: self.chains.get(worker).map_or(0, |(count, _)| *count) };
        let line = opening::seal(tag, &blind, &numbered).unwrap();
        self.seal(worker, part, line)
    }

    /// Logs a line as it stands.
    pub fn seal(&mut self, worker: &str, part: Part, line: String) -> u64 {
        let index = self.append(worker, part, sha256(line.as_bytes()));
        self.openings.insert(index, line);
        index
    }

    fn append(&mut self, signer: &str, part: Part, commitment: Digest) -> u64 {
        let index = self.next_index();
        let (seq, prev) = self.chains.get(signer).copied().unwrap_or((0, sha256(b"undelegated")));
        let mut draft = Draft { signer: signer.into(), seq, prev, part, commitment };
        (self.forge)(index, &mut draft);
        let Draft { signer: key, seq: stated, prev, part, commitment } = draft;
        let message = leaf::message(keys::kid(&key), stated, prev, part, commitment);
        let signature = Signature::from(keys::sign(&key, message.as_bytes()));
        let line = Leaf { kid: keys::kid(&key), seq: stated, prev, part, commitment, signature }.line();
        self.chains.insert(signer.into(), (seq + 1, Digest::from(leaf_hash(line.as_bytes()).0)));
        self.leaves.push(line);
        index
    }

    pub fn checkpoint(&mut self, at_unix_s: u64) {
        let size = self.next_index();
        self.checkpoints.insert(size, checkpoint(&self.leaves, at_unix_s));
    }
}

pub fn checkpoint(leaves: &[String], at_unix_s: u64) -> Vec<u8> {
    let root = root_of(leaves.iter().map(|line| leaf_hash(line.as_bytes())));
    signed(leaves.len() as u64, root, at_unix_s, true)
}

pub fn signed(size: u64, root: Hash, at_unix_s: u64, cosigned: bool) -> Vec<u8> {
    let checkpoint = Checkpoint::new(KeyName::new(ORIGIN).unwrap(), size, root).unwrap();
    let mut signed = SignedCheckpoint::sign(checkpoint, &keys::log(), |message| keys::sign("log", message)).unwrap();
    if cosigned {
        cosignature::cosign(&mut signed, &keys::witness(), at_unix_s, |message| keys::sign("wit1", message)).unwrap();
    }
    signed.to_bytes()
}

pub fn root_note(control: &Control) -> Vec<u8> {
    Note::sign(&control.text().unwrap(), &keys::root(), |message| keys::sign("root", message)).unwrap().to_bytes()
}

pub fn role_note(control: &Control, role: Role, by: &str) -> Vec<u8> {
    let name = format!("{NAME}/{role}/{}", keys::kid(by));
    let key = keys::verifier(&name, KeyKind::Note, by);
    Note::sign(&control.text().unwrap(), &key, |message| keys::sign(by, message)).unwrap().to_bytes()
}
