//! The rules of the log, applied leaf by leaf: who may sign, whose chain goes on, what a note changes.
//!
//! One set of rules for what is about to be logged and for what is read back. Faults are clauses without an entry's
//! number; the caller knows whether they mean "not logged" or "a strange past".

use std::collections::{BTreeMap, BTreeSet};

use evidence::control::{Close, Control, Delegation, Role};
use evidence::{Digest, KeyId, Leaf, Part, PublicKey, sha256};
use tlog::merkle::{Frontier, Hash};
use tlog::{Note, VerifierKey, verify_strict};

use crate::Anchor;
use crate::keys::note_key;

/// Where a key's chain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) prev: Digest,
}

/// A delegated key and where its chain stands.
#[derive(Debug, Clone)]
pub(crate) struct Delegated {
    pub(crate) delegation: Delegation,
    pub(crate) head: Head,
    revoked: bool,
}

/// The state of a log after some of its leaves.
#[derive(Debug, Clone)]
pub(crate) struct Replay {
    anchor: Anchor,
    keys: BTreeMap<KeyId, Delegated>,
    serial: u64,
    closed: bool,
    erased: BTreeSet<u64>,
    /// Entries that are control notes: nothing in them can be erased.
    notes: BTreeSet<u64>,
    pub(crate) frontier: Frontier,
}

impl Replay {
    pub(crate) fn new(anchor: Anchor) -> Self {
        Self {
            anchor,
            keys: BTreeMap::new(),
            serial: 0,
            closed: false,
            erased: BTreeSet::new(),
            notes: BTreeSet::new(),
            frontier: Frontier::new(),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn erased(&self) -> &BTreeSet<u64> {
        &self.erased
    }

    /// The key, whatever it may sign.
    pub(crate) fn key(&self, kid: KeyId) -> Option<&Delegated> {
        self.keys.get(&kid)
    }

    pub(crate) fn next_serial(&self) -> u64 {
        self.serial + 1
    }

    /// The key's delegation and chain, if it may sign for the role.
    pub(crate) fn signer(&self, kid: KeyId, role: Role) -> Result<&Delegated, String> {
        match self.keys.get(&kid) {
            None => Err(format!("the key {kid} was never delegated")),
            Some(key) if key.delegation.role != role => {
                Err(format!("the key {kid} is a {}'s and signs as {role}", key.delegation.role))
            }
            Some(key) if key.revoked => Err(format!("the key {kid} was revoked")),
            Some(key) => Ok(key),
        }
    }

    /// The close note that the registrar `kid` would log now.
    pub(crate) fn close_by(&self, kid: KeyId) -> Close {
        let count = |(key, state): (&KeyId, &Delegated)| (*key, state.head.seq + u64::from(*key == kid));
        let finals = self.keys.iter().map(count).filter(|(_, count)| *count > 0).collect();
        Close { size: self.size() + 1, finals }
    }

    /// Checks a note that the next leaf commits to, and applies it.
    pub(crate) fn apply_note(&mut self, note: &str, registrar: KeyId) -> Result<Control, String> {
        let parsed = Note::parse(note.as_bytes()).map_err(|fault| fault.to_string())?;
        let control = Control::parse(parsed.text()).map_err(|fault| fault.to_string())?;
        self.check_signature(&parsed, &control)?;
        match &control {
            Control::Delegation(delegation) => self.delegate(delegation, sha256(note.as_bytes()))?,
            Control::Revoke(revoke) => match self.keys.get_mut(&revoke.kid) {
                Some(key) => key.revoked = true,
                None => return Err(format!("it revokes the key {}, which was never delegated", revoke.kid)),
            },
            Control::Erase(erase) if erase.index >= self.size() => {
                return Err(format!("it erases entry {}, which is not in the log", erase.index));
            }
            Control::Erase(erase) if self.notes.contains(&erase.index) => {
                return Err(format!("it erases entry {}, which is a control note and holds nothing to erase", erase.index));
            }
            Control::Erase(erase) => drop(self.erased.insert(erase.index)),
            Control::Close(close) if *close != self.close_by(registrar) => {
                return Err("its counts are not those of the log".into());
            }
            Control::Close(_) => self.closed = true,
            Control::Withhold(_) | Control::Mandate(_) | Control::Dossier(_) | Control::Approval(_) | Control::Issue(_) => {}
        }
        Ok(control)
    }

    fn check_signature(&self, note: &Note, control: &Control) -> Result<(), String> {
        let [signature] = note.signatures() else {
            return Err("a control note carries exactly one signature".into());
        };
        let key = match control.signer() {
            None => self.anchor.root.clone(),
            Some(role) => self.note_signer(role, signature.name().as_str())?,
        };
        note.verify(&key).map_err(|fault| format!("{} is not signed by {}: {fault}", control.tag(), key.name()))
    }

    fn note_signer(&self, role: Role, name: &str) -> Result<VerifierKey, String> {
        let kid = name.rsplit('/').next().and_then(|kid| kid.parse().ok());
        let kid: KeyId = kid.ok_or_else(|| format!("'{name}' does not name a key that signs as {role}"))?;
        let key = self.signer(kid, role)?;
        note_key(self.anchor.name(), Some(role), &key.delegation.key).map_err(|fault| fault.to_string())
    }

    fn delegate(&mut self, delegation: &Delegation, note: Digest) -> Result<(), String> {
        let kid = delegation.kid();
        if delegation.serial != self.next_serial() {
            return Err(format!("its serial is {}, the next one is {}", delegation.serial, self.next_serial()));
        }
        if self.keys.contains_key(&kid)
            || [&self.anchor.root, &self.anchor.log].iter().any(|key| PublicKey::from(*key.public_key()) == delegation.key)
        {
            return Err(format!("the key {kid} serves already, and one key has one role"));
        }
        tlog::ed25519::check_public_key(delegation.key.as_bytes()).map_err(|fault| fault.to_string())?;
        self.serial = delegation.serial;
        let head = Head { seq: 0, prev: note };
        self.keys.insert(kid, Delegated { delegation: delegation.clone(), head, revoked: false });
        Ok(())
    }

    /// Checks a leaf, whose note is applied already, against its key and chain, and counts it.
    pub(crate) fn accept(&mut self, leaf: &Leaf, hash: Hash, verify_signature: bool) -> Result<(), String> {
        let role = if leaf.part == Part::Ctl { Role::Registrar } else { Role::Worker };
        let key = self.signer(leaf.kid, role)?;
        let expected = key.head;
        if (leaf.seq, leaf.prev) != (expected.seq, expected.prev) {
            return Err(format!(
                "number {} does not continue the chain of the key {}, whose next is {}",
                leaf.seq, leaf.kid, expected.seq
            ));
        }
        if verify_signature {
            verify_strict(key.delegation.key.as_bytes(), leaf.message().as_bytes(), leaf.signature.as_bytes())
                .map_err(|fault| fault.to_string())?;
        }
        if let Some(key) = self.keys.get_mut(&leaf.kid) {
            key.head = Head { seq: leaf.seq + 1, prev: Digest::from(hash.0) };
        }
        if leaf.part == Part::Ctl {
            self.notes.insert(self.size());
        }
        self.frontier.append(hash);
        Ok(())
    }
}
