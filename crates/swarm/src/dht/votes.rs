//! Where the nodes that we ask say that they see us (BEP 42, `ip`). One network, one vote; liars are outvoted.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use super::limits::CLOSEST;
use crate::prefix::Prefix;

const ADDRESSES_MAX: usize = 16;
const VOTERS_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Votes(BTreeMap<IpAddr, BTreeSet<Prefix>>);

impl Votes {
    pub(super) fn count(&mut self, seen_at: IpAddr, voter: Prefix) {
        let is_known = self.0.contains_key(&seen_at);
        let voters: usize = self.0.values().map(BTreeSet::len).sum();
        if voters < VOTERS_MAX && (is_known || self.0.len() < ADDRESSES_MAX) {
            self.0.values_mut().for_each(|voters| {
                voters.remove(&voter);
            });
            self.0.entry(seen_at).or_default().insert(voter);
        }
    }

    /// The address of which at least eight networks, and two thirds of those that voted, say that it is ours.
    pub(super) fn winner(&self) -> Option<IpAddr> {
        let all: usize = self.0.values().map(BTreeSet::len).sum();
        let (address, voters) = self.0.iter().max_by_key(|(_, voters)| voters.len())?;
        (voters.len() >= CLOSEST && voters.len() * 3 >= all * 2).then_some(*address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_vote_once_and_two_thirds_decide() {
        let mut votes = Votes::default();
        let (ours, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "198.51.100.1".parse().unwrap());
        let network = |n: u8| Prefix::of(IpAddr::from([127, 0, n, 1]), 24);
        (0..100).for_each(|_| votes.count(other, network(0)));
        (1..8).for_each(|n| votes.count(ours, network(n)));
        assert_eq!(votes.winner(), None);
        votes.count(ours, network(8));
        assert_eq!(votes.winner(), Some(ours));
        (9..13).for_each(|n| votes.count(other, network(n)));
        assert_eq!(votes.winner(), None, "8 of 13 are less than two thirds");
        (0..1_000u32)
            .for_each(|n| votes.count(IpAddr::from(n.to_be_bytes()), Prefix::of(IpAddr::from((n << 8).to_be_bytes()), 24)));
        assert!(votes.0.len() <= ADDRESSES_MAX);
    }
}
