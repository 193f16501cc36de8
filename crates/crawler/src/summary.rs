//! Counts of a run, for whoever waits for it. No address is in them.

use std::collections::BTreeMap;

use evidence::{Grade, Outcome};

use crate::dht::LookedUp;

/// Why a run ended in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody asked for it.
    Stopped,
    /// Nothing was left to do.
    Idle,
    /// Its time was over.
    Duration,
}

impl Reason {
    /// The word used in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Idle => "idle",
            Self::Duration => "duration",
        }
    }
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Lists of addresses that trackers, peers and others sent.
    pub lists: u64,
    /// Addresses that peers named and that were not taken: whoever has proved nothing may name few.
    pub gossip_refused: u64,
    /// Questions to trackers that brought no list.
    pub tracker_failures: u64,
    /// Look-ups in the DHT, by how they ended, in the words of the record.
    pub look_ups: BTreeMap<&'static str, u64>,
    /// Queries that these took.
    pub dht_queries: u64,
    /// Peers that may be contacted.
    pub peers: u64,
    /// Contacts open now.
    pub open: u64,
    /// Observations logged.
    pub observations: u64,
    /// Observations of probes by grade.
    pub grades: BTreeMap<Grade, u64>,
    /// Observations by outcome, in the words of the record.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Records that the log refused for their own sake: they are missing from it.
    pub refused_records: u64,
    /// Sessions that are kept going.
    pub kept: u64,
    /// Sessions that were not, or not in time, though their peers were there.
    pub continuity_lost: u64,
    /// Bytes of content in verified blocks.
    pub verified_bytes: u64,
    /// Peers that said that they saw us at the address that we recorded.
    pub seen_here: u64,
    /// Peers that said that they saw us at another: if all do, we are behind a network address translator.
    pub seen_elsewhere: u64,
    /// Callers that were let in.
    pub callers: u64,
    /// Callers turned away before they had named a mandated torrent.
    pub callers_turned_away: u64,
}

impl Progress {
    pub(crate) fn count_sight(&mut self, sees_observer: Option<bool>) {
        match sees_observer {
            Some(true) => self.seen_here += 1,
            Some(false) => self.seen_elsewhere += 1,
            None => {}
        }
    }

    pub(crate) fn count_look_up(&mut self, looked_up: &LookedUp) {
        *self.look_ups.entry(looked_up.ending().word()).or_default() += 1;
        self.dht_queries += u64::from(looked_up.finished.queries);
    }

    pub(crate) fn count(&mut self, outcome: &Outcome, grade: Option<Grade>) {
        self.observations += 1;
        *self.outcomes.entry(outcome.word()).or_default() += 1;
        if let Some(grade) = grade {
            *self.grades.entry(grade).or_default() += 1;
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The counts at its end.
    pub progress: Progress,
    /// Why it ended.
    pub reason: Reason,
}
