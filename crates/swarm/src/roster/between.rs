//! What comes in between a peer's own errands: it is asked for introductions to others, or has been told to dial us.

use core::net::SocketAddr;

use evidence::{Digest, Mono};

use super::{Entry, Errand, Roster, State};
use crate::ladder::Means;

/// A rendezvous, which leaves the peer's errand as it is. That one goes on at this moment, if at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    Due(Option<Mono>),
    Open(Option<Mono>),
}

/// Whether a peer will be asked for introductions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summons {
    /// It is due.
    Due,
    /// It is busy: another time.
    Busy,
    /// It cannot be asked.
    Never,
}

impl Roster {
    /// Has a peer that was contacted before asked for introductions.
    pub fn summon(&mut self, now: Mono, peer: SocketAddr) -> Summons {
        let Some(entry) = self.peers.get_mut(&peer).filter(|entry| entry.was_probed) else { return Summons::Never };
        if entry.climb.utp(self.limits.allowed).is_none() {
            return Summons::Never;
        }
        let then = match entry.state {
            State::Due(at) if entry.between.is_none() => Some(at),
            State::Final => None,
            State::Due(_) | State::Open => return Summons::Busy,
        };
        entry.between = Some(Between::Due(then));
        self.plan_anew(peer, now);
        Summons::Due
    }

    /// A peer that could not be dialled has been told to dial us, so it is dialled by µTP at once. `rendezvous` is the
    /// commitment of the contact that brought that about.
    pub fn introduced(&mut self, now: Mono, peer: SocketAddr, rendezvous: Digest) {
        let is_free = |entry: &&mut Entry| entry.state != State::Open && entry.between.is_none();
        let Some(entry) = self.peers.get_mut(&peer).filter(is_free) else { return };
        entry.rendezvous = Some(rendezvous);
        entry.climb.turn_to_utp(self.limits.allowed);
        self.plan_anew(peer, now);
    }

    /// The rendezvous by which this peer was told to dial us, unless it could not be reached by that either.
    pub fn rendezvous(&self, peer: SocketAddr) -> Option<Digest> {
        self.peers.get(&peer)?.rendezvous
    }

    fn plan_anew(&mut self, peer: SocketAddr, at: Mono) {
        if let Some(State::Due(before)) = self.peers.get(&peer).map(|entry| entry.state) {
            self.urgent.remove(&(before, peer));
            self.due.remove(&(before, peer));
        }
        self.plan(peer, at);
    }
}

impl Entry {
    /// The rendezvous that is due, and by which means.
    pub(super) fn open_between(&mut self, utp: Option<Means>) -> Option<(Errand, Means)> {
        let (Some(Between::Due(then)), Some(means)) = (self.between, utp) else { return None };
        self.between = Some(Between::Open(then));
        Some((Errand::Rendezvous, means))
    }

    /// The rendezvous that was opened is not made yet.
    pub(super) fn put_back_between(&mut self) {
        if let Some(Between::Open(then)) = self.between {
            self.between = Some(Between::Due(then));
        }
    }

    /// The rendezvous is over, if one is open: when the peer's own errand goes on.
    pub(super) fn close_between(&mut self) -> Option<Option<Mono>> {
        let Some(Between::Open(then)) = self.between else { return None };
        self.between = None;
        Some(then)
    }
}
