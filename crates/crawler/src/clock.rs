//! The clocks that a run is handed. Only the binary reads real ones.

use evidence::{Now, Stamp};
use swarm::probe::Visit;

/// Both clocks of a run.
pub trait Clock: Send + Sync + 'static {
    /// This moment on both clocks, read together.
    fn now(&self) -> Now;

    /// What is known of the wall clock's error. Asked now and then, and logged.
    fn reading(&self) -> Reading;
}

/// What a source of time vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The largest error in milliseconds, if it vouches for one.
    pub error_ms: Option<u32>,
    /// Where the reading comes from, e.g. `adjtimex`.
    pub source: String,
    /// Whether the clock is said to be disciplined.
    pub synchronised: bool,
}

/// What can be vouched for of a contact's moments: the larger of the errors read before and after it, if both are known
/// and the two clocks ran together all the while. The wall clock may be stepped between two readings that are both fine.
pub(crate) fn vouched_ms(before: Option<u32>, after: Option<u32>, visit: &Visit) -> Option<u32> {
    let error_ms = before?.max(after?);
    let began = visit.times.began;
    stamps(visit).all(|moment| ran_together(began, moment, error_ms)).then_some(error_ms)
}

/// Every moment that is recorded of a contact.
fn stamps(visit: &Visit) -> impl Iterator<Item = Stamp> {
    let times = &visit.times;
    let single = [times.connected, times.handshake, times.first_block, times.last_block, times.last_byte, Some(times.ended)];
    let asked = visit.challenges.iter().flat_map(|challenge| [Some(challenge.asked), challenge.first_byte, challenge.answered]);
    let said = visit.choke.iter().map(|change| change.at).chain(visit.claim.map(|claim| claim.at));
    single.into_iter().chain(asked).flatten().chain(said)
}

/// Rounding to milliseconds may cost one at each end.
const ROUNDING_MS: i128 = 2;

fn ran_together(began: Stamp, moment: Stamp, error_ms: u32) -> bool {
    let wall_us = (i128::from(moment.utc.ms()) - i128::from(began.utc.ms())) * 1_000;
    let mono_us = i128::from(moment.mono_us) - i128::from(began.mono_us);
    (wall_us - mono_us).abs() <= (i128::from(error_ms) + ROUNDING_MS) * 1_000
}

#[cfg(test)]
mod tests {
    use evidence::observation::{ChokeChange, Times, Volume};
    use evidence::{Direction, Encryption, Grade, Outcome, Utc};

    use super::*;

    fn stamp(ms: u64, step_ms: i64) -> Stamp {
        Stamp { mono_us: ms * 1_000, utc: Utc::from_ms(1_788_264_000_000 + ms as i64 + step_ms) }
    }

    fn visit(change: impl FnOnce(&mut Visit)) -> Visit {
        let times = Times {
            began: stamp(100, 0),
            connected: Some(stamp(110, 0)),
            ended: stamp(900, 0),
            error_ms: None,
            first_block: None,
            handshake: None,
            last_block: None,
            last_byte: None,
        };
        let mut visit = Visit {
            challenges: vec![],
            choke: vec![],
            claim: None,
            connects: vec![],
            introduces: None,
            direction: Direction::Outgoing,
            encryption: Encryption::None,
            extension: None,
            grade: Grade::Connected,
            mse_secret: None,
            observer: None,
            outcome: Outcome::Refused,
            peer: None,
            peer_id: None,
            reserved: None,
            software: None,
            times,
            transcript: None,
            volume: Volume::default(),
        };
        change(&mut visit);
        visit
    }

    #[test]
    fn the_larger_error_counts_and_none_makes_none() {
        let visit = visit(|_| {});
        assert_eq!((vouched_ms(Some(3), Some(7), &visit), vouched_ms(Some(9), Some(7), &visit)), (Some(7), Some(9)));
        assert_eq!((vouched_ms(None, Some(7), &visit), vouched_ms(Some(7), None, &visit)), (None, None));
    }

    #[test]
    fn a_step_that_shows_at_any_moment_leaves_nothing_to_vouch_for() {
        for (step_ms, due) in [(0, Some(5)), (7, Some(5)), (-7, Some(5)), (8, None), (-8, None), (3_600_000, None)] {
            let ended = visit(|visit| visit.times.ended = stamp(900, step_ms));
            assert_eq!(vouched_ms(Some(5), Some(5), &ended), due, "{step_ms}");
            // A step that was taken back shows in between only.
            let between = visit(|visit| visit.choke.push(ChokeChange { at: stamp(500, step_ms), choked: false }));
            assert_eq!(vouched_ms(Some(5), Some(5), &between), due, "{step_ms}");
        }
    }
}
