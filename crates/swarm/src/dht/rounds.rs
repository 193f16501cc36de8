//! When which torrent is looked up among which nodes: at the start, then every quarter of an hour, and sooner while
//! nobody answers at all.

use evidence::Mono;

use super::{Ending, Family};
use crate::Seed;
use crate::chance::Chance;

/// The numbers of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Gap between two look-ups of one torrent in one family, in milliseconds. Up to an eighth of it is left off by
    /// chance, so that torrents that began together drift apart. Nodes forget an announce after half an hour or more.
    pub gap_ms: u64,
    /// The first gap after a look-up that nobody answered, in milliseconds; doubled each time, up to `gap_ms`.
    pub silence_first_ms: u64,
    /// Look-ups at a time.
    pub at_a_time: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { gap_ms: 900_000, silence_first_ms: 30_000, at_a_time: 16 }
    }
}

/// A look-up that is due: the number of what is looked up, and among which nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// Which info-hash.
    pub number: usize,
    /// Which nodes.
    pub family: Family,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begin this one. Say how it ended with [`Rounds::finished`], or that it could not be begun with
    /// [`Rounds::put_back`].
    Begin(Turn),
    /// Nothing before this moment.
    Wait(Mono),
}

/// The look-ups of a run.
#[derive(Debug)]
pub struct Rounds {
    limits: Limits,
    chance: Chance,
    rows: Vec<Row>,
    open: usize,
}

#[derive(Debug)]
struct Row {
    turn: Turn,
    next_at: Mono,
    state: State,
    has_finished: bool,
    /// Look-ups that nobody answered, in a row.
    silences: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its nodes are not being asked yet: our own table is filled first.
    Held,
    Waiting,
    Open,
    /// Nobody looks for its peers any more.
    Closed,
}

impl Rounds {
    /// Look-ups of so many info-hashes in these families. None is due before its family is opened.
    pub fn new(count: usize, families: &[Family], limits: Limits, seed: Seed, now: Mono) -> Self {
        let turns = (0..count).flat_map(|number| families.iter().map(move |family| Turn { number, family: *family }));
        let row = |turn| Row { turn, next_at: now, state: State::Held, has_finished: false, silences: 0 };
        Self { limits, chance: Chance::new(seed), rows: turns.map(row).collect(), open: 0 }
    }

    /// The nodes of this family may be asked from now on.
    pub fn open(&mut self, family: Family) {
        let held = self.rows.iter_mut().filter(|row| row.turn.family == family && row.state == State::Held);
        held.for_each(|row| row.state = State::Waiting);
    }

    /// What to do next: the longest overdue first.
    pub fn poll(&mut self, now: Mono) -> Step {
        let never = Step::Wait(Mono::from_us(u64::MAX));
        if self.open >= self.limits.at_a_time {
            return never;
        }
        let waiting = self.rows.iter_mut().filter(|row| row.state == State::Waiting);
        match waiting.min_by_key(|row| row.next_at) {
            Some(row) if row.next_at <= now => {
                row.state = State::Open;
                self.open += 1;
                Step::Begin(row.turn)
            }
            Some(row) => Step::Wait(row.next_at),
            None => never,
        }
    }

    /// A look-up that was begun is over.
    pub fn finished(&mut self, now: Mono, turn: Turn, ending: Ending) {
        let (limits, early_ms) = (self.limits, self.chance.below(self.limits.gap_ms / 8));
        let Some(row) = self.end(turn) else { return };
        row.has_finished = true;
        row.silences = if ending == Ending::Silence { row.silences + 1 } else { 0 };
        let wait_ms = match row.silences {
            0 => limits.gap_ms - early_ms,
            silences => limits.silence_first_ms.saturating_mul(1 << (silences - 1).min(20)).min(limits.gap_ms),
        };
        row.next_at = now.plus_ms(wait_ms);
    }

    /// A look-up could not be begun now; it may be at this moment.
    pub fn put_back(&mut self, turn: Turn, until: Mono) {
        if let Some(row) = self.end(turn) {
            row.next_at = until;
        }
    }

    /// Nobody looks for the peers of this info-hash any more.
    pub fn close(&mut self, number: usize) {
        for row in self.rows.iter_mut().filter(|row| row.turn.number == number) {
            self.open -= usize::from(row.state == State::Open);
            row.state = State::Closed;
        }
    }

    /// Whether every info-hash has been looked up once in every family, as far as anybody still looks for it.
    pub fn is_first_over(&self) -> bool {
        self.rows.iter().all(|row| row.has_finished || row.state == State::Closed)
    }

    fn end(&mut self, turn: Turn) -> Option<&mut Row> {
        let row = self.rows.iter_mut().find(|row| row.turn == turn && row.state == State::Open)?;
        row.state = State::Waiting;
        self.open -= 1;
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Mono = Mono::from_us(1_000_000);
    const LIMITS: Limits = Limits { gap_ms: 80_000, silence_first_ms: 10_000, at_a_time: 3 };
    const V4: Family = Family::V4;
    const V6: Family = Family::V6;

    fn rounds(count: usize) -> Rounds {
        Rounds::new(count, &Family::ALL, LIMITS, Seed::new([5; 32]), NOW)
    }

    fn begun(rounds: &mut Rounds, now: Mono) -> Vec<(usize, Family)> {
        let mut begun = Vec::new();
        while let Step::Begin(turn) = rounds.poll(now) {
            begun.push((turn.number, turn.family));
        }
        begun
    }

    fn turn(number: usize, family: Family) -> Turn {
        Turn { number, family }
    }

    #[test]
    fn families_are_opened_one_by_one_and_few_are_looked_up_at_a_time() {
        let mut rounds = rounds(4);
        assert!(begun(&mut rounds, NOW).is_empty() && !rounds.is_first_over());
        rounds.open(V4);
        assert_eq!(begun(&mut rounds, NOW), [(0, V4), (1, V4), (2, V4)]);
        rounds.finished(NOW, turn(1, V4), Ending::Complete);
        rounds.open(V6);
        assert_eq!(begun(&mut rounds, NOW), [(0, V6)]);
    }

    #[test]
    fn the_first_round_is_over_when_each_is_finished_or_given_up() {
        let mut rounds = rounds(1);
        rounds.open(V4);
        rounds.open(V6);
        assert_eq!(begun(&mut rounds, NOW), [(0, V4), (0, V6)]);
        rounds.finished(NOW, turn(0, V4), Ending::Bounded);
        assert!(!rounds.is_first_over());
        rounds.put_back(turn(0, V6), NOW);
        assert!(!rounds.is_first_over(), "a look-up that was put back is still to come");
        rounds.close(0);
        assert!(rounds.is_first_over());
    }

    #[test]
    fn the_next_look_up_comes_after_the_gap_and_sooner_after_silence() {
        let mut rounds = Rounds::new(1, &[V4], LIMITS, Seed::new([5; 32]), NOW);
        rounds.open(V4);
        assert_eq!(begun(&mut rounds, NOW), [(0, V4)]);
        rounds.finished(NOW, turn(0, V4), Ending::Complete);
        let Step::Wait(until) = rounds.poll(NOW) else { panic!("not due yet") };
        assert!((70_000..=80_000).contains(&until.since_ms(NOW)), "{}", until.since_ms(NOW));
        let mut now = until;
        for due_ms in [10_000, 20_000, 40_000, 80_000, 80_000] {
            assert_eq!(begun(&mut rounds, now), [(0, V4)]);
            rounds.finished(now, turn(0, V4), Ending::Silence);
            assert_eq!(rounds.poll(now), Step::Wait(now.plus_ms(due_ms)));
            now = now.plus_ms(due_ms);
        }
        assert_eq!(begun(&mut rounds, now), [(0, V4)]);
        rounds.put_back(turn(0, V4), now.plus_ms(1_000));
        assert_eq!(rounds.poll(now), Step::Wait(now.plus_ms(1_000)));
    }

    #[test]
    fn what_ends_after_it_was_closed_changes_nothing_and_frees_its_place() {
        let mut rounds = rounds(4);
        rounds.open(V4);
        assert_eq!(begun(&mut rounds, NOW).len(), 3);
        rounds.close(0);
        assert_eq!(begun(&mut rounds, NOW), [(3, V4)]);
        rounds.finished(NOW, turn(0, V4), Ending::Complete);
        assert!(begun(&mut rounds, NOW).is_empty());
    }
}
