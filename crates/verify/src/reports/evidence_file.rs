//! Step 9.17, second half: `evidence.txt` holds the lines that the report rests on, and nobody else's.

use std::collections::BTreeSet;

use evidence::{Cir, Digest, Numbered, Observation, Opening, Tag, opening, sha256};
use tlog::merkle::leaf_hash;

use super::Case;
use crate::{findings::Findings, lines::Lines, source::Source, steps::Check};

/// Returns the control visit that the report names, if its opening is enclosed.
pub(super) fn check(source: &mut dyn Source, case: &Case<'_>, cir: &Cir, findings: &mut Findings) -> Option<Observation> {
    let path = format!("data/cirs/{}/evidence.txt", cir.uin);
    findings.count(Check::ReportFolder);
    let reader = match source.open(&path) {
        Ok(reader) => reader,
        Err(fault) => {
            findings.fail(Check::ReportFolder, || format!("'{path}' cannot be read: {fault}"));
            return None;
        }
    };
    let mut lines = Lines::new(reader, opening::MAX_LINE_BYTES);
    let (mut openings, mut leaves) = (BTreeSet::new(), BTreeSet::new());
    let mut visit = None;
    let mut number = 0;
    while let Some(line) = lines.next_line() {
        number += 1;
        let line = match line {
            Ok(line) => line,
            Err(fault) => {
                findings.fail(Check::ReportFolder, || format!("'{path}' line {number} {fault}"));
                return None;
            }
        };
        if line.starts_with("affiant.leaf/") {
            leaves.insert(Digest::from(leaf_hash(line.as_bytes()).0));
        } else if Tag::ALL.iter().any(|tag| line.starts_with(tag.word())) {
            let commitment = sha256(line.as_bytes());
            let entry = cir.evidence.iter().find(|entry| entry.commitment == commitment);
            match entry {
                None => findings.fail(Check::ReportFolder, || {
                    format!("'{path}' line {number} is an opening that the report does not rest on")
                }),
                Some(entry) if case.log.decisions.erased.contains_key(&entry.index) => {
                    findings.fail(Check::Erased, || {
                        format!("'{path}' line {number}: the opening of leaf {} is there, but its erasure is logged", entry.index)
                    });
                }
                Some(entry) if entry.control => {
                    visit = decode(line);
                    if visit.is_none() {
                        findings.fail(Check::ReportFolder, || format!("'{path}' line {number} is not a record of a visit"));
                    }
                }
                Some(_) => {}
            }
            openings.insert(commitment);
        }
    }
    for entry in &cir.evidence {
        let erased = case.log.decisions.erased.contains_key(&entry.index);
        // The opening of a control visit belongs to the auditor; whether others get it is the issuer's choice.
        if !entry.control && !erased && !openings.contains(&entry.commitment) {
            findings.fail(Check::ReportFolder, || format!("'{path}' lacks the opening of entry {}", entry.index));
        }
        if !leaves.contains(&entry.leaf) {
            findings.fail(Check::ReportFolder, || format!("'{path}' lacks the leaf of entry {}", entry.index));
        }
    }
    visit
}

fn decode(line: &str) -> Option<Observation> {
    let opening = Opening::parse(line).ok().filter(|opening| opening.tag == Tag::Obs)?;
    opening.decode::<Numbered<Observation>>().ok().map(|numbered| numbered.body)
}
