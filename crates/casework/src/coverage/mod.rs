//! Coverage: who was heard of, from whom, by which means each was tried, and who was missed.
//!
//! Everything is counted from lists of candidates and observations of probes, from nothing else; `evidence-schema/process-report.md`
//! defines each word. What is counted is an address and port in one torrent: not a person, and not a subscriber.
//!
//! *In scope*: counts for each torrent and UTC hour, the miss rate, the estimate of how many took part.
//! *Out of scope*: where the records come from. The process report hands them from the log, `affiant status` from the index, and
//! both get the same figures.

mod estimate;
mod figures;
mod series;
mod tally;
mod unreached;

use std::net::SocketAddr;

use evidence::{
    Direction, Encryption, Grade, Observation, Outcome, TargetIds, Transport, Utc, candidates::Candidates, observation::Purpose,
};

pub use estimate::{Captures, Estimate, RECAPTURES_MIN, Without};
pub use figures::{Funnel, Missed, Reach, SourceFigures, Span, TargetFigures};
pub use tally::Coverage;
pub use unreached::Unreached;

/// An address and port that a list named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard<'a> {
    /// In which torrent.
    pub target: TargetIds,
    /// Who.
    pub peer: SocketAddr,
    /// When the list arrived.
    pub at: Utc,
    /// The word of the kind of source.
    pub source: &'a str,
}

/// One probe, made or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact<'a> {
    /// In which torrent.
    pub target: TargetIds,
    /// With whom.
    pub peer: SocketAddr,
    /// When it began.
    pub at: Utc,
    /// By which means.
    pub means: Means,
    /// The highest grade reached.
    pub grade: Grade,
    /// The word of the outcome.
    pub outcome: &'a str,
    /// The word of the rule, where policy forbade it.
    pub rule: Option<&'a str>,
    /// The port on which the peer says that it listens.
    pub listening_port: Option<u16>,
    /// Whether an issue reported it.
    pub is_reported: bool,
}

/// How a stream came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Means {
    /// Who dialled.
    pub direction: Direction,
    /// What carried it.
    pub transport: Transport,
    /// Whether it was under Message Stream Encryption.
    pub is_covered: bool,
}

impl Means {
    /// All of them: what we dial first.
    pub const ALL: [Self; 8] = {
        let (tcp, utp) = (Transport::Tcp, Transport::Utp);
        let (out, back) = (Direction::Outgoing, Direction::Incoming);
        [
            Self::new(out, tcp, false),
            Self::new(out, tcp, true),
            Self::new(out, utp, false),
            Self::new(out, utp, true),
            Self::new(back, tcp, false),
            Self::new(back, tcp, true),
            Self::new(back, utp, false),
            Self::new(back, utp, true),
        ]
    };

    const fn new(direction: Direction, transport: Transport, is_covered: bool) -> Self {
        Self { direction, transport, is_covered }
    }

    /// What an observation says of them.
    pub fn of(observation: &Observation) -> Self {
        Self::new(observation.direction, observation.transport, observation.encryption != Encryption::None)
    }

    /// As tables name them.
    pub fn words(self) -> &'static str {
        match (self.direction, self.transport, self.is_covered) {
            (Direction::Outgoing, _, _) => self.stream(),
            (Direction::Incoming, Transport::Tcp, false) => "called us: TCP, plain",
            (Direction::Incoming, Transport::Tcp, true) => "called us: TCP, MSE",
            (Direction::Incoming, Transport::Utp, false) => "called us: µTP, plain",
            (Direction::Incoming, Transport::Utp, true) => "called us: µTP, MSE",
        }
    }

    /// The kind of stream, whoever dialled.
    pub fn stream(self) -> &'static str {
        match (self.transport, self.is_covered) {
            (Transport::Tcp, false) => "TCP, plain",
            (Transport::Tcp, true) => "TCP, MSE",
            (Transport::Utp, false) => "µTP, plain",
            (Transport::Utp, true) => "µTP, MSE",
        }
    }

    fn number(self) -> usize {
        (self.direction as usize) << 2 | (self.transport as usize) << 1 | usize::from(self.is_covered)
    }

    fn bit(self) -> u8 {
        1 << self.number()
    }
}

impl<'a> Contact<'a> {
    /// What an observation counts as; control visits are no probes and count for nothing here.
    pub fn of(observation: &'a Observation, is_reported: bool) -> Option<Self> {
        if observation.purpose != Purpose::Probe {
            return None;
        }
        let rule = if let Outcome::Excluded { rule } = &observation.outcome { Some(rule.word()) } else { None };
        Some(Self {
            target: observation.target,
            peer: observation.peer,
            at: observation.times.began.utc,
            means: Means::of(observation),
            grade: observation.grade,
            outcome: observation.outcome.word(),
            rule,
            listening_port: observation.extension.as_ref().and_then(|said| said.listening_port),
            is_reported,
        })
    }
}

/// Everybody whom a list named.
pub fn heard(list: &Candidates) -> impl Iterator<Item = Heard<'_>> {
    let (target, at, source) = (list.target, list.at.utc, list.source.word());
    list.peers.iter().map(move |peer| Heard { target, peer: *peer, at, source })
}

#[cfg(test)]
mod tests;
