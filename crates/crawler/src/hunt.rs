//! One torrent's state during a run.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use evidence::observation::Found;
use evidence::{Exclusion, Grade, InfoHashV1, Mono, Version};
use swarm::announce::{Announcer, Ask};
use swarm::continuity::Keeper;
use swarm::gossip::Gossip;
use swarm::probe::Identity;
use swarm::punch::Punch;
use swarm::roster::{Offered, Roster};
use swarm::{Scope, Seed, Vantages};
use wire::peer_id::PeerId;
use wire::tracker_url::TrackerUrl;

use crate::{Settings, TargetPlan};

/// Peers, trackers and what they are told.
pub(crate) struct Hunt {
    pub(crate) plan: Arc<TargetPlan>,
    pub(crate) roster: Roster,
    /// One for each version of the torrent: its trackers are asked by the 20 bytes of each.
    pub(crate) voices: Vec<Voice>,
    /// Who could introduce us to those that cannot be dialled.
    pub(crate) punch: Punch,
    /// What trackers know us by follows from it.
    seed: Seed,
    /// Whether nobody is contacted any more: the run ends, or its mandates are no longer in force.
    pub(crate) is_closed: bool,
    /// Verified bytes received.
    pub(crate) downloaded: u64,
    /// Peers that are spoken to by another version than the first.
    otherwise: BTreeMap<SocketAddr, Version>,
    /// Peers that are never contacted, so that each is recorded once.
    refused: BTreeSet<SocketAddr>,
    refused_max: usize,
    gossip: Gossip,
}

/// One version of a torrent, towards its trackers.
pub(crate) struct Voice {
    pub(crate) spoken: Version,
    pub(crate) announcer: Announcer,
}

/// What a target is called on the wire.
pub(crate) fn spoken_names(
    (number, target): (usize, &Arc<TargetPlan>),
) -> impl Iterator<Item = (InfoHashV1, (usize, Version))> + use<> {
    let ids = target.ids;
    ids.versions().filter_map(move |version| Some((ids.spoken(version)?, (number, version))))
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
    pub(crate) fn new(plan: Arc<TargetPlan>, settings: &Settings, seed: Seed, now: Mono) -> Self {
        let voice = |spoken: Version| {
            let seed = seed.split("announce", spoken.word().as_bytes());
            let announcer = Announcer::new(plan.trackers.clone(), settings.announce, seed, now);
            Voice { spoken, announcer }
        };
        let voices = plan.ids.versions().map(voice).collect();
        Self {
            plan,
            roster: Roster::new(settings.roster),
            voices,
            seed,
            punch: Punch::new(settings.punch),
            is_closed: false,
            downloaded: 0,
            otherwise: BTreeMap::new(),
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

    /// The trackers of a version.
    pub(crate) fn announcer(&mut self, spoken: Version) -> Option<&mut Announcer> {
        self.voices.iter_mut().find(|voice| voice.spoken == spoken).map(|voice| &mut voice.announcer)
    }

    /// Whether each tracker has had its turn, by each version.
    pub(crate) fn is_first_round_over(&self) -> bool {
        self.voices.iter().all(|voice| voice.announcer.is_first_round_over())
    }

    /// What is to be said to trackers that know of us, now that nobody is contacted any more.
    pub(crate) fn farewells(&mut self) -> Vec<(Version, Ask)> {
        let farewells = self.voices.iter_mut().map(|voice| (voice.spoken, voice.announcer.stop()));
        farewells.flat_map(|(spoken, asks)| asks.into_iter().map(move |ask| (spoken, ask))).collect()
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

    /// The version that a peer is spoken to by: the one that it was first named for.
    pub(crate) fn spoken_to(&self, peer: SocketAddr) -> Version {
        self.otherwise.get(&peer).copied().unwrap_or(self.first())
    }

    /// Speaks to a peer by the other version from now on, if there is one: it may know the torrent by that alone.
    pub(crate) fn speak_otherwise(&mut self, peer: SocketAddr) {
        let (first, before) = (self.first(), self.spoken_to(peer));
        match self.voices.iter().map(|voice| voice.spoken).find(|spoken| *spoken != before) {
            Some(other) if other != first => drop(self.otherwise.insert(peer, other)),
            Some(_) => drop(self.otherwise.remove(&peer)),
            None => {}
        }
    }

    fn first(&self) -> Version {
        self.voices.first().map_or(Version::V1, |voice| voice.spoken)
    }

    /// Decides about a peer that a list named, which was asked for by `spoken`.
    pub(crate) fn offer(
        &mut self,
        now: Mono,
        peer: SocketAddr,
        found: Found,
        spoken: Option<Version>,
        (scope, bind): (&Scope, &Vantages),
    ) -> Fate {
        if self.refused.contains(&peer) {
            return Fate::Known;
        }
        let fate = match scope.check(peer) {
            Err(rule) => Fate::Excluded(rule),
            Ok(()) if bind.first(peer.ip()).is_none() => Fate::NoFamily,
            Ok(()) if self.is_closed && self.roster.knows(peer) => return Fate::Known,
            Ok(()) if self.is_closed => Fate::TooLate,
            Ok(()) => match self.roster.offer(now, peer, found) {
                Offered::New => {
                    if let Some(spoken) = spoken.filter(|spoken| *spoken != self.first()) {
                        self.otherwise.insert(peer, spoken);
                    }
                    return Fate::Contact;
                }
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
