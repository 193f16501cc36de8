//! Sessions derived from the observations, by the rules of `cir.md` and by nobody else's code.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use evidence::{Class, Digest, Direction, PeerId, Transport, observation::TargetIds};

const MAX_GAP_MS: i64 = 1_800_000;
const MAX_LENGTH_MS: i64 = 86_400_000;
/// Sessions that start further apart do not corroborate one another.
const MAX_APART_MS: i64 = 86_400_000;

/// What sessions are derived from: one observation that satisfies the first two rules of usability.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) index: u64,
    pub(crate) key: Key,
    pub(crate) direction: Direction,
    pub(crate) observer: SocketAddr,
    pub(crate) peer_id: Option<PeerId>,
    pub(crate) laboratory: bool,
    /// First byte of the first work block, UTC milliseconds.
    pub(crate) first_ms: i64,
    /// Last byte of the last.
    pub(crate) last_ms: i64,
    /// Number of the attribution, equal for equal ones.
    pub(crate) attribution: u32,
}

impl Seen {
    /// What tells one client from another: the first eight bytes of the peer id.
    fn client(&self) -> Option<&[u8]> {
        self.peer_id.as_ref().map(|id| &id.as_bytes()[..8])
    }
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

/// The observations of one session, in order of first work block and index.
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
    let is_alike = session.members.first().is_some_and(|first| {
        let first = &seen[*first];
        first.attribution == next.attribution && first.client() == next.client() && first.laboratory == next.laboratory
    });
    is_alike && next.first_ms - session.end_ms <= MAX_GAP_MS && next.last_ms - session.start_ms <= MAX_LENGTH_MS
}

/// Observations by key, and what the control visits say of addresses.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    pub(crate) seen: Vec<Seen>,
    pub(crate) visits: Vec<Visit>,
    by_key: BTreeMap<Key, Vec<usize>>,
    visits_by_peer: BTreeMap<SocketAddr, Vec<usize>>,
    visits_by_index: BTreeMap<u64, usize>,
    /// Addresses of which some port was found to be an echo.
    echo_hosts: BTreeSet<IpAddr>,
}

/// All sessions, and which one each observation belongs to.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    sessions: Vec<Session>,
    by_member: BTreeMap<u64, usize>,
    /// Sessions of one client, at whichever port of its address.
    by_client: BTreeMap<Client, Vec<usize>>,
    by_key: BTreeMap<Key, Vec<usize>>,
}

type Client = (IpAddr, TargetIds, PeerId);

impl Derived {
    /// The session that the observation at this index belongs to.
    pub(crate) fn session_of(&self, index: u64) -> Option<&Session> {
        self.by_member.get(&index).map(|position| &self.sessions[*position])
    }

    /// Whether the peer dialled and the session is that of a client seen on another connection.
    pub(crate) fn is_repetition(&self, session: &Session, sightings: &Sightings) -> bool {
        let members = |session: &Session| session.members.iter().map(|position| &sightings.seen[*position]).collect::<Vec<_>>();
        let own = members(session);
        let order = |session: &Session| (session.start_ms, session.members.first().map(|first| sightings.seen[*first].index));
        let clients = own.iter().filter_map(|seen| Some((seen.key.peer.ip(), seen.key.target, seen.peer_id?)));
        let others = clients.filter_map(|client| self.by_client.get(&client)).flatten().map(|number| &self.sessions[*number]);
        let repeats = |other: &Session| {
            let apart_ms = (other.start_ms - session.end_ms).max(session.start_ms - other.end_ms);
            let dialled = members(other).iter().any(|seen| seen.direction == Direction::Outgoing);
            other != session && apart_ms <= MAX_GAP_MS && (dialled || order(other) < order(session))
        };
        own.iter().any(|seen| seen.direction == Direction::Incoming) && others.into_iter().any(repeats)
    }

    /// Whether two of our addresses or another session of the same client saw the same.
    pub(crate) fn is_corroborated(&self, session: &Session, sightings: &Sightings) -> bool {
        let first = |session: &Session| session.members.first().map(|position| &sightings.seen[*position]);
        let Some(own) = first(session) else { return false };
        let others = self.by_key.get(&own.key).into_iter().flatten().map(|number| &self.sessions[*number]);
        let is_near = |other: &Session| (other.start_ms - session.start_ms).abs() <= MAX_APART_MS;
        let is_same = |other: &Session| own.client().is_some() && first(other).is_some_and(|seen| seen.client() == own.client());
        sightings.has_two_vantages(session)
            || others.into_iter().any(|other| other != session && is_near(other) && is_same(other))
    }
}

impl Sightings {
    pub(crate) fn push_seen(&mut self, seen: Seen) {
        self.by_key.entry(seen.key).or_default().push(self.seen.len());
        self.seen.push(seen);
    }

    pub(crate) fn push_visit(&mut self, visit: Visit) {
        if visit.result == VisitResult::Echo {
            self.echo_hosts.insert(visit.peer.ip());
        }
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

    fn visits_to(&self, peer: SocketAddr) -> impl Iterator<Item = &Visit> {
        self.visits_by_peer.get(&peer).into_iter().flatten().map(|position| &self.visits[*position])
    }

    /// Whether a control visit makes void what this peer sent: one to its address and port, or, if it dialled, to any
    /// port of its address.
    pub(crate) fn is_echo(&self, peer: SocketAddr, direction: Direction) -> bool {
        let same = self.visits_to(peer).any(|visit| visit.result == VisitResult::Echo);
        same || direction == Direction::Incoming && self.echo_hosts.contains(&peer.ip())
    }

    /// Whether the session's observations were made from two of our addresses.
    pub(crate) fn has_two_vantages(&self, session: &Session) -> bool {
        let vantages: BTreeSet<IpAddr> = session.members.iter().map(|position| self.seen[*position].observer.ip()).collect();
        vantages.len() > 1
    }

    /// All sessions, cleared or not.
    pub(crate) fn derive(&self) -> Derived {
        let mut derived = Derived::default();
        for (key, positions) in &self.by_key {
            let usable = |position: &usize| !self.is_echo(key.peer, self.seen[*position].direction);
            for session in divide(&self.seen, positions.iter().copied().filter(usable).collect()) {
                derived.push(*key, session, &self.seen);
            }
        }
        derived
    }
}

impl Derived {
    fn push(&mut self, key: Key, session: Session, seen: &[Seen]) {
        let number = self.sessions.len();
        let members = || session.members.iter().map(|position| &seen[*position]);
        self.by_member.extend(members().map(|seen| (seen.index, number)));
        self.by_key.entry(key).or_default().push(number);
        let ids: BTreeSet<PeerId> = members().filter_map(|seen| seen.peer_id).collect();
        for id in ids {
            self.by_client.entry((key.peer.ip(), key.target, id)).or_default().push(number);
        }
        self.sessions.push(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::InfoHashV1;

    fn seen(index: u64, first_ms: i64, last_ms: i64, attribution: u32) -> Seen {
        let peer = "192.0.2.7:51413".parse().unwrap();
        Seen {
            index,
            key: Key { peer, transport: Transport::Tcp, target: TargetIds::of_v1(InfoHashV1::from([1; 20])) },
            direction: Direction::Outgoing,
            observer: "198.51.100.1:6881".parse().unwrap(),
            peer_id: Some(PeerId::from(*b"-EX1000-abcdefghijkl")),
            laboratory: false,
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
        let with = |index, first_ms, id: &[u8; 20], laboratory| Seen {
            peer_id: Some(PeerId::from(*id)),
            laboratory,
            ..seen(index, first_ms, first_ms + 10, 0)
        };
        let (one, alike, other) = (b"-EX1000-abcdefghijkl", b"-EX1000-zyxwvutsrqpo", b"-EX2000-abcdefghijkl");
        assert_eq!(indices(&[with(1, 0, one, false), with(2, 20, alike, false)]), [[1, 2].to_vec()]);
        assert_eq!(indices(&[with(1, 0, one, false), with(2, 20, other, false)]), [[1].to_vec(), [2].to_vec()]);
        assert_eq!(indices(&[with(1, 0, one, false), with(2, 20, one, true)]), [[1].to_vec(), [2].to_vec()]);
        // A long observation carries the session on; one that would end after a day does not join it.
        let long = [seen(1, 0, MAX_LENGTH_MS - 5, 0), seen(2, 10, 20, 0), seen(3, 30, MAX_LENGTH_MS + 1, 0)];
        assert_eq!(indices(&long), [[1, 2].to_vec(), [3].to_vec()]);
        // Order is by first block and then index, whatever the order of the log.
        assert_eq!(indices(&[seen(9, 0, 1, 0), seen(4, 5, 6, 0), seen(3, 5, 6, 0)]), [[9, 3, 4].to_vec()]);
    }
}
