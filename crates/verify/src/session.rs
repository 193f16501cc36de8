//! Sessions derived from the observations, by the rules of `cir.md` and by nobody else's code.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use evidence::{Class, Digest, Direction, Transport, observation::TargetIds};

const MAX_GAP_MS: i64 = 1_800_000;
const MAX_LENGTH_MS: i64 = 86_400_000;

/// What sessions are derived from: one observation that satisfies the first rule of usability.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) index: u64,
    pub(crate) commitment: Digest,
    pub(crate) key: Key,
    pub(crate) direction: Direction,
    pub(crate) observer: SocketAddr,
    /// First byte of the first verified block, UTC milliseconds.
    pub(crate) first_ms: i64,
    /// Last byte of the last.
    pub(crate) last_ms: i64,
    /// Number of the attribution, equal for equal ones.
    pub(crate) attribution: u32,
}

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) peer: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) target: TargetIds,
}

/// What makes two attributions the same for a session.
pub(crate) type Place = (Option<u32>, Option<String>, Option<String>, Class);

/// What a control visit showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) index: u64,
    pub(crate) commitment: Digest,
    pub(crate) peer: SocketAddr,
    /// The commitment of the observation that it checks.
    pub(crate) about: Digest,
    pub(crate) result: VisitResult,
}

/// How a control visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VisitResult {
    /// The peer answered an info-hash that does not exist: its records are void.
    Echo,
    /// It did not, as it should not.
    NoEcho,
    /// The visit showed nothing.
    Other,
}

/// The observations of one session, in order of first block and index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    /// Positions in the list of observations.
    pub(crate) members: Vec<usize>,
}

/// The sessions of one key among `usable` positions of `seen`.
pub(crate) fn divide(seen: &[Seen], mut usable: Vec<usize>) -> Vec<Session> {
    usable.sort_by_key(|position| (seen[*position].first_ms, seen[*position].index));
    let mut sessions: Vec<Session> = Vec::new();
    for position in usable {
        let next = &seen[position];
        match sessions.last_mut().filter(|session| extends(session, seen, next)) {
            Some(session) => {
                session.end_ms = session.end_ms.max(next.last_ms);
                session.members.push(position);
            }
            None => sessions.push(Session { start_ms: next.first_ms, end_ms: next.last_ms, members: vec![position] }),
        }
    }
    sessions
}

fn extends(session: &Session, seen: &[Seen], next: &Seen) -> bool {
    let same_place = session.members.first().is_some_and(|first| seen[*first].attribution == next.attribution);
    same_place && next.first_ms - session.end_ms <= MAX_GAP_MS && next.last_ms - session.start_ms <= MAX_LENGTH_MS
}

/// Observations by key, and what the control visits say of addresses.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    pub(crate) seen: Vec<Seen>,
    pub(crate) visits: Vec<Visit>,
    by_key: BTreeMap<Key, Vec<usize>>,
    by_commitment: BTreeMap<Digest, usize>,
    visits_by_peer: BTreeMap<SocketAddr, Vec<usize>>,
    visits_by_index: BTreeMap<u64, usize>,
}

/// All sessions, and which one each observation belongs to.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    sessions: Vec<Session>,
    by_member: BTreeMap<u64, usize>,
}

impl Derived {
    /// The session that the observation at this index belongs to.
    pub(crate) fn session_of(&self, index: u64) -> Option<&Session> {
        self.by_member.get(&index).map(|position| &self.sessions[*position])
    }
}

impl Sightings {
    pub(crate) fn push_seen(&mut self, seen: Seen) {
        self.by_key.entry(seen.key).or_default().push(self.seen.len());
        self.by_commitment.insert(seen.commitment, self.seen.len());
        self.seen.push(seen);
    }

    pub(crate) fn push_visit(&mut self, visit: Visit) {
        self.visits_by_peer.entry(visit.peer).or_default().push(self.visits.len());
        self.visits_by_index.insert(visit.index, self.visits.len());
        self.visits.push(visit);
    }

    pub(crate) fn visit_at(&self, index: u64) -> Option<&Visit> {
        self.visits_by_index.get(&index).map(|position| &self.visits[*position])
    }

    /// The addresses of all peers seen or visited.
    pub(crate) fn addresses(&self) -> BTreeSet<IpAddr> {
        let seen = self.by_key.keys().map(|key| key.peer.ip());
        seen.chain(self.visits_by_peer.keys().map(SocketAddr::ip)).collect()
    }

    /// Observations of one peer and torrent over any transport.
    pub(crate) fn seen_of(&self, peer: SocketAddr, target: TargetIds) -> impl Iterator<Item = &Seen> {
        let keys = [Transport::Tcp, Transport::Utp].map(|transport| Key { peer, transport, target });
        keys.into_iter().filter_map(|key| self.by_key.get(&key)).flatten().map(|position| &self.seen[*position])
    }

    pub(crate) fn visits_to(&self, peer: SocketAddr) -> impl Iterator<Item = &Visit> {
        self.visits_by_peer.get(&peer).into_iter().flatten().map(|position| &self.visits[*position])
    }

    /// Whether a control visit checks an observation of the same address and port.
    pub(crate) fn is_about(&self, visit: &Visit) -> bool {
        let about = self.by_commitment.get(&visit.about).map(|position| &self.seen[*position]);
        about.is_some_and(|seen| seen.key.peer == visit.peer)
    }

    /// All sessions. Observations that the peer itself dialled need no control visit; the others count if one cleared
    /// the address and port and none was answered. A recipient without the control visits takes them for cleared.
    pub(crate) fn derive(&self, sees_visits: bool) -> Derived {
        let mut derived = Derived::default();
        for (key, positions) in &self.by_key {
            let echoed = self.visits_to(key.peer).any(|visit| visit.result == VisitResult::Echo);
            let cleared = self.visits_to(key.peer).any(|visit| visit.result == VisitResult::NoEcho && self.is_about(visit));
            let usable = |position: &usize| {
                let incoming = self.seen[*position].direction == Direction::Incoming;
                !echoed && (incoming || cleared || !sees_visits)
            };
            for session in divide(&self.seen, positions.iter().copied().filter(usable).collect()) {
                let number = derived.sessions.len();
                derived.by_member.extend(session.members.iter().map(|position| (self.seen[*position].index, number)));
                derived.sessions.push(session);
            }
        }
        derived
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{InfoHashV1, sha256};

    fn seen(index: u64, first_ms: i64, last_ms: i64, attribution: u32) -> Seen {
        let peer = "192.0.2.7:51413".parse().unwrap();
        Seen {
            index,
            commitment: sha256(&index.to_be_bytes()),
            key: Key { peer, transport: Transport::Tcp, target: TargetIds::of_v1(InfoHashV1::from([1; 20])) },
            direction: Direction::Outgoing,
            observer: "198.51.100.1:6881".parse().unwrap(),
            first_ms,
            last_ms,
            attribution,
        }
    }

    fn indices(observations: &[Seen]) -> Vec<Vec<u64>> {
        let sessions = divide(observations, (0..observations.len()).collect());
        sessions.iter().map(|session| session.members.iter().map(|position| observations[*position].index).collect()).collect()
    }

    #[test]
    fn a_session_ends_at_a_gap_a_change_of_place_or_a_day() {
        assert_eq!(indices(&[seen(1, 0, 10, 0), seen(2, 10 + MAX_GAP_MS, 20 + MAX_GAP_MS, 0)]), [[1, 2].to_vec()]);
        assert_eq!(indices(&[seen(1, 0, 10, 0), seen(2, 11 + MAX_GAP_MS, 20 + MAX_GAP_MS, 0)]), [[1].to_vec(), [2].to_vec()]);
        assert_eq!(
            indices(&[seen(1, 0, 10, 0), seen(2, 20, 30, 1), seen(3, 40, 50, 0)]),
            [[1].to_vec(), [2].to_vec(), [3].to_vec()]
        );
        // A long observation carries the session on; one that would end after a day does not join it.
        let long = [seen(1, 0, MAX_LENGTH_MS - 5, 0), seen(2, 10, 20, 0), seen(3, 30, MAX_LENGTH_MS + 1, 0)];
        assert_eq!(indices(&long), [[1, 2].to_vec(), [3].to_vec()]);
        // Order is by first block and then index, whatever the order of the log.
        assert_eq!(indices(&[seen(9, 0, 1, 0), seen(4, 5, 6, 0), seen(3, 5, 6, 0)]), [[9, 3, 4].to_vec()]);
    }
}
