//! What the process report counts, gathered in one pass over the log.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{
    Chooser, Class, Content, Digest, Direction, Entry, Grade, Numbered, Observation, Opening, Outcome, RunId, Tag, TargetIds,
    Utc, Verification,
    candidates::Candidates,
    clock::ClockReading,
    observation::{Purpose, Source},
    run::{AnnounceResult, Fact, LookUpEnding, NodeFamily, RunFact},
};
use serde::de::DeserializeOwned;

use crate::{
    casefile::fault,
    coverage::{Contact, Coverage, heard},
    eligibility::CLOCK_TOLERANCE_MS,
    fault::{BoxError, Fault},
};

/// Every count of a shard.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    pub entries: u64,
    pub notes: u64,
    pub absent: u64,
    pub first: Option<Utc>,
    pub last: Option<Utc>,
    pub runs: BTreeMap<RunId, Run>,
    pub announces: BTreeMap<&'static str, u64>,
    pub trackers: BTreeSet<String>,
    pub scrapes: u64,
    pub look_ups: BTreeMap<NodeFamily, LookUps>,
    pub clock: Clock,
    pub lists: BTreeMap<Source, Lists>,
    pub contacts: Contacts,
    pub coverage: Coverage,
}

/// One run of the monitor.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub version: String,
    pub release: Option<Digest>,
    pub config: Option<Digest>,
    pub laboratory: bool,
    pub targets: Vec<TargetIds>,
    pub tables: Vec<Digest>,
    pub started: Option<Utc>,
    pub ended: Option<(Utc, String)>,
}

/// Readings of the clock.
#[derive(Debug, Default)]
pub(super) struct Clock {
    pub readings: u64,
    pub synchronised: u64,
    pub without_bound: u64,
    pub largest_ms: Option<u32>,
    pub beyond_tolerance: u64,
    pub sources: BTreeSet<String>,
    /// Instant and error of every reading that has one.
    pub errors: Vec<(Utc, u32)>,
}

/// Lists of candidates from one kind of source.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub lists: u64,
    pub named: u64,
    pub dropped: u64,
}

/// Look-ups in the DHT among nodes of one family.
#[derive(Debug, Default)]
pub(super) struct LookUps {
    pub by_ending: BTreeMap<LookUpEnding, u64>,
    pub asked: u64,
    pub answered: u64,
    pub named: u64,
    pub crowded: u64,
    /// Look-ups after which the monitor announced itself.
    pub announced: u64,
}

/// Contacts with peers.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    pub probes: u64,
    pub controls: BTreeMap<&'static str, u64>,
    pub rendezvous: BTreeMap<&'static str, u64>,
    /// Contacts with peers that could not be dialled before one.
    pub introduced: u64,
    pub by_grade: BTreeMap<Grade, u64>,
    pub by_outcome: BTreeMap<&'static str, u64>,
    pub by_exclusion: BTreeMap<&'static str, u64>,
    pub by_class: BTreeMap<Class, u64>,
    pub by_source: BTreeMap<&'static str, u64>,
    pub incoming: u64,
    pub challenges: BTreeMap<&'static str, u64>,
    /// Challenges by what their pieces were drawn from.
    pub choosers: BTreeMap<&'static str, u64>,
    /// Probes whose peer said that it saw the monitor at the recorded address.
    pub seen_here: u64,
    /// Probes whose peer said that it saw the monitor elsewhere.
    pub seen_elsewhere: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub verified_bytes: u64,
    pub piece_bytes_out: u64,
    pub without_clock: u64,
    pub beyond_clock: u64,
    pub tables: BTreeMap<Digest, u64>,
}

impl Statistics {
    /// `reported` says whether an issue reported the entry.
    pub fn read(log: impl Iterator<Item = Result<Entry, BoxError>>, reported: impl Fn(u64) -> bool) -> Result<Self, Fault> {
        let mut statistics = Self::default();
        for entry in log {
            let entry = entry.map_err(Fault::Shell)?;
            statistics.entries += 1;
            match &entry.content {
                Content::Note(_) => statistics.notes += 1,
                Content::Absent => statistics.absent += 1,
                Content::Opening(line) => statistics.add(&entry, line, &reported)?,
            }
        }
        statistics.clock.errors.sort_unstable();
        Ok(statistics)
    }

    fn add(&mut self, entry: &Entry, line: &str, reported: &impl Fn(u64) -> bool) -> Result<(), Fault> {
        let opening = Opening::parse(line).map_err(|refused| fault(entry.index, &refused.to_string()))?;
        match opening.tag {
            Tag::Obs => {
                let observation = record(entry, &opening)?;
                self.add_observation(&observation);
                if let Some(contact) = Contact::of(&observation, reported(entry.index)) {
                    self.coverage.meet(&contact);
                }
            }
            Tag::Cand => self.add_candidates(&record(entry, &opening)?),
            Tag::Clock => self.add_clock(&record(entry, &opening)?),
            Tag::Run => self.add_fact(record(entry, &opening)?),
        }
        Ok(())
    }

    fn moment(&mut self, at: Utc) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    fn add_candidates(&mut self, list: &Candidates) {
        self.moment(list.at.utc);
        let lists = self.lists.entry(list.source).or_default();
        lists.lists += 1;
        lists.named += list.peers.len() as u64;
        lists.dropped += u64::from(list.dropped);
        heard(list).for_each(|heard| self.coverage.hear(&heard));
    }

    fn add_clock(&mut self, reading: &ClockReading) {
        self.moment(reading.at.utc);
        let clock = &mut self.clock;
        clock.readings += 1;
        clock.synchronised += u64::from(reading.synchronised);
        clock.sources.insert(reading.source.clone());
        match reading.error_ms {
            None => clock.without_bound += 1,
            Some(error_ms) => {
                clock.largest_ms = clock.largest_ms.max(Some(error_ms));
                clock.beyond_tolerance += u64::from(error_ms > CLOCK_TOLERANCE_MS);
                clock.errors.push((reading.at.utc, error_ms));
            }
        }
    }

    fn add_fact(&mut self, fact: RunFact) {
        self.moment(fact.at.utc);
        let run = self.runs.entry(fact.run).or_default();
        match fact.fact {
            Fact::Started { config_sha256, laboratory, release_sha256, tables_sha256, targets, version, .. } => {
                run.version = version;
                run.release = Some(release_sha256);
                run.config = Some(config_sha256);
                run.laboratory = laboratory;
                run.targets = targets;
                run.tables = tables_sha256;
                run.started = Some(fact.at.utc);
            }
            Fact::Ended { reason, .. } => run.ended = Some((fact.at.utc, reason)),
            Fact::Announced { result, tracker, .. } => {
                let word = match result {
                    AnnounceResult::Peers { .. } => "answered with a list",
                    AnnounceResult::Failure { .. } => "refused",
                    AnnounceResult::Malformed { .. } => "malformed answer",
                    AnnounceResult::NoAnswer { .. } => "no answer",
                    AnnounceResult::Excluded { .. } => "not asked: policy",
                };
                *self.announces.entry(word).or_default() += 1;
                self.trackers.insert(tracker);
            }
            Fact::Scraped { tracker, .. } => {
                self.scrapes += 1;
                self.trackers.insert(tracker);
            }
            Fact::LookedUp { announced, answered, asked, crowded, ending, family, named, .. } => {
                let look_ups = self.look_ups.entry(family).or_default();
                *look_ups.by_ending.entry(ending).or_default() += 1;
                look_ups.asked += u64::from(asked);
                look_ups.answered += u64::from(answered);
                look_ups.named += u64::from(named);
                look_ups.crowded += u64::from(crowded);
                look_ups.announced += u64::from(announced.is_some());
            }
        }
    }

    fn add_observation(&mut self, observation: &Observation) {
        self.moment(observation.times.began.utc);
        self.moment(observation.times.ended.utc);
        let contacts = &mut self.contacts;
        contacts.bytes_in += observation.volume.bytes_in;
        contacts.bytes_out += observation.volume.bytes_out;
        contacts.piece_bytes_out += observation.volume.piece_bytes_out;
        if let Purpose::Control { .. } = observation.purpose {
            *contacts.controls.entry(observation.outcome.word()).or_default() += 1;
            return;
        }
        if observation.purpose == Purpose::Rendezvous {
            *contacts.rendezvous.entry(observation.outcome.word()).or_default() += 1;
            return;
        }
        contacts.introduced += u64::from(observation.rendezvous.is_some());
        contacts.probes += 1;
        contacts.verified_bytes += observation.volume.verified_bytes;
        *contacts.by_grade.entry(observation.grade).or_default() += 1;
        *contacts.by_outcome.entry(observation.outcome.word()).or_default() += 1;
        *contacts.by_class.entry(observation.attribution.class).or_default() += 1;
        for table in &observation.attribution.tables {
            *contacts.tables.entry(*table).or_default() += 1;
        }
        for challenge in &observation.challenges {
            let word = match challenge.verification {
                Verification::Match { .. } => "the content",
                Verification::Mismatch { .. } => "other bytes",
                Verification::Unproved { .. } => "unproved",
                Verification::Rejected => "rejected",
                Verification::Unanswered => "unanswered",
                Verification::Withdrawn => "taken back before an answer",
            };
            *contacts.challenges.entry(word).or_default() += 1;
            let chooser = match challenge.chosen_by {
                Chooser::Monitor => "all that the peer claimed",
                Chooser::Peer => "those that the peer offered",
                Chooser::Rule => "those that BEP 6 computes",
            };
            *contacts.choosers.entry(chooser).or_default() += 1;
        }
        if let Some(sees) = observation.extension.as_ref().and_then(|said| said.sees_observer) {
            *(if sees { &mut contacts.seen_here } else { &mut contacts.seen_elsewhere }) += 1;
        }
        match observation.times.error_ms {
            None => contacts.without_clock += 1,
            Some(error_ms) => contacts.beyond_clock += u64::from(error_ms > CLOCK_TOLERANCE_MS),
        }
        let source = observation.found.as_ref().map_or("dialled us", |found| found.source.word());
        *contacts.by_source.entry(source).or_default() += 1;
        contacts.incoming += u64::from(observation.direction == Direction::Incoming);
        if let Outcome::Excluded { rule } = observation.outcome {
            *contacts.by_exclusion.entry(rule.word()).or_default() += 1;
        }
    }
}

/// The commitments were compared and decisive records read strictly when the case file was; here they are counted.
fn record<T: DeserializeOwned>(entry: &Entry, opening: &Opening<'_>) -> Result<T, Fault> {
    let record: Result<Numbered<T>, _> = serde_json::from_str(opening.json);
    record.map(|record| record.body).map_err(|refused| fault(entry.index, &refused.to_string()))
}
