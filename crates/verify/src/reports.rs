//! Step 9: each report against the evidence, every field derived again.

pub(crate) mod authority;
mod content;
mod days;
mod evidence_file;
mod figures;
mod issue;
mod session;

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Cir, KeyId, Observation, canonical, control::Issue, sha256};

use crate::{
    anchor::Anchor,
    attachments::Tables,
    bag::{Bag, read_text},
    findings::Findings,
    log::Log,
    notes::Logged,
    openings::Openings,
    place::{Place, number},
    recipient::Recipient,
    session::Derived,
    source::Source,
    steps::Check,
};

const MAX_CIR_BYTES: u64 = 1 << 20;

/// What reports are checked against.
pub(crate) struct Case<'a> {
    pub(crate) anchor: &'a Anchor,
    pub(crate) log: &'a Log,
    pub(crate) recipient: &'a Recipient,
    pub(crate) openings: &'a Openings,
    pub(crate) tables: &'a Tables,
    pub(crate) issue: &'a Logged<Issue>,
    /// The sessions as derived here.
    pub(crate) derived: &'a Derived,
    /// From which index on each key's leaves and notes do not count.
    pub(crate) revoked: &'a BTreeMap<KeyId, u64>,
    /// Identifiers that issues before this one used, by the index of the first entry that they name.
    pub(crate) earlier: BTreeMap<u64, &'a str>,
}

/// The reports of issues before the one at `index`, by the index of the entry that their identifier names.
pub(crate) fn earlier(log: &Log, index: u64) -> BTreeMap<u64, &str> {
    let issues = log.decisions.issues.iter().filter(|issue| issue.index < index);
    let uins = issues.flat_map(|issue| &issue.value.reports).map(|report| report.uin.as_str());
    uins.filter_map(|uin| Some((number(uin.rsplit('-').next()?)?, uin))).collect()
}

/// A report and what of its evidence is at hand.
struct Subject<'a> {
    cir: &'a Cir,
    /// The session's observations, in the report's order; at least one.
    observations: Vec<(u64, &'a Observation)>,
}

impl Subject<'_> {
    fn uin(&self) -> &str {
        &self.cir.uin
    }

    fn first(&self) -> &Observation {
        self.observations[0].1
    }

    /// The lowest index among its observations.
    fn lowest(&self) -> u64 {
        self.observations.iter().map(|(index, _)| *index).min().unwrap_or(0)
    }
}

/// The issue note that the bundle belongs to.
pub(crate) fn issue_of<'a>(log: &'a Log, recipient: &Recipient, findings: &mut Findings) -> Option<&'a Logged<Issue>> {
    let issue = log.decisions.issues.iter().find(|issue| issue.index == recipient.issue);
    findings.check(Check::IssueNote, issue.is_some(), || format!("leaf {} is not an issue note that counts", recipient.issue));
    issue
}

/// Reads the reports, and compares them with what the issue lists for the recipient.
pub(crate) fn read(
    source: &mut dyn Source,
    bag: &Bag,
    recipient: &Recipient,
    issue: &Logged<Issue>,
    findings: &mut Findings,
) -> Vec<Cir> {
    let mut listed: BTreeMap<&str, _> = BTreeMap::new();
    for report in issue.value.reports.iter().filter(|report| recipient.is_audit() || report.isp == recipient.id) {
        listed.insert(&report.uin, report);
    }
    let present: BTreeSet<String> =
        bag.places().filter_map(|(_, place)| if let Place::Report(uin) = place { Some(uin) } else { None }).collect();
    for missing in listed.keys().filter(|uin| !present.contains(**uin)) {
        findings.check(Check::ReportsListed, false, || format!("report {missing} is listed in the issue note and missing"));
    }
    let mut cirs = Vec::new();
    for uin in &present {
        let known = listed.get(uin.as_str());
        findings.check(Check::ReportsListed, known.is_some(), || {
            format!("report {uin} is not listed for this recipient in the issue note")
        });
        let Some(report) = known else { continue };
        let path = format!("data/cirs/{uin}/cir.json");
        findings.count(Check::ReportForm);
        let read = read_text(source, &path, MAX_CIR_BYTES).and_then(|text| {
            if sha256(text.as_bytes()) != report.cir_sha256 {
                return Err(format!("'{path}' does not have the SHA-256 that the issue note lists"));
            }
            parse(&text).map_err(|fault| format!("'{path}': {fault}"))
        });
        match read {
            Err(fault) => findings.fail(Check::ReportForm, || fault),
            Ok(cir) => {
                let same = cir.uin == *uin && cir.isp.id == report.isp;
                if findings.check(Check::ReportForm, same, || {
                    format!("'{path}' has another UIN or recipient than its folder and the issue note")
                }) {
                    cirs.push(cir);
                }
            }
        }
    }
    cirs
}

/// Reads the text of a `cir.json`.
pub(crate) fn parse(text: &str) -> Result<Cir, String> {
    let json = text.strip_suffix('\n').ok_or("it does not end with a line feed")?;
    canonical::from_text(json).map_err(|fault| fault.to_string())
}

/// The indices whose whole record the reports need.
pub(crate) fn named(cirs: &[Cir]) -> BTreeSet<u64> {
    cirs.iter().flat_map(|cir| &cir.evidence).map(|entry| entry.index).collect()
}

/// Checks every report.
pub(crate) fn check(source: &mut dyn Source, case: &Case<'_>, cirs: &[Cir], findings: &mut Findings) {
    let mut reported: BTreeMap<u64, &str> = BTreeMap::new();
    for cir in cirs {
        issue::check_uin(case, cir, findings);
        issue::check_words(case, cir, findings);
        content::check_folder(source, cir, findings);
        let visit = evidence_file::check(source, case, cir, findings);
        for entry in cir.evidence.iter().filter(|entry| !entry.control) {
            if let Some(other) = reported.insert(entry.index, &cir.uin) {
                findings.fail(Check::ReportedOnce, || {
                    format!("observation {} is in the reports {other} and {}", entry.index, cir.uin)
                });
            }
        }
        let Some(subject) = session::check_evidence(case, cir, findings) else { continue };
        let session = session::check(case, &subject, visit.as_ref(), findings);
        figures::check(case, &subject, session, findings);
        figures::check_connection(&subject, findings);
        figures::check_clock(&subject, findings);
        authority::check_mandates(case, &subject, findings);
        authority::check_dossier(case, &subject, findings);
        issue::check_profile(&subject, findings);
        issue::check_recipient(case, &subject, findings);
        issue::check_deadlines(&subject, findings);
    }
    session::check_withheld(case, &reported, findings);
}
