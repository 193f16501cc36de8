//! A client in every way in which it can be set up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evidence::Transport;
use swarmlab::clients::{self, Client, Encryption, Role, Running, Start, Streams};
use swarmlab::seeders::Seeders;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::cell::{Cell, Kind};
use crate::lab::torrent::Torrent;
use crate::lab::tracker;

/// Who is examined.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    Client(Client),
    /// A library of the workspace's own dependencies, in this process.
    Librqbit,
}

impl Subject {
    pub fn name(self) -> &'static str {
        match self {
            Self::Client(client) => client.name(),
            Self::Librqbit => "librqbit",
        }
    }

    /// The name of its file of what is due.
    pub fn file(self) -> String {
        self.name().to_lowercase()
    }

    /// Its version, if it is installed; loudly nothing if not, which in CI is a failure.
    pub fn version(self) -> Option<String> {
        match self {
            Self::Client(client) => crate::clients::find(client).map(|found| found.version),
            Self::Librqbit => Some(swarmlab::seeders::version().to_owned()),
        }
    }
}

/// One process: what it takes, and over which family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setup {
    streams: Streams,
    encryption: Encryption,
    is_six: bool,
}

impl Setup {
    /// The setup that takes the cell's kind of stream and, as far as the client has settings for it, no other.
    pub fn of(subject: Subject, cell: Cell) -> Self {
        use Client::{Aria2, Deluge, Libtorrent, QBittorrent, Rtorrent, Transmission, Webtorrent};
        let streams = match (subject, cell.means.transport) {
            (Subject::Client(Rtorrent | Aria2), _) => Streams::Any,
            (_, Transport::Tcp) => Streams::Tcp,
            (Subject::Client(QBittorrent | Deluge | Libtorrent) | Subject::Librqbit, Transport::Utp) => Streams::Utp,
            // Its µTP has IPv4 alone.
            (Subject::Client(Webtorrent), Transport::Utp) if cell.is_six => Streams::Tcp,
            (Subject::Client(Transmission | Webtorrent), Transport::Utp) => Streams::Any,
        };
        let encryption = match subject {
            Subject::Librqbit => Encryption::Default,
            _ if cell.means.is_covered => Encryption::Required,
            _ => Encryption::Refused,
        };
        Self { streams, encryption, is_six: cell.is_six }
    }

    pub fn of_cells(subject: Subject) -> BTreeSet<Self> {
        Cell::all().into_iter().map(|cell| Self::of(subject, cell)).collect()
    }
}

/// What runs of a client.
#[derive(Default)]
pub struct Started {
    running: BTreeMap<Setup, Process>,
    /// Why others do not.
    troubles: BTreeMap<Setup, String>,
    _folder: Option<tempfile::TempDir>,
}

pub enum Process {
    Client(Box<Running>),
    Library(Seeders, SocketAddr),
}

impl Process {
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Client(running) => running.address(),
            Self::Library(_, address) => *address,
        }
    }
}

impl Started {
    pub fn get(&self, setup: &Setup) -> Option<&Process> {
        self.running.get(setup)
    }

    pub fn trouble(&self, setup: &Setup) -> Option<&str> {
        self.troubles.get(setup).map(String::as_str)
    }

    pub async fn stop(self) {
        for process in self.running.into_values() {
            match process {
                Process::Client(running) => running.stop().await,
                Process::Library(seeders, _) => seeders.stop().await,
            }
        }
    }
}

/// Longest wait for a client with every other core busy too.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// Starts at a time.
const STARTS_MAX: usize = 3;

/// Where a tracker listens that knows nobody: rtorrent takes no torrent without one.
const TRACKER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 6_969);

/// Starts the client in every setup, each at an address of its own.
pub async fn start_all(subject: Subject, setups: &BTreeSet<Setup>, torrents: &BTreeMap<Kind, Arc<Torrent>>) -> Started {
    let _asked = tracker::http(TRACKER, "200 OK", tracker::announce(&[])).await;
    let folder = tempfile::tempdir().unwrap();
    let (content, mut files) = (folder.path().join("content"), Vec::new());
    std::fs::create_dir(&content).unwrap();
    for (kind, torrent) in torrents {
        let file = folder.path().join(format!("{kind}.torrent"));
        std::fs::write(&file, torrent.with_tracker(&format!("http://{TRACKER}/announce"))).unwrap();
        std::fs::write(content.join(&torrent.name), &torrent.bytes).unwrap();
        files.push((file, torrent.hash(), torrent.piece_count()));
    }
    let turns = Arc::new(Semaphore::new(STARTS_MAX));
    let mut starts = JoinSet::new();
    for (number, setup) in setups.iter().copied().enumerate() {
        let host = 10 + number as u8;
        let four = Ipv4Addr::new(192, 0, 2, host);
        let six = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into());
        // A port of its own too, for those that listen on all addresses.
        let at = SocketAddr::new(if setup.is_six { six.into() } else { four.into() }, 6_881 + number as u16);
        let dir = folder.path().join(host.to_string());
        std::fs::create_dir(&dir).unwrap();
        let (turns, files, content) = (Arc::clone(&turns), files.clone(), content.clone());
        starts.spawn(async move {
            let _turn = turns.acquire().await;
            (setup, start(subject, setup, at, dir, content, files).await)
        });
    }
    let mut started = Started { _folder: Some(folder), ..Started::default() };
    for (setup, process) in starts.join_all().await {
        match process {
            Ok(process) => drop(started.running.insert(setup, process)),
            Err(why) => drop(started.troubles.insert(setup, why)),
        }
    }
    started
}

async fn start(
    subject: Subject,
    setup: Setup,
    at: SocketAddr,
    dir: PathBuf,
    content_dir: PathBuf,
    files: Vec<(PathBuf, [u8; 20], u32)>,
) -> Result<Process, String> {
    let torrents: Vec<_> = files
        .iter()
        .map(|(file, info_hash, piece_count)| clients::Torrent { file, info_hash: *info_hash, piece_count: *piece_count })
        .collect();
    let Subject::Client(client) = subject else {
        let seeders = Seeders::share(&torrents, &content_dir, at, setup.streams).await.map_err(|error| error.to_string())?;
        return Ok(Process::Library(seeders, at));
    };
    let found = client.find().ok_or("it is gone")?;
    let start = Start {
        dir: &dir,
        address: at.ip(),
        port: at.port(),
        torrents: &torrents,
        content_dir: &content_dir,
        role: Role::Seed,
        encryption: setup.encryption,
        streams: setup.streams,
        peer_exchange: false,
        dht: None,
        ready_within: READY_WITHIN,
    };
    let began = std::time::Instant::now();
    let started = clients::start(client, &found, start).await;
    eprintln!(
        "{client} {setup:?}: {} after {} ms",
        if started.is_ok() { "ready" } else { "not ready" },
        began.elapsed().as_millis()
    );
    started.map(|running| Process::Client(Box::new(running))).map_err(|error| error.to_string())
}
