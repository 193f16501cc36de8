//! Laboratory access networks: parts of 127.0.0.0/8 that play the prefixes of Internet service providers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::behaviour::{Behaviour, Mix};

/// One prefix of one laboratory ISP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The ISP's name.
    pub isp: String,
    /// Its autonomous system number: 64496 to 64511 are for documentation (RFC 5398).
    pub asn: u32,
    /// The prefix's first address.
    pub base: Ipv4Addr,
    /// The prefix's length in bits, 8 to 30.
    pub prefix_length: u8,
}

/// An odd number: multiplying by it permutes the host numbers of a prefix, so that neighbours in the list are no
/// neighbours in the network, as in a real swarm.
const STRIDE: u32 = 0x9e37_79b1;

impl Network {
    /// A prefix. Bits of `base` beyond it are cleared, and its length is kept within 8 and 30.
    #[must_use]
    pub fn new(isp: &str, asn: u32, base: Ipv4Addr, prefix_length: u8) -> Self {
        let mut network = Self { isp: isp.to_owned(), asn, base, prefix_length: prefix_length.clamp(8, 30) };
        network.base = Ipv4Addr::from_bits(base.to_bits() & !network.host_mask());
        network
    }

    /// Five ISPs: 127.64.0.0/16 to 127.68.0.0/16.
    #[must_use]
    pub fn laboratory() -> Vec<Self> {
        let names = ["Labnet Alder", "Labnet Birch", "Labnet Cedar", "Labnet Damson", "Labnet Elm"];
        let parts = names.iter().zip([64_496, 64_497, 64_498, 64_499, 64_500]).zip([64, 65, 66, 67, 68]);
        parts.map(|((isp, asn), second)| Self::new(isp, asn, Ipv4Addr::new(127, second, 0, 0), 16)).collect()
    }

    /// Whether the address is in the prefix.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(four) => four.to_bits() & !self.host_mask() == self.base.to_bits(),
            IpAddr::V6(_) => false,
        }
    }

    /// The prefix's last address.
    #[must_use]
    pub fn last(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() | self.host_mask())
    }

    /// Its hosts, each once, scattered; without those that end in 0 or 255.
    pub fn hosts(&self) -> impl Iterator<Item = Ipv4Addr> + use<> {
        let (base, mask) = (self.base.to_bits(), self.host_mask());
        (0..=mask)
            .map(move |index| Ipv4Addr::from_bits(base | index.wrapping_mul(STRIDE) & mask))
            .filter(|host| !matches!(host.octets()[3], 0 | 255))
    }

    /// Hosts of this prefix whose behaviour is as wished.
    pub fn hosts_that<'m>(&self, behaviour: Behaviour, mix: &'m Mix) -> impl Iterator<Item = Ipv4Addr> + use<'m> {
        self.hosts().filter(move |host| Behaviour::of(SocketAddr::from((*host, 0)), mix) == behaviour)
    }

    /// A prefix table of these networks as iptoasn.com writes it: first address, last address, number, country, name.
    #[must_use]
    pub fn iptoasn_tsv(networks: &[Self]) -> String {
        let mut sorted: Vec<_> = networks.iter().collect();
        sorted.sort_by_key(|network| network.base);
        let lines = sorted.into_iter().map(|network| {
            let Self { isp, asn, base, .. } = network;
            format!("{base}\t{}\t{asn}\tZZ\t{isp}\n", network.last())
        });
        lines.collect()
    }

    const fn host_mask(&self) -> u32 {
        u32::MAX >> self.prefix_length
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn hosts_are_distinct_and_inside() {
        for network in Network::laboratory() {
            let hosts: BTreeSet<_> = network.hosts().collect();
            assert_eq!(hosts.len(), 256 * 254);
            assert!(hosts.iter().all(|host| network.contains((*host).into())));
        }
        let [first, second, ..] = &Network::laboratory()[..] else { panic!("five") };
        assert!(!first.contains(second.base.into()));
        let subnets: BTreeSet<_> = first.hosts().take(100).map(|host| host.octets()[2]).collect();
        assert!(subnets.len() > 60, "scattered over {} subnets", subnets.len());
    }

    #[test]
    fn the_table_is_sorted_and_has_five_columns() {
        let mut networks = Network::laboratory();
        networks.reverse();
        let table = Network::iptoasn_tsv(&networks);
        assert!(table.starts_with("127.64.0.0\t127.64.255.255\t64496\tZZ\tLabnet Alder\n127.65."));
        assert_eq!(table.lines().count(), 5);
    }

    #[test]
    fn every_behaviour_has_hosts() {
        for behaviour in Behaviour::ALL {
            let hosts = |mix| Network::laboratory()[0].hosts_that(behaviour, &mix).take(3).count();
            assert_eq!(hosts(Mix::demo()) + hosts(Mix::manners()), 3);
        }
    }
}
