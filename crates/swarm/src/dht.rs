//! The Mainline DHT: BEP 5, with IPv6 (32), ids bound to addresses (42), read-only nodes (43) and samples (51).
//!
//! The engine keeps a routing table a family, looks up who has told the closest nodes that they share a torrent, and
//! reports every answer that names peers with who gave it, when, and its bytes. All of that is hearsay.
//!
//! # What it does not do
//!
//! Unless the configuration says otherwise it is read-only: it answers nobody, and says so. Where it does answer, it
//! names nodes, as each node must, but no peers, takes no announces and keeps no list of who shares what. It announces
//! itself only if the configuration gives the port to announce.
//!
//! # Whom it believes
//!
//! Nobody much. A node enters the table only by answering us; networks are capped in the table and among the closest
//! nodes; ids that fit their address are looked for apart from the others; paths are disjoint; whoever names nodes that
//! do not exist loses credit; every look-up is bounded in queries and time, and every address in queries an hour.
//!
//! [`rounds`] says when a torrent is due, and [`Heard`] which answers of a look-up name anybody new.

mod candidate;
mod exchange;
mod heard;
mod id;
mod limits;
mod lookup;
mod machine;
mod record;
pub mod rounds;
mod search;
mod server;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;
mod votes;

use core::fmt;
use core::net::SocketAddr;
use core::num::NonZeroU16;

use evidence::{InfoHashV1, Mono};
pub use wire::krpc::{Node, NodeId};

pub use heard::Heard;
pub use id::{Distance, IdCheck, check_id, id_for};
pub use limits::{BUDGETS, CLOSEST, Caps, Limits};
pub use machine::Dht;
pub use record::{Ending, Event, Finished, Hearsay, Sampled, SearchId, Settled};
pub use snapshot::{NotASnapshot, Snapshot};

use crate::pace::Budgets;

/// Which nodes: IPv4 and IPv6 ones form two networks. BEP 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4 nodes.
    V4,
    /// IPv6 nodes.
    V6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address.
    pub fn of(address: SocketAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }
}

/// What a look-up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// To find nodes, for our own table.
    Nodes,
    /// To find the peers of a torrent.
    Peers(InfoHashV1),
    /// The same, and then to announce ourselves.
    Announce(InfoHashV1),
    /// To see which torrents nodes know of.
    Survey,
}

/// How the engine takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether there is an IPv4 socket.
    pub v4: bool,
    /// Whether there is an IPv6 socket.
    pub v6: bool,
    /// Addresses to begin with while too few nodes are known. The operator names them, so they may be on any port.
    pub bootstrap: Vec<SocketAddr>,
    /// Whether to answer nobody (BEP 43).
    pub read_only: bool,
    /// The TCP port on which peers may really reach us, by family; without it nothing is ever announced there.
    pub announce: [Option<NonZeroU16>; 2],
    /// Whether local addresses may have any id, as BEP 42 says. A laboratory may want them checked too.
    pub exempt_local: bool,
    /// The bounds of look-ups.
    pub limits: Limits,
    /// The bounds by network.
    pub caps: Caps,
    /// How often nodes are asked.
    pub budgets: Budgets,
}

impl Default for Config {
    /// IPv4 and IPv6, read-only, never announcing, and without anybody to begin with.
    fn default() -> Self {
        Self {
            v4: true,
            v6: true,
            bootstrap: Vec::new(),
            read_only: true,
            announce: [None, None],
            exempt_local: true,
            limits: Limits::default(),
            caps: Caps::default(),
            budgets: BUDGETS,
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A datagram arrived.
    Received {
        /// From where.
        from: SocketAddr,
        /// All of it.
        datagram: &'a [u8],
    },
    /// The moment of the last [`Output::Wait`] has come.
    Timeout,
}

/// What to do next.
#[derive(Debug)]
pub enum Output {
    /// Send this datagram, from the socket of the address's family.
    Send {
        /// To where.
        to: SocketAddr,
        /// All of it.
        datagram: Vec<u8>,
    },
    /// Record this.
    Event(Event),
    /// Nothing until something happens, or until this moment.
    Wait(Mono),
}

/// A look-up was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBegun {
    /// As many look-ups as allowed are under way.
    Busy,
    /// There is no socket of that family.
    NoSocket,
    /// The configuration gives no port to announce.
    AnnounceOff,
}

impl fmt::Display for NotBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "as many look-ups as allowed are under way",
            Self::NoSocket => "there is no DHT socket of that address family",
            Self::AnnounceOff => "the configuration gives no port to announce to the DHT",
        })
    }
}

impl core::error::Error for NotBegun {}
