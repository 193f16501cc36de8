//! Ground truth about a set of addresses, and how a report compares with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, SocketAddrV4};

use serde::Serialize;

use crate::behaviour::{Behaviour, Mix};
use crate::network::Network;

/// What one address really is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// What it does. Real clients and librqbit seeders are seeds.
    pub behaviour: Behaviour,
    /// The laboratory ISP it belongs to, if any.
    pub isp: Option<String>,
}

/// What every address of a laboratory really is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    known: BTreeMap<SocketAddr, Known>,
}

impl Truth {
    /// Nothing known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The truth about peers of a farm.
    #[must_use]
    pub fn of_farm(addresses: &[SocketAddrV4], mix: &Mix, networks: &[Network]) -> Self {
        let mut truth = Self::new();
        for address in addresses.iter().copied().map(SocketAddr::V4) {
            truth.insert(address, Behaviour::of(address, mix), networks);
        }
        truth
    }

    /// Adds one address.
    pub fn insert(&mut self, address: SocketAddr, behaviour: Behaviour, networks: &[Network]) {
        let isp = networks.iter().find(|network| network.contains(address.ip())).map(|network| network.isp.clone());
        self.known.insert(address, Known { behaviour, isp });
    }

    /// What this address is, if it is one of the laboratory's.
    #[must_use]
    pub fn get(&self, address: SocketAddr) -> Option<&Known> {
        self.known.get(&address)
    }

    /// Everything known, by address.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &Known)> {
        self.known.iter().map(|(address, known)| (*address, known))
    }

    /// The addresses that really share.
    pub fn sharers(&self) -> impl Iterator<Item = SocketAddr> {
        self.iter().filter(|(_, known)| known.behaviour.is_sharer()).map(|(address, _)| address)
    }

    /// How many addresses there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Grades a report: these addresses were said to share. An address named twice counts once.
    #[must_use]
    pub fn confusion(&self, reported: impl IntoIterator<Item = SocketAddr>) -> Confusion {
        let reported: BTreeSet<_> = reported.into_iter().collect();
        let mut confusion = Confusion::default();
        for (address, known) in self.iter() {
            let was_reported = reported.contains(&address);
            let tally = confusion.by_behaviour.entry(known.behaviour).or_default();
            *if was_reported { &mut tally.reported } else { &mut tally.unreported } += 1;
            match (known.behaviour.is_sharer(), was_reported) {
                (true, true) => confusion.true_positive += 1,
                (false, true) => confusion.wrong.push(address),
                (true, false) => confusion.missed.push(address),
                (false, false) => confusion.true_negative += 1,
            }
        }
        confusion.wrong.extend(reported.iter().filter(|address| !self.known.contains_key(address)));
        confusion.false_positive = confusion.wrong.len();
        confusion.false_negative = confusion.missed.len();
        confusion
    }
}

/// How a report compares with the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// Sharers that were reported.
    pub true_positive: usize,
    /// Others that were reported, addresses outside the laboratory included. Must be none.
    pub false_positive: usize,
    /// Sharers that were not reported.
    pub false_negative: usize,
    /// Others that were not reported.
    pub true_negative: usize,
    /// The same by what the addresses do.
    pub by_behaviour: BTreeMap<Behaviour, Tally>,
    /// The false positives.
    pub wrong: Vec<SocketAddr>,
    /// The false negatives.
    pub missed: Vec<SocketAddr>,
}

/// Addresses of one behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Said to share.
    pub reported: usize,
    /// Not said to share.
    pub unreported: usize,
}

impl Confusion {
    /// Every sharer was reported and nobody else.
    #[must_use]
    pub const fn is_perfect(&self) -> bool {
        self.false_positive == 0 && self.false_negative == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_four_cells_and_the_stranger_is_counted() {
        let networks = Network::laboratory();
        let at = |host| SocketAddr::from(([127, 64, 0, host], 6_881));
        let mut truth = Truth::new();
        for (host, behaviour) in
            [(1, Behaviour::Seed), (2, Behaviour::Partial), (3, Behaviour::Echo), (4, Behaviour::Dead), (5, Behaviour::Seed)]
        {
            truth.insert(at(host), behaviour, &networks);
        }
        assert_eq!(truth.get(at(1)).unwrap().isp.as_deref(), Some("Labnet Alder"));
        let stranger = SocketAddr::from(([127, 1, 1, 1], 9));
        let confusion = truth.confusion([at(1), at(1), at(3), stranger]);
        assert_eq!((confusion.true_positive, confusion.true_negative), (1, 1));
        assert_eq!((confusion.false_positive, confusion.false_negative), (2, 2));
        assert_eq!(confusion.wrong, [at(3), stranger]);
        assert_eq!(confusion.missed, [at(2), at(5)]);
        assert_eq!(confusion.by_behaviour[&Behaviour::Seed], Tally { reported: 1, unreported: 1 });
        assert!(!confusion.is_perfect());
        assert!(truth.confusion(truth.sharers()).is_perfect());
    }
}
