//! How to start a client.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// What a client is to be in the swarm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// The whole content is in its folder; it is ready when it claims every piece.
    Seed,
    /// Its folder is empty; it is ready when it answers a handshake.
    Leech,
}

/// Which streams a client takes and opens.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Encryption {
    /// Plain ones alone, where it has a setting for that; Transmission, aria2 and rtorrent prefer them and take both.
    Refused,
    /// As it comes: plain ones too.
    Default,
    /// Only those under Message Stream Encryption with RC4.
    Required,
}

impl Encryption {
    /// As the programs beside the libraries read it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Default => "default",
            Self::Required => "required",
        }
    }
}

/// What carries the streams that a client takes and opens. rtorrent and aria2 speak no µTP.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Streams {
    /// Whatever it speaks.
    Any,
    /// TCP alone.
    Tcp,
    /// µTP alone. Only the libtorrent kinds can be told so.
    Utp,
}

/// A torrent that a client is given.
#[derive(Clone, Copy, Debug)]
pub struct Torrent<'a> {
    /// The metainfo file. Every URL in it must be inside this machine, with a tracker path beginning `/announce`.
    pub file: &'a Path,
    /// The info-hash that handshakes name: of version 1, or the first 20 bytes of that of version 2.
    pub info_hash: [u8; 20],
    /// How many pieces it has.
    pub piece_count: u32,
}

/// How to start a client.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// An existing folder for its configuration, state and log: its own, and empty.
    pub dir: &'a Path,
    /// Its own address, in 127.0.0.0/8 or, in a network without a way out, any for documentation. It listens, announces
    /// and dials from there.
    pub address: IpAddr,
    /// Its TCP (and, where it speaks µTP, UDP) port.
    pub port: u16,
    /// What it shares: one at least.
    pub torrents: &'a [Torrent<'a>],
    /// The folder that holds, or will hold, the torrents' files or folders.
    pub content_dir: &'a Path,
    /// Seeder or leecher.
    pub role: Role,
    /// Which streams it takes and opens.
    pub encryption: Encryption,
    /// What carries them.
    pub streams: Streams,
    /// Whether it tells peers of other peers. rtorrent was never seen to, though it may.
    pub peer_exchange: bool,
    /// A node of the laboratory's DHT to begin with. Without one it takes no part in any DHT.
    pub dht: Option<SocketAddr>,
    /// How long to wait until it is ready. 60 s is ample: Deluge, the slowest, took 17 s with five busy
    /// programs on two cores.
    pub ready_within: Duration,
}

impl Start<'_> {
    /// Where it listens.
    #[must_use]
    pub fn at(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}
