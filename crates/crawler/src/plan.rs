//! What a run is told: everything, once, with nothing read from elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;

use evidence::{Digest, InfoHashV1, Mandate, RunId, TargetIds, Utc};
use swarm::continuity::Revisit;
use swarm::{Content, Scope, Seed, Vantages, announce, gossip, local, pace, probe, punch, roster};
use wire::tracker_url::TrackerUrl;

use crate::{DhtPlan, WatchError};

/// The plan of a run.
#[derive(Debug)]
pub struct WatchPlan {
    /// Names the run.
    pub run: RunId,
    /// The program's version, for the record.
    pub version: String,
    /// SHA-256 of the configuration.
    pub config_sha256: Digest,
    /// SHA-256 of the running program.
    pub release_sha256: Digest,
    /// SHA-256 of each attribution table, in the order consulted.
    pub tables_sha256: Vec<Digest>,
    /// What is watched.
    pub targets: Vec<TargetPlan>,
    /// Who may be contacted. The listeners' addresses are added to our own.
    pub scope: Scope,
    /// What we tell peers and trackers of ourselves, e.g. `affiant/0.1.0 (+https://monitor.example/)`.
    pub client: String,
    /// The addresses that contacts are made from.
    pub bind: Vantages,
    /// Where peers may call us. Port 0 takes any.
    pub listen: Vec<SocketAddr>,
    /// The port named to trackers and peers; without it the first one that the address in question listens on.
    pub announce_port: Option<u16>,
    /// How the run takes part in the DHT, if it does.
    pub dht: Option<DhtPlan>,
    /// Whether neighbours are listened to and told (BEP 14).
    pub local: LocalDiscovery,
    /// When the run ends.
    pub until: Until,
    /// 32 bytes from the operating system. Challenges, info-hashes of control visits and peer ids follow from it.
    pub seed: Seed,
    /// The numbers.
    pub settings: Settings,
}

/// Whether torrents are heard of, and called out, on our own network (BEP 14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalDiscovery {
    /// Neither.
    #[default]
    Off,
    /// Neighbours are heard, and told nothing.
    Listen,
    /// They are told too which torrents are watched, other than private ones.
    Announce,
}

/// When a run ends, if nobody stops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never.
    Stopped,
    /// After so many milliseconds.
    Duration(u64),
    /// Once every tracker and every look-up in the DHT has had its turn, every peer its last contact, and nothing has happened for `quiet_ms`; or
    /// after `at_most_ms`.
    Idle {
        /// Milliseconds without anything to do.
        quiet_ms: u64,
        /// Milliseconds in all.
        at_most_ms: u64,
    },
}

/// One torrent to be watched.
#[derive(Debug)]
pub struct TargetPlan {
    /// Its info-hashes. Trackers are asked by each; a peer is spoken to by the one that it was named for.
    pub ids: TargetIds,
    /// The mandates for the works it holds, in the order logged.
    pub mandates: Vec<Mandated>,
    /// What challenges are checked against: an approved dossier. Without it no grade beyond *claimed* is reached.
    pub content: Option<Arc<Content>>,
    /// How many pieces it has, where a metainfo says so.
    pub piece_count: Option<u32>,
    /// Length of its content in bytes, where known. Trackers are told that all of it is left.
    pub total_bytes: Option<u64>,
    /// Whether it is private (BEP 27): its own trackers name its peers, each for itself, and nobody else does. What the
    /// magnet and other peers say is passed over.
    pub is_private: bool,
    /// Its trackers by tier.
    pub trackers: Vec<Vec<TrackerUrl>>,
    /// Peers that its magnet names (`x.pe`).
    pub peers: Vec<SocketAddr>,
}

/// A mandate and its digest in the log.
#[derive(Clone, Debug)]
pub struct Mandated {
    /// The mandate.
    pub mandate: Mandate,
    /// SHA-256 of its note, as observations name it.
    pub sha256: Digest,
}

impl WatchPlan {
    pub(crate) fn check(&self, now: Utc) -> Result<(), WatchError> {
        if !(1..=LIST_MAX).contains(&self.settings.list_max) {
            return Err(WatchError::ListMax(self.settings.list_max));
        }
        self.targets.iter().try_for_each(|target| target.check(now))
    }
}

impl TargetPlan {
    /// The digests of the mandates that name this torrent and are in force.
    pub(crate) fn mandates_in_force(&self, now: Utc) -> Vec<Digest> {
        mandates_in_force(&self.mandates, &self.ids, now)
    }

    /// Its places in the DHT: its info-hashes, that of version 2 truncated (BEP 52).
    pub(crate) fn places(&self) -> impl Iterator<Item = InfoHashV1> + use<> {
        let truncated = self.ids.v2.and_then(|v2| v2.as_bytes().first_chunk().copied()).map(InfoHashV1::from);
        self.ids.v1.into_iter().chain(truncated)
    }

    pub(crate) fn check(&self, now: Utc) -> Result<(), WatchError> {
        if self.ids.versions().next().is_none() {
            return Err(WatchError::NoInfoHash);
        }
        if self.mandates_in_force(now).is_empty() { Err(WatchError::NoMandate(self.ids)) } else { Ok(()) }
    }
}

pub(crate) fn mandates_in_force(mandates: &[Mandated], torrent: &TargetIds, now: Utc) -> Vec<Digest> {
    let names = |mandate: &Mandate| mandate.targets.iter().any(|ids| ids.overlaps(torrent));
    let in_force = mandates.iter().filter(|mandated| mandated.mandate.in_force(now) && names(&mandated.mandate));
    in_force.map(|mandated| mandated.sha256).collect()
}

/// Most addresses kept of one list. One of IPv6 takes up to 50 bytes of a record, which may have 1 MiB.
pub const LIST_MAX: usize = 10_000;

/// The numbers of a run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Of one contact.
    pub probe: probe::Limits,
    /// Of all contacts together.
    pub pace: pace::Budgets,
    /// Of the peers of one torrent.
    pub roster: roster::Limits,
    /// Of what peers say of others, about one torrent.
    pub gossip: gossip::Limits,
    /// When a peer that served is visited again, so that a session shows to be one. Without it a peer is proved once a run.
    pub revisit: Option<Revisit>,
    /// Of what is called out on our own network.
    pub local: local::Limits,
    /// Of introductions to the peers of one torrent that cannot be dialled.
    pub punch: punch::Limits,
    /// Of the trackers of one torrent.
    pub announce: announce::Limits,
    /// Addresses kept of one list, at most [`LIST_MAX`]; the rest is counted.
    pub list_max: usize,
    /// Peers asked of a tracker at a time.
    pub numwant: u32,
    /// Wait for a tracker in milliseconds.
    pub tracker_ms: u64,
    /// Questions to trackers at a time.
    pub tracker_asks_max: usize,
    /// Records of contacts never made that wait for the log at a time.
    pub paper_max: usize,
    /// Gap between two readings of the clock in milliseconds.
    pub clock_gap_ms: u64,
    /// Gap between two reports of progress in milliseconds.
    pub progress_gap_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            probe: probe::Limits::default(),
            pace: pace::Budgets::default(),
            roster: roster::Limits::default(),
            gossip: gossip::Limits::default(),
            revisit: None,
            local: local::Limits::default(),
            punch: punch::Limits::default(),
            announce: announce::Limits::default(),
            list_max: LIST_MAX,
            numwant: 200,
            tracker_ms: 15_000,
            tracker_asks_max: 32,
            paper_max: 256,
            clock_gap_ms: 600_000,
            progress_gap_ms: 250,
        }
    }
}
