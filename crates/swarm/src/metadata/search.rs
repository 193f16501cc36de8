//! Who is asked for an info dictionary, in which order and by which means.
//!
//! A run has its budgets and remembers whom it has contacted. A search is short and outside any run, so whom it may
//! contact at all is bounded: whoever names peers can make it send no more than a handful of connections to anybody.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use evidence::{Version, endpoint};

use super::Fault;
use crate::gossip::{self, Gossip};
use crate::ladder::{Allowed, Means};
use crate::prefix::Prefix;
use crate::probe::Hearsay;
use crate::scope::Scope;

/// Endpoints in all.
pub const ENDPOINTS_MAX: usize = 500;

/// Endpoints of one address: several subscribers behind one NAT.
const PER_ADDRESS_MAX: u32 = 4;

/// Endpoints of one /24 (IPv4) or /48 (IPv6).
const PER_NETWORK_MAX: u32 = 64;

/// Lets few endpoints in, each once: those in scope, few of any one address.
#[derive(Debug)]
pub struct Few {
    scope: Scope,
    addresses: BTreeMap<core::net::IpAddr, u32>,
    networks: BTreeMap<Prefix, u32>,
    known: BTreeSet<SocketAddr>,
}

impl Few {
    /// Nobody is let in yet.
    pub fn new(scope: Scope) -> Self {
        Self { scope, addresses: BTreeMap::new(), networks: BTreeMap::new(), known: BTreeSet::new() }
    }

    /// Whether a peer is let in, which it is only once.
    pub fn admits(&mut self, peer: SocketAddr) -> bool {
        let peer = endpoint::canonical(peer);
        let network = Prefix::of(peer.ip(), if peer.is_ipv4() { 24 } else { 48 });
        let count = |known: Option<&u32>| known.copied().unwrap_or(0);
        let is_admitted = self.known.len() < ENDPOINTS_MAX
            && !self.known.contains(&peer)
            && self.scope.check(peer).is_ok()
            && count(self.addresses.get(&peer.ip())) < PER_ADDRESS_MAX
            && count(self.networks.get(&network)) < PER_NETWORK_MAX;
        if is_admitted {
            self.known.insert(peer);
            *self.addresses.entry(peer.ip()).or_default() += 1;
            *self.networks.entry(network).or_default() += 1;
        }
        is_admitted
    }
}

/// A peer to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Who.
    pub peer: SocketAddr,
    /// By which of the magnet's hashes.
    pub spoken: Version,
    /// By which means.
    pub means: Means,
}

/// A search for one info dictionary.
#[derive(Debug)]
pub struct Search {
    few: Few,
    gossip: Gossip,
    allowed: Allowed,
    queue: VecDeque<Job>,
}

impl Search {
    /// Nobody is known yet.
    pub fn new(scope: Scope, allowed: Allowed) -> Self {
        Self { few: Few::new(scope), gossip: Gossip::new(gossip::Limits::default()), allowed, queue: VecDeque::new() }
    }

    /// Takes in peers that a tracker, the magnet or the DHT names.
    pub fn offer(&mut self, named: impl IntoIterator<Item = SocketAddr>, spoken: Version) {
        let Some(means) = Means::ALL.into_iter().find(|means| self.allowed.allows(*means)) else { return };
        for peer in named.into_iter().map(endpoint::canonical) {
            if self.few.admits(peer) {
                self.queue.push_back(Job { peer, spoken, means });
            }
        }
    }

    /// Takes in peers that another peer names.
    pub fn hear(&mut self, teller: SocketAddr, hearsay: &Hearsay, spoken: Version) {
        let named = hearsay.peers.iter().map(|peer| peer.address);
        let known = &self.few.known;
        let taken = self.gossip.take(endpoint::canonical(teller).ip(), hearsay.grade, named, |peer| known.contains(&peer));
        self.offer(taken, spoken);
    }

    /// The next peer to be asked.
    pub fn take(&mut self) -> Option<Job> {
        self.queue.pop_front()
    }

    /// A peer gave nothing. Others come first before it is tried by other means.
    pub fn failed(&mut self, job: Job, fault: &Fault) {
        let means = fault.next_means(job.means, self.allowed);
        self.queue.extend(means.map(|means| Job { means, ..job }));
    }

    /// How many peers were let in.
    pub fn len(&self) -> usize {
        self.few.known.len()
    }

    /// Whether nobody was.
    pub fn is_empty(&self) -> bool {
        self.few.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use evidence::{Grade, Stamp, Utc, sha256};
    use wire::pex::PexPeer;

    use super::*;
    use crate::probe::Why;

    fn scope() -> Scope {
        Scope::laboratory(vec!["127.0.0.0/8".parse().unwrap()], vec![], vec![]).unwrap()
    }

    fn peer(host: u16) -> SocketAddr {
        let [a, b] = host.to_be_bytes();
        SocketAddr::from(([127, a, b, 1], 6_881))
    }

    #[test]
    fn no_list_can_send_many_connections_to_one_address_or_network() {
        let ports = (2_000..3_000).map(|port| SocketAddr::from(([127, 1, 1, 1], port)));
        let neighbours = (1..=200).map(|host| SocketAddr::from(([127, 1, 2, host], 6_881)));
        let outside = "192.0.2.1:6881".parse().unwrap();
        let mut few = Few::new(scope());
        let kept: Vec<_> = [outside].into_iter().chain(ports).chain(neighbours).filter(|peer| few.admits(*peer)).collect();
        assert_eq!(kept.len(), 4 + 64);
        assert!(kept.iter().take(4).all(|peer| peer.ip() == kept[0].ip()) && !kept.contains(&outside));
    }

    #[test]
    fn each_is_let_in_once_and_few_in_all() {
        let mut few = Few::new(scope());
        let twice: Vec<SocketAddr> = (0..2_000).flat_map(|host| [peer(host), peer(host)]).collect();
        let kept: Vec<_> = twice.iter().copied().filter(|peer| few.admits(*peer)).collect();
        assert_eq!(kept.len(), 500);
        assert_eq!(kept[..2], [twice[0], twice[2]]);
    }

    #[test]
    fn whoever_does_not_answer_is_tried_by_every_means_that_may_help() {
        let tried = |fault: Fault, allowed| {
            let mut search = Search::new(scope(), allowed);
            search.offer([peer(1), peer(2)], Version::V1);
            let mut means = vec![];
            while let Some(job) = search.take() {
                if job.peer == peer(1) {
                    means.push(job.means);
                    search.failed(job, &fault);
                }
            }
            means
        };
        assert_eq!(tried(Fault::NotMet(Why::EndOfStream), Allowed::ALL), Means::ALL);
        assert_eq!(tried(Fault::Handshake, Allowed::ALL), Means::ALL);
        let refused = Fault::NotMet(Why::Refused);
        assert_eq!(tried(refused.clone(), Allowed::ALL), [Means::TCP, Means::UTP], "nobody listens there by TCP");
        assert_eq!(tried(refused, Allowed::only(&[Means::TCP, Means::TCP_MSE])), [Means::TCP]);
        for fault in [Fault::NotOffered, Fault::WrongHash, Fault::Rejected, Fault::TooLong, Fault::Closed(Why::Reset)] {
            assert_eq!(tried(fault, Allowed::ALL), [Means::TCP], "it was met");
        }
    }

    #[test]
    fn what_peers_say_is_taken_within_bounds() {
        let mut search = Search::new(scope(), Allowed::PLAIN_TCP);
        let peers = (0..400).map(|host| PexPeer { address: peer(host), flags: None }).collect();
        let at = Stamp { mono_us: 0, utc: Utc::from_ms(0) };
        let hearsay = Hearsay { at, sha256: sha256(b"x"), peers, passed_over: 0, gone: 0, grade: Grade::Handshaken };
        search.hear(peer(9_000), &hearsay, Version::V2);
        assert_eq!(search.len(), 50, "nobody of them has proved anything");
        assert_eq!(search.take().map(|job| (job.peer, job.spoken)), Some((peer(0), Version::V2)));
    }
}
