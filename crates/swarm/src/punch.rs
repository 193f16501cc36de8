//! Whom to ask for an introduction to a peer that cannot be dialled (BEP 55).
//!
//! A peer behind a router that lets nobody in can be reached if somebody whom it is connected to tells both sides to dial
//! each other by µTP at once. Whoever named the peer (BEP 11) is asked, if it speaks the extension, in a contact of its own
//! that asks for nothing else. What is asked of one relay, for one target and in all is bounded, and nobody is asked about
//! whom the scope excludes: only peers of the roster come here.
//!
//! An introduction that nobody asked for is not followed: whoever could make us dial an address of its choice could turn the
//! monitor against somebody. Whoever wants to be seen can call.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use evidence::Mono;

#[cfg(test)]
mod tests;

/// The numbers of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Peers of which it is remembered who named them.
    pub targets_max: usize,
    /// Peers of which it is remembered that they can be asked, besides those that named somebody.
    pub relays_max: usize,
    /// Relays remembered for one target. Of a busy swarm most name everybody.
    pub relays_per_target: usize,
    /// Relays asked for one target after one failure to dial it.
    pub asks_per_target: usize,
    /// Targets asked for in one contact with a relay.
    pub targets_per_contact: usize,
    /// Targets asked of one relay in all.
    pub targets_per_relay: u32,
    /// Gap between two such contacts with one relay in milliseconds.
    pub relay_gap_ms: u64,
    /// Wait for a relay that is busy with another contact of ours, in milliseconds.
    pub busy_ms: u64,
    /// Gap between two looks through all that are wanted, in milliseconds.
    pub look_gap_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            targets_max: 20_000,
            relays_max: 20_000,
            relays_per_target: 4,
            asks_per_target: 2,
            targets_per_contact: 8,
            targets_per_relay: 200,
            relay_gap_ms: 30_000,
            busy_ms: 1_000,
            look_gap_ms: 250,
        }
    }
}

/// What is known of who knows whom, for one torrent.
#[derive(Debug)]
pub struct Punch {
    limits: Limits,
    targets: BTreeMap<SocketAddr, Target>,
    relays: BTreeMap<SocketAddr, Relay>,
    wanted: BTreeSet<SocketAddr>,
    /// When to look through the wanted ones, should nothing change before.
    due: Option<Mono>,
    is_changed: bool,
    looked: Mono,
}

#[derive(Debug, Default)]
struct Target {
    /// Who named it, those that say it speaks the extension first.
    named_by: Vec<(SocketAddr, bool)>,
    state: State,
    /// Those that were asked since it could last not be dialled.
    asked: BTreeSet<SocketAddr>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// It may be dialled, for all that is known.
    #[default]
    Idle,
    /// It could not be dialled.
    Wanted,
    /// This relay is being asked.
    Asked(SocketAddr),
}

#[derive(Debug, Default)]
struct Relay {
    /// Whether it says that it speaks the extension.
    speaks: bool,
    /// Whether it is in contact for this now.
    is_open: bool,
    /// When it may next be asked.
    again: Option<Mono>,
    /// Targets asked of it in all.
    spent: u32,
    /// The targets that it named.
    names: BTreeSet<SocketAddr>,
}

impl Punch {
    /// Nobody is known.
    pub fn new(limits: Limits) -> Self {
        let (targets, relays) = (BTreeMap::new(), BTreeMap::new());
        Self { limits, targets, relays, wanted: BTreeSet::new(), due: None, is_changed: false, looked: Mono::from_us(0) }
    }

    /// A peer that we contacted named another one. `is_flagged` is whether it says that the other speaks the extension.
    pub fn named(&mut self, relay: SocketAddr, target: SocketAddr, is_flagged: bool) {
        if relay == target || !self.targets.contains_key(&target) && self.targets.len() >= self.limits.targets_max {
            return;
        }
        let known = self.targets.entry(target).or_default();
        if let Some(entry) = known.named_by.iter_mut().find(|(other, _)| *other == relay) {
            entry.1 |= is_flagged;
        } else if known.named_by.len() < self.limits.relays_per_target {
            known.named_by.push((relay, is_flagged));
            self.relays.entry(relay).or_default().names.insert(target);
        }
        known.named_by.sort_by_key(|(_, is_flagged)| !is_flagged);
        self.is_changed |= known.state == State::Wanted;
    }

    /// A peer that we dialled says whether it speaks the extension.
    pub fn speaks(&mut self, relay: SocketAddr, speaks: bool) {
        let has_room = self.relays.len() < self.limits.relays_max;
        if self.relays.contains_key(&relay) || speaks && has_room {
            let relay = self.relays.entry(relay).or_default();
            self.is_changed |= speaks && !relay.speaks;
            relay.speaks = speaks;
        }
    }

    /// A peer could not be dialled by any means.
    pub fn unreached(&mut self, address: SocketAddr) {
        if let Some(target) = self.targets.get_mut(&address).filter(|target| target.state == State::Idle) {
            target.state = State::Wanted;
            target.asked.clear();
            self.wanted.insert(address);
            self.is_changed = true;
        }
    }

    /// A peer was reached, by whatever means.
    pub fn reached(&mut self, address: SocketAddr) {
        if let Some(target) = self.targets.get_mut(&address) {
            target.state = State::Idle;
            self.wanted.remove(&address);
        }
    }

    /// A relay that is to be contacted now, to be asked for the targets that [`Self::begin`] names.
    pub fn poll(&mut self, now: Mono) -> Option<SocketAddr> {
        if self.next_due().is_none_or(|due| due > now) {
            return None;
        }
        let mut next = None;
        for relay in self.wanted.iter().filter_map(|target| self.relay_for(*target)) {
            let known = &self.relays[&relay];
            match known.again.filter(|again| *again > now) {
                _ if known.is_open => {}
                None => return Some(relay),
                Some(again) => next = Some(next.map_or(again, |next: Mono| next.min(again))),
            }
        }
        (self.due, self.is_changed, self.looked) = (next, false, now);
        None
    }

    /// When [`Self::poll`] could next have an answer. Never, if nothing else happens before.
    pub fn next_due(&self) -> Option<Mono> {
        let changed = self.is_changed.then(|| self.looked.plus_ms(self.limits.look_gap_ms));
        [changed, self.due].into_iter().flatten().min()
    }

    /// The relay will be contacted.
    pub fn hold(&mut self, relay: SocketAddr) {
        if let Some(known) = self.relays.get_mut(&relay) {
            known.is_open = true;
        }
    }

    /// The relay is busy with something else: it is thought of again after a while.
    pub fn postpone(&mut self, now: Mono, relay: SocketAddr) {
        if let Some(known) = self.relays.get_mut(&relay) {
            known.again = Some(now.plus_ms(self.limits.busy_ms));
        }
    }

    /// The relay is contacted: these are asked for.
    pub fn begin(&mut self, relay: SocketAddr) -> Vec<SocketAddr> {
        let Some(known) = self.relays.get(&relay) else { return vec![] };
        let left = self.limits.targets_per_relay.saturating_sub(known.spent) as usize;
        let wished = self.wanted.iter().copied().filter(|target| self.relay_for(*target) == Some(relay));
        let wished: Vec<SocketAddr> = wished.take(self.limits.targets_per_contact.min(left)).collect();
        for address in &wished {
            if let Some(target) = self.targets.get_mut(address) {
                target.state = State::Asked(relay);
                target.asked.insert(relay);
            }
            self.wanted.remove(address);
        }
        if let Some(known) = self.relays.get_mut(&relay) {
            known.is_open = true;
            // No more are taken than fit the limit, which is one of 32 bits.
            known.spent += wished.len() as u32;
        }
        wished
    }

    /// The contact with the relay is over, or did not come about. `connects` are those of whom it says that they were told
    /// to dial. Returns those of them that it was asked for, which are to be dialled now.
    pub fn finish(&mut self, now: Mono, relay: SocketAddr, connects: &[SocketAddr]) -> Vec<SocketAddr> {
        let Some(known) = self.relays.get_mut(&relay).filter(|known| known.is_open) else { return vec![] };
        known.is_open = false;
        known.again = Some(now.plus_ms(self.limits.relay_gap_ms));
        self.is_changed = true;
        let mut introduced = Vec::new();
        for address in &known.names {
            let Some(target) = self.targets.get_mut(address).filter(|target| target.state == State::Asked(relay)) else {
                continue;
            };
            if connects.contains(address) {
                // The dial that follows will tell.
                target.state = State::Idle;
                introduced.push(*address);
            } else if target.asked.len() < self.limits.asks_per_target {
                target.state = State::Wanted;
                self.wanted.insert(*address);
            } else {
                target.state = State::Idle;
            }
        }
        introduced
    }

    /// The relay to be asked next for a target that is wanted.
    fn relay_for(&self, target: SocketAddr) -> Option<SocketAddr> {
        let target = self.targets.get(&target)?;
        let may_ask = |relay: &SocketAddr| {
            let is_usable = |relay: &Relay| relay.speaks && relay.spent < self.limits.targets_per_relay;
            !target.asked.contains(relay) && self.relays.get(relay).is_some_and(is_usable)
        };
        target.named_by.iter().map(|(relay, _)| *relay).find(may_ask)
    }
}
