//! The peers that are contacted to fetch metadata or a copy: in scope, and few of any one address.
//!
//! A run has its budgets and remembers whom it has contacted. A fetch is short and outside any run, so whom it may
//! contact at all is bounded before it begins: whoever writes a list can make it send no more than a handful of
//! connections to anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use swarm::Scope;
use swarm::prefix::Prefix;

/// Endpoints in all.
pub(crate) const ENDPOINTS_MAX: usize = 500;

/// Endpoints of one address: several subscribers behind one NAT.
pub(crate) const PER_ADDRESS_MAX: u32 = 4;

/// Endpoints of one /24 (IPv4) or /48 (IPv6).
pub(crate) const PER_NETWORK_MAX: u32 = 64;

/// Those of `named` that may be contacted, each once, in the order named.
pub(crate) fn bounded(named: impl IntoIterator<Item = SocketAddr>, scope: &Scope) -> Vec<SocketAddr> {
    let (mut addresses, mut networks) = (BTreeMap::new(), BTreeMap::new());
    let (mut kept, mut known) = (Vec::new(), BTreeSet::new());
    for peer in named.into_iter().map(evidence::endpoint::canonical).filter(|peer| scope.check(*peer).is_ok()) {
        if kept.len() >= ENDPOINTS_MAX {
            break;
        }
        let network = Prefix::of(peer.ip(), if peer.is_ipv4() { 24 } else { 48 });
        let of_address: &mut u32 = addresses.entry(peer.ip()).or_default();
        let of_network: &mut u32 = networks.entry(network).or_default();
        if *of_address < PER_ADDRESS_MAX && *of_network < PER_NETWORK_MAX && known.insert(peer) {
            (*of_address, *of_network) = (*of_address + 1, *of_network + 1);
            kept.push(peer);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope::laboratory(vec!["127.0.0.0/8".parse().unwrap()], vec![], vec![]).unwrap()
    }

    #[test]
    fn no_list_can_send_many_connections_to_one_address_or_network() {
        let ports = (2_000..3_000).map(|port| SocketAddr::from(([127, 1, 1, 1], port)));
        let neighbours = (1..=200).map(|host| SocketAddr::from(([127, 1, 2, host], 6_881)));
        let outside = "192.0.2.1:6881".parse().unwrap();
        let kept = bounded([outside].into_iter().chain(ports).chain(neighbours), &scope());
        assert_eq!(kept.len(), 4 + 64);
        assert!(kept.iter().take(4).all(|peer| peer.ip() == kept[0].ip()) && !kept.contains(&outside));
    }

    #[test]
    fn each_is_kept_once_and_few_in_all() {
        let many = (0..2_000u16).map(|n| SocketAddr::from(([127, (n >> 8) as u8, n as u8, 1], 6_881)));
        let twice: Vec<SocketAddr> = many.flat_map(|peer| [peer, peer]).collect();
        let kept = bounded(twice.iter().copied(), &scope());
        assert_eq!(kept.len(), 500);
        assert_eq!(kept[..2], [twice[0], twice[2]]);
    }
}
