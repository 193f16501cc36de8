//! The peers of one torrent: who is due for a contact, who has had the last one.
//!
//! A peer's outcome is final after a number of tries with growing gaps, or at once where another try could not change
//! it. Each peer that served is owed one control visit. Memory is bounded: peers beyond the limit are turned away, and
//! the shell records them as such.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use evidence::observation::Found;
use evidence::{Digest, Mono, Outcome};
use wire::peer_id::Family;

use crate::ladder::{Allowed, Climb, Experience, Means};

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
    /// Gap before a peer that served is visited again in milliseconds, so that a session shows to be one. Without it
    /// a peer is proved once a run.
    pub revisit_ms: Option<u64>,
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
            revisit_ms: None,
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
}

/// How a contact ended.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// In the words of the record.
    pub outcome: &'a Outcome,
    /// Whether the peer served.
    pub has_served: bool,
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
    due: BTreeSet<(Mono, SocketAddr)>,
    open: usize,
}

#[derive(Debug)]
struct Entry {
    found: Found,
    errand: Errand,
    /// Contacts made for the errand.
    attempts: u32,
    climb: Climb,
    turn: u32,
    state: State,
    was_probed: bool,
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
        Self { limits, peers: BTreeMap::new(), experience: Experience::default(), due: BTreeSet::new(), open: 0 }
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
        let entry =
            Entry { found, errand: Errand::Probe, attempts: 0, climb: Climb::default(), turn: 0, state, was_probed: false };
        self.peers.insert(peer, entry);
        self.due.insert((now, peer));
        Offered::New
    }

    /// The next contact that is due, which is open from now on: end it with [`Self::finish`] or [`Self::put_back`].
    pub fn take_due(&mut self, now: Mono) -> Option<Job> {
        let (at, peer) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        let entry = self.peers.get_mut(&peer)?;
        entry.state = State::Open;
        self.open += 1;
        let means = entry.climb.means(self.limits.allowed);
        Some(Job { peer, found: entry.found.clone(), errand: entry.errand, attempt: entry.attempts, means, turn: entry.turn })
    }

    /// Returns a contact that could not be made yet, for policy allows it no sooner.
    pub fn put_back(&mut self, peer: SocketAddr, until: Mono) {
        if let Some(entry) = self.peers.get_mut(&peer).filter(|entry| entry.state == State::Open) {
            self.open -= 1;
            entry.state = State::Due(until);
            self.due.insert((until, peer));
        }
    }

    /// Ends a contact, and says whether the peer is tried by other means next: until it is, not having answered says
    /// nothing about it.
    pub fn finish(&mut self, now: Mono, peer: SocketAddr, end: &End<'_>) -> bool {
        let End { outcome, has_served, met, commitment } = *end;
        let Some(entry) = self.peers.get_mut(&peer).filter(|entry| entry.state == State::Open) else { return false };
        self.open -= 1;
        let limits = &self.limits;
        if entry.errand == Errand::Probe {
            entry.was_probed = true;
            if entry.climb.ended(outcome, met, limits.allowed, &mut self.experience) {
                let at = now.plus_ms(limits.climb_ms);
                entry.state = State::Due(at);
                self.due.insert((at, peer));
                return true;
            }
        }
        entry.attempts += 1;
        let next = match entry.errand {
            Errand::Probe => {
                if has_served {
                    entry.errand = Errand::Control { about: commitment };
                    entry.attempts = 0;
                    Some(now.plus_ms(limits.control_ms))
                } else if is_worth_another_try(outcome) && entry.attempts < limits.tries_max {
                    let gap_ms = limits.retry_first_ms.saturating_mul(1 << (entry.attempts - 1).min(20));
                    Some(now.plus_ms(gap_ms.min(limits.retry_max_ms)))
                } else {
                    None
                }
            }
            Errand::Control { .. } if !is_conclusive(outcome) && entry.attempts < limits.control_tries_max => {
                Some(now.plus_ms(limits.control_ms.saturating_mul(4)))
            }
            Errand::Control { .. } => {
                entry.errand = Errand::Probe;
                entry.attempts = 0;
                let vantages = if peer.is_ipv4() { limits.vantages_v4 } else { limits.vantages_v6 };
                entry.turn = if entry.turn + 1 < vantages { entry.turn + 1 } else { 0 };
                let gap_ms = if entry.turn > 0 { Some(limits.control_ms) } else { limits.revisit_ms };
                // A peer that answers anything is not asked again.
                gap_ms.filter(|_| *outcome != Outcome::Echo).map(|gap_ms| now.plus_ms(gap_ms))
            }
        };
        entry.state = match next {
            Some(at) => {
                self.due.insert((at, peer));
                State::Due(at)
            }
            None => State::Final,
        };
        false
    }

    /// When the next contact is due.
    pub fn next_due(&self) -> Option<Mono> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Whether no contact is open or due any more.
    pub fn is_settled(&self) -> bool {
        self.open == 0 && self.due.is_empty()
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

    /// At the end of the run: the peers that were never contacted. They are struck from the roster.
    pub fn take_untried(&mut self) -> Vec<(SocketAddr, Found)> {
        self.due.clear();
        let is_untried = |entry: &Entry| !entry.was_probed && entry.state != State::Open;
        let peers: Vec<SocketAddr> = self.peers.iter().filter(|(_, entry)| is_untried(entry)).map(|(peer, _)| *peer).collect();
        peers.into_iter().filter_map(|peer| self.peers.remove(&peer).map(|entry| (peer, entry.found))).collect()
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
        | Outcome::Excluded { .. }
        | Outcome::NotTried => false,
    }
}

/// Whether a control visit has its answer: the peer was reached.
fn is_conclusive(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Echo | Outcome::NoEcho)
}

#[cfg(test)]
mod tests {
    use evidence::{Stamp, Utc, observation::Source, sha256};

    use super::*;

    const START: Mono = Mono::from_us(0);
    const REFUSED: Outcome = Outcome::Refused;
    const SERVED: Outcome = Outcome::Served { blocks: 2, pieces: 2 };

    fn found(index: u32) -> Found {
        let at = Stamp { mono_us: 0, utc: Utc::from_ms(0) };
        Found { at, index, list: sha256(b"list"), source: Source::Tracker, via: "udp://tracker.example/".into() }
    }

    fn ended(outcome: &Outcome, has_served: bool, commitment: Digest) -> End<'_> {
        let met = has_served.then_some(Family::QBittorrent);
        End { outcome, has_served, met, commitment }
    }

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn roster(change: impl FnOnce(&mut Limits)) -> Roster {
        let mut limits =
            Limits { tries_max: 3, retry_first_ms: 1_000, retry_max_ms: 1_500, allowed: Allowed::PLAIN_TCP, ..Limits::default() };
        change(&mut limits);
        let mut roster = Roster::new(limits);
        assert_eq!(roster.offer(START, peer(1), found(0)), Offered::New);
        roster
    }

    #[test]
    fn peers_are_kept_once_and_within_the_limit() {
        let mut roster = roster(|limits| limits.peers_max = 2);
        assert_eq!(roster.offer(START, peer(1), found(7)), Offered::Known);
        assert_eq!(roster.offer(START, peer(2), found(1)), Offered::New);
        assert_eq!(roster.offer(START, peer(3), found(2)), Offered::Full);
        assert_eq!(roster.take_due(START).unwrap().found, found(0));
        assert_eq!((roster.len(), roster.open()), (2, 1));
        assert!(roster.knows(peer(2)) && !roster.knows(peer(3)));
    }

    #[test]
    fn failures_are_retried_with_growing_gaps_and_then_final() {
        let mut roster = roster(|_| {});
        let mut now = START;
        for (attempt, gap_ms) in [(0, Some(1_000)), (1, Some(1_500)), (2, None)] {
            let job = roster.take_due(now).unwrap();
            assert_eq!((job.attempt, roster.take_due(now)), (attempt, None));
            roster.finish(now, peer(1), &ended(&REFUSED, false, sha256(b"o")));
            assert_eq!(roster.next_due(), gap_ms.map(|gap_ms| now.plus_ms(gap_ms)));
            now = roster.next_due().unwrap_or(now);
        }
        assert!(roster.is_settled());
        assert_eq!(roster.take_untried(), []);
    }

    #[test]
    fn one_try_is_by_all_means_and_what_worked_serves_for_the_control_visit() {
        let mut roster = roster(|limits| (limits.allowed, limits.climb_ms) = (Allowed::ALL, 7));
        let closed = Outcome::Closed { phase: evidence::Phase::Handshake };
        for (ms, means) in [(0, Means::TCP), (7, Means::TCP_MSE)] {
            let job = roster.take_due(START.plus_ms(ms)).unwrap();
            assert_eq!((job.attempt, job.means), (0, means));
            assert!(roster.finish(START.plus_ms(ms), peer(1), &ended(&closed, false, sha256(b"o"))), "there is more to try");
        }
        let now = START.plus_ms(14);
        assert_eq!(roster.take_due(now).unwrap().means, Means::UTP);
        assert!(!roster.finish(now, peer(1), &ended(&SERVED, true, sha256(b"served"))));
        let job = roster.take_due(now.plus_ms(500)).unwrap();
        assert_eq!((job.errand, job.means), (Errand::Control { about: sha256(b"served") }, Means::UTP));
        assert!(!roster.finish(now, peer(1), &ended(&closed, false, sha256(b"c"))), "a control visit keeps to what worked");
        assert_eq!(roster.take_due(now.plus_ms(100_000)).unwrap().means, Means::UTP);
    }

    #[test]
    fn whoever_served_is_owed_a_control_visit() {
        let mut roster = roster(|limits| limits.revisit_ms = Some(60_000));
        roster.take_due(START).unwrap();
        roster.finish(START, peer(1), &ended(&SERVED, true, sha256(b"served")));
        let now = START.plus_ms(500);
        assert_eq!(roster.take_due(now).unwrap().errand, Errand::Control { about: sha256(b"served") });
        roster.finish(now, peer(1), &ended(&REFUSED, false, sha256(b"c")));
        let now = roster.next_due().unwrap();
        assert_eq!(roster.take_due(now).unwrap().errand, Errand::Control { about: sha256(b"served") });
        roster.finish(now, peer(1), &ended(&Outcome::NoEcho, false, sha256(b"c")));
        assert_eq!(roster.next_due(), Some(now.plus_ms(60_000)));
        assert_eq!(roster.take_due(now.plus_ms(60_000)).unwrap().errand, Errand::Probe);
        roster.finish(now, peer(1), &ended(&SERVED, true, sha256(b"again")));
        let now = roster.next_due().unwrap();
        roster.take_due(now).unwrap();
        roster.finish(now, peer(1), &ended(&Outcome::Echo, false, sha256(b"c")));
        assert!(roster.is_settled(), "an echo is not visited again");
    }

    #[test]
    fn a_second_vantage_has_its_turn_where_asked_for() {
        let mut roster = roster(|limits| (limits.vantages_v4, limits.revisit_ms) = (2, Some(60_000)));
        let mut now = START;
        for (turn, gap_ms) in [(0, 500), (1, 60_000), (0, 500)] {
            let job = roster.take_due(now).unwrap();
            assert_eq!((job.errand, job.turn), (Errand::Probe, turn));
            roster.finish(now, peer(1), &ended(&SERVED, true, sha256(b"served")));
            now = roster.next_due().unwrap();
            assert_eq!(roster.take_due(now).unwrap().turn, turn, "the control visit is from where the proof was");
            roster.finish(now, peer(1), &ended(&Outcome::NoEcho, false, sha256(b"c")));
            assert_eq!(roster.next_due(), Some(now.plus_ms(gap_ms)));
            now = roster.next_due().unwrap();
        }
    }

    #[test]
    fn some_outcomes_are_final_at_once() {
        for outcome in [
            Outcome::Ourselves,
            Outcome::BadBlock { blocks: 2 },
            Outcome::Garbage { rule: "r".into(), phase: evidence::Phase::Claims },
        ] {
            let mut roster = roster(|_| {});
            roster.take_due(START).unwrap();
            roster.finish(START, peer(1), &ended(&outcome, false, sha256(b"o")));
            assert!(roster.is_settled(), "{outcome:?}");
        }
    }

    #[test]
    fn what_was_put_back_is_due_again_and_what_was_never_tried_is_named() {
        let mut roster = roster(|_| {});
        roster.offer(START, peer(2), found(1));
        roster.take_due(START).unwrap();
        roster.put_back(peer(1), START.plus_ms(10));
        roster.put_back(peer(1), START.plus_ms(20));
        assert_eq!(roster.take_due(START).unwrap().peer, peer(2));
        roster.finish(START, peer(2), &ended(&REFUSED, false, sha256(b"o")));
        assert_eq!(roster.next_due(), Some(START.plus_ms(10)));
        assert_eq!(roster.take_untried(), [(peer(1), found(0))]);
        assert!(roster.is_settled());
    }
}
