//! The Mainline DHT stage: one node of ours, on one UDP socket a family, beside the run.
//!
//! What to ask whom, and what to believe, is `swarm::dht`'s; when a torrent is due, `swarm::dht::rounds`'. Here are the
//! sockets, the names to begin with, and the way of answers to the log: each list is logged before anybody on it is
//! contacted, and each look-up leaves a fact.

mod entrance;
mod look_up;
mod node;
mod sockets;
mod stage;

use std::fmt;
use std::sync::Arc;

use evidence::run::{DhtAnnounce, Fact, LookUpEnding, NodeFamily};
use evidence::{InfoHashV1, TargetIds};
use swarm::dht::rounds;
use swarm::dht::{Caps, Ending, Family, Finished, Limits, Snapshot};
use swarm::pace::Budgets;

pub use entrance::{Entrance, NotAnEntrance};
pub(crate) use look_up::peers;
pub use look_up::{Asked, LookUpPlan, Naming, look_up};
pub(crate) use sockets::Sockets;
pub(crate) use stage::{Making, Said, Stage};

/// How a run takes part in the DHT. It answers nobody (BEP 43).
#[derive(Clone, Debug)]
pub struct DhtPlan {
    /// Where to begin while too few nodes are known.
    pub bootstrap: Vec<Entrance>,
    /// The UDP port; 0 takes any free one.
    pub port: u16,
    /// Whether to announce our listening port for each torrent.
    pub announce: bool,
    /// What an earlier run knew.
    pub kept: Option<Snapshot>,
    /// Where our table is put, for the next run.
    pub keep: Keep,
    /// How often, in milliseconds. At the end of the run it is put there too.
    pub keep_gap_ms: u64,
    /// Whether local addresses may have any id, as BEP 42 says. A laboratory may want them checked too.
    pub exempt_local: bool,
    /// The bounds of look-ups.
    pub limits: Limits,
    /// The bounds by network.
    pub caps: Caps,
    /// How often nodes are asked.
    pub budgets: Budgets,
    /// When torrents are looked up.
    pub rounds: rounds::Limits,
}

/// Takes the text of our table, whose form is [`Snapshot::to_text`].
#[derive(Clone)]
pub struct Keep(Arc<dyn Fn(&str) + Send + Sync>);

impl Keep {
    /// Calls `keep` with each text. It may block.
    pub fn new(keep: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(keep))
    }

    /// Forgets it.
    pub fn nowhere() -> Self {
        Self::new(|_| {})
    }

    async fn keep(&self, snapshot: &Snapshot) {
        let (keep, text) = (Arc::clone(&self.0), snapshot.to_text());
        // An error means that the runtime is ending, and there is nobody left to keep it for.
        let _ = tokio::task::spawn_blocking(move || keep(&text)).await;
    }
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keep(..)")
    }
}

/// How a look-up went, and what it heard.
#[derive(Clone, Debug)]
pub struct LookedUp {
    /// How it went.
    pub finished: Finished,
    /// Answers that named peers.
    pub naming: u32,
    /// Addresses named, repeats included.
    pub named: u32,
    /// Distinct addresses named.
    pub distinct: u32,
    /// What came of our announce, if one was made.
    pub announced: Option<DhtAnnounce>,
}

impl LookedUp {
    /// How it ended, as the record says it.
    pub fn ending(&self) -> LookUpEnding {
        match self.finished.ending {
            Ending::Complete => LookUpEnding::Complete,
            Ending::Bounded => LookUpEnding::Bounded,
            Ending::Silence => LookUpEnding::Silence,
            Ending::Cancelled => LookUpEnding::Cancelled,
        }
    }

    pub(crate) fn fact(&self, target: TargetIds) -> Fact {
        let finished = &self.finished;
        // Of the few that are asked.
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Fact::LookedUp {
            agreed: count(finished.agreed()),
            announced: self.announced,
            answered: finished.answers,
            asked: finished.queries,
            began: finished.began,
            closest: count(finished.closest.len()),
            crowded: finished.crowded,
            distinct: self.distinct,
            ending: self.ending(),
            family: match finished.family {
                Family::V4 => NodeFamily::Ipv4,
                Family::V6 => NodeFamily::Ipv6,
            },
            info_hash: InfoHashV1::from(finished.target.0),
            named: self.named,
            naming: self.naming,
            target,
        }
    }
}
