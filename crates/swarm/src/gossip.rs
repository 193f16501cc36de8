//! How much is taken of what peers say of others, for one torrent.
//!
//! A peer can name anybody at no cost: itself a thousand times, or a victim. So whoever has proved nothing may add few
//! addresses, whoever has proved that it shares some more, and no address and no network more than a few, whoever
//! names them. What is known already costs nobody anything.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use evidence::Grade;

use crate::prefix::Prefix;

/// The numbers of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// New addresses that one address may name which has not served: one message, as BEP 11 would have it.
    pub unproved_max: u32,
    /// New addresses that one may name which has.
    pub proved_max: u32,
    /// New addresses that all of one /24 (IPv4) or /48 (IPv6) may name together.
    pub tellers_max: u32,
    /// New ports of one address: several subscribers behind one NAT.
    pub per_address: u32,
    /// New addresses and ports in one /24 or /48.
    pub per_network: u32,
    /// New addresses in all.
    pub total: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { unproved_max: 50, proved_max: 200, tellers_max: 400, per_address: 8, per_network: 64, total: 50_000 }
    }
}

/// What was taken so far, and from whom. It holds no more entries than new addresses were taken.
#[derive(Debug)]
pub struct Gossip {
    limits: Limits,
    tellers: Tally<IpAddr>,
    teller_networks: Tally<Prefix>,
    addresses: Tally<IpAddr>,
    networks: Tally<Prefix>,
    total: u32,
}

impl Gossip {
    /// Nothing was said yet.
    pub fn new(limits: Limits) -> Self {
        let [teller_networks, networks] = [Tally::new(), Tally::new()];
        Self { limits, tellers: Tally::new(), teller_networks, addresses: Tally::new(), networks, total: 0 }
    }

    /// Whom of those that `teller` named is taken, in the order named. `grade` is what the teller has shown of itself.
    pub fn take(
        &mut self,
        teller: IpAddr,
        grade: Grade,
        named: impl IntoIterator<Item = SocketAddr>,
        is_known: impl Fn(SocketAddr) -> bool,
    ) -> Vec<SocketAddr> {
        named.into_iter().filter(|peer| is_known(*peer) || self.admits(teller, grade, *peer)).collect()
    }

    fn admits(&mut self, teller: IpAddr, grade: Grade, peer: SocketAddr) -> bool {
        let limits = &self.limits;
        let teller_max = if grade == Grade::Served { limits.proved_max } else { limits.unproved_max };
        let (from, to) = (network(teller), network(peer.ip()));
        let is_admitted = self.total < limits.total
            && self.tellers.count(&teller) < teller_max
            && self.teller_networks.count(&from) < limits.tellers_max
            && self.addresses.count(&peer.ip()) < limits.per_address
            && self.networks.count(&to) < limits.per_network;
        if is_admitted {
            self.total += 1;
            self.tellers.add(teller);
            self.teller_networks.add(from);
            self.addresses.add(peer.ip());
            self.networks.add(to);
        }
        is_admitted
    }
}

fn network(address: IpAddr) -> Prefix {
    Prefix::of(address, if address.is_ipv4() { 24 } else { 48 })
}

#[derive(Debug)]
struct Tally<K>(BTreeMap<K, u32>);

impl<K: Ord> Tally<K> {
    fn new() -> Self {
        Self(BTreeMap::new())
    }

    fn count(&self, key: &K) -> u32 {
        self.0.get(key).copied().unwrap_or(0)
    }

    fn add(&mut self, key: K) {
        *self.0.entry(key).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TELLER: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1));

    fn teller(host: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, host])
    }

    /// Peers each in a network of its own.
    fn scattered(from: u32, count: u32) -> impl Iterator<Item = SocketAddr> {
        (from..from + count).map(|n| {
            let [_, b, c, d] = n.to_be_bytes();
            SocketAddr::from(([127, b, c, d], 6881))
        })
    }

    /// So far apart that no two share a network.
    fn far_apart(from: u32, count: u32) -> Vec<SocketAddr> {
        (from..from + count).flat_map(|n| scattered(n * 256 + 1, 1)).collect()
    }

    fn gossip() -> Gossip {
        Gossip::new(Limits::default())
    }

    #[test]
    fn whoever_has_served_may_name_more() {
        let mut gossip = gossip();
        let thousand = far_apart(0, 1_000);
        let taken = gossip.take(TELLER, Grade::Claimed, thousand.clone(), |_| false);
        assert_eq!(taken, thousand[..50], "in the order named");
        assert_eq!(gossip.take(TELLER, Grade::Handshaken, far_apart(2_000, 9), |_| false), []);
        assert_eq!(gossip.take(TELLER, Grade::Served, far_apart(3_000, 1_000), |_| false).len(), 150);
        assert_eq!(gossip.take(TELLER, Grade::Served, far_apart(5_000, 1_000), |_| false), []);
    }

    #[test]
    fn a_network_full_of_tellers_is_worth_a_few_of_them() {
        let mut gossip = gossip();
        let taken: usize = (1..=200)
            .map(|host| gossip.take(teller(host), Grade::Claimed, far_apart(u32::from(host) * 100, 60), |_| false).len())
            .sum();
        assert_eq!(taken, 400);
        assert_eq!(gossip.take("198.51.100.1".parse().unwrap(), Grade::Claimed, far_apart(40_000, 9), |_| false).len(), 9);
    }

    #[test]
    fn nobody_can_be_made_a_target() {
        let mut gossip = gossip();
        let victim: Vec<SocketAddr> = (1..=60_000).map(|port| SocketAddr::from(([203, 0, 113, 9], port))).collect();
        let taken: usize = (1..=200)
            .map(|host| gossip.take(IpAddr::from([198, 51, host, 1]), Grade::Served, victim.clone(), |_| false).len())
            .sum();
        assert_eq!(taken, 8, "whoever names it, eight of its ports are tried");
    }

    #[test]
    fn what_is_known_costs_nothing() {
        let mut gossip = gossip();
        let known = far_apart(0, 500);
        assert_eq!(gossip.take(TELLER, Grade::Claimed, known.clone(), |_| true), known);
        assert_eq!(gossip.take(TELLER, Grade::Claimed, far_apart(1_000, 90), |_| false).len(), 50);
    }

    proptest! {
        /// Whatever is said by whomever, no network and no address gets more than its share.
        #[test]
        fn every_limit_holds(said in prop::collection::vec((any::<[u8; 2]>(), any::<bool>(), prop::collection::vec((any::<[u8; 2]>(), 1..9u16), 0..40)), 0..40)) {
            let limits = Limits { unproved_max: 5, proved_max: 9, tellers_max: 20, per_address: 2, per_network: 6, total: 60 };
            let mut gossip = Gossip::new(limits);
            let mut taken: Vec<(IpAddr, SocketAddr)> = vec![];
            for ([a, b], served, named) in said {
                let teller = IpAddr::from([192, 0, a % 3, b % 9]);
                let grade = if served { Grade::Served } else { Grade::Claimed };
                let named = named.into_iter().map(|([a, b], port)| SocketAddr::from(([198, 51, a % 4, b % 6], port)));
                let known: Vec<SocketAddr> = taken.iter().map(|(_, peer)| *peer).collect();
                let fresh = gossip.take(teller, grade, named, |_| false);
                taken.extend(fresh.into_iter().filter(|peer| !known.contains(peer)).map(|peer| (teller, peer)));
            }
            prop_assert!(taken.len() <= 60);
            for (teller, peer) in &taken {
                let count = |is_it: &dyn Fn(&(IpAddr, SocketAddr)) -> bool| taken.iter().filter(|each| is_it(each)).count();
                prop_assert!(count(&|each| each.0 == *teller) <= 9);
                prop_assert!(count(&|each| network(each.0) == network(*teller)) <= 20);
                prop_assert!(count(&|each| each.1.ip() == peer.ip()) <= 2);
                prop_assert!(count(&|each| network(each.1.ip()) == network(peer.ip())) <= 6);
            }
        }
    }
}
