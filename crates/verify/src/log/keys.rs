//! Steps 3.2 to 3.5: who signed a leaf, and whether that key counted there.

use std::collections::BTreeMap;

use evidence::{
    KeyId, Leaf, Part,
    control::{Delegation, Role},
};
use tlog::{Hash, verify_strict};

use super::Walk;
use crate::{findings::Findings, steps::Check};

/// The delegated keys, as far as the walk has come.
#[derive(Debug, Default)]
pub(super) struct Keys {
    by_id: BTreeMap<KeyId, Key>,
    pub(super) last_serial: u64,
}

#[derive(Debug)]
pub(super) struct Key {
    pub(super) delegation: Delegation,
    /// RFC 6962 hash of the key's last leaf; before the first the digest of its delegation note.
    last: Hash,
    /// How many leaves it has signed.
    pub(super) leaves: u64,
}

impl Keys {
    pub(super) fn get(&self, kid: KeyId) -> Option<&Key> {
        self.by_id.get(&kid)
    }

    pub(super) fn insert(&mut self, delegation: Delegation, note_sha256: [u8; 32]) {
        self.by_id.insert(delegation.kid(), Key { delegation, last: Hash(note_sha256), leaves: 0 });
    }

    /// Each key that signed leaves and how many, in order of kid.
    pub(super) fn finals(&self) -> Vec<(KeyId, u64)> {
        self.by_id.iter().filter(|(_, key)| key.leaves > 0).map(|(kid, key)| (*kid, key.leaves)).collect()
    }
}

impl Walk<'_> {
    /// Judges the key, chain, signature and window of one leaf.
    pub(super) fn judge_key(&mut self, index: u64, leaf: &Leaf, hash: Hash, findings: &mut Findings) {
        let kid = leaf.kid;
        findings.count(Check::LeafKey);
        if let Some(from) = self.given.revoked.get(&kid).filter(|from| **from <= index) {
            findings.fail(Check::LeafKey, || format!("leaf {index}: key {kid} is revoked from index {from} on"));
        }
        let witnessed = self.given.checkpoints.witnessed_unix_s(index);
        let Some(key) = self.keys.by_id.get_mut(&kid) else {
            findings.fail(Check::LeafKey, || format!("leaf {index}: key {kid} is not delegated at or below that index"));
            return;
        };

        let role = key.delegation.role;
        let fits = match leaf.part {
            Part::Ctl => role == Role::Registrar,
            Part::As(_) | Part::Audit => role == Role::Worker,
        };
        if !fits {
            findings.fail(Check::LeafKey, || {
                format!("leaf {index}: key {kid} is a {role}'s, which does not sign leaves of part {}", leaf.part)
            });
        }

        findings.count(Check::LeafChain);
        if leaf.seq != key.leaves {
            findings
                .fail(Check::LeafChain, || format!("leaf {index}: key {kid} has seq {} where {} follows", leaf.seq, key.leaves));
        }
        if leaf.prev.as_bytes() != key.last.as_bytes() {
            findings.fail(Check::LeafChain, || {
                format!("leaf {index}: prev is {}, not {} of the key's leaf (or delegation note) before", leaf.prev, key.last)
            });
        }
        // Taken on from what stands there, so that one break is reported once.
        key.leaves = leaf.seq.saturating_add(1);
        key.last = hash;

        let signed = verify_strict(key.delegation.key.as_bytes(), leaf.message().as_bytes(), leaf.signature.as_bytes());
        findings.check(Check::LeafSignature, signed.is_ok(), || {
            format!("leaf {index}: {}", signed.err().map(|fault| fault.to_string()).unwrap_or_default())
        });

        match witnessed {
            None => self.unwitnessed += 1,
            Some(unix_s) => {
                let within = is_within(&key.delegation, unix_s);
                findings.check(Check::Window, within, || {
                    format!("leaf {index}: key {kid} was outside its window when a witness first saw the leaf")
                });
            }
        }
    }
}

/// Whether a moment lies in a key's window.
pub(super) fn is_within(delegation: &Delegation, unix_s: u64) -> bool {
    let Some(ms) = i64::try_from(unix_s).ok().and_then(|unix_s| unix_s.checked_mul(1000)) else {
        return false;
    };
    delegation.not_before.ms() <= ms && ms < delegation.not_after.ms()
}
