//! One look at the whole shard before a bundle is written: what goes in, and what proves what.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Cir, Content, Date, Digest, Entry, KeyId, control::Control};
use tlog::Note;

use super::{
    AUDIT, BundleInput, LogReader,
    openings::{Owed, transcript_of},
};
use crate::{
    casefile::{CaseFile, Logged, leaf_hash},
    cirs::cir_sha256,
    decided::Decided,
    fault::Fault,
    render::{evidence_text::EvidenceLines, readme::Example},
};

/// What the log holds for one recipient of one issue.
pub(super) struct Survey {
    /// The civil day of the issue note.
    pub issued_on: Date,
    /// How many leaves there are.
    pub leaves: u64,
    /// Whether the last leaf closes the shard.
    pub is_complete: bool,
    /// The recipient's AS numbers; nothing stands for the auditor.
    pub owed: Owed,
    /// Control notes by index.
    pub control: BTreeMap<u64, Vec<u8>>,
    /// Transcripts that owed openings name.
    pub transcripts: BTreeSet<Digest>,
    /// Entries that the recipient's reports rest on.
    pub evidence: BTreeMap<u64, EvidenceLines>,
    /// Dossiers that the auditor's reports rest on: their notes' SHA-256, and that of their block digests.
    pub dossiers: BTreeMap<Digest, Digest>,
    /// How many openings the recipient gets.
    pub openings: u64,
    /// Index of the note that delegates the key which signed the issue note.
    pub approver: u64,
    /// A record to show commands with.
    pub example: Option<Example>,
}

impl Survey {
    pub fn read(input: &BundleInput<'_>, log: &LogReader<'_>) -> Result<Self, Fault> {
        // Leaves that no checkpoint covers are not vouched for by anybody, and another recipient may lack them.
        let covered = input.checkpoints.last_key_value().map(|(size, _)| *size).filter(|size| *size > input.issue);
        let covered = covered.ok_or(Fault::File("data/shard/checkpoints".into(), "no checkpoint covers the issue note"))?;
        let case = CaseFile::read(input.origin, log().take(usize::try_from(covered).unwrap_or(usize::MAX)))?;
        if case.size < covered {
            return Err(Fault::Order { expected: case.size, found: covered });
        }
        let issue = case.issues.iter().find(|logged| logged.index == input.issue).ok_or(Fault::Issue(input.issue))?;
        check_reports(issue, input.cirs)?;
        let issued_on = issue.note.at.date();
        let mut survey = Self {
            issued_on,
            leaves: case.size,
            is_complete: false,
            owed: owed(input, &case, issued_on)?,
            control: BTreeMap::new(),
            transcripts: BTreeSet::new(),
            evidence: BTreeMap::new(),
            dossiers: dossiers(input, &case),
            openings: 0,
            approver: 0,
            example: None,
        };
        let wanted: BTreeSet<u64> = reports(input).flat_map(|cir| cir.evidence.iter().map(|reference| reference.index)).collect();
        let shown = reports(input).next().and_then(|cir| cir.evidence.first()).map(|reference| reference.index);
        let mut delegations: BTreeMap<KeyId, u64> = BTreeMap::new();
        for entry in log().take(survey.leaves_taken()) {
            let entry = entry.map_err(Fault::Shell)?;
            if wanted.contains(&entry.index) {
                survey.evidence.insert(entry.index, EvidenceLines { leaf: entry.leaf, opening: survey.named(&entry) });
            }
            survey.add(&entry, shown, &mut delegations);
            if entry.index == input.issue {
                // The case file has verified the signature under this very delegation.
                survey.approver = signer_of(&entry).and_then(|kid| delegations.get(&kid).copied()).unwrap_or_default();
            }
        }
        Ok(survey)
    }

    /// The leaves that the bundle holds, as a count to take.
    pub fn leaves_taken(&self) -> usize {
        usize::try_from(self.leaves).unwrap_or(usize::MAX)
    }

    /// The opening of an entry that a report names, unless it was erased. The control visit is among them: without
    /// it an ISP could not see for itself that the peer was cleared.
    fn named(&self, entry: &Entry) -> Option<String> {
        match &entry.content {
            Content::Opening(line) if !self.owed.erased.contains_key(&entry.index) => Some(line.clone()),
            _ => None,
        }
    }

    fn add(&mut self, entry: &Entry, shown: Option<u64>, delegations: &mut BTreeMap<KeyId, u64>) {
        self.is_complete = false;
        if let Content::Note(text) = &entry.content {
            let control = Note::parse(text.as_bytes()).ok().and_then(|note| Control::parse(note.text()).ok());
            match control {
                Some(Control::Delegation(delegation)) => {
                    delegations.entry(delegation.kid()).or_insert(entry.index);
                }
                Some(Control::Close(_)) => self.is_complete = true,
                _ => {}
            }
            self.control.insert(entry.index, text.clone().into_bytes());
        }
        let Some(line) = self.owed.opening(entry) else { return };
        self.openings += 1;
        self.transcripts.extend(transcript_of(line));
        let is_shown = shown.map_or(self.example.is_none(), |index| index == entry.index);
        if is_shown && let Some(delegation) = delegations.get(&entry.leaf.kid) {
            self.example = Some(Example {
                opening_line: self.openings,
                index: entry.index,
                commitment: entry.leaf.commitment,
                leaf: leaf_hash(entry),
                delegation: *delegation,
            });
        }
    }
}

/// The key that signed a note: the end of its name.
fn signer_of(entry: &Entry) -> Option<KeyId> {
    let Content::Note(text) = &entry.content else { return None };
    let note = Note::parse(text.as_bytes()).ok()?;
    note.signatures().first()?.name().as_str().rsplit('/').next()?.parse().ok()
}

/// The reports that the recipient receives.
pub(super) fn reports<'a>(input: &BundleInput<'a>) -> impl Iterator<Item = &'a Cir> + use<'a> {
    let (cirs, recipient) = (input.cirs, input.recipient);
    cirs.iter().filter(move |cir| recipient == AUDIT || cir.isp.id == recipient)
}

fn check_reports(issue: &Logged<evidence::control::Issue>, cirs: &[Cir]) -> Result<(), Fault> {
    let mut handed: BTreeMap<&str, Digest> = BTreeMap::new();
    for cir in cirs {
        handed.insert(&cir.uin, cir_sha256(cir)?);
    }
    let listed: BTreeMap<&str, Digest> =
        issue.note.reports.iter().map(|report| (report.uin.as_str(), report.cir_sha256)).collect();
    if handed == listed && handed.len() == cirs.len() { Ok(()) } else { Err(Fault::Issue(issue.index)) }
}

/// The dossiers that observations of the auditor's reports name, as far as these were not erased.
fn dossiers(input: &BundleInput<'_>, case: &CaseFile) -> BTreeMap<Digest, Digest> {
    if input.recipient != AUDIT {
        return BTreeMap::new();
    }
    let entries = reports(input).flat_map(|cir| &cir.evidence).filter(|entry| !case.erased.contains_key(&entry.index));
    let served = entries.filter_map(|entry| case.served.binary_search_by_key(&entry.index, |served| served.index).ok());
    let named: BTreeSet<Digest> = served.filter_map(|position| case.served[position].dossier_sha256).collect();
    let logged = case.dossiers.iter().filter(|logged| named.contains(&logged.sha256));
    logged.map(|logged| (logged.sha256, logged.note.blocks_sha256)).collect()
}

fn owed(input: &BundleInput<'_>, case: &CaseFile, issued_on: Date) -> Result<Owed, Fault> {
    let parts = if input.recipient == AUDIT {
        None
    } else {
        // An AS may pass from one ISP to another: what counts is whose it was when each session began.
        let mut days: BTreeSet<Date> = reports(input).map(|cir| cir.session.start.date()).collect();
        if days.is_empty() {
            days.insert(issued_on);
        }
        let asns: BTreeSet<u32> = days.into_iter().flat_map(|day| input.register.asns(input.recipient, day)).collect();
        if asns.is_empty() {
            return Err(Fault::Recipient(input.recipient.into()));
        }
        Some(asns)
    };
    // What this issue or an earlier one reported is owed, whatever an earlier note said.
    let decided = Decided::read(input.origin, case, input.issue + 1)?;
    let withheld = decided.withheld.keys().filter(|index| !decided.reported.contains_key(index)).copied().collect();
    Ok(Owed { parts, issue: input.issue, erased: case.erased.clone(), withheld })
}
