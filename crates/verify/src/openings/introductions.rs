//! Step 7.10: the rendezvous by which peers were reached that could not be dialled.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Digest, Observation, Outcome, RunId, TargetIds};

/// Rendezvous that said of somebody that it was told to dial, by commitment.
#[derive(Debug, Default)]
pub(super) struct Introductions {
    by_commitment: BTreeMap<Digest, (RunId, TargetIds)>,
    /// Commitments of openings that were erased: a rendezvous may be among them.
    erased: BTreeSet<Digest>,
}

impl Introductions {
    /// Notes what was erased.
    pub(super) fn forgive(&mut self, erased: impl Iterator<Item = Digest>) {
        self.erased.extend(erased);
    }

    /// Keeps an observation if it is such a rendezvous.
    pub(super) fn note(&mut self, commitment: Digest, observation: &Observation) {
        if matches!(observation.outcome, Outcome::Introduced { connects: 1.., .. }) {
            self.by_commitment.insert(commitment, (observation.run, observation.target));
        }
    }

    /// Whether an observation that names a rendezvous can have come about by it.
    pub(super) fn explain(&self, rendezvous: Digest, observation: &Observation) -> bool {
        self.erased.contains(&rendezvous) || self.by_commitment.get(&rendezvous) == Some(&(observation.run, observation.target))
    }
}
