//! What a contact leaves behind, once it is over.

use evidence::{Mono, Outcome, PeerId, Reserved};

use super::super::Visit;
use super::super::exam::Exam;
use super::super::habit;
use super::Probe;
use crate::chance::Seed;
use crate::transcript::Recorder;

impl Probe<'_> {
    pub(super) fn visit(&mut self) -> Visit {
        let grade = self.grade();
        self.record_failed();
        // What made no whole message, or broke a rule, is kept with the moment of its last byte.
        if let Some(last) = self.times.last_byte.filter(|_| !self.inbox.is_empty()) {
            self.record_rest(Mono::from_us(last.mono_us));
        }
        let exam = core::mem::replace(&mut self.exam, Exam::new(None, &Seed::new([0; 32])));
        self.times.first_block = exam.verified_challenges().filter_map(|challenge| challenge.first_byte).min();
        self.times.last_block = exam.verified_challenges().filter_map(|challenge| challenge.answered).max();
        let software = self.peer.handshake.map(|theirs| habit::software(&theirs, &self.peer));
        let nothing = Recorder::new(self.limits.transcript);
        let introduces = self.peer.extension.is_some().then_some(self.peer.holepunch_id.is_some());
        Visit {
            challenges: exam.into_challenges(),
            choke: core::mem::take(&mut self.peer.choke),
            claim: self.peer.claim(),
            connects: self.take_connects(),
            direction: self.target.direction,
            encryption: self.cover.encryption(),
            extension: self.peer.extension.take(),
            grade,
            mse_secret: self.cover.secret(),
            observer: self.observer,
            outcome: self.outcome.clone().unwrap_or(Outcome::NotTried),
            peer: self.address,
            peer_id: self.peer.handshake.map(|handshake| PeerId::from(handshake.peer_id.0)),
            reserved: self.peer.handshake.map(|handshake| Reserved::from(handshake.reserved.0)),
            software,
            introduces,
            times: self.times,
            transcript: core::mem::replace(&mut self.record, nothing).finish(),
            volume: self.volume,
        }
    }
}
