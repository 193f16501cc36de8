//! What was announced, for tests to assert on.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::SystemTime;

use wire::infohash::InfoHashV1;
use wire::peer_id::PeerId;

/// Announces that are kept.
const KEPT: usize = 100_000;

/// How an announce came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// BEP 3.
    Http,
    /// BEP 15.
    Udp,
}

/// Why a peer announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnounceEvent {
    /// Only because time has passed.
    None,
    /// It begins.
    Started,
    /// It ends.
    Stopped,
    /// It has just got everything.
    Completed,
    /// Something no specification names.
    Other(String),
}

/// One announce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// When it was received.
    pub at: SystemTime,
    /// How it came.
    pub transport: Transport,
    /// Where its packets came from.
    pub from: SocketAddr,
    /// The torrent.
    pub info_hash: InfoHashV1,
    /// What the peer calls itself.
    pub peer_id: PeerId,
    /// The port it says it listens on.
    pub port: u16,
    /// Why.
    pub event: AnnounceEvent,
    /// Bytes it says it has sent to peers.
    pub uploaded: u64,
    /// Bytes it says it has received.
    pub downloaded: u64,
    /// Bytes it says it still lacks.
    pub left: u64,
    /// How many peers it asked for.
    pub numwant: Option<usize>,
    /// Its `User-Agent`. HTTP only.
    pub user_agent: Option<String>,
}

impl Announced {
    /// Where the peer is registered.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        let mut address = self.from;
        address.set_port(self.port);
        address
    }
}

#[derive(Debug, Default)]
pub(super) struct Log(VecDeque<Announced>);

impl Log {
    pub(super) fn push(&mut self, announced: Announced) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(announced);
    }

    pub(super) fn announced(&self) -> Vec<Announced> {
        self.0.iter().cloned().collect()
    }
}
