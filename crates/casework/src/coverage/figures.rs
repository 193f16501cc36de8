//! From the tally to the figures that are published.

use std::collections::BTreeMap;

use evidence::{Grade, TargetIds, Utc};

use super::{
    Captures, Coverage, Estimate, Means, Unreached,
    tally::{HOUR_MS, Peer, Reached, Target},
};

/// How many addresses and ports came how far; each step is part of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Funnel {
    /// A list named them, and policy lets them be contacted.
    pub heard: u64,
    /// A probe of them was made.
    pub tried: u64,
    /// A transport connection came about.
    pub reached: u64,
    /// They sent a handshake for the torrent.
    pub handshaken: u64,
    /// They claimed to have pieces.
    pub claimed: u64,
    /// They sent content that was verified.
    pub served: u64,
    /// An issue reported it.
    pub reported: u64,
}

/// What one kind of source contributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceFigures {
    /// Those that it named.
    pub funnel: Funnel,
    /// Those that no other kind of source named.
    pub alone: u64,
}

/// What one means of contact came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// Contacts made.
    pub contacts: u64,
    /// Contacts that came to a transport connection.
    pub connected: u64,
    /// Addresses and ports; `heard` counts none.
    pub funnel: Funnel,
    /// Those reached by these means and by no others.
    pub alone: u64,
}

/// Who was heard of and never reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Missed {
    /// Addresses and ports that a list named and policy lets us contact.
    pub heard: u64,
    /// Of these, neither reached nor named by a caller of the same address as its own port.
    pub missed: u64,
    /// Of those heard of, not reached, but a caller of the same address named the port as its own.
    pub only_claimed: u64,
    /// Those missed, by reason.
    pub reasons: BTreeMap<Unreached, u64>,
}

/// The figures of one torrent, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetFigures {
    /// From heard of to reported.
    pub funnel: Funnel,
    /// The same, for those that each kind of source named.
    pub by_source: BTreeMap<String, SourceFigures>,
    /// Addresses and ports that both of two kinds of source named.
    pub overlap: BTreeMap<(String, String), u64>,
    /// By the means of contact.
    pub by_means: BTreeMap<Means, Reach>,
    /// Contacts made, by outcome and means.
    pub outcomes: BTreeMap<String, BTreeMap<Means, u64>>,
    /// Addresses and ports by the highest grade, among those heard of or met.
    pub grades: [u64; 5],
    /// Addresses and ports that called us; `heard` counts none.
    pub callers: Funnel,
    /// The miss rate.
    pub missed: Missed,
    /// Addresses and ports that lists named and policy forbids, by rule. They are in no other figure.
    pub excluded: BTreeMap<String, u64>,
}

/// One hour of a torrent, or several that follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: Utc,
    /// Named by a list in it.
    pub heard: u64,
    /// The same, by kind of source.
    pub by_source: BTreeMap<String, u64>,
    /// Of these, never named before.
    pub new: u64,
    /// Of those new, missed to this day.
    pub new_missed: u64,
    /// Dialled in it, and how far they came in it; `heard` counts none.
    pub dialled: Funnel,
    /// Addresses and ports that called us in it.
    pub called: u64,
    /// Contacts made, by outcome and means.
    pub outcomes: BTreeMap<String, BTreeMap<Means, u64>>,
    /// Addresses and ports met in it, by the highest grade.
    pub grades: [u64; 5],
    /// The hour of it in which most took part, how many are known to have taken part in that hour, and what that says of
    /// how many there were.
    pub took_part: (Utc, u64, Estimate),
}

impl Coverage {
    /// The torrents, in order.
    pub fn targets(&self) -> impl Iterator<Item = TargetIds> {
        self.targets.keys().copied()
    }

    /// The figures of one torrent.
    pub fn of(&self, target: TargetIds) -> TargetFigures {
        let mut figures = TargetFigures::default();
        self.targets.get(&target).into_iter().for_each(|target| figures.add(target));
        figures
    }

    /// The figures of all torrents; what takes part in two of them counts twice.
    pub fn total(&self) -> TargetFigures {
        let mut figures = TargetFigures::default();
        self.targets.values().for_each(|target| figures.add(target));
        figures
    }

    /// The hours of a torrent in which anything was recorded, or spans of so many hours, counted from midnight UTC.
    pub fn spans(&self, target: TargetIds, hours: u32) -> Vec<Span> {
        let Some(target) = self.targets.get(&target) else { return Vec::new() };
        let hours = i64::from(hours.max(1));
        let mut spans: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for hour in target.hours.keys() {
            spans.entry(hour.div_euclid(hours) * hours).or_default().push(*hour);
        }
        spans.into_iter().map(|(start, members)| target.span(start, &members)).collect()
    }
}

impl Funnel {
    fn count(&mut self, best: Reached, is_reported: bool) {
        let at_least = |grade| best.is_at_least(grade);
        self.tried += u64::from(best > Reached::Untried);
        self.reached += u64::from(at_least(Grade::Connected));
        self.handshaken += u64::from(at_least(Grade::Handshaken));
        self.claimed += u64::from(at_least(Grade::Claimed));
        self.served += u64::from(at_least(Grade::Served));
        self.reported += u64::from(is_reported);
    }
}

impl TargetFigures {
    fn add(&mut self, target: &Target) {
        let sources = target.sources.sorted();
        for peer in &target.peers {
            self.add_peer(peer, &sources, target);
        }
        for hour in target.hours.values() {
            add_outcomes(&mut self.outcomes, target, hour.contacts.iter());
            for ((means, _), grades) in &hour.contacts {
                let reach = self.by_means.entry(Means::ALL[usize::from(*means)]).or_default();
                reach.contacts += grades.iter().sum::<u64>();
                reach.connected += grades[Grade::Connected as usize..].iter().sum::<u64>();
            }
        }
    }

    fn add_peer(&mut self, peer: &Peer, sources: &[(usize, &str)], target: &Target) {
        if peer.is_excluded() {
            *self.excluded.entry(target.rules.word(usize::from(peer.excluded) - 1).into()).or_default() += 1;
            return;
        }
        let (best, is_reported) = (peer.best_dialled().max(peer.best_called()), peer.reported != 0);
        if peer.sources != 0 {
            self.funnel.heard += 1;
            self.funnel.count(best, is_reported);
            self.missed.count(peer);
            let named: Vec<&str> =
                sources.iter().filter(|(bit, _)| peer.sources & 1 << bit != 0).map(|(_, word)| *word).collect();
            for (place, word) in named.iter().enumerate() {
                let source = self.by_source.entry((*word).into()).or_default();
                source.funnel.heard += 1;
                source.funnel.count(best, is_reported);
                source.alone += u64::from(named.len() == 1);
                for other in &named[place + 1..] {
                    *self.overlap.entry(((*word).into(), (*other).into())).or_default() += 1;
                }
            }
        }
        if peer.sources != 0 || best > Reached::Untried {
            let grade = if let Reached::Tried(grade) = best { grade } else { Grade::Listed };
            self.grades[grade as usize] += 1;
        }
        if peer.best_called() > Reached::Untried {
            self.callers.count(peer.best_called(), peer.reported >> 4 != 0);
        }
        let reached = peer.best.iter().filter(|best| best.is_at_least(Grade::Connected)).count();
        for (means, best) in Means::ALL.into_iter().zip(peer.best).filter(|(_, best)| *best > Reached::Untried) {
            let reach = self.by_means.entry(means).or_default();
            reach.funnel.count(best, peer.reported & means.bit() != 0);
            reach.alone += u64::from(reached == 1 && best.is_at_least(Grade::Connected));
        }
    }
}

impl Missed {
    fn count(&mut self, peer: &Peer) {
        self.heard += 1;
        if peer.is_missed() {
            self.missed += 1;
            *self.reasons.entry(peer.unreached).or_default() += 1;
        }
        self.only_claimed += u64::from(!peer.is_missed() && !peer.is_reached());
    }
}

impl Target {
    fn span(&self, start: i64, hours: &[i64]) -> Span {
        let at = |hour: i64| Utc::from_ms(hour.saturating_mul(HOUR_MS));
        let mut span = Span {
            start: at(start),
            heard: 0,
            by_source: BTreeMap::new(),
            new: 0,
            new_missed: 0,
            dialled: Funnel::default(),
            called: 0,
            outcomes: BTreeMap::new(),
            grades: [0; 5],
            took_part: (at(start), 0, Captures::default().estimate()),
        };
        let mut marks = BTreeMap::new();
        for hour in hours {
            let found = &self.hours[hour];
            add_outcomes(&mut span.outcomes, self, found.contacts.iter());
            let mut captures = Captures::default();
            for (number, mark) in &found.marks {
                if mark.dialled.is_at_least(Grade::Handshaken) {
                    captures.count(mark.sources);
                }
                let whole: &mut super::tally::Mark = marks.entry(*number).or_default();
                whole.sources |= mark.sources;
                whole.dialled = whole.dialled.max(mark.dialled);
                whole.called = whole.called.max(mark.called);
                // A peer is new in the hour that first heard of it.
                let peer = &self.peers[*number as usize];
                let is_new = peer.first_heard == Some(*hour) && !peer.is_excluded();
                span.new += u64::from(is_new);
                span.new_missed += u64::from(is_new && peer.is_missed());
            }
            if captures.known > span.took_part.1 {
                span.took_part = (at(*hour), captures.known, captures.estimate());
            }
        }
        let sources = self.sources.sorted();
        for (number, mark) in marks {
            if self.peers[number as usize].is_excluded() {
                continue;
            }
            span.heard += u64::from(mark.sources != 0);
            for (_, word) in sources.iter().filter(|(bit, _)| mark.sources & 1 << bit != 0) {
                *span.by_source.entry((*word).into()).or_default() += 1;
            }
            span.dialled.count(mark.dialled, false);
            span.called += u64::from(mark.called > Reached::Untried);
            if let Reached::Tried(grade) = mark.dialled.max(mark.called) {
                span.grades[grade as usize] += 1;
            }
        }
        span
    }
}

fn add_outcomes<'a>(
    outcomes: &mut BTreeMap<String, BTreeMap<Means, u64>>,
    target: &Target,
    contacts: impl Iterator<Item = (&'a (u8, u8), &'a [u64; 5])>,
) {
    for ((means, outcome), grades) in contacts {
        let by_means = outcomes.entry(target.outcomes.word(usize::from(*outcome)).into()).or_default();
        *by_means.entry(Means::ALL[usize::from(*means)]).or_default() += grades.iter().sum::<u64>();
    }
}
