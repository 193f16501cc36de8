//! Hashes of version 2: what is asked to prove a block, and what is refused to whoever asks us.

use evidence::{Now, Version};
use wire::message::{HashRange, Outgoing};

use super::super::exam::{Answer, Asking};
use super::{Probe, Timer};

impl Probe<'_> {
    /// We have none and say so, as often as is reasonable.
    pub(super) fn on_hash_request(&mut self, now: Now, range: HashRange) {
        if self.target.spoken == Version::V2 && self.rejects < self.limits.rejects_max {
            self.rejects += 1;
            self.send(now, Outgoing::HashReject(range));
        }
    }

    /// A request, and behind it one for what the answer is judged by: hashes that follow such a request must not be refused
    /// if the block is sent (BEP 52).
    pub(super) fn send_request(&mut self, now: Now, Asking { block, hashes }: Asking) {
        self.send(now, Outgoing::Request(block));
        if let Some(range) = hashes {
            self.send(now, Outgoing::HashRequest(range));
        }
    }

    pub(super) fn on_hashes(&mut self, range: &HashRange, hashes: &[u8]) {
        let judged = self.exam.hashes(range, hashes);
        self.on_judged(judged);
    }

    /// Which a peer may: it is no fault.
    pub(super) fn on_hash_reject(&mut self, range: &HashRange) {
        let judged = self.exam.reject_hashes(range);
        self.on_judged(judged);
    }

    /// A block that had come before is judged now.
    fn on_judged(&mut self, judged: Option<(Answer, u32)>) {
        if let Some((answer, length)) = judged {
            self.peer.is_news = true;
            if answer == Answer::Right {
                self.volume.verified_bytes += u64::from(length);
            }
        }
        if !self.exam.is_waiting() {
            self.timers.clear(Timer::Answer);
        }
    }
}
