//! Our own addresses: which of them contacts whom, and where each can be called.
//!
//! A peer is contacted from one address of its family, for each torrent always the same one during a run: most clients
//! refuse a second connection, and a contact from everywhere at once would be none of its peer's business. Where a second
//! vantage is asked for, the peer's next turn is from the next address.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use evidence::TargetIds;

use crate::chance::{Chance, Seed};

/// One address of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vantage {
    /// The address. An unspecified one leaves the choice to the system, and stands for all of its family.
    pub address: IpAddr,
    /// The port named to whoever is to call us there, if we listen.
    pub port: Option<u16>,
}

/// The addresses that contacts are made from, in the order configured. A family without one is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vantages(Vec<Vantage>);

impl Vantages {
    /// These addresses, each once, and no listeners yet.
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let mut vantages: Vec<Vantage> = Vec::new();
        for address in addresses.into_iter().map(|address| address.to_canonical()) {
            if !vantages.iter().any(|vantage| vantage.address == address) {
                vantages.push(Vantage { address, port: None });
            }
        }
        Self(vantages)
    }

    /// Both families, from whatever address the system takes.
    pub fn any() -> Self {
        Self::new([Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()])
    }

    /// Says that a listener was opened. Of several ports of one address the first is the one to be named. A listener for
    /// all addresses of a family is one for each of them.
    pub fn listen(&mut self, listener: SocketAddr) {
        let stands_for = |address: IpAddr| {
            address == listener.ip() || listener.ip().is_unspecified() && listener.is_ipv4() == address.is_ipv4()
        };
        for vantage in self.0.iter_mut().filter(|vantage| stands_for(vantage.address)) {
            vantage.port.get_or_insert(listener.port());
        }
    }

    /// Names this port instead of each listener's own: a router in between forwards it.
    pub fn name_port(&mut self, port: u16) {
        self.0.iter_mut().for_each(|vantage| vantage.port = Some(port));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Vantage> {
        self.0.iter().copied()
    }

    /// Those of the family of `other`.
    pub fn family(&self, other: IpAddr) -> impl Iterator<Item = Vantage> {
        self.iter().filter(move |vantage| vantage.address.is_ipv4() == other.to_canonical().is_ipv4())
    }

    /// The first of the family of `other`, which a service is asked from where it is asked once.
    pub fn first(&self, other: IpAddr) -> Option<IpAddr> {
        self.family(other).next().map(|vantage| vantage.address)
    }

    /// The one that contacts this peer for this torrent in its given turn. `seed` is the run's.
    pub fn towards(&self, peer: SocketAddr, target: &TargetIds, turn: u32, seed: &Seed) -> Option<IpAddr> {
        let count = self.family(peer.ip()).count() as u64;
        let mut chance = Chance::new(seed.split("vantage", format!("{target} {peer}").as_bytes()));
        let number = (chance.below(count) + u64::from(turn)).checked_rem(count)?;
        self.family(peer.ip()).nth(number as usize).map(|vantage| vantage.address)
    }

    /// The ones to announce from to a tracker at an address of this family: each that can be called, and where none can
    /// be, one. BEP 7.
    pub fn announcers(&self, tracker: IpAddr) -> Vec<Vantage> {
        let callable: Vec<Vantage> = self.family(tracker).filter(|vantage| vantage.port.is_some()).collect();
        if callable.is_empty() { self.family(tracker).take(1).collect() } else { callable }
    }

    /// The port to name to whoever sees us at this address of ours.
    pub fn port_at(&self, ours: IpAddr) -> Option<u16> {
        let exact = self.iter().find(|vantage| vantage.address == ours);
        let wide = || self.family(ours).find(|vantage| vantage.address.is_unspecified());
        exact.or_else(wide)?.port
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use evidence::InfoHashV1;

    use super::*;

    const SEED: Seed = Seed::new([7; 32]);

    fn target(byte: u8) -> TargetIds {
        TargetIds::of_v1(InfoHashV1::from([byte; 20]))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn vantages() -> Vantages {
        Vantages::new(["192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3", "192.0.2.1"].map(ip))
    }

    #[test]
    fn a_peer_has_one_vantage_for_a_torrent_and_a_second_only_in_its_next_turn() {
        let ours = vantages();
        let mut counts: BTreeMap<IpAddr, u32> = BTreeMap::new();
        for n in 0..900u16 {
            let peer = SocketAddr::from(([198, 51, 100, (n % 250) as u8], 6_881 + n));
            let from = ours.towards(peer, &target(1), 0, &SEED).unwrap();
            assert_eq!(ours.towards(peer, &target(1), 0, &SEED), Some(from), "the same each time");
            let turns = [1, 2, 3].map(|turn| ours.towards(peer, &target(1), turn, &SEED).unwrap());
            assert!(turns[0] != from && turns[1] != from && turns[0] != turns[1] && turns[2] == from);
            *counts.entry(from).or_default() += 1;
        }
        assert!(counts.len() == 3 && counts.values().all(|count| *count > 200), "{counts:?}");
        let peer = "198.51.100.9:6881".parse().unwrap();
        let others = (0..60).map(|byte| ours.towards(peer, &target(byte), 0, &SEED).unwrap());
        assert_eq!(others.collect::<std::collections::BTreeSet<_>>().len(), 3, "each torrent decides for itself");
    }

    #[test]
    fn a_family_without_an_address_is_not_used() {
        let peer = "[2001:db8::7]:6881".parse().unwrap();
        assert_eq!(vantages().towards(peer, &target(1), 5, &SEED), Some(ip("2001:db8::1")));
        assert_eq!(Vantages::new([ip("192.0.2.1")]).towards(peer, &target(1), 0, &SEED), None);
        assert_eq!(Vantages::any().towards(peer, &target(1), 0, &SEED), Some(ip("::")));
        assert_eq!(vantages().first(ip("::ffff:198.51.100.1")), Some(ip("192.0.2.1")));
    }

    #[test]
    fn each_address_that_can_be_called_is_announced_with_its_own_port() {
        let mut ours = vantages();
        assert_eq!(ours.announcers(ip("198.51.100.1")), [Vantage { address: ip("192.0.2.1"), port: None }]);
        for listener in ["192.0.2.1:6881", "192.0.2.1:6882", "192.0.2.3:7000", "[::]:6883"] {
            ours.listen(listener.parse().unwrap());
        }
        let ports = |ours: &Vantages, tracker: &str| -> Vec<_> {
            ours.announcers(ip(tracker)).iter().map(|vantage| (vantage.address, vantage.port.unwrap())).collect()
        };
        assert_eq!(ports(&ours, "198.51.100.1"), [(ip("192.0.2.1"), 6_881), (ip("192.0.2.3"), 7_000)]);
        assert_eq!(ports(&ours, "2001:db8::7"), [(ip("2001:db8::1"), 6_883)]);
        assert_eq!((ours.port_at(ip("192.0.2.3")), ours.port_at(ip("192.0.2.2"))), (Some(7_000), None));
        ours.name_port(9);
        assert_eq!(ports(&ours, "198.51.100.1").len(), 3);
        let mut wide = Vantages::any();
        wide.listen("0.0.0.0:6881".parse().unwrap());
        assert_eq!((wide.port_at(ip("192.0.2.77")), wide.port_at(ip("2001:db8::77"))), (Some(6_881), None));
    }
}
