//! The counts under way: one small record for each address and port of a torrent, and one for each of its hours.

use std::{collections::BTreeMap, net::SocketAddr};

use evidence::{Direction, Grade, TargetIds, Utc};

use super::{Contact, Heard, Unreached};

pub(super) const HOUR_MS: i64 = 3_600_000;

/// Kinds of source that are told apart; what comes after them counts as the last.
const KINDS_MAX: usize = 16;

/// Everything counted so far.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    pub(super) targets: BTreeMap<TargetIds, Target>,
}

/// One torrent.
#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    /// Words of the kinds of source, by bit.
    pub sources: Words,
    pub outcomes: Words,
    pub rules: Words,
    pub numbers: BTreeMap<SocketAddr, u32>,
    pub peers: Vec<Peer>,
    /// By hours since 1970.
    pub hours: BTreeMap<i64, Hour>,
}

/// What is known of one address and port over all hours.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Peer {
    /// Bits of the kinds of source that named it.
    pub sources: u16,
    /// The hour in which it was first heard of.
    pub first_heard: Option<i64>,
    /// The highest grade by each means.
    pub best: [Reached; 8],
    /// Bits of the means by which a reported observation was made.
    pub reported: u8,
    /// Why it was not reached, if it never was.
    pub unreached: Unreached,
    /// Number of the rule by which policy forbids it, from 1; 0 for none.
    pub excluded: u8,
    /// Whether a caller from its address named its port as the one that it listens on.
    pub is_claimed: bool,
}

/// The highest grade reached by some means, if it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Reached {
    #[default]
    Untried,
    Tried(Grade),
}

/// One hour of a torrent.
#[derive(Debug, Clone, Default)]
pub(super) struct Hour {
    pub marks: BTreeMap<u32, Mark>,
    /// Contacts by means and outcome's number, with how many of them came to each grade.
    pub contacts: BTreeMap<(u8, u8), [u64; 5]>,
}

/// What one address and port did in one hour.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    pub sources: u16,
    pub dialled: Reached,
    pub called: Reached,
}

/// Words and their numbers, in the order of their first use.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(Vec<String>);

impl Coverage {
    /// Counts somebody whom a list named.
    pub fn hear(&mut self, heard: &Heard<'_>) {
        let target = self.targets.entry(heard.target).or_default();
        let hour = hour_of(heard.at);
        let source = 1 << target.sources.number(heard.source).min(KINDS_MAX - 1);
        let number = target.number(heard.peer);
        let peer = &mut target.peers[number as usize];
        peer.sources |= source;
        peer.first_heard = Some(peer.first_heard.map_or(hour, |first| first.min(hour)));
        target.mark(hour, number).sources |= source;
    }

    /// Counts a probe.
    pub fn meet(&mut self, contact: &Contact<'_>) {
        let target = self.targets.entry(contact.target).or_default();
        let number = target.number(contact.peer);
        let peer = &mut target.peers[number as usize];
        let unreached = Unreached::of(contact.outcome, contact.rule);
        if unreached == Unreached::Excluded {
            peer.excluded = target.rules.number(contact.rule.unwrap_or_default()).min(254) as u8 + 1;
            return;
        }
        peer.unreached = peer.unreached.max(unreached);
        // What our own machine broke off may have come to something before.
        if !unreached.is_tried() && contact.grade == Grade::Listed {
            return;
        }
        let means = contact.means.number();
        let reached = Reached::Tried(contact.grade);
        peer.best[means] = peer.best[means].max(reached);
        peer.reported |= u8::from(contact.is_reported) << means;
        let hour = hour_of(contact.at);
        let mark = target.mark(hour, number);
        match contact.means.direction {
            Direction::Outgoing => mark.dialled = mark.dialled.max(reached),
            Direction::Incoming => mark.called = mark.called.max(reached),
        }
        let outcome = target.outcomes.number(contact.outcome).min(255) as u8;
        let grades = target.hours.entry(hour).or_default().contacts.entry((means as u8, outcome)).or_default();
        grades[contact.grade as usize] += 1;
        if contact.means.direction == Direction::Incoming
            && let Some(port) = contact.listening_port
        {
            let number = target.number(SocketAddr::new(contact.peer.ip(), port));
            target.peers[number as usize].is_claimed = true;
        }
    }
}

impl Target {
    fn number(&mut self, peer: SocketAddr) -> u32 {
        let next = u32::try_from(self.peers.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(peer).or_insert(next);
        if number == next {
            self.peers.push(Peer::default());
        }
        number
    }

    fn mark(&mut self, hour: i64, number: u32) -> &mut Mark {
        self.hours.entry(hour).or_default().marks.entry(number).or_default()
    }
}

impl Peer {
    /// Whether policy forbids it. What was tried all the same, under another configuration, counts as what it came to.
    pub fn is_excluded(&self) -> bool {
        self.excluded != 0 && self.best == [Reached::Untried; 8]
    }

    pub fn best_dialled(&self) -> Reached {
        self.best[..4].iter().copied().max().unwrap_or_default()
    }

    pub fn best_called(&self) -> Reached {
        self.best[4..].iter().copied().max().unwrap_or_default()
    }

    /// Whether a transport connection with it came about, whoever dialled.
    pub fn is_reached(&self) -> bool {
        self.best.iter().any(|best| best.is_at_least(Grade::Connected))
    }

    /// Whether it was neither reached nor did a caller of the same address name the port as its own.
    pub fn is_missed(&self) -> bool {
        !self.is_reached() && !self.is_claimed
    }
}

impl Reached {
    pub fn is_at_least(self, grade: Grade) -> bool {
        self >= Self::Tried(grade)
    }
}

impl Words {
    fn number(&mut self, word: &str) -> usize {
        self.0.iter().position(|known| known == word).unwrap_or_else(|| {
            self.0.push(word.into());
            self.0.len() - 1
        })
    }

    /// The word of a number; the last kind of source stands for all that came after it.
    pub fn word(&self, number: usize) -> &str {
        self.0.get(number).map_or("", String::as_str)
    }

    /// Numbers and words, in the order of the words.
    pub fn sorted(&self) -> Vec<(usize, &str)> {
        let mut words: Vec<(usize, &str)> = self.0.iter().map(String::as_str).enumerate().collect();
        words.sort_unstable_by_key(|(_, word)| *word);
        words
    }
}

fn hour_of(at: Utc) -> i64 {
    at.ms().div_euclid(HOUR_MS)
}
