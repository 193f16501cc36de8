//! Listening to what the peer says of others.

use evidence::Now;

use super::{Output, Probe, Timer};

impl Probe<'_> {
    pub(super) fn on_gossip(&mut self, now: Now, payload: &[u8]) {
        let grade = self.grade();
        if let Some(hearsay) = self.gossip.read(now, payload, self.observer, grade) {
            self.heard.push_back(hearsay);
        }
        if self.timers.get(Timer::Gossip).is_some() && self.gossip.awaited_until(now.mono).is_none() {
            // It was all that was waited for.
            self.timers.set(Timer::Gossip, now.mono);
        }
    }

    /// There is nothing more to learn of the peer itself: ends the contact, or waits for what it says of others.
    pub(super) fn listen_or_give_up(&mut self, now: Now) {
        match self.gossip.awaited_until(now.mono) {
            None => self.give_up(now),
            Some(_) if self.timers.get(Timer::Gossip).is_some() => {}
            Some(until) => self.timers.set(Timer::Gossip, until),
        }
    }

    pub(super) fn poll_heard(&mut self) -> Option<Output> {
        self.heard.pop_front().map(|hearsay| Output::Heard(Box::new(hearsay)))
    }
}
