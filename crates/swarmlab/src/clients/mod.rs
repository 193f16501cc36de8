//! Real BitTorrent clients from Debian, PyPI and npm, started as one swarm's seeders and leechers.
//!
//! *In scope:* finding an installed client, giving it an address of its own on loopback (or, in a network that has no
//! way out, [one for documentation](crate::namespace)), a configuration that keeps it there and to the streams asked for,
//! its torrents, and a bounded wait until it answers a BitTorrent handshake; ending it, and everything it started, when
//! its handle goes or this process dies in whatever way.
//!
//! *Out of scope:* rate limits, and an orderly farewell: a client is killed, so its tracker hears no `stopped`.
//!
//! # What was found when this was run
//!
//! Debian 12: Transmission 3.00, qBittorrent 4.5.2, Deluge 2.0.3 on libtorrent 2.0.8, rtorrent 0.9.8, aria2
//! 1.36.0; as root and as an ordinary user. Their system calls were traced: sockets are bound to the client's
//! own address, and packets went only to 127.0.0.0/8. What it took beyond the usual settings is explained in
//! each client's file. From start to ready took, on two busy cores: Transmission 1.1 s, qBittorrent 1.6–2.6 s,
//! Deluge 2.7–4.6 s, rtorrent 0.2 s, aria2 1.0 s. Two things are worth knowing before reading a trace:
//!
//! - Deluge opens its libtorrent session before it reads its own settings, and so asks the local gateway for
//!   port mappings (UPnP, NAT-PMP), calls the local network (LSD) and resolves a DHT router's name whatever
//!   `core.conf` says. A `sitecustomize.py` takes that away; see `deluge.rs`.
//! - Transmission connects, but never sends on, one UDP socket towards a public IPv6 address to learn its own.
//!
//! Transmission accepts peers from 127.0.0.0/8 and never dials one: a Transmission that leeches must be dialled,
//! so start it before the seeder that feeds it, and a libtorrent client does not announce again for 5 minutes
//! whatever interval the tracker asks for, so start it after a Transmission that is to feed it.
//! Transmission also turns a caller away while it holds another connection from that address for open, for
//! about half a second after it was closed.

mod aria2;
mod deluge;
mod inside;
mod libtorrent;
mod process;
mod qbittorrent;
pub mod ready;
mod rtorrent;
mod running;
mod start;
mod transmission;
mod webtorrent;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

pub use running::{Running, start};
pub use start::{Encryption, Role, Start, Streams, Torrent};

/// A BitTorrent client that can be installed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Client {
    /// transmission-daemon.
    Transmission,
    /// qbittorrent-nox, on libtorrent.
    QBittorrent,
    /// deluged, on libtorrent, told what to do by deluge-console.
    Deluge,
    /// rtorrent without its terminal.
    Rtorrent,
    /// aria2c.
    Aria2,
    /// The libtorrent library from PyPI, led by a small program in Python.
    Libtorrent,
    /// The webtorrent library from npm, led by a small program for Node.
    Webtorrent,
}

impl Client {
    /// Those that Debian packages.
    pub const DEBIAN: [Self; 5] = [Self::Transmission, Self::QBittorrent, Self::Deluge, Self::Rtorrent, Self::Aria2];

    /// Every client this laboratory knows.
    pub const ALL: [Self; 7] =
        [Self::Transmission, Self::QBittorrent, Self::Deluge, Self::Rtorrent, Self::Aria2, Self::Libtorrent, Self::Webtorrent];

    /// The name its makers use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transmission => "Transmission",
            Self::QBittorrent => "qBittorrent",
            Self::Deluge => "Deluge",
            Self::Rtorrent => "rtorrent",
            Self::Aria2 => "aria2",
            Self::Libtorrent => "libtorrent",
            Self::Webtorrent => "webtorrent",
        }
    }

    /// What installs it.
    #[must_use]
    pub fn installation(self) -> &'static str {
        match self {
            Self::Transmission => "apt-get install transmission-daemon",
            Self::QBittorrent => "apt-get install qbittorrent-nox",
            Self::Deluge => "apt-get install deluged deluge-console",
            Self::Rtorrent => "apt-get install rtorrent",
            Self::Aria2 => "apt-get install aria2",
            Self::Libtorrent => "tests/run, with python3 and pip, into target/pypi",
            Self::Webtorrent => "tests/run, with nodejs and npm, into target/npm",
        }
    }

    /// Looks the client up, on `PATH` or among what `tests/run` has put beside the built programs, and asks it for its
    /// version; `None` when a part of it is not installed.
    #[must_use]
    pub fn find(self) -> Option<Found> {
        let (name, ask) = match self {
            Self::Transmission => ("transmission-daemon", "--version"),
            Self::QBittorrent => ("qbittorrent-nox", "--version"),
            Self::Deluge => ("deluged", "--version"),
            Self::Rtorrent => ("rtorrent", "-h"),
            Self::Aria2 => ("aria2c", "--version"),
            Self::Libtorrent => return libtorrent::find(),
            Self::Webtorrent => return webtorrent::find(),
        };
        let program = on_path(name)?;
        if self == Self::Deluge && !deluge::console_beside(&program).is_file() {
            return None;
        }
        let version = process::version(&program, ask).unwrap_or_else(|| "unknown".to_owned());
        Some(Found { program, version })
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// What `tests/run` has put into this folder of `target`, in which the running program lies too.
fn in_target(name: &str) -> Option<PathBuf> {
    let this = std::env::current_exe().ok()?;
    this.ancestors().map(|folder| folder.join(name)).find(|folder| folder.is_dir())
}

/// An installed client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// The program that is started.
    pub program: PathBuf,
    /// Its version as it states it, such as `3.00`; `unknown` when it would not say.
    pub version: String,
}

/// Why a client is not running.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The caller asked for an address that could be reached from, or reach, elsewhere.
    #[error("{address} is neither on loopback nor for documentation in a network without a way out")]
    AddressOutside {
        /// The address asked for.
        address: IpAddr,
    },
    /// The torrent would make the client call somebody who is not on loopback.
    #[error("the torrent {} names {url}, which is outside of this machine", torrent.display())]
    UrlOutside {
        /// The metainfo file.
        torrent: PathBuf,
        /// The beginning of the first such URL.
        url: String,
    },
    /// This machine would not let a file be read or written, or a program be started.
    #[error("could not {what} {}: {source}", path.display())]
    Environment {
        /// What was tried, such as `write`.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The client has no such setting.
    #[error("{client} cannot be told to use {what} alone")]
    NoSetting {
        /// Which client.
        client: Client,
        /// What it was to keep to.
        what: &'static str,
    },
    /// The client begins at the public routers alone, or is not told of others here.
    #[error("{client} cannot be told with which DHT node to begin")]
    NoDht {
        /// Which client.
        client: Client,
    },
    /// The client ended before it was ready.
    #[error("{client} ended before it was ready; its log ends with:\n{log}")]
    Ended {
        /// Which client.
        client: Client,
        /// The end of its log.
        log: String,
    },
    /// The client would not take the torrent.
    #[error("{client} would not add the torrent; its console said:\n{said}")]
    Refused {
        /// Which client.
        client: Client,
        /// What its console said.
        said: String,
    },
    /// Time ran out.
    #[error("{client} at {address} was not {aim} after {waited_ms} ms: {last}; its log ends with:\n{log}")]
    TooSlow {
        /// Which client.
        client: Client,
        /// Where.
        address: SocketAddr,
        /// What it was to become: `ready` or `complete`.
        aim: &'static str,
        /// For how long that was awaited.
        waited_ms: u128,
        /// What the last look at it found.
        last: String,
        /// The end of its log.
        log: String,
    },
}

impl ClientError {
    fn environment(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Environment { what, path, source }
    }
}

/// What one client's file has to say about a start: files are written, this is what to run.
struct Launch {
    arguments: Vec<std::ffi::OsString>,
    environment: Vec<(&'static str, std::ffi::OsString)>,
    /// Logs the client writes itself, besides what it prints.
    logs: Vec<PathBuf>,
}
