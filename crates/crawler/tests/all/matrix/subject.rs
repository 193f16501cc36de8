//! A client in every way in which it can be set up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evidence::Transport;
use swarm::ladder::Means;
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

impl Subject {
    /// As what it calls others: seeders of most kinds do.
    pub fn calls_as(self) -> Role {
        match self {
            Self::Client(Client::Rtorrent | Client::Aria2) | Self::Librqbit => Role::Leech,
            Self::Client(_) => Role::Seed,
        }
    }
}

/// One process: what it takes, and over which family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setup {
    streams: Streams,
    encryption: Encryption,
    pub is_six: bool,
}

impl Setup {
    /// The setup that takes the cell's kind of stream and, as far as the client has settings for it, no other.
    pub fn of(subject: Subject, cell: Cell) -> Self {
        Self::for_way(subject, cell.means, cell.is_six)
    }

    /// The same, whatever the torrent.
    pub fn for_way(subject: Subject, means: Means, is_six: bool) -> Self {
        use Client::{Aria2, Deluge, Libtorrent, QBittorrent, Rtorrent, Transmission, Webtorrent};
        let streams = match (subject, means.transport) {
            (Subject::Client(Rtorrent | Aria2), _) => Streams::Any,
            (_, Transport::Tcp) => Streams::Tcp,
            (Subject::Client(QBittorrent | Deluge | Libtorrent) | Subject::Librqbit, Transport::Utp) => Streams::Utp,
            // Its µTP has IPv4 alone.
            (Subject::Client(Webtorrent), Transport::Utp) if is_six => Streams::Tcp,
            (Subject::Client(Transmission | Webtorrent), Transport::Utp) => Streams::Any,
        };
        let encryption = match subject {
            Subject::Librqbit => Encryption::Default,
            _ if means.is_covered => Encryption::Required,
            _ => Encryption::Refused,
        };
        Self { streams, encryption, is_six }
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

/// An address for each setup, and a port too, for those that listen on all addresses.
pub fn address_in(net: Net, number: usize, is_six: bool) -> SocketAddr {
    let host = 10 + number as u8;
    let ([a, b, c], six, port) = match net {
        Net::Clients => ([192, 0, 2], 0, 6_881),
        Net::Trackers => ([203, 0, 113], 2, 7_881),
        Net::Listeners => ([198, 51, 100], 3, 8_881),
    };
    let (four, six) = (Ipv4Addr::new(a, b, c, host), Ipv6Addr::new(0x2001, 0xdb8, six, 0, 0, 0, 0, host.into()));
    SocketAddr::new(if is_six { six.into() } else { four.into() }, port + number as u16)
}

/// Who has an address for each setup.
#[derive(Clone, Copy, Debug)]
pub enum Net {
    Clients,
    Trackers,
    Listeners,
}

/// Starts the client in every setup, each at an address of its own. Each has a tracker of its own, as rtorrent takes no
/// torrent without one; it names to each whom `to_call` says.
pub async fn start_all(
    subject: Subject,
    role: Role,
    setups: &BTreeSet<Setup>,
    torrents: &BTreeMap<Kind, Arc<Torrent>>,
    to_call: impl Fn(usize, &Setup) -> Vec<SocketAddr>,
) -> Started {
    let folder = tempfile::tempdir().unwrap();
    let turns = Arc::new(Semaphore::new(STARTS_MAX));
    let mut starts = JoinSet::new();
    for (number, setup) in setups.iter().copied().enumerate() {
        // Transmission asks trackers from its address of IPv4 alone, whatever it listens on.
        let is_six = setup.is_six && !matches!(subject, Subject::Client(Client::Transmission));
        let (peers, at_tracker) = (to_call(number, &setup), address_in(Net::Trackers, number, is_six));
        let answer = if setup.is_six { tracker::announce6(&peers) } else { tracker::announce(&peers) };
        let _asked = tracker::http(at_tracker, "200 OK", answer).await;
        let seat = Seat::new(folder.path().join(number.to_string()), role, torrents, at_tracker);
        let (turns, at) = (Arc::clone(&turns), address_in(Net::Clients, number, setup.is_six));
        starts.spawn(async move {
            let _turn = turns.acquire().await;
            (setup, start(subject, role, setup, at, seat, &peers).await)
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

/// A client's folders, and its torrents with their info-hashes and numbers of pieces.
struct Seat {
    dir: PathBuf,
    content: PathBuf,
    torrents: Vec<(PathBuf, [u8; 20], u32)>,
}

impl Seat {
    fn new(folder: PathBuf, role: Role, torrents: &BTreeMap<Kind, Arc<Torrent>>, at_tracker: SocketAddr) -> Self {
        let mut seat = Self { dir: folder.join("client"), content: folder.join("content"), torrents: vec![] };
        std::fs::create_dir_all(&seat.dir).unwrap();
        std::fs::create_dir(&seat.content).unwrap();
        for (kind, torrent) in torrents {
            let file = folder.join(format!("{kind}.torrent"));
            std::fs::write(&file, torrent.with_tracker(&format!("http://{at_tracker}/announce"))).unwrap();
            if role == Role::Seed {
                std::fs::write(seat.content.join(&torrent.name), &torrent.bytes).unwrap();
            }
            seat.torrents.push((file, torrent.hash(), torrent.piece_count()));
        }
        seat
    }
}

async fn start(
    subject: Subject,
    role: Role,
    setup: Setup,
    at: SocketAddr,
    seat: Seat,
    to_call: &[SocketAddr],
) -> Result<Process, String> {
    let torrents: Vec<_> = seat
        .torrents
        .iter()
        .map(|(file, info_hash, piece_count)| clients::Torrent { file, info_hash: *info_hash, piece_count: *piece_count })
        .collect();
    let Subject::Client(client) = subject else {
        let started = match role {
            Role::Seed => Seeders::share(&torrents, &seat.content, at, setup.streams).await,
            Role::Leech => Seeders::call(&torrents, &seat.content, at, setup.streams, to_call).await,
        };
        return Ok(Process::Library(started.map_err(|error| error.to_string())?, at));
    };
    let found = client.find().ok_or("it is gone")?;
    let start = Start {
        dir: &seat.dir,
        address: at.ip(),
        port: at.port(),
        torrents: &torrents,
        content_dir: &seat.content,
        role,
        encryption: setup.encryption,
        streams: setup.streams,
        peer_exchange: false,
        ready_within: READY_WITHIN,
    };
    let began = std::time::Instant::now();
    let started = clients::start(client, &found, start).await;
    if let Err(why) = &started {
        eprintln!("{why}");
    }
    eprintln!(
        "{client} {setup:?}: {} after {} ms",
        if started.is_ok() { "ready" } else { "not ready" },
        began.elapsed().as_millis()
    );
    started.map(|running| Process::Client(Box::new(running))).map_err(|error| error.to_string())
}
