//! Control notes: whose key signed them, and what they decide.

use std::collections::BTreeMap;

use evidence::{
    Entry, KeyId, Part,
    control::{Control, Delegation, Role},
    sha256,
};
use tlog::{KeyKind, KeyName, Note, VerifierKey};

use super::{Approved, CaseFile, Logged, fault};
use crate::fault::Fault;

/// The keys that the log has delegated.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// What stands before `/<role>/<kid>` in a key's name.
    name: String,
    delegated: BTreeMap<KeyId, (u64, Delegation)>,
    /// First index at which a key's leaves no longer count.
    revoked: BTreeMap<KeyId, u64>,
    /// The key that signed each decision, for revocations that come later.
    signers: BTreeMap<u64, KeyId>,
}

impl Keys {
    pub fn new(origin: &str) -> Result<Self, Fault> {
        let (name, _) = shard(origin)?;
        Ok(Self { name: name.into(), ..Self::default() })
    }

    pub fn analyst(&self, name: &str, index: u64) -> Option<&str> {
        self.delegated
            .iter()
            .filter(|(kid, (_, delegation))| delegation.role == Role::Analyst && !self.is_revoked(**kid, index))
            .filter_map(|(_, (_, delegation))| delegation.holder.as_deref())
            .find(|holder| person(holder) == person(name))
    }

    fn is_revoked(&self, kid: KeyId, index: u64) -> bool {
        self.revoked.get(&kid).is_some_and(|from| *from <= index)
    }

    /// The delegation whose key signed the note, if it fits the role and the signature verifies.
    fn signer(&self, note: &Note, role: Role) -> Result<&Delegation, &'static str> {
        let [signature] = note.signatures() else { return Err("a control note carries exactly one signature") };
        let kid = signature.name().as_str().strip_prefix(&format!("{}/{}/", self.name, role.word()));
        let kid: KeyId =
            kid.and_then(|kid| kid.parse().ok()).ok_or("the note is not signed by a key of the role that may sign it")?;
        let (_, delegation) = self.delegated.get(&kid).ok_or("the note is signed by a key that the log has not delegated")?;
        if delegation.role != role {
            return Err("the note is signed by a key of another role");
        }
        let name = KeyName::new(signature.name().as_str()).map_err(|_| "the signer's name is not a key name")?;
        let key = VerifierKey::new(name, KeyKind::Note, *delegation.key.as_bytes()).map_err(|_| "the signer's key is weak")?;
        note.verify(&key).map_err(|_| "the note's signature does not verify")?;
        Ok(delegation)
    }
}

/// What is compared of a person's name.
pub(crate) fn person(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The log's name and the month of the shard, as `YYYYMM`.
pub(crate) fn shard(origin: &str) -> Result<(&str, String), Fault> {
    let refused = || Fault::Origin(origin.into());
    let (name, month) = origin.rsplit_once('/').ok_or_else(refused)?;
    // A first day that exists is what makes it a month.
    let day: Result<evidence::Date, _> = format!("{month}-01").parse();
    if name.is_empty() || month.len() != 7 || day.is_err() {
        return Err(refused());
    }
    Ok((name, month.replace('-', "")))
}

impl CaseFile {
    pub(super) fn add_note(&mut self, entry: &Entry, text: &str) -> Result<(), Fault> {
        let index = entry.index;
        let digest = sha256(text.as_bytes());
        if digest != entry.leaf.commitment || entry.leaf.part != Part::Ctl {
            return Err(fault(index, "the control note is not the one that its leaf commits to"));
        }
        let note = Note::parse(text.as_bytes()).map_err(|refused| fault(index, &refused.to_string()))?;
        let control = Control::parse(note.text()).map_err(|refused| fault(index, &refused.to_string()))?;
        let mut holder = String::new();
        if let Some(role) = control.signer() {
            let delegation = self.keys.signer(&note, role).map_err(|rule| fault(index, rule))?;
            holder = delegation.holder.clone().ok_or_else(|| fault(index, "the signer's delegation names no holder"))?;
            let kid = delegation.kid();
            self.keys.signers.insert(index, kid);
        }
        match control {
            Control::Delegation(delegation) => {
                self.keys.delegated.entry(delegation.kid()).or_insert((index, delegation));
            }
            Control::Revoke(revoke) => {
                let from = self.keys.revoked.entry(revoke.kid).or_insert(revoke.from_index);
                *from = revoke.from_index.min(*from);
            }
            Control::Close(_) => {}
            Control::Erase(erase) => {
                self.erased.insert(erase.index, erase.basis);
            }
            Control::Withhold(note) => self.withholds.push(Logged { index, sha256: digest, holder, note }),
            Control::Mandate(note) => self.mandates.push(Logged { index, sha256: digest, holder, note }),
            Control::Dossier(note) => self.dossiers.push(Logged { index, sha256: digest, holder, note }),
            Control::Approval(note) => self.approvals.push(Approved {
                index,
                holder,
                dossier_note_sha256: note.dossier_note_sha256,
                statement: note.statement,
            }),
            Control::Issue(note) => self.issues.push(Logged { index, sha256: digest, holder, note }),
        }
        Ok(())
    }

    /// A note that a revoked key signed at or above the revocation's index decides nothing.
    pub(super) fn drop_revoked(&mut self) {
        let keys = &self.keys;
        let counts = |index: u64| keys.signers.get(&index).is_none_or(|kid| !keys.is_revoked(*kid, index));
        self.withholds.retain(|logged| counts(logged.index));
        self.mandates.retain(|logged| counts(logged.index));
        self.dossiers.retain(|logged| counts(logged.index));
        self.approvals.retain(|approval| counts(approval.index));
        self.issues.retain(|logged| counts(logged.index));
    }
}
