//! Step 7: the openings that the recipient is owed, each against its leaf.

mod accounts;
mod introductions;
mod lists;
mod record;

pub(crate) use record::visit;

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Digest, Observation, RunId, opening, sha256};

use crate::{
    findings::Findings,
    lines::Lines,
    log::{Log, Sealed},
    recipient::Recipient,
    session::{Place, Sightings},
    source::Source,
    steps::Check,
};
use accounts::Accounts;
use introductions::Introductions;
use lists::Lists;

const PATH: &str = "data/recipient/openings.txt";

/// What is kept of the openings.
#[derive(Default)]
pub(crate) struct Openings {
    pub(crate) sightings: Sightings,
    /// The whole record of each observation that a report names.
    pub(crate) named: BTreeMap<u64, Observation>,
    /// The transcripts that must be in the bundle.
    pub(crate) transcripts: BTreeSet<Digest>,
    /// The tables that attributions name.
    pub(crate) tables: BTreeSet<Digest>,
    /// Runs and whether they were in a laboratory, where the recipient has their openings.
    pub(crate) laboratory: BTreeMap<RunId, bool>,
    /// Indices whose opening is there although a note withheld it before the issue.
    pub(crate) withheld: BTreeSet<u64>,
    attributions: BTreeMap<Place, u32>,
    lists: Lists,
    introductions: Introductions,
    accounts: Accounts,
}

impl Openings {
    /// A number for an attribution, equal for those that are the same for a session.
    fn number_of(&mut self, place: Place) -> u32 {
        let next = u32::try_from(self.attributions.len()).unwrap_or(u32::MAX);
        *self.attributions.entry(place).or_insert(next)
    }
}

/// What must become of a leaf's opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Present,
    Erased,
    /// Absent, unless a report rests on it after all: a withholding ends when an issue reports the observation.
    Withheld,
    /// Another recipient's.
    NotOwed,
    /// Logged after the issue: it belongs to a later bundle.
    Later,
}

struct Walk<'a> {
    log: &'a Log,
    recipient: &'a Recipient,
    /// Indices that reports name.
    named: &'a BTreeSet<u64>,
    /// Position in the log's sealed leaves of the next one to account for.
    next: usize,
    /// Built only if a line is not the one expected.
    by_commitment: Option<BTreeMap<Digest, usize>>,
    openings: Openings,
}

pub(crate) fn check(
    source: &mut dyn Source,
    log: &Log,
    recipient: &Recipient,
    named: &BTreeSet<u64>,
    findings: &mut Findings,
) -> Openings {
    let mut walk = Walk { log, recipient, named, next: 0, by_commitment: None, openings: Openings::default() };
    let erased = log.sealed.iter().filter(|leaf| log.decisions.erased.contains_key(&leaf.index));
    let erased: Vec<Digest> = erased.map(|leaf| leaf.commitment).collect();
    walk.openings.lists.forgive(erased.iter().copied());
    walk.openings.introductions.forgive(erased.into_iter());
    match source.open(PATH) {
        Err(fault) => findings.fail(Check::OpeningForm, || format!("{PATH} cannot be read: {fault}")),
        Ok(reader) => {
            let mut lines = Lines::new(reader, opening::MAX_LINE_BYTES);
            let mut number = 0;
            while let Some(line) = lines.next_line() {
                number += 1;
                match line {
                    Ok(line) => walk.take(number, line, findings),
                    Err(fault) => {
                        findings.fail(Check::OpeningForm, || format!("{PATH} line {number} {fault}; the rest was not read"));
                        break;
                    }
                }
            }
        }
    }
    walk.skip_to(log.sealed.len(), findings);
    findings.count_many(Check::Erased, log.decisions.erased.len() as u64);
    if recipient.is_audit() {
        let Openings { accounts, lists, .. } = &mut walk.openings;
        accounts.settle(lists, log.decisions.erased.len() as u64, findings);
    } else {
        findings.skip(Check::CommitBeforeOutcome, "the lists of candidates are in the audit bundle");
    }
    walk.openings
}

impl Walk<'_> {
    fn fate(&self, leaf: &Sealed) -> Fate {
        let decisions = &self.log.decisions;
        let audit = self.recipient.is_audit();
        if !self.recipient.is_owed(leaf.part) {
            Fate::NotOwed
        } else if decisions.erased.contains_key(&leaf.index) {
            Fate::Erased
        } else if !audit && decisions.withheld.get(&leaf.index).is_some_and(|note| *note < self.recipient.issue) {
            Fate::Withheld
        } else if !audit && leaf.index > self.recipient.issue {
            Fate::Later
        } else {
            Fate::Present
        }
    }

    fn take(&mut self, number: u64, line: &str, findings: &mut Findings) {
        findings.count(Check::Commitments);
        let commitment = sha256(line.as_bytes());
        let log = self.log;
        while let Some(leaf) = log.sealed.get(self.next) {
            let fate = self.fate(leaf);
            if matches!(fate, Fate::Present | Fate::Withheld) && leaf.commitment == commitment {
                self.next += 1;
                return self.keep(number, line, leaf, fate, findings);
            }
            if fate == Fate::Present {
                break;
            }
            self.next += 1;
        }
        self.take_unexpected(number, line, commitment, findings);
    }

    fn keep(&mut self, number: u64, line: &str, leaf: &Sealed, fate: Fate, findings: &mut Findings) {
        findings.count(Check::Owed);
        if fate == Fate::Withheld {
            self.openings.withheld.insert(leaf.index);
        }
        self.openings.record(number, line, leaf, self.recipient, self.named, findings);
    }

    fn take_unexpected(&mut self, number: u64, line: &str, commitment: Digest, findings: &mut Findings) {
        let log = self.log;
        let by_commitment = self
            .by_commitment
            .get_or_insert_with(|| log.sealed.iter().enumerate().map(|(position, leaf)| (leaf.commitment, position)).collect());
        let Some(position) = by_commitment.get(&commitment).copied() else {
            return findings.fail(Check::Commitments, || {
                format!("{PATH} line {number}: no leaf commits to this line (SHA-256 {commitment})")
            });
        };
        let Some(leaf) = log.sealed.get(position) else { return };
        let index = leaf.index;
        match self.fate(leaf) {
            Fate::Erased => findings.fail(Check::Erased, || {
                format!("{PATH} line {number}: the opening of leaf {index} is there, but its erasure is logged")
            }),
            Fate::NotOwed => findings.fail(Check::Owed, || {
                format!("{PATH} line {number}: the opening of leaf {index} is owed to somebody else (part {})", leaf.part)
            }),
            Fate::Later => findings.fail(Check::Owed, || {
                format!("{PATH} line {number}: leaf {index} was logged after the issue at {}", self.recipient.issue)
            }),
            Fate::Present | Fate::Withheld if position < self.next => {
                findings.fail(Check::Owed, || {
                    format!("{PATH} line {number}: the opening of leaf {index} is out of order or there twice")
                });
            }
            fate @ (Fate::Present | Fate::Withheld) => {
                self.skip_to(position, findings);
                self.next = position + 1;
                self.keep(number, line, leaf, fate, findings);
            }
        }
    }

    /// Says which openings before `position` are missing.
    fn skip_to(&mut self, position: usize, findings: &mut Findings) {
        let log = self.log;
        for leaf in log.sealed.get(self.next..position).into_iter().flatten() {
            if self.fate(leaf) == Fate::Present {
                findings.check(Check::Owed, false, || {
                    format!("the opening of leaf {} ({}) is missing, and no logged note explains why", leaf.index, leaf.part)
                });
            }
        }
        self.next = self.next.max(position);
    }
}
