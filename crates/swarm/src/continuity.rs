//! Which sessions are kept going, so that they show to be sessions.
//!
//! A peer that served is visited again before the silence that ends a session is over. What that may cost is bounded: three
//! quarters of what one address may receive in an hour, and of all contacts; the rest is for peers that are new or have not
//! been reached. A session is kept going only if there is room for all its visits. Who comes first is kept: no session is
//! dropped for another, for of sessions that take turns none would last. Who finds no room is counted, is visited again as a
//! new session when this one is over, and may find room then.

use core::net::IpAddr;
use std::collections::BTreeMap;

use crate::pace::Budgets;

const HOUR_MS: u64 = 3_600_000;

/// Contacts that one visit takes: the probe and the control visit.
const VISIT_CONTACTS: u64 = 2;

/// When a peer that served is visited again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revisit {
    /// The gap in milliseconds after its last verified block.
    pub after_ms: u64,
    /// The longest silence within one session in milliseconds, by the rule by which reports are made. It is above
    /// `after_ms`, and the difference is for peers that are busy at first.
    pub within_ms: u64,
}

/// Who is kept going, over all torrents.
#[derive(Debug)]
pub struct Keeper {
    revisit: Option<Revisit>,
    session_contacts: u32,
    address_max: u32,
    all_max: u64,
    addresses: BTreeMap<IpAddr, u32>,
    all: u64,
    lost: u64,
}

/// The part of a budget that may go to sessions that are kept going.
pub(crate) const fn share(budget: u64) -> u64 {
    budget / 4 * 3 + budget % 4 * 3 / 4
}

impl Keeper {
    /// Nobody is kept going. Each session is visited from `vantages` addresses of ours; without a `revisit` none is.
    pub fn new(revisit: Option<Revisit>, vantages: u32, budgets: &Budgets) -> Self {
        let visits = |revisit: Revisit| HOUR_MS / revisit.after_ms.max(1) + 1;
        let contacts = revisit.map_or(1, |revisit| visits(revisit) * VISIT_CONTACTS * u64::from(vantages.max(1)));
        Self {
            revisit,
            session_contacts: u32::try_from(contacts).unwrap_or(u32::MAX),
            address_max: u32::try_from(share(budgets.per_address_hour.into()) / contacts).unwrap_or(u32::MAX),
            all_max: share(u64::from(budgets.per_second) * 3_600) / contacts,
            addresses: BTreeMap::new(),
            all: 0,
            lost: 0,
        }
    }

    /// When peers that served are visited again, if they are.
    pub fn revisit(&self) -> Option<Revisit> {
        self.revisit
    }

    /// How many sessions are kept going.
    pub fn kept(&self) -> u64 {
        self.all
    }

    /// How many sessions were not, or not in time, though their peers were there.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How many contacts an hour with an address are spoken for.
    pub fn reserved(&self, address: IpAddr) -> u32 {
        self.addresses.get(&address).map_or(0, |sessions| sessions.saturating_mul(self.session_contacts))
    }

    /// Takes a session in if there is room for its visits. If not, its continuity is lost.
    pub(crate) fn keep(&mut self, address: IpAddr) -> bool {
        if self.revisit.is_none() {
            return false;
        }
        let sessions = self.addresses.get(&address).copied().unwrap_or(0);
        if sessions >= self.address_max || self.all >= self.all_max {
            self.lose();
            return false;
        }
        self.addresses.insert(address, sessions + 1);
        self.all += 1;
        true
    }

    /// Ends a session that was kept going.
    pub(crate) fn let_go(&mut self, address: IpAddr) {
        if let Some(sessions) = self.addresses.get_mut(&address) {
            *sessions -= 1;
            self.all -= 1;
            if *sessions == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    /// Counts a session that we let break.
    pub(crate) fn lose(&mut self) {
        self.lost += 1;
    }
}

#[cfg(test)]
mod tests;
