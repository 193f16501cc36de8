//! Sessions: *served* observations of one peer, transport and torrent that belong together (cir.md).

mod kinship;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use evidence::{Digest, Direction, TargetIds, Transport, Utc};

use crate::{
    casefile::{CaseFile, ControlFinding, ControlVisit, Served, Verified},
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
    /// Positions in [`CaseFile::served`], by time of the first work block, then index.
    pub observations: Vec<usize>,
    /// Position in [`CaseFile::controls`] of the visit that cleared it, if it needed one.
    pub control: Option<usize>,
    /// First byte of the first work block.
    pub start: Utc,
    /// Last byte of the last work block.
    pub end: Utc,
    /// Whether it is the same client as another session's, on another connection.
    pub is_repetition: bool,
    /// Whether another session or another of our addresses saw the same.
    pub is_corroborated: bool,
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

    /// The verified blocks of its observations that lie in a mandated work.
    pub fn work_blocks<'a>(&'a self, case: &'a CaseFile) -> impl Iterator<Item = &'a Verified> {
        self.served(case).flat_map(Served::work_blocks)
    }

    /// Whether we dialled in any of its observations.
    pub fn is_dialled(&self, case: &CaseFile) -> bool {
        self.served(case).any(|served| served.direction == Direction::Outgoing)
    }

    /// Whether a visit about one of its own observations found no echo. A peer that dials names the info-hash first,
    /// so it cannot be one.
    pub fn is_cleared(&self, case: &CaseFile) -> bool {
        self.control.is_some() || !self.is_dialled(case)
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
        positions.sort_by_key(|position| (case.served[*position].first, case.served[*position].index));
        let first = sessions.sessions.len();
        for position in positions {
            let served = &case.served[position];
            match sessions.sessions[first..].last_mut().filter(|session| extends(session, served, case)) {
                Some(session) => {
                    session.end = session.end.max(served.last);
                    session.observations.push(position);
                }
                None => sessions.sessions.push(Session {
                    key,
                    observations: vec![position],
                    control: None,
                    start: served.first,
                    end: served.last,
                    is_repetition: false,
                    is_corroborated: false,
                }),
            }
        }
    }
    for session in &mut sessions.sessions {
        if session.is_dialled(case) {
            session.control = session.served(case).filter_map(|served| visits.clearing(served, case)).min();
        }
    }
    kinship::mark(&mut sessions.sessions, case);
    sessions
}

fn extends(session: &Session, served: &Served, case: &CaseFile) -> bool {
    let (new, old) = (&served.attribution, &session.first(case).attribution);
    let is_same_network = new.asn == old.asn && new.prefix == old.prefix && new.isp == old.isp && new.class == old.class;
    // Another client is perhaps another subscriber.
    let is_same_client = served.client_prefix() == session.first(case).client_prefix();
    is_same_network
        && is_same_client
        && served.laboratory == session.first(case).laboratory
        && served.first.since_ms(session.end) <= GAP_MS
        && served.last.since_ms(session.start) <= LONGEST_MS
}

/// What control visits said.
struct Visits {
    echoes: BTreeSet<SocketAddr>,
    echo_hosts: BTreeSet<IpAddr>,
    /// Positions in [`CaseFile::controls`] of the visits that found no echo, by the observation that they are about.
    no_echo: BTreeMap<Digest, Vec<usize>>,
}

impl Visits {
    fn read(case: &CaseFile, until: u64) -> Self {
        let mut visits = Self { echoes: BTreeSet::new(), echo_hosts: BTreeSet::new(), no_echo: BTreeMap::new() };
        for (position, visit) in case.controls.iter().enumerate().filter(|(_, visit)| visit.index < until) {
            let ControlVisit { peer, about, finding, .. } = visit;
            match finding {
                ControlFinding::Echo => {
                    visits.echoes.insert(*peer);
                    visits.echo_hosts.insert(peer.ip());
                }
                ControlFinding::NoEcho => visits.no_echo.entry(*about).or_default().push(position),
                ControlFinding::Undecided => {}
            }
        }
        visits
    }

    /// The first visit about this observation that went to its address and port and found no echo.
    fn clearing(&self, served: &Served, case: &CaseFile) -> Option<usize> {
        let about = self.no_echo.get(&served.commitment)?;
        about.iter().copied().find(|position| case.controls[*position].peer == served.peer)
    }

    fn judge(&self, served: &Served) -> Result<(), Reason> {
        // The port that a peer dials from is not the one on which a visit could be answered.
        let is_echo = self.echoes.contains(&served.peer)
            || served.direction == Direction::Incoming && self.echo_hosts.contains(&served.peer.ip());
        if served.work_blocks().next().is_none() {
            Err(Reason::NoMandatedWork)
        } else if !served.is_clean {
            Err(Reason::UncleanContact)
        } else if served.clock_went_back {
            Err(Reason::ClockWentBack)
        } else if is_echo {
            Err(Reason::Echo)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
