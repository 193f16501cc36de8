//! The peers of one torrent: who is due for a contact, who has had the last one.
//!
//! A peer's outcome is final after a number of tries with growing gaps, or at once where another try could not change
//! it. Each peer that served is owed one control visit. Peers whose sessions are kept going, and control visits, have three
//! of four turns where others are due as well, so that neither waits behind a flood of names and no flood behind them.
//! Memory is bounded: peers beyond the limit are turned away, and the shell records them as such.

mod between;

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use evidence::observation::Found;
use evidence::{Digest, Mono, Outcome, Transport};
use wire::peer_id::Family;

use crate::continuity::{Keeper, Revisit};
use crate::ladder::{self, Allowed, Climb, Experience, Means};

use between::Between;
pub use between::Summons;

/// The numbers of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Peers of one torrent.
    pub peers_max: usize,
    /// Contacts with a peer that has not served, before its outcome is final.
    pub tries_max: u32,
    /// Gap before the second contact in milliseconds, doubled for each further one.
    pub retry_first_ms: u64,
    /// The longest such gap in milliseconds.
    pub retry_max_ms: u64,
    /// Gap before a control visit in milliseconds: clients refuse a second connection while the first one closes.
    pub control_ms: u64,
    /// By which means peers are contacted.
    pub allowed: Allowed,
    /// Gap in milliseconds before a peer that did not answer is contacted by other means. One try is over when all of
    /// them are.
    pub climb_ms: u64,
    /// Control visits to one peer, should the first not reach it.
    pub control_tries_max: u32,
    /// From how many addresses of ours an IPv4 peer that serves is proved, one after the other.
    pub vantages_v4: u32,
    /// The same for an IPv6 peer.
    pub vantages_v6: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            peers_max: 200_000,
            tries_max: 3,
            retry_first_ms: 60_000,
            retry_max_ms: 1_800_000,
            control_ms: 500,
            allowed: Allowed::ALL,
            climb_ms: 500,
            control_tries_max: 2,
            vantages_v4: 1,
            vantages_v6: 1,
        }
    }
}

/// A contact that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// With whom.
    pub peer: SocketAddr,
    /// How the peer was found.
    pub found: Found,
    /// Why.
    pub errand: Errand,
    /// How many contacts of this kind came before.
    pub attempt: u32,
    /// By which means.
    pub means: Means,
    /// From which of our addresses, counted from the peer's own first one.
    pub turn: u32,
    /// The commitment of the rendezvous by which the peer was told to dial us, if it could not be dialled before.
    pub rendezvous: Option<Digest>,
    /// Whether it keeps a session going and takes of what is set aside for that.
    pub is_kept: bool,
}

/// Why a contact is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// To probe.
    Probe,
    /// To see whether the peer answers an info-hash that does not exist.
    Control {
        /// The commitment of the *served* observation in question.
        about: Digest,
    },
    /// To ask for introductions to others.
    Rendezvous,
}

/// How a contact ended.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// In the words of the record.
    pub outcome: &'a Outcome,
    /// When its last verified block had arrived, if the peer served.
    pub served: Option<Mono>,
    /// Which client the peer says it is, if its handshake for the torrent has arrived.
    pub met: Option<Family>,
    /// The commitment of its observation.
    pub commitment: Digest,
}

/// What became of a peer that a list named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It is new and will be contacted.
    New,
    /// It was known already.
    Known,
    /// There is no room for it.
    Full,
}

/// The peers of one torrent.
#[derive(Debug)]
pub struct Roster {
    limits: Limits,
    peers: BTreeMap<SocketAddr, Entry>,
    experience: Experience,
    /// Control visits and peers whose sessions are kept going.
    urgent: BTreeSet<(Mono, SocketAddr)>,
    /// All others.
    due: BTreeSet<(Mono, SocketAddr)>,
    /// Counts the turns at which both were due.
    turns: u32,
    open: usize,
}

/// Of so many turns one is for peers that are neither.
const TURNS: u32 = 4;

#[derive(Debug)]
struct Entry {
    found: Found,
    errand: Errand,
    /// Contacts made for the errand.
    attempts: u32,
    climb: Climb,
    turn: u32,
    rendezvous: Option<Digest>,
    between: Option<Between>,
    state: State,
    was_probed: bool,
    /// When its last verified block had arrived.
    served: Option<Mono>,
    /// Whether its session is kept going.
    is_kept: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Due(Mono),
    Open,
    Final,
}

impl Roster {
    /// Nobody is known.
    pub fn new(limits: Limits) -> Self {
        let (urgent, due) = (BTreeSet::new(), BTreeSet::new());
        Self { limits, peers: BTreeMap::new(), experience: Experience::default(), urgent, due, turns: 0, open: 0 }
    }

    /// Takes in a peer that may be contacted. The first list that named it stays the one that found it.
    pub fn offer(&mut self, now: Mono, peer: SocketAddr, found: Found) -> Offered {
        if self.peers.contains_key(&peer) {
            return Offered::Known;
        }
        if self.peers.len() >= self.limits.peers_max {
            return Offered::Full;
        }
        let state = State::Due(now);
        let entry = Entry {
            found,
            errand: Errand::Probe,
            attempts: 0,
            climb: Climb::default(),
            turn: 0,
            rendezvous: None,
            between: None,
            state,
            was_probed: false,
            served: None,
            is_kept: false,
        };
        self.peers.insert(peer, entry);
        self.due.insert((now, peer));
        Offered::New
    }

    /// The next contact that is due, which is open from now on: end it with [`Self::finish`] or [`Self::put_back`].
    pub fn take_due(&mut self, now: Mono, keeper: &mut Keeper) -> Option<Job> {
        let is_due = |queue: &BTreeSet<(Mono, SocketAddr)>| queue.first().is_some_and(|(at, _)| *at <= now);
        let queue = match (is_due(&self.urgent), is_due(&self.due)) {
            (false, false) => return None,
            (true, false) => &mut self.urgent,
            (false, true) => &mut self.due,
            (true, true) => {
                self.turns = (self.turns + 1) % TURNS;
                if self.turns == 0 { &mut self.due } else { &mut self.urgent }
            }
        };
        let (_, peer) = queue.pop_first()?;
        let entry = self.peers.get_mut(&peer)?;
        entry.state = State::Open;
        self.open += 1;
        let within_ms = keeper.revisit().map_or(0, |revisit| revisit.within_ms);
        if let Some((errand, means)) = entry.open_between(entry.climb.utp(self.limits.allowed)) {
            let (found, turn) = (entry.found.clone(), entry.turn);
            return Some(Job { peer, found, errand, attempt: 0, means, turn, rendezvous: None, is_kept: false });
        }
        if entry.is_kept && entry.served.is_none_or(|served| now > served.plus_ms(within_ms)) {
            // Who was visited in time and did not serve has ended the session; else we have let it break.
            if entry.attempts == 0 {
                keeper.lose();
            }
            entry.let_go(peer, keeper);
        }
        let is_first = entry.attempts == 0 && !entry.climb.is_under_way();
        let means = entry.climb.means(self.limits.allowed);
        Some(Job {
            peer,
            found: entry.found.clone(),
            errand: entry.errand,
            attempt: entry.attempts,
            means,
            turn: entry.turn,
            rendezvous: entry.rendezvous.filter(|_| means.transport == Transport::Utp),
            is_kept: entry.is_kept && is_first,
        })
    }

    /// Returns a contact that could not be made yet, for policy allows it no sooner.
    pub fn put_back(&mut self, peer: SocketAddr, until: Mono) {
        if let Some(entry) = self.peers.get_mut(&peer).filter(|entry| entry.state == State::Open) {
            self.open -= 1;
            entry.put_back_between();
            self.plan(peer, until);
        }
    }

    fn plan(&mut self, peer: SocketAddr, at: Mono) {
        let Some(entry) = self.peers.get_mut(&peer) else { return };
        entry.state = State::Due(at);
        // A hole that nobody goes through closes.
        let is_brief = entry.between.is_some() || entry.rendezvous.is_some();
        let is_urgent = is_brief || entry.is_kept || entry.errand != Errand::Probe;
        if is_urgent { &mut self.urgent } else { &mut self.due }.insert((at, peer));
    }

    /// Ends a contact, and says whether the peer is tried by other means next: until it is, not having answered says
    /// nothing about it.
    pub fn finish(&mut self, now: Mono, peer: SocketAddr, end: &End<'_>, keeper: &mut Keeper) -> bool {
        let End { outcome, served, met, .. } = *end;
        let Some(entry) = self.peers.get_mut(&peer).filter(|entry| entry.state == State::Open) else { return false };
        self.open -= 1;
        let limits = &self.limits;
        if let Some(then) = entry.close_between() {
            match then {
                Some(at) => self.plan(peer, at.max(now.plus_ms(self.limits.control_ms))),
                None => entry.state = State::Final,
            }
            return false;
        }
        if ladder::found_no_way(outcome) {
            entry.rendezvous = None;
        }
        if entry.errand == Errand::Probe {
            entry.was_probed = true;
            if entry.climb.ended(outcome, met, limits.allowed, &mut self.experience) {
                self.plan(peer, now.plus_ms(self.limits.climb_ms));
                return true;
            }
            if let Some(served) = served {
                entry.has_served(peer, served, keeper);
            }
        }
        entry.attempts += 1;
        match entry.next(now, peer, end, limits, keeper.revisit()) {
            Some(at) => self.plan(peer, at),
            None => {
                entry.state = State::Final;
                entry.let_go(peer, keeper);
            }
        }
        false
    }

    /// When the next contact is due.
    pub fn next_due(&self) -> Option<Mono> {
        [&self.urgent, &self.due].into_iter().filter_map(|queue| queue.first()).map(|(at, _)| *at).min()
    }

    /// Whether no contact is open or due any more.
    pub fn is_settled(&self) -> bool {
        self.open == 0 && self.urgent.is_empty() && self.due.is_empty()
    }

    /// How many contacts are open.
    pub fn open(&self) -> usize {
        self.open
    }

    /// How many peers are known.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether a peer is known.
    pub fn knows(&self, peer: SocketAddr) -> bool {
        self.peers.contains_key(&peer)
    }

    /// Whether no peer is known.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// At the end of the run: the peers that were never contacted. They are struck from the roster, and no session is kept
    /// going any more.
    pub fn take_untried(&mut self, keeper: &mut Keeper) -> Vec<(SocketAddr, Found)> {
        self.urgent.clear();
        self.due.clear();
        self.peers.iter_mut().for_each(|(peer, entry)| entry.let_go(*peer, keeper));
        let is_untried = |entry: &Entry| !entry.was_probed && entry.state != State::Open;
        let peers: Vec<SocketAddr> = self.peers.iter().filter(|(_, entry)| is_untried(entry)).map(|(peer, _)| *peer).collect();
        peers.into_iter().filter_map(|peer| self.peers.remove(&peer).map(|entry| (peer, entry.found))).collect()
    }
}

impl Entry {
    /// Takes in that the peer served: its session goes on, or a new one begins.
    fn has_served(&mut self, peer: SocketAddr, served: Mono, keeper: &mut Keeper) {
        let within_ms = keeper.revisit().map_or(0, |revisit| revisit.within_ms);
        if !self.is_kept {
            self.is_kept = keeper.keep(peer.ip());
        } else if self.served.is_some_and(|before| served > before.plus_ms(within_ms)) {
            keeper.lose();
        }
        self.served = Some(served);
    }

    fn let_go(&mut self, peer: SocketAddr, keeper: &mut Keeper) {
        if self.is_kept {
            self.is_kept = false;
            keeper.let_go(peer.ip());
        }
    }

    /// When the peer is due again, and for what, after a contact that is counted already.
    fn next(&mut self, now: Mono, peer: SocketAddr, end: &End<'_>, limits: &Limits, revisit: Option<Revisit>) -> Option<Mono> {
        match self.errand {
            Errand::Probe if end.served.is_some() => {
                self.errand = Errand::Control { about: end.commitment };
                self.attempts = 0;
                Some(now.plus_ms(limits.control_ms))
            }
            Errand::Probe if is_worth_another_try(end.outcome) && self.attempts < limits.tries_max => {
                let gap_ms = limits.retry_first_ms.saturating_mul(1 << (self.attempts - 1).min(20));
                Some(now.plus_ms(gap_ms.min(limits.retry_max_ms)))
            }
            // A rendezvous is never the errand itself.
            Errand::Probe | Errand::Rendezvous => None,
            Errand::Control { .. } if !is_conclusive(end.outcome) && self.attempts < limits.control_tries_max => {
                Some(now.plus_ms(limits.control_ms.saturating_mul(4)))
            }
            Errand::Control { .. } => {
                self.errand = Errand::Probe;
                self.attempts = 0;
                let vantages = if peer.is_ipv4() { limits.vantages_v4 } else { limits.vantages_v6 };
                self.turn = if self.turn + 1 < vantages { self.turn + 1 } else { 0 };
                // A peer that answers anything is not asked again.
                if *end.outcome == Outcome::Echo {
                    None
                } else if self.turn > 0 {
                    Some(now.plus_ms(limits.control_ms))
                } else {
                    let Revisit { after_ms, within_ms } = revisit?;
                    // Without room for its session it is visited once that one is over.
                    let gap_ms = if self.is_kept { after_ms } else { within_ms };
                    Some(self.served.map_or(now, |served| served.plus_ms(gap_ms)).max(now))
                }
            }
        }
    }
}

/// Whether another contact might end otherwise: the peer was away, full, busy or had nothing yet.
fn is_worth_another_try(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Refused
        | Outcome::Unreachable
        | Outcome::NoAnswer { .. }
        | Outcome::Closed { .. }
        | Outcome::Reset { .. }
        | Outcome::Choked { .. }
        | Outcome::NoBlock { .. }
        | Outcome::Unproved { .. }
        | Outcome::Rejected { .. }
        | Outcome::NothingClaimed { .. }
        | Outcome::LocalFault { .. } => true,
        Outcome::Served { .. }
        | Outcome::BadBlock { .. }
        | Outcome::WrongInfoHash { .. }
        | Outcome::Garbage { .. }
        | Outcome::Ourselves
        | Outcome::Echo
        | Outcome::NoEcho
        | Outcome::Introduced { .. }
        | Outcome::Excluded { .. }
        | Outcome::NotTried => false,
    }
}

/// Whether a control visit has its answer: the peer was reached.
fn is_conclusive(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Echo | Outcome::NoEcho)
}

#[cfg(test)]
mod tests;
