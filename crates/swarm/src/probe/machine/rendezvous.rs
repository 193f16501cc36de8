//! Asking the peer to introduce us to others (BEP 55).
//!
//! Only what was asked for is taken down. An introduction that nobody asked for, and a peer's wish to be introduced by us,
//! are passed over without a word: see [`crate::punch`] and [`wire::ut_holepunch`].

use core::net::SocketAddr;

use evidence::{Now, Outcome};
use wire::message::Outgoing;
use wire::ut_holepunch::HolepunchMessage;

use super::super::Aim;
use super::{Probe, Timer};

/// The number by which we want to be told that we are introduced.
pub(super) const UT_HOLEPUNCH_ID: u8 = 4;

/// What was asked, and what was answered.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    targets: Vec<SocketAddr>,
    asked: bool,
    /// Targets that were answered.
    answered: Vec<SocketAddr>,
    /// Those of them that were told to dial us.
    connects: Vec<SocketAddr>,
}

impl Probe<'_> {
    /// Asks for introductions to these, if [`Aim::Rendezvous`] is the aim.
    #[must_use]
    pub fn asking_for(self, targets: Vec<SocketAddr>) -> Self {
        Self { wishes: Wishes { targets, ..Wishes::default() }, ..self }
    }

    pub(super) fn is_rendezvous(&self) -> bool {
        self.target.aim == Aim::Rendezvous
    }

    pub(super) fn is_introducible(&self) -> Option<u8> {
        self.limits.is_introducible.then_some(UT_HOLEPUNCH_ID)
    }

    /// The peer has said what it speaks.
    pub(super) fn ask_for_introductions(&mut self, now: Now) {
        if !self.is_rendezvous() || self.wishes.asked {
            return;
        }
        let Some(id) = self.peer.holepunch_id else { return self.give_up(now) };
        self.wishes.asked = true;
        for target in self.wishes.targets.clone() {
            self.send(now, Outgoing::Rendezvous { id, target });
        }
        self.timers.set(Timer::Rendezvous, now.mono.plus_ms(self.limits.rendezvous_ms));
    }

    pub(super) fn on_introduction(&mut self, now: Now, payload: &[u8]) {
        let (target, connects) = match HolepunchMessage::parse(payload) {
            Ok(HolepunchMessage::Connect(target)) => (target, true),
            Ok(HolepunchMessage::Error(target, _)) => (target, false),
            Ok(HolepunchMessage::Rendezvous(_)) | Err(_) => return,
        };
        let wishes = &mut self.wishes;
        if !wishes.asked || !wishes.targets.contains(&target) || wishes.answered.contains(&target) {
            return;
        }
        wishes.answered.push(target);
        if connects {
            wishes.connects.push(target);
        }
        if wishes.answered.len() == wishes.targets.len() {
            self.give_up(now);
        }
    }

    /// What came of the rendezvous.
    pub(super) fn introduced(&self) -> Outcome {
        let count = |peers: &[SocketAddr]| u32::try_from(peers.len()).unwrap_or(u32::MAX);
        let asked = if self.wishes.asked { count(&self.wishes.targets) } else { 0 };
        Outcome::Introduced { asked, connects: count(&self.wishes.connects) }
    }

    pub(super) fn take_connects(&mut self) -> Vec<SocketAddr> {
        core::mem::take(&mut self.wishes.connects)
    }
}
