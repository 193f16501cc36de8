//! Step 7.10, second half: each run accounts for every address that it heard of and every contact that it made.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use evidence::{Digest, Observation, RunId, candidates::Candidates, observation::TargetIds};

use super::lists::{Lists, wide};
use crate::{findings::Findings, steps::Check};

/// What each run said and what the bundle holds of it. There may be millions of addresses, so they are packed.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    runs: BTreeMap<RunId, Run>,
    /// Numbers of pairs of run and torrent.
    pursuits: BTreeMap<(RunId, TargetIds), u32>,
    /// What was observed.
    observed: Vec<(u32, [u8; 18])>,
    /// The lists by commitment, and what they are lists of.
    lists: Vec<(Digest, RunId, u32)>,
}

#[derive(Debug, Default)]
struct Run {
    observations: u64,
    /// How many observations the run says it made, each time that it says that it ended.
    stated: Vec<u64>,
}

impl Accounts {
    pub(super) fn started(&mut self, run: RunId) {
        self.runs.entry(run).or_default();
    }

    pub(super) fn ended(&mut self, run: RunId, observations: u64) {
        self.runs.entry(run).or_default().stated.push(observations);
    }

    pub(super) fn list(&mut self, commitment: Digest, candidates: &Candidates) {
        let pursuit = self.pursuit(candidates.run, candidates.target);
        self.lists.push((commitment, candidates.run, pursuit));
    }

    pub(super) fn observation(&mut self, observation: &Observation) {
        self.runs.entry(observation.run).or_default().observations += 1;
        let pursuit = self.pursuit(observation.run, observation.target);
        self.observed.push((pursuit, wide(observation.peer)));
    }

    fn pursuit(&mut self, run: RunId, target: TargetIds) -> u32 {
        let next = u32::try_from(self.pursuits.len()).unwrap_or(u32::MAX);
        *self.pursuits.entry((run, target)).or_insert(next)
    }

    /// Compares the two. Openings that were erased may be among those that are lacking.
    pub(super) fn settle(&mut self, lists: &Lists, erased: u64, findings: &mut Findings) {
        let lacking = self.settle_counts(erased, findings);
        let unaccounted = self.settle_lists(lists, erased, findings);
        if lacking > 0 || unaccounted > 0 {
            findings.warn(
                Check::CommitBeforeOutcome,
                format!(
                    "openings were erased: what {lacking} contacts and {unaccounted} addresses came to cannot be told any more"
                ),
            );
        }
        let open = self.runs.values().filter(|run| run.stated.is_empty()).count();
        if open > 0 {
            findings.warn(
                Check::CommitBeforeOutcome,
                format!("{open} runs did not say that they ended: whether they account for every address cannot be told"),
            );
        }
    }

    /// How many observations are lacking, as far as erasures may explain it.
    fn settle_counts(&self, erased: u64, findings: &mut Findings) -> u64 {
        let mut lacking = 0;
        for (run, Run { observations, stated }) in &self.runs {
            let Some(first) = stated.first() else { continue };
            let is_once = stated.len() == 1;
            findings
                .check(Check::CommitBeforeOutcome, is_once, || format!("run {run} says {} times that it ended", stated.len()));
            lacking = first.saturating_sub(*observations).saturating_add(lacking);
            findings.check(Check::CommitBeforeOutcome, first >= observations && lacking <= erased, || {
                format!("run {run} says that it made {first} observations, and there are {observations}")
            });
        }
        lacking.min(erased)
    }

    /// How many addresses of lists were neither contacted nor passed over, as far as erasures may explain it.
    fn settle_lists(&mut self, lists: &Lists, erased: u64, findings: &mut Findings) -> u64 {
        self.observed.sort_unstable();
        let mut unaccounted: BTreeSet<(u32, [u8; 18])> = BTreeSet::new();
        for (commitment, run, pursuit) in &self.lists {
            let has_ended = self.runs.get(run).is_some_and(|run| !run.stated.is_empty());
            for peer in lists.kept(*commitment).filter(|_| has_ended) {
                findings.count(Check::CommitBeforeOutcome);
                let key = (*pursuit, peer);
                if self.observed.binary_search(&key).is_ok() || unaccounted.contains(&key) {
                    continue;
                }
                unaccounted.insert(key);
                if unaccounted.len() as u64 > erased {
                    findings.fail(Check::CommitBeforeOutcome, || {
                        format!("list {commitment} names {}, of which the run that ended has no observation", shown(peer))
                    });
                }
            }
        }
        (unaccounted.len() as u64).min(erased)
    }
}

fn shown(peer: [u8; 18]) -> SocketAddr {
    let (address, port) = peer.split_at(16);
    let address: [u8; 16] = address.try_into().unwrap_or_default();
    let port = port.try_into().map(u16::from_be_bytes).unwrap_or_default();
    SocketAddr::new(std::net::Ipv6Addr::from(address).to_canonical(), port)
}
