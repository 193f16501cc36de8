//! What poisoned nodes say.

use std::net::SocketAddr;

use wire::krpc::{Node, NodeId};

use super::answer::Answer;
use super::{CLOSEST, Kind, Shared};
use crate::chance;

/// What a poisoned node does. All that answer name false peers and give tokens that they do not accept; none keeps
/// what is announced to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lie {
    /// It names true nodes, and false peers.
    FalsePeers,
    /// It names nodes right at the target that do not exist.
    Inventions,
    /// It names nodes right at the target that do exist, and do the same.
    Sybils,
    /// It names the ids that are really closest, at addresses where nobody is.
    Forged,
    /// It names one victim again and again, under ids right at the target.
    Victim,
    /// It names nodes that nobody may contact.
    Forbidden,
    /// It answers under another id each time.
    OtherId,
    /// Its id does not fit its address (BEP 42). For the rest it is as [`Self::Inventions`].
    WrongId,
    /// It names hundreds of false peers, more than fit in a packet.
    Flood,
    /// It answers nothing.
    Silence,
    /// It answers what is no answer.
    Garbage,
    /// It answers with the longest datagrams there are, several times.
    Amplified,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::FalsePeers,
        Self::Inventions,
        Self::Sybils,
        Self::Forged,
        Self::Victim,
        Self::Forbidden,
        Self::OtherId,
        Self::WrongId,
        Self::Flood,
        Self::Silence,
        Self::Garbage,
        Self::Amplified,
    ];
}

/// Addresses that liars name as peers.
pub(super) const FALSE_PEERS: usize = 250;

/// Of these, how many one answer names that is no flood.
const NAMED: usize = 40;

/// Datagrams that answer one query, and the bytes of each: nearly what UDP can carry.
const AMPLIFIED: (usize, usize) = (3, 60_000);

/// What a liar answers: any number of datagrams.
pub(super) struct Lied<'a> {
    pub(super) shared: &'a Shared,
    pub(super) lie: Lie,
    pub(super) own: Node,
    pub(super) target: NodeId,
    pub(super) turn: u64,
    /// Nodes that an honest node in its place would name.
    pub(super) honest: Vec<Node>,
}

impl Lied<'_> {
    pub(super) fn datagrams(self, transaction: &[u8], asker: SocketAddr) -> Vec<Vec<u8>> {
        let peers = if self.lie == Lie::Flood { FALSE_PEERS } else { NAMED };
        let answer =
            Answer { id: self.id(), nodes: Some(self.nodes()), peers: self.peers(peers), token: Some(b"refused".into()) };
        let plain = answer.encode(transaction, asker);
        match self.lie {
            Lie::Silence => vec![],
            Lie::Garbage => vec![self.garbage(&plain)],
            Lie::Amplified => {
                let (times, bytes) = AMPLIFIED;
                let padded = Answer { peers: self.peers(bytes / 8), ..answer }.encode(transaction, asker);
                vec![padded[..padded.len().min(65_000)].to_vec(); times]
            }
            _ => vec![plain],
        }
    }

    fn id(&self) -> NodeId {
        if self.lie == Lie::OtherId { NodeId(self.random(0)) } else { self.own.id }
    }

    fn nodes(&self) -> Vec<Node> {
        let shared = self.shared;
        let dead = |at: usize| shared.at(Kind::Nobody, (self.number(at) % 60_000) as usize);
        let named = |at: usize| match self.lie {
            Lie::Sybils if shared.config.sybils > 0 => {
                let address = shared.at(Kind::Sybil, self.number(at) as usize % shared.config.sybils);
                Node { id: sybil_id(address, &self.target), address }
            }
            Lie::Forged => Node { id: self.honest.get(at).map_or(self.near(at), |node| node.id), address: dead(at) },
            Lie::Victim => Node { id: self.near(at), address: shared.at(Kind::Victim, 0) },
            Lie::Forbidden => Node { id: self.near(at), address: forbidden(at, shared.config.place.v4()) },
            _ => Node { id: self.near(at), address: dead(at) },
        };
        match self.lie {
            Lie::FalsePeers | Lie::Flood | Lie::Garbage | Lie::Amplified => self.honest.clone(),
            _ => (0..CLOSEST).map(named).collect(),
        }
    }

    fn peers(&self, count: usize) -> Vec<SocketAddr> {
        (0..count).map(|number| self.shared.at(Kind::FalsePeer, number % FALSE_PEERS + 1)).collect()
    }

    /// An answer that is spoilt in one of several ways.
    fn garbage(&self, plain: &[u8]) -> Vec<u8> {
        match self.turn % 5 {
            0 => self.random(1).to_vec(),
            1 => plain[..plain.len() / 2].to_vec(),
            2 => [plain, b"e"].concat(),
            3 => vec![b'l'; 4_000],
            _ => plain.iter().map(|byte| if *byte == b'r' { b'q' } else { *byte }).collect(),
        }
    }

    /// Closer to the target than chance would ever put a node.
    fn near(&self, at: usize) -> NodeId {
        let mut id = self.random(at);
        id[..8].copy_from_slice(&self.target.0[..8]);
        NodeId(id)
    }

    fn number(&self, at: usize) -> u64 {
        chance::number(self.shared.config.seed ^ self.turn.rotate_left(8) ^ at as u64, "dht-lie", self.own.address.ip())
    }

    fn random(&self, at: usize) -> [u8; 20] {
        let mut id = [0; 20];
        let salt = self.turn.rotate_left(8) ^ at as u64;
        id.copy_from_slice(&chance::bytes(self.shared.config.seed ^ salt, "dht-near", self.own.address.ip())[..20]);
        id
    }
}

/// What a sybil calls itself when asked about a target.
pub(super) fn sybil_id(address: SocketAddr, target: &NodeId) -> NodeId {
    let mut id = *target;
    id.0[10..].copy_from_slice(&chance::bytes(0, "dht-sybil", address.ip())[..10]);
    id
}

/// Addresses that a monitor in a laboratory on loopback or documentation space must leave alone.
fn forbidden(at: usize, v4: bool) -> SocketAddr {
    let [a, b, c, d] = match v4 {
        true => ["10.255.0.1:6881", "127.0.0.9:25", "127.0.0.9:0", "203.0.113.9:6881"],
        false => ["[fc00::1]:6881", "[2001:db8::9]:25", "[2001:db8::9]:0", "[3fff::1]:6881"],
    };
    let text = [a, b, c, d][at % 4];
    text.parse().unwrap_or_else(|_| unreachable!("'{text}' is an address"))
}
