//! A DHT with ground truth: hundreds of nodes, one UDP socket each, some of which lie in ways that are known.
//!
//! Honest nodes answer as BEP 5 says: the eight nodes closest to what is asked for that they know, up to 50 peers that
//! announced to them, and a token without which they take no announce. They know up to eight nodes for each number of
//! bits shared, as a node that has run for a while does. Ids fit addresses as BEP 42 says, those of [`Lie::WrongId`]
//! excepted. What is kept where, who lies, and who was asked how often can be told at any time.
//! `cargo run --release -p crawler --example dht_look_ups` measures look-ups in it.

mod answer;
mod lie;
mod member;
mod place;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use wire::infohash::InfoHashV1;
use wire::krpc::{Node, NodeId};

pub use lie::Lie;

use crate::chance;
use member::Member;

/// How many nodes are the closest ones, which peers announce to. BEP 5.
pub const CLOSEST: usize = 8;

/// Peers in one honest answer.
pub const VALUES_MAX: usize = 50;

/// How a DHT is made.
#[derive(Clone, Debug)]
pub struct DhtConfig {
    /// Where its nodes are.
    pub place: Place,
    /// The UDP port of every node; 0 takes one that is free at the first.
    pub port: u16,
    /// How many nodes, at most 1,000, sybils not counted.
    pub nodes: usize,
    /// How many of a hundred nodes lie, spread evenly.
    pub poisoned_percent: usize,
    /// What they do, in turn.
    pub lies: Vec<Lie>,
    /// Further nodes that lying nodes name, and that no honest one does: 16 in a network.
    pub sybils: usize,
    /// Deals out ids, tables and lies.
    pub seed: u64,
}

impl Default for DhtConfig {
    fn default() -> Self {
        Self {
            place: Place::Loopback { octet: 9 },
            port: 6_881,
            nodes: 256,
            poisoned_percent: 0,
            lies: Lie::ALL.to_vec(),
            sybils: 0,
            seed: 7,
        }
    }
}

/// Where nodes are: each in a network of its own, where there are enough networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// 127.`octet`.n.m, and the nine following second octets.
    Loopback {
        /// The first second octet.
        octet: u8,
    },
    /// 192.0.2.0/24, then 198.51.100.0/24, which somebody must have made local: see [`crate::namespace`]. At most 300
    /// nodes and no sybils, each address a network of its own. For clients that take no node on loopback for one.
    Documentation4,
    /// 2001:db8:n::m, made local in the same way.
    Documentation6,
}

/// Nodes in one second octet of loopback.
const PER_OCTET: usize = 250;

impl Place {
    /// The honest and lying nodes are in four second octets, the sybils in one, and nobody in the three that follow.
    fn address(self, kind: Kind, number: usize) -> IpAddr {
        let [high, low] = (number as u16).to_be_bytes();
        match (self, kind) {
            (Self::Loopback { octet }, Kind::Member) => {
                let (block, place) = ((number / PER_OCTET) as u8, (number % PER_OCTET) as u8);
                Ipv4Addr::new(127, octet + block, place + 1, place.wrapping_mul(7) % 250 + 1).into()
            }
            (Self::Loopback { octet }, Kind::Sybil) => {
                Ipv4Addr::new(127, octet + 5, (number / 16) as u8, (number % 16) as u8 + 1).into()
            }
            (Self::Loopback { octet }, Kind::Nobody) => Ipv4Addr::new(127, octet + 6, high, low.max(1)).into(),
            (Self::Loopback { octet }, Kind::Victim) => Ipv4Addr::new(127, octet + 7, 1, 1).into(),
            (Self::Loopback { octet }, Kind::FalsePeer) => Ipv4Addr::new(127, octet + 8, high, low.max(1)).into(),
            (Self::Documentation4, Kind::Member) if number < 150 => Ipv4Addr::new(192, 0, 2, number as u8 + 1).into(),
            (Self::Documentation4, Kind::Member) => Ipv4Addr::new(198, 51, 100, (number - 150) as u8 + 1).into(),
            // Nobody is at the upper end of the first.
            (Self::Documentation4, _) => Ipv4Addr::new(192, 0, 2, 200 + (number % 50) as u8).into(),
            (Self::Documentation6, kind) => {
                let network = match kind {
                    Kind::Member => number,
                    Kind::Sybil => number / 16,
                    _ => 0,
                };
                Ipv6Addr::new(0x2001, 0x0db8, 0x1000 * (kind as u16 + 1) + network as u16, 0, 0, 0, 0, number as u16 + 1).into()
            }
        }
    }

    fn v4(self) -> bool {
        !matches!(self, Self::Documentation6)
    }
}

/// Who is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Member,
    Sybil,
    Nobody,
    Victim,
    FalsePeer,
}

/// A running DHT. Dropping it ends it.
#[derive(Debug)]
pub struct DhtFarm {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    config: DhtConfig,
    members: Vec<Member>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What each member keeps, by its number.
    kept: BTreeMap<(usize, InfoHashV1), Vec<SocketAddr>>,
    asked: BTreeMap<SocketAddr, u64>,
    announced: Vec<(InfoHashV1, SocketAddr)>,
    /// Counts answers, so that chance goes on.
    turn: u64,
}

/// What the farm has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Queries received, by the node that received them.
    pub by_node: BTreeMap<SocketAddr, u64>,
}

impl Asked {
    /// All queries.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_node.values().sum()
    }
}

impl DhtFarm {
    /// Starts all nodes.
    ///
    /// # Errors
    /// If a socket cannot be bound.
    pub async fn start(mut config: DhtConfig) -> io::Result<Self> {
        if config.port == 0 {
            let first = SocketAddr::new(config.place.address(Kind::Member, 0), 0);
            config.port = UdpSocket::bind(first).await?.local_addr()?.port();
        }
        let members = member::all(&config);
        let mut sockets = Vec::new();
        for member in &members {
            sockets.push(UdpSocket::bind(member.node.address).await?);
        }
        let shared = Arc::new(Shared { config, members, state: Mutex::default() });
        let mut tasks = JoinSet::new();
        for (number, socket) in sockets.into_iter().enumerate() {
            tasks.spawn(member::serve(socket, number, Arc::clone(&shared)));
        }
        Ok(Self { shared, _tasks: tasks })
    }

    /// An honest node to begin with.
    #[must_use]
    pub fn entrance(&self) -> SocketAddr {
        self.honest().next().unwrap_or_else(|| self.shared.members[0].node.address)
    }

    /// The honest nodes.
    pub fn honest(&self) -> impl Iterator<Item = SocketAddr> {
        self.shared.members.iter().filter(|member| member.lie.is_none()).map(|member| member.node.address)
    }

    /// What this node does, if it is one of the farm's; nothing for an honest one.
    #[must_use]
    pub fn lie_of(&self, address: SocketAddr) -> Option<Lie> {
        self.shared.members.iter().find(|member| member.node.address == address).and_then(|member| member.lie)
    }

    /// The nodes that were dealt an id closest to a place, liars included and sybils not.
    #[must_use]
    pub fn closest(&self, info_hash: InfoHashV1) -> Vec<Node> {
        self.shared.closest(&info_hash.into()).into_iter().map(|(_, node)| node).collect()
    }

    /// Lets peers announce to the eight closest nodes. Those that lie keep nothing.
    /// Returns how many honest nodes keep them.
    pub fn share(&self, info_hash: InfoHashV1, peers: &[SocketAddr]) -> usize {
        let closest = self.shared.closest(&info_hash.into());
        let keepers = closest.iter().filter(|(number, _)| self.shared.members[*number].lie.is_none());
        let mut state = self.shared.state();
        keepers.map(|(number, _)| state.kept.entry((*number, info_hash)).or_default().extend(peers)).count()
    }

    /// The announces that honest nodes accepted, in the order of their arrival, repeats included.
    #[must_use]
    pub fn announced(&self) -> Vec<(InfoHashV1, SocketAddr)> {
        self.shared.state().announced.clone()
    }

    /// What was asked so far.
    #[must_use]
    pub fn asked(&self) -> Asked {
        Asked { by_node: self.shared.state().asked.clone() }
    }

    /// Where nobody is, and everybody's lies point.
    #[must_use]
    pub fn victim(&self) -> SocketAddr {
        self.shared.at(Kind::Victim, 0)
    }

    /// The peers that liars name: no node keeps them, and nobody is there.
    #[must_use]
    pub fn is_false_peer(&self, address: SocketAddr) -> bool {
        (1..=lie::FALSE_PEERS).any(|number| self.shared.at(Kind::FalsePeer, number).ip() == address.ip())
    }
}

impl Shared {
    fn at(&self, kind: Kind, number: usize) -> SocketAddr {
        SocketAddr::new(self.config.place.address(kind, number), self.config.port)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of the closest members, sybils left out.
    fn closest(&self, target: &NodeId) -> Vec<(usize, Node)> {
        let members = self.members.iter().take(self.config.nodes).map(|member| member.node).enumerate();
        place::closest(members, target, |(_, node)| node.id)
    }

    /// Up to fifty of the peers that a member keeps, others each time.
    fn sample(&self, state: &State, number: usize, info_hash: InfoHashV1) -> Vec<SocketAddr> {
        let mut peers = state.kept.get(&(number, info_hash)).cloned().unwrap_or_default();
        let address = self.members[number].node.address.ip();
        let mut turn = state.turn;
        while peers.len() > VALUES_MAX {
            let at = chance::number(self.config.seed ^ turn, "dht-sample", address) as usize % peers.len();
            peers.swap_remove(at);
            turn = turn.wrapping_add(0x9e37_79b9);
        }
        peers
    }
}
