//! What the control notes of a shard say at the moment: who decides, what is mandated, what was proved and issued.
//!
//! Read from the log every time; nothing of it lives anywhere else.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use evidence::{
    Content, Digest, Dossier, Entry, KeyId, Mandate, TargetIds, Utc,
    control::{Approval, Control, Delegation, Issue, Role, Withhold},
};
use tlog::Note;

/// The state of the control notes, in log order.
#[derive(Debug, Default)]
pub struct Book {
    /// Delegated keys.
    pub keys: Vec<DelegatedKey>,
    /// Mandates.
    pub mandates: Vec<Filed<Mandate>>,
    /// Dossiers with their approvals.
    pub dossiers: Vec<FiledDossier>,
    /// Issues.
    pub issues: Vec<Filed<Issue>>,
    /// Withholdings, which come just before the issue that they belong to.
    pub withholds: Vec<Filed<Withhold>>,
    /// Whether the shard is closed.
    pub is_closed: bool,
    holders: BTreeMap<KeyId, String>,
}

/// A note and its place in the log.
#[derive(Debug)]
pub struct Filed<T> {
    /// The leaf's index.
    pub index: u64,
    /// SHA-256 of the note.
    pub note_sha256: Digest,
    /// Who signed it.
    pub by: String,
    /// What it says.
    pub says: T,
}

/// A dossier and who approved it.
#[derive(Debug)]
pub struct FiledDossier {
    /// The dossier note.
    pub note: Filed<Dossier>,
    /// The approvals.
    pub approvals: Vec<Filed<Approval>>,
}

/// A key that root delegated.
#[derive(Debug)]
pub struct DelegatedKey {
    /// The delegation.
    pub delegation: Delegation,
    /// The leaf's index.
    pub index: u64,
    /// How many leaves it signed. A person's key signs notes, and no leaves.
    pub leaves: u64,
    /// The index of the note that revokes it.
    pub revoked_at: Option<u64>,
}

impl FiledDossier {
    /// The different people who approved it.
    pub fn reviewers(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.approvals.iter().map(|approval| approval.by.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether two different people approved it.
    pub fn is_approved(&self) -> bool {
        self.reviewers().len() >= 2
    }
}

impl Book {
    /// Reads the notes among `entries`.
    pub fn read<E: std::error::Error + Send + Sync + 'static>(entries: impl Iterator<Item = Result<Entry, E>>) -> Result<Self> {
        let mut book = Self::default();
        for entry in entries {
            let entry = entry?;
            if let Some(key) = book.keys.iter_mut().find(|key| key.delegation.kid() == entry.leaf.kid) {
                key.leaves += 1;
            }
            if let Content::Note(text) = &entry.content {
                book.take(entry.index, entry.leaf.commitment, text)
                    .with_context(|| format!("the note of entry {} is refused", entry.index))?;
            }
        }
        Ok(book)
    }

    fn take(&mut self, index: u64, note_sha256: Digest, text: &str) -> Result<()> {
        let note = Note::parse(text.as_bytes()).map_err(|fault| anyhow::anyhow!("{fault}"))?;
        let by = self.signer(&note);
        match Control::parse(note.text()).map_err(|fault| anyhow::anyhow!("{fault}"))? {
            Control::Delegation(delegation) => {
                if let Some(holder) = &delegation.holder {
                    self.holders.insert(delegation.kid(), holder.clone());
                }
                self.keys.push(DelegatedKey { delegation, index, leaves: 0, revoked_at: None });
            }
            Control::Mandate(says) => self.mandates.push(Filed { index, note_sha256, by, says }),
            Control::Dossier(says) => {
                self.dossiers.push(FiledDossier { note: Filed { index, note_sha256, by, says }, approvals: Vec::new() });
            }
            Control::Approval(says) => {
                if let Some(dossier) =
                    self.dossiers.iter_mut().find(|dossier| dossier.note.note_sha256 == says.dossier_note_sha256)
                {
                    dossier.approvals.push(Filed { index, note_sha256, by, says });
                }
            }
            Control::Issue(says) => self.issues.push(Filed { index, note_sha256, by, says }),
            Control::Close(_) => self.is_closed = true,
            Control::Withhold(says) => self.withholds.push(Filed { index, note_sha256, by, says }),
            Control::Revoke(says) => {
                let revoked = self.keys.iter_mut().filter(|key| key.delegation.kid() == says.kid);
                revoked.for_each(|key| key.revoked_at = Some(index));
            }
            Control::Erase(_) => {}
        }
        Ok(())
    }

    /// The person whose key's name the note carries, or the key's name itself.
    fn signer(&self, note: &Note) -> String {
        let Some(signature) = note.signatures().first() else { return String::new() };
        let name = signature.name().as_str();
        let kid = name.rsplit('/').next().and_then(|kid| kid.parse::<KeyId>().ok());
        kid.and_then(|kid| self.holders.get(&kid)).cloned().unwrap_or_else(|| name.to_string())
    }

    /// The keys that people hold and that are not revoked.
    pub fn people(&self) -> impl DoubleEndedIterator<Item = &DelegatedKey> {
        self.keys.iter().filter(|key| key.revoked_at.is_none() && key.delegation.holder.is_some())
    }

    /// The person's key for a role, the last delegated.
    pub fn person(&self, name: &str, role: Role) -> Result<&Delegation> {
        let holds = |key: &&DelegatedKey| key.delegation.role == role && key.delegation.holder.as_deref() == Some(name);
        match self.people().rev().find(holds) {
            Some(key) => Ok(&key.delegation),
            None => {
                let known: Vec<&str> = self.people().filter_map(|key| key.delegation.holder.as_deref()).collect();
                let known = if known.is_empty() { "nobody yet".to_string() } else { known.join(", ") };
                bail!("nobody named '{name}' holds an {role} key (known: {known}); add one with 'affiant people add'")
            }
        }
    }

    /// The mandates for a torrent that are in force at `now`.
    pub fn mandates_for(&self, target: &TargetIds, now: Utc) -> Vec<&Filed<Mandate>> {
        self.mandates
            .iter()
            .filter(|mandate| mandate.says.in_force(now) && mandate.says.targets.iter().any(|named| named.overlaps(target)))
            .collect()
    }

    /// The last dossier of a torrent, preferably an approved one.
    pub fn dossier_for(&self, target: &TargetIds) -> Option<&FiledDossier> {
        let of_target = || self.dossiers.iter().rev().filter(|dossier| dossier.note.says.target.overlaps(target));
        of_target().find(|dossier| dossier.is_approved()).or_else(|| of_target().next())
    }

    /// The one dossier whose note digest begins with `prefix`.
    pub fn dossier(&self, prefix: &str) -> Result<&FiledDossier> {
        let mut found = self.dossiers.iter().filter(|dossier| dossier.note.note_sha256.to_string().starts_with(prefix));
        match (found.next(), found.next()) {
            (Some(dossier), None) => Ok(dossier),
            (None, _) => bail!("no dossier begins with '{prefix}'; 'affiant dossier list' shows them"),
            (Some(_), Some(_)) => bail!("several dossiers begin with '{prefix}'; give more digits"),
        }
    }
}
