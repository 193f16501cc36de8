//! What decisions rest on, gathered from the log in one pass.
//!
//! Only *served* observations, control visits and notes are kept; every opening's bytes are compared with the
//! commitment in its leaf, so nothing is reported from bytes that are not those logged. Signatures of notes are
//! verified under the keys that the log delegates; that the root signed those delegations is for the ledger,
//! which admitted them, and for the verifier, who has the trust anchor.

pub(crate) mod notes;
mod served;

use std::collections::BTreeMap;

use evidence::{
    Content, Digest, Dossier, Entry, Mandate, Numbered, Observation, Opening, Part, Tag,
    control::{Issue, Withhold},
    observation::Purpose,
    opening,
};
use serde::{Serialize, de::DeserializeOwned};

pub use served::{ControlFinding, ControlVisit, Served, Verified};

use crate::fault::{BoxError, Fault};
use notes::Keys;
pub(crate) use notes::{person, shard};
pub(crate) use served::leaf_hash;

/// What a shard of the log holds that decisions rest on.
#[derive(Debug, Default)]
pub struct CaseFile {
    /// How many entries were read.
    pub size: u64,
    /// Probes of grade *served*, by rising index.
    pub served: Vec<Served>,
    /// Control visits, by rising index.
    pub controls: Vec<ControlVisit>,
    /// Mandates.
    pub mandates: Vec<Logged<Mandate>>,
    /// Dossiers.
    pub dossiers: Vec<Logged<Dossier>>,
    /// Approvals of dossiers.
    pub approvals: Vec<Approved>,
    /// Issues.
    pub issues: Vec<Logged<Issue>>,
    /// Withholdings.
    pub withholds: Vec<Logged<Withhold>>,
    /// Erased entries and the basis.
    pub erased: BTreeMap<u64, String>,
    keys: Keys,
}

/// A note and its place in the log.
#[derive(Debug, Clone)]
pub struct Logged<T> {
    /// The leaf's index.
    pub index: u64,
    /// SHA-256 of the whole note.
    pub sha256: Digest,
    /// Who holds the key that signed it.
    pub holder: String,
    /// What it says.
    pub note: T,
}

/// An approval of a dossier.
#[derive(Debug, Clone)]
pub struct Approved {
    /// The leaf's index.
    pub index: u64,
    /// Who approved.
    pub holder: String,
    /// SHA-256 of the dossier's note.
    pub dossier_note_sha256: Digest,
    /// What the reviewer confirms.
    pub statement: String,
}

impl CaseFile {
    /// Reads a shard from its first entry on.
    pub fn read(origin: &str, log: impl IntoIterator<Item = Result<Entry, BoxError>>) -> Result<Self, Fault> {
        let mut case = Self { keys: Keys::new(origin)?, ..Self::default() };
        let mut absent = Vec::new();
        for entry in log {
            let entry = entry.map_err(Fault::Shell)?;
            if entry.index != case.size {
                return Err(Fault::Order { expected: case.size, found: entry.index });
            }
            case.size += 1;
            match &entry.content {
                Content::Opening(line) => case.add_opening(&entry, line)?,
                Content::Note(text) => case.add_note(&entry, text)?,
                Content::Absent => absent.push(entry.index),
            }
        }
        if let Some(index) = absent.into_iter().find(|index| !case.erased.contains_key(index)) {
            return Err(fault(index, "its content is missing and no erase note explains it"));
        }
        case.drop_revoked();
        Ok(case)
    }

    /// The holder of an analyst key that is delegated and not revoked, as the log writes the name.
    pub fn analyst(&self, name: &str) -> Option<&str> {
        self.keys.analyst(name, self.size)
    }

    fn add_opening(&mut self, entry: &Entry, line: &str) -> Result<(), Fault> {
        if opening::commitment(line) != entry.leaf.commitment {
            return Err(fault(entry.index, "the opening is not the one that its leaf commits to"));
        }
        if entry.leaf.part == Part::Ctl {
            return Err(fault(entry.index, "an opening stands where a control note must"));
        }
        let opening = Opening::parse(line).map_err(|refused| fault(entry.index, &refused.to_string()))?;
        match opening.tag {
            // A member written by others has its quotes escaped, so these texts are our own members; all other
            // observations decide nothing here and are not decoded.
            Tag::Obs if opening.json.contains(r#""grade":"served""#) || opening.json.contains(r#""kind":"control""#) => {
                let observation: Observation = decode(entry, &opening)?;
                match observation.purpose {
                    Purpose::Control { about, .. } => self.controls.push(ControlVisit::of(entry, &observation, about)),
                    Purpose::Rendezvous => {}
                    Purpose::Probe => self.served.extend(Served::of(entry, observation)?),
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Reads an opening's record if it stands where its leaf says.
pub(crate) fn decode<T: DeserializeOwned + Serialize>(entry: &Entry, opening: &Opening<'_>) -> Result<T, Fault> {
    let record: Numbered<T> = opening.decode().map_err(|refused| fault(entry.index, &refused.to_string()))?;
    if record.kid != entry.leaf.kid || record.seq != entry.leaf.seq {
        return Err(fault(entry.index, "the opening names another key or number than its leaf"));
    }
    Ok(record.body)
}

pub(crate) fn fault(index: u64, rule: &str) -> Fault {
    Fault::Entry { index, rule: rule.into() }
}
