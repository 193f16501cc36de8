//! Steps 7.6 to 7.10: one opening against its leaf and against itself.

use std::collections::BTreeSet;

use evidence::{
    Digest, Grade, Numbered, Observation, Opening, Outcome, Part, Tag,
    candidates::Candidates,
    clock::ClockReading,
    observation::Purpose,
    run::{Fact, RunFact},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Openings, PATH};
use crate::{
    findings::Findings,
    log::Sealed,
    observation::{candidate_faults, fact_faults, faults, work_blocks},
    recipient::Recipient,
    session::{Key, Seen, Visit, VisitResult},
    steps::Check,
};

/// Where an opening stands, and what it must fit.
struct At<'a> {
    number: u64,
    leaf: &'a Sealed,
}

impl Openings {
    /// Takes an opening whose commitment is its leaf's.
    pub(super) fn record(
        &mut self,
        number: u64,
        line: &str,
        leaf: &Sealed,
        recipient: &Recipient,
        named: &BTreeSet<u64>,
        findings: &mut Findings,
    ) {
        let at = At { number, leaf };
        findings.count(Check::OpeningForm);
        let opening = match Opening::parse(line) {
            Ok(opening) => opening,
            Err(fault) => return findings.fail(Check::OpeningForm, || format!("{PATH} line {number}: {fault}")),
        };
        match opening.tag {
            Tag::Obs => {
                if let Some(observation) = body::<Observation>(&opening, &at, findings) {
                    self.record_observation(&at, observation, recipient, named, findings);
                }
            }
            Tag::Cand => {
                if let Some(candidates) = body::<Candidates>(&opening, &at, findings) {
                    expect_part(&at, Part::Audit, findings);
                    consistent(&at, &candidate_faults(&candidates), findings);
                    self.lists.insert(leaf.commitment, &candidates);
                    self.accounts.list(leaf.commitment, &candidates);
                }
            }
            Tag::Clock => {
                if body::<ClockReading>(&opening, &at, findings).is_some() {
                    expect_part(&at, Part::Audit, findings);
                }
            }
            Tag::Run => {
                if let Some(fact) = body::<RunFact>(&opening, &at, findings) {
                    expect_part(&at, Part::Audit, findings);
                    consistent(&at, &fact_faults(&fact), findings);
                    match fact.fact {
                        Fact::Started { laboratory, .. } => {
                            // A run is in a laboratory only if every word about its start says so.
                            *self.laboratory.entry(fact.run).or_insert(true) &= laboratory;
                            self.accounts.started(fact.run);
                        }
                        Fact::Ended { observations, .. } => self.accounts.ended(fact.run, observations),
                        Fact::Announced { .. } | Fact::Scraped { .. } | Fact::LookedUp { .. } => {}
                    }
                }
            }
        }
    }

    fn record_observation(
        &mut self,
        at: &At<'_>,
        observation: Observation,
        recipient: &Recipient,
        named: &BTreeSet<u64>,
        findings: &mut Findings,
    ) {
        let leaf = at.leaf;
        let served = observation.grade == Grade::Served;
        let part = match observation.attribution.asn {
            Some(asn) if served => Part::As(asn),
            _ => Part::Audit,
        };
        expect_part(at, part, findings);
        consistent(at, &faults(&observation), findings);
        if self.laboratory.get(&observation.run).is_some_and(|laboratory| *laboratory != observation.laboratory) {
            findings.fail(Check::OpeningConsistency, || {
                format!("leaf {}: whether it was made in a laboratory is not what its run's start says", leaf.index)
            });
        }
        self.accounts.observation(&observation);
        if recipient.is_audit() && observation.found.is_some() {
            let fault = self.lists.fault(&observation);
            let (index, holds) = (leaf.index, fault.is_none());
            findings.check(Check::CommitBeforeOutcome, holds, || format!("observation {index}: {}", fault.unwrap_or_default()));
        }
        if recipient.is_audit()
            && let Some(rendezvous) = observation.rendezvous
        {
            let (index, holds) = (leaf.index, self.introductions.explain(rendezvous, &observation));
            findings.check(Check::CommitBeforeOutcome, holds, || {
                format!("observation {index}: no rendezvous {rendezvous} of its run and target was logged before")
            });
        }
        self.introductions.note(leaf.commitment, &observation);
        self.transcripts.extend(observation.transcript_sha256);
        self.tables.extend(observation.attribution.tables.iter().copied());

        // Entries after the issue belong to a later one.
        if leaf.index < recipient.issue {
            match observation.purpose {
                Purpose::Probe => {
                    if let Some(seen) = self.seen(leaf, &observation) {
                        self.sightings.push_seen(seen);
                    }
                }
                // It says nothing of what the peer shares.
                Purpose::Rendezvous => {}
                Purpose::Control { about, .. } => {
                    self.sightings.push_visit(visit(leaf.index, leaf.commitment, &observation, about))
                }
            }
        }
        if named.contains(&leaf.index) {
            self.named.insert(leaf.index, observation);
        }
    }

    /// The observation as sessions see it, if it satisfies the first two rules of usability.
    fn seen(&mut self, leaf: &Sealed, observation: &Observation) -> Option<Seen> {
        let clean = observation.grade == Grade::Served && matches!(observation.outcome, Outcome::Served { .. });
        let (first, last) = (observation.times.first_block?.utc.ms(), observation.times.last_block?.utc.ms());
        let first_ms = work_blocks(observation).filter_map(|challenge| challenge.first_byte).map(|stamp| stamp.utc.ms()).min()?;
        let last_ms = work_blocks(observation).filter_map(|challenge| challenge.answered).map(|stamp| stamp.utc.ms()).max()?;
        if !clean || first > last || first_ms > last_ms {
            return None;
        }
        let attribution = &observation.attribution;
        let place = (attribution.asn, attribution.prefix.clone(), attribution.isp.clone(), attribution.class);
        Some(Seen {
            index: leaf.index,
            key: Key { peer: observation.peer, transport: observation.transport, target: observation.target },
            direction: observation.direction,
            observer: observation.observer,
            peer_id: observation.peer_id,
            laboratory: observation.laboratory,
            first_ms,
            last_ms,
            attribution: self.number_of(place),
        })
    }
}

/// A control visit as clearance sees it.
pub(crate) fn visit(index: u64, commitment: Digest, observation: &Observation, about: Digest) -> Visit {
    let result = match observation.outcome {
        Outcome::Echo => VisitResult::Echo,
        Outcome::NoEcho => VisitResult::NoEcho,
        _ => VisitResult::Other,
    };
    Visit { index, commitment, peer: observation.peer, about, result }
}

fn body<T: DeserializeOwned + Serialize>(opening: &Opening<'_>, at: &At<'_>, findings: &mut Findings) -> Option<T> {
    let numbered: Numbered<T> = match opening.decode() {
        Ok(numbered) => numbered,
        Err(fault) => {
            findings.fail(Check::OpeningForm, || format!("{PATH} line {}: {fault}", at.number));
            return None;
        }
    };
    let fits = numbered.kid == at.leaf.kid && numbered.seq == at.leaf.seq;
    findings.check(Check::OpeningNumber, fits, || {
        format!(
            "{PATH} line {}: kid {} and seq {} are not its leaf's, {} and {}",
            at.number, numbered.kid, numbered.seq, at.leaf.kid, at.leaf.seq
        )
    });
    Some(numbered.body)
}

fn expect_part(at: &At<'_>, part: Part, findings: &mut Findings) {
    findings.check(Check::OpeningPart, part == at.leaf.part, || {
        format!("leaf {} has part {}, what it commits to belongs to {part}", at.leaf.index, at.leaf.part)
    });
}

fn consistent(at: &At<'_>, faults: &[&str], findings: &mut Findings) {
    findings.count(Check::OpeningConsistency);
    for fault in faults {
        findings.fail(Check::OpeningConsistency, || format!("leaf {}, {PATH} line {}: {fault}", at.leaf.index, at.number));
    }
}
