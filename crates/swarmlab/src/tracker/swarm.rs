//! Who is in which swarm.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use wire::infohash::InfoHashV1;
use wire::peer_id::PeerId;

use super::TrackerConfig;
use super::log::{AnnounceEvent, Announced};

/// Peers in an answer that does not ask for a number.
const NUMWANT: usize = 50;

/// All swarms of a tracker.
#[derive(Debug, Default)]
pub(super) struct Swarms {
    swarms: BTreeMap<InfoHashV1, Swarm>,
    /// Answers given until now.
    turns: u64,
}

#[derive(Debug, Default)]
struct Swarm {
    members: BTreeMap<SocketAddr, Member>,
    completed: u32,
    /// Where the next answer's peers begin, so that asking again brings the others, and everybody in turn.
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    peer_id: PeerId,
    left: u64,
    /// When it last announced, or never for one that is merely listed.
    seen: Option<Instant>,
}

/// Numbers about one swarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Peers that have everything.
    pub complete: u32,
    /// Peers that do not.
    pub incomplete: u32,
    /// How often one announced that it had got everything.
    pub downloaded: u32,
}

/// What an honest tracker answers.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) totals: Totals,
    pub(super) peers: Vec<(SocketAddr, PeerId)>,
    /// The number of this answer.
    pub(super) turn: u64,
}

impl Swarms {
    pub(super) fn list(&mut self, info_hash: InfoHashV1, address: SocketAddr, left: u64) {
        let listed = Member { peer_id: PeerId(*b"-LB0001-listed-only-"), left, seen: None };
        self.swarms.entry(info_hash).or_default().members.insert(address, listed);
    }

    pub(super) fn announce(&mut self, announced: &Announced, config: &TrackerConfig) -> Answer {
        self.turns += 1;
        let swarm = self.swarms.entry(announced.info_hash).or_default();
        swarm.forget(config.expires_after);
        let address = announced.address();
        match announced.event {
            AnnounceEvent::Stopped => {
                swarm.members.remove(&address);
            }
            // Nobody can be dialled at port 0: such a peer only wants to know.
            _ if announced.port == 0 => {}
            _ => {
                let member = Member { peer_id: announced.peer_id, left: announced.left, seen: Some(Instant::now()) };
                swarm.members.insert(address, member);
            }
        }
        if announced.event == AnnounceEvent::Completed {
            swarm.completed += 1;
        }
        let wanted = match announced.event {
            AnnounceEvent::Stopped => 0,
            _ => announced.numwant.unwrap_or(NUMWANT).min(config.numwant_max),
        };
        Answer { totals: swarm.totals(), peers: swarm.take(wanted, address), turn: self.turns }
    }

    pub(super) fn totals(&mut self, info_hash: InfoHashV1, expires_after: Duration) -> Option<Totals> {
        let swarm = self.swarms.get_mut(&info_hash)?;
        swarm.forget(expires_after);
        Some(swarm.totals())
    }

    pub(super) fn peers(&mut self, info_hash: InfoHashV1, expires_after: Duration) -> Vec<SocketAddr> {
        let Some(swarm) = self.swarms.get_mut(&info_hash) else { return Vec::new() };
        swarm.forget(expires_after);
        swarm.members.keys().copied().collect()
    }
}

impl Swarm {
    fn forget(&mut self, expires_after: Duration) {
        self.members.retain(|_, member| member.seen.is_none_or(|seen| seen.elapsed() < expires_after));
    }

    fn totals(&self) -> Totals {
        let complete = self.members.values().filter(|member| member.left == 0).count() as u32;
        Totals { complete, incomplete: self.members.len() as u32 - complete, downloaded: self.completed }
    }

    fn take(&mut self, wanted: usize, except: SocketAddr) -> Vec<(SocketAddr, PeerId)> {
        let count = self.members.len();
        if wanted == 0 || count == 0 {
            return Vec::new();
        }
        let start = self.next % count;
        self.next = start + wanted.min(count);
        let members = self.members.iter().cycle().skip(start).take(count);
        let peers = members.map(|(address, member)| (*address, member.peer_id));
        peers.filter(|(address, _)| *address != except).take(wanted).collect()
    }
}
