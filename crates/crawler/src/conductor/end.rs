//! When a run ends.

use evidence::{Mono, Now};
use swarm::announce::Event as Announce;

use super::{Conductor, punch};
use crate::hunt::Hunt;
use crate::{Reason, Until};

impl Conductor {
    /// Ends the run when the plan says so.
    pub(super) fn look_at_end(&mut self, now: Now) -> Mono {
        let (at_most_ms, quiet_ms) = match self.until {
            Until::Stopped => return Mono::from_us(u64::MAX),
            Until::Duration(ms) => (ms, None),
            Until::Idle { quiet_ms, at_most_ms } => (at_most_ms, Some(quiet_ms)),
        };
        let last = self.started.plus_ms(at_most_ms);
        if now.mono >= last {
            self.end(Reason::Duration);
            return now.mono;
        }
        let Some(quiet_ms) = quiet_ms else { return last };
        let is_done =
            |hunt: &Hunt| hunt.is_closed || (hunt.roster.is_settled() && hunt.is_first_round_over() && punch::is_settled(hunt));
        let has_asked = self.asks.is_empty() && self.dht.is_first_over();
        let is_quiet = has_asked && self.tasks.is_empty() && self.papers.is_empty() && self.hunts.iter().all(is_done);
        if !is_quiet {
            self.quiet_since = None;
            return last;
        }
        let since = *self.quiet_since.get_or_insert(now.mono);
        if now.mono >= since.plus_ms(quiet_ms) {
            self.end(Reason::Idle);
            return now.mono;
        }
        last.min(since.plus_ms(quiet_ms))
    }

    pub(super) fn end(&mut self, reason: Reason) {
        self.ending.get_or_insert(reason);
        self.asks.retain(|(_, _, ask)| ask.event == Announce::Stopped);
        self.stopper.stop();
        self.acceptors.abort_all();
        self.callers.close();
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_closing && self.tasks.is_empty() && self.asks.is_empty() && self.papers.is_empty()
    }
}
