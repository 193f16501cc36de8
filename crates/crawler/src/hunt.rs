//! One torrent's state during a run.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use evidence::observation::Found;
use evidence::{Exclusion, Grade, InfoHashV1, Mono};
use swarm::announce::Announcer;
use swarm::continuity::Keeper;
use swarm::gossip::Gossip;
use swarm::probe::Identity;
use swarm::roster::{Offered, Roster};
use swarm::{Scope, Seed, Vantages};
use wire::peer_id::PeerId;
use wire::tracker_url::TrackerUrl;

use crate::{Settings, TargetPlan};

/// Peers, trackers and what they are told.
pub(crate) struct Hunt {
    pub(crate) plan: Arc<TargetPlan>,
    pub(crate) info_hash: InfoHashV1,
    pub(crate) roster: Roster,
    pub(crate) announcer: Announcer,
    /// What trackers know us by follows from it.
    seed: Seed,
    /// Whether nobody is contacted any more: the run ends, or its mandates are no longer in force.
    pub(crate) is_closed: bool,
    /// Verified bytes received.
    pub(crate) downloaded: u64,
    /// Peers that are never contacted, so that each is recorded once.
    refused: BTreeSet<SocketAddr>,
    refused_max: usize,
    gossip: Gossip,
}

/// What becomes of a peer that a list named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It will be contacted.
    Contact,
    /// It is known already.
    Known,
    /// Policy forbids it.
    Excluded(Exclusion),
    /// We have no address of its family.
    NoFamily,
    /// Nobody is contacted any more.
    TooLate,
}

impl Hunt {
    pub(crate) fn new(plan: Arc<TargetPlan>, info_hash: InfoHashV1, settings: &Settings, seed: Seed, now: Mono) -> Self {
        let announcer = Announcer::new(plan.trackers.clone(), settings.announce, seed.split("announce", &[]), now);
        Self {
            plan,
            info_hash,
            roster: Roster::new(settings.roster),
            announcer,
            seed,
            is_closed: false,
            downloaded: 0,
            refused: BTreeSet::new(),
            refused_max: settings.roster.peers_max,
            gossip: Gossip::new(settings.gossip),
        }
    }

    /// What a tracker knows us by for the run: a peer id and a key. To the trackers of a private torrent we are a
    /// different peer each: none may conclude from the other's peers (BEP 27).
    pub(crate) fn known_as(&self, identity: &Identity, tracker: &TrackerUrl) -> (PeerId, u32) {
        let of = if self.plan.is_private { tracker.as_str().as_bytes() } else { &[] };
        let [a, b, c, d, ..] = *self.seed.split("tracker-key", of).bytes();
        (identity.peer_id(&self.seed.split("tracker", of)), u32::from_be_bytes([a, b, c, d]))
    }

    /// Contacts nobody any more. Returns the peers that never were.
    pub(crate) fn close(&mut self, keeper: &mut Keeper) -> Vec<(SocketAddr, Found)> {
        self.is_closed = true;
        let untried = self.roster.take_untried(keeper);
        self.refused.extend(untried.iter().map(|(peer, _)| *peer));
        untried
    }

    /// Whom of those that a peer named is taken.
    pub(crate) fn take_gossip(&mut self, teller: IpAddr, grade: Grade, named: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let (roster, refused) = (&self.roster, &self.refused);
        self.gossip.take(teller, grade, named, |peer| roster.knows(peer) || refused.contains(&peer))
    }

    /// Decides about a peer that a list named.
    pub(crate) fn offer(&mut self, now: Mono, peer: SocketAddr, found: Found, scope: &Scope, bind: &Vantages) -> Fate {
        if self.refused.contains(&peer) {
            return Fate::Known;
        }
        let fate = match scope.check(peer) {
            Err(rule) => Fate::Excluded(rule),
            Ok(()) if bind.first(peer.ip()).is_none() => Fate::NoFamily,
            Ok(()) if self.is_closed && self.roster.knows(peer) => return Fate::Known,
            Ok(()) if self.is_closed => Fate::TooLate,
            Ok(()) => match self.roster.offer(now, peer, found) {
                Offered::New => return Fate::Contact,
                Offered::Known => return Fate::Known,
                Offered::Full => Fate::Excluded(Exclusion::ListTooLong),
            },
        };
        if self.refused.len() < self.refused_max {
            self.refused.insert(peer);
        }
        fate
    }
}
