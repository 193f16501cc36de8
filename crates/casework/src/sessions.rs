//! Sessions: *served* observations of one peer, transport and torrent that belong together (cir.md).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use evidence::{Digest, Direction, TargetIds, Transport, Utc};

use crate::{
    casefile::{CaseFile, ControlFinding, Served},
    eligibility::Reason,
};

/// A longer silence ends a session.
pub const GAP_MS: i64 = 1_800_000;
/// No session is longer: a dynamic address may have passed to somebody else.
pub const LONGEST_MS: i64 = 86_400_000;

/// What a session is a session of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionKey {
    /// The peer's address and port.
    pub peer: SocketAddr,
    /// What carried the stream.
    pub transport: Transport,
    /// The torrent.
    pub target: TargetIds,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Of what.
    pub key: SessionKey,
    /// Positions in [`CaseFile::served`], by time of the first block, then index.
    pub observations: Vec<usize>,
    /// Position in [`CaseFile::controls`] of the visit that cleared it, if it needed one.
    pub control: Option<usize>,
    /// First byte of the first verified block.
    pub start: Utc,
    /// Last byte of the last verified block.
    pub end: Utc,
}

/// All sessions and what could not enter one.
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    /// By key, then start.
    pub sessions: Vec<Session>,
    /// Positions in [`CaseFile::served`] of unusable observations, and why.
    pub unusable: Vec<(usize, Reason)>,
}

impl SessionKey {
    /// Of one observation.
    pub fn of(served: &Served) -> Self {
        Self { peer: served.peer, transport: served.transport, target: served.target }
    }
}

impl Session {
    /// Its observations, in order.
    pub fn served<'a>(&'a self, case: &'a CaseFile) -> impl Iterator<Item = &'a Served> {
        self.observations.iter().map(|position| &case.served[*position])
    }

    /// Its first observation.
    pub fn first<'a>(&self, case: &'a CaseFile) -> &'a Served {
        &case.served[self.observations[0]]
    }

    /// The lowest index among its observations.
    pub fn lowest_index(&self, case: &CaseFile) -> u64 {
        self.served(case).map(|served| served.index).min().unwrap_or(0)
    }
}

/// The sessions that the entries below `until` make up.
pub fn sessions(case: &CaseFile, until: u64) -> Sessions {
    let visits = Visits::read(case, until);
    let mut sessions = Sessions::default();
    let mut usable: BTreeMap<SessionKey, Vec<usize>> = BTreeMap::new();
    for (position, served) in case.served.iter().enumerate().take_while(|(_, served)| served.index < until) {
        match visits.judge(served) {
            Ok(()) => usable.entry(SessionKey::of(served)).or_default().push(position),
            Err(reason) => sessions.unusable.push((position, reason)),
        }
    }
    for (key, mut positions) in usable {
        positions.sort_by_key(|position| (case.served[*position].first_block, case.served[*position].index));
        let first = sessions.sessions.len();
        for position in positions {
            let served = &case.served[position];
            match sessions.sessions[first..].last_mut().filter(|session| extends(session, served, case)) {
                Some(session) => {
                    session.end = session.end.max(served.last_block);
                    session.observations.push(position);
                }
                None => sessions.sessions.push(Session {
                    key,
                    observations: vec![position],
                    control: None,
                    start: served.first_block,
                    end: served.last_block,
                }),
            }
        }
    }
    for session in &mut sessions.sessions {
        let is_dialled = session.observations.iter().any(|position| case.served[*position].direction == Direction::Outgoing);
        session.control = visits.cleared.get(&session.key.peer).copied().filter(|_| is_dialled);
    }
    sessions
}

fn extends(session: &Session, served: &Served, case: &CaseFile) -> bool {
    let (new, old) = (&served.attribution, &session.first(case).attribution);
    let is_same_network = new.asn == old.asn && new.prefix == old.prefix && new.isp == old.isp && new.class == old.class;
    is_same_network
        && served.first_block.since_ms(session.end) <= GAP_MS
        && served.last_block.since_ms(session.start) <= LONGEST_MS
}

/// What control visits said of each address and port.
struct Visits {
    echoes: BTreeSet<SocketAddr>,
    /// Position in [`CaseFile::controls`] of the first visit that cleared each.
    cleared: BTreeMap<SocketAddr, usize>,
}

impl Visits {
    fn read(case: &CaseFile, until: u64) -> Self {
        let known: BTreeMap<Digest, SocketAddr> = case
            .served
            .iter()
            .filter(|served| served.index < until && served.names_a_work())
            .map(|served| (served.commitment, served.peer))
            .collect();
        let mut visits = Self { echoes: BTreeSet::new(), cleared: BTreeMap::new() };
        for (position, visit) in case.controls.iter().enumerate().filter(|(_, visit)| visit.index < until) {
            match visit.finding {
                ControlFinding::Echo => {
                    visits.echoes.insert(visit.peer);
                }
                // Only a visit that checks an observation of the same address and port says anything about it.
                ControlFinding::NoEcho if known.get(&visit.about) == Some(&visit.peer) => {
                    visits.cleared.entry(visit.peer).or_insert(position);
                }
                ControlFinding::NoEcho | ControlFinding::Undecided => {}
            }
        }
        visits
    }

    fn judge(&self, served: &Served) -> Result<(), Reason> {
        if !served.names_a_work() {
            Err(Reason::NoMandatedWork)
        } else if self.echoes.contains(&served.peer) {
            Err(Reason::Echo)
        } else if served.direction == Direction::Outgoing && !self.cleared.contains_key(&served.peer) {
            Err(Reason::NoControlVisit)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
