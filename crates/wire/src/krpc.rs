//! Datagrams of the Mainline DHT: BEP 5, with IPv6 (BEP 32), the outside address (BEP 42), read-only nodes (BEP 43) and
//! samples of info-hashes (BEP 51).
//!
//! What a node says is hearsay: it names nodes and peers, and vouches for none.
//!
//! There is no encoder for `values` or `samples`: whoever writes to the DHT only what this module encodes can name
//! other nodes, as each node must, but cannot spread the addresses of peers or the names of torrents.

mod read;
#[cfg(test)]
mod tests;
mod write;

use core::fmt;
use core::net::SocketAddr;

pub use read::{Answer, Body, Message, Samples};
pub use write::{Reply, encode_error, encode_query, encode_reply};

use crate::fault::{Fault, rules};
use crate::infohash::InfoHashV1;

/// Bytes that are not a datagram of the DHT.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of KRPC, and our limits on it.
    pub enum Rule {
        [Bencode(crate::bencode::Rule)]
        NotADict "krpc-not-a-dict" "a DHT message must be a dictionary",
        Transaction "krpc-transaction" "a DHT message must have a transaction id of 1 to 32 bytes",
        Type "krpc-type" "a DHT message must be a query, a response or an error",
        Method "krpc-method" "a DHT query must name its method in 1 to 32 bytes",
        Arguments "krpc-arguments" "a DHT query must have a dictionary of arguments",
        Response "krpc-response" "a DHT response must have a dictionary of values",
        Id "krpc-id" "a DHT node must give its id in 20 bytes",
        Target "krpc-target" "a DHT query must give what it looks for in 20 bytes",
        Port "krpc-port" "an announce must give a port from 1 to 65535, or ask for the implied one",
        Token "krpc-token" "a token must be a string of at most 256 bytes",
        Nodes "krpc-nodes" "a list of nodes must be a string of whole nodes",
        Values "krpc-values" "a list of peers must be a list",
        Samples "krpc-samples" "samples must be a string of whole info-hashes",
        TooMany "krpc-too-many" "a list of nodes, peers or info-hashes is longer than the limit",
        Error "krpc-error" "a DHT error must be a list that begins with a number",
    }
}

/// Bounds on one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest datagram in bytes. Nodes keep to one packet of 1,500; the rest is for those that let theirs be split.
    pub bytes_max: usize,
    /// Most nodes in each list. BEP 5 asks for 8, and some answer with 20.
    pub nodes_max: usize,
    /// Most peers in one answer. 8 bytes each, so a packet holds fewer than 200.
    pub values_max: usize,
    /// Most info-hashes in one answer. 20 bytes each, so a packet holds fewer than 75.
    pub samples_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 8 << 10, nodes_max: 64, values_max: 1_000, samples_max: 300 }
    }
}

/// Longest transaction id that is read, in bytes. BEP 5 suggests two; ours have four.
pub const TRANSACTION_LENGTH_MAX: usize = 32;

/// Longest token that is read and repeated, in bytes. Real ones have 4 to 20.
pub const TOKEN_LENGTH_MAX: usize = 256;

/// What a node calls itself, and its place in the DHT. The info-hash of a torrent is a place too. BEP 5.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub [u8; 20]);

impl NodeId {
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl From<InfoHashV1> for NodeId {
    fn from(hash: InfoHashV1) -> Self {
        Self(hash.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

/// A node as another one names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// What it is said to call itself.
    pub id: NodeId,
    /// Where it is said to be. The port may be 0.
    pub address: SocketAddr,
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask<'a> {
    /// Are you there?
    Ping,
    /// Which nodes do you know closest to this place?
    FindNode {
        /// The place.
        target: NodeId,
    },
    /// Which peers have told you that they share this torrent?
    GetPeers {
        /// The torrent.
        info_hash: InfoHashV1,
    },
    /// I share this torrent.
    AnnouncePeer {
        /// The torrent.
        info_hash: InfoHashV1,
        /// Where: a TCP port, or nothing for the port that the query comes from.
        port: Option<u16>,
        /// What the same node answered to a [`Ask::GetPeers`] of the same torrent.
        token: &'a [u8],
    },
    /// Which torrents do you know of? BEP 51.
    SampleInfohashes {
        /// Which nodes are wanted beside the samples.
        target: NodeId,
    },
}

impl Ask<'_> {
    /// The method's name on the wire.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::FindNode { .. } => "find_node",
            Self::GetPeers { .. } => "get_peers",
            Self::AnnouncePeer { .. } => "announce_peer",
            Self::SampleInfohashes { .. } => "sample_infohashes",
        }
    }
}

/// Which families of nodes an answer should name. BEP 32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// IPv4 nodes, `n4`.
    pub v4: bool,
    /// IPv6 nodes, `n6`.
    pub v6: bool,
}

/// A question from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// What the asker calls itself.
    pub id: NodeId,
    /// What it asks.
    pub ask: Ask<'a>,
    /// Which families it wants; without it, that of its own address.
    pub want: Option<Want>,
}
