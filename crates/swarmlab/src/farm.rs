//! One listener that is as many peers as 127.0.0.0/8 has addresses.
//!
//! Linux answers for every address of 127.0.0.0/8, and an accepted socket's local address tells which one was dialled.
//! So one listener on the wildcard address is N peers, each with the behaviour and the persona of its own address.

mod connection;
mod counters;
mod nonsense;
mod peer;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use wire::bitfield::Bitfield;
use wire::infohash::InfoHashV1;

pub use counters::{Counts, Report, Served};

use crate::behaviour::{Behaviour, Mix};
use crate::gossip::Gossip;
use crate::network::Network;
use crate::torrent::SyntheticTorrent;

/// Connections that may wait to be accepted: as many as the kernel allows.
const BACKLOG: i32 = 4_096;

/// How a farm is made up.
#[derive(Clone, Debug)]
pub struct FarmConfig {
    /// The port of all living peers, or 0 for any.
    pub port: u16,
    /// The torrents every peer is asked about. At least one.
    pub torrents: Vec<Arc<SyntheticTorrent>>,
    /// Who does what.
    pub mix: Mix,
    /// Listen on ::1 too.
    pub ipv6: bool,
    /// How fast peers are.
    pub pace: Pace,
    /// Whom the peers say they know, to whoever offers peer exchange.
    pub gossip: Gossip,
    /// How many blocks a leecher asks for without leave.
    pub leecher_requests: usize,
    /// How many served blocks are kept for [`Farm::served`]. None unless set.
    pub served_log_max: usize,
}

impl FarmConfig {
    /// A farm on any port with the default pace.
    #[must_use]
    pub fn new(torrents: Vec<Arc<SyntheticTorrent>>, mix: Mix) -> Self {
        Self {
            port: 0,
            torrents,
            mix,
            ipv6: false,
            pace: Pace::default(),
            gossip: Gossip::default(),
            leecher_requests: 8,
            served_log_max: 0,
        }
    }
}

/// How fast peers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From `interested` to `unchoke`.
    pub unchoke_after: Duration,
    /// The same for slow peers.
    pub slow_unchoke_after: Duration,
    /// Before each quarter of a block of a slow peer.
    pub slow_pause: Duration,
    /// A connection on which nothing moves is closed after this time.
    pub idle_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            unchoke_after: Duration::ZERO,
            slow_unchoke_after: Duration::from_secs(2),
            slow_pause: Duration::from_millis(300),
            idle_max: Duration::from_secs(300),
        }
    }
}

/// What all connections share.
#[derive(Debug)]
struct Laboratory {
    port: u16,
    torrents: Vec<Arc<SyntheticTorrent>>,
    mix: Mix,
    pace: Pace,
    gossip: RwLock<Gossip>,
    leecher_requests: usize,
    served_log_max: usize,
    counters: counters::Counters,
}

/// A running farm. It ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Farm {
    laboratory: Arc<Laboratory>,
    /// Held so that the port of dead peers is nobody else's: bound, and never listening.
    _dead: Socket,
    dead_port: u16,
    stop: watch::Sender<()>,
}

impl Farm {
    /// Starts listening.
    ///
    /// # Errors
    ///
    /// No torrent was given, or the port cannot be had.
    pub async fn start(config: FarmConfig) -> io::Result<Self> {
        let FarmConfig { port, torrents, mix, ipv6, pace, gossip, leecher_requests, served_log_max } = config;
        if torrents.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a farm needs at least one torrent"));
        }
        let mut listeners = vec![listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?];
        let port = listeners[0].local_addr()?.port();
        if ipv6 {
            listeners.push(listen(SocketAddr::from((Ipv6Addr::LOCALHOST, port)))?);
        }
        let dead = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        dead.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
        let dead_port = dead.local_addr()?.as_socket().map_or(0, |address| address.port());
        let counters = counters::Counters::default();
        let gossip = RwLock::new(gossip);
        let laboratory = Arc::new(Laboratory { port, torrents, mix, pace, gossip, leecher_requests, served_log_max, counters });
        let stop = watch::Sender::new(());
        for listener in listeners {
            tokio::spawn(accept(Arc::clone(&laboratory), listener, stop.subscribe()));
        }
        Ok(Self { laboratory, _dead: dead, dead_port, stop })
    }

    /// The port of all living peers.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.laboratory.port
    }

    /// Who does what.
    #[must_use]
    pub fn mix(&self) -> &Mix {
        &self.laboratory.mix
    }

    /// The listed address of the peer at this host: a dead one's port is one where nothing listens.
    #[must_use]
    pub fn listed(&self, host: Ipv4Addr) -> SocketAddrV4 {
        let alive = SocketAddrV4::new(host, self.laboratory.port);
        match Behaviour::of(alive.into(), &self.laboratory.mix) {
            Behaviour::Dead => SocketAddrV4::new(host, self.dead_port),
            _ => alive,
        }
    }

    /// As many peers of each network as wished (or as it has hosts), as a tracker would list them.
    #[must_use]
    pub fn addresses(&self, networks: &[(Network, usize)]) -> Vec<SocketAddrV4> {
        let hosts = networks.iter().flat_map(|(network, count)| network.hosts().take(*count));
        hosts.map(|host| self.listed(host)).collect()
    }

    /// This many peers, spread evenly over the networks.
    #[must_use]
    pub fn spread(&self, count: usize, networks: &[Network]) -> Vec<SocketAddrV4> {
        let Some(last) = networks.len().checked_sub(1) else { return Vec::new() };
        let each = count / networks.len();
        let counts = (0..=last).map(|at| each + usize::from(at < count % networks.len()));
        self.addresses(&networks.iter().cloned().zip(counts).collect::<Vec<_>>())
    }

    /// What the peer at this address has of a torrent, or claims to have.
    #[must_use]
    pub fn pieces_of(&self, address: IpAddr, torrent: &SyntheticTorrent) -> Bitfield {
        let mix = &self.laboratory.mix;
        peer::pieces_of(address, Behaviour::of(SocketAddr::new(address, 0), mix), torrent, mix.seed())
    }

    /// Lets the peer at `from` dial somebody, as clients do that learnt of an address. It then does what its behaviour
    /// says. Returns the local address of the connection once it stands.
    ///
    /// # Errors
    ///
    /// An address is not on loopback, the peer is dead, or the connection cannot be made.
    pub async fn dial_out(&self, from: IpAddr, to: SocketAddr, info_hash: InfoHashV1) -> io::Result<SocketAddr> {
        if !from.is_loopback() || !to.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "peers of the farm dial on loopback only"));
        }
        if Behaviour::of(SocketAddr::new(from, 0), &self.laboratory.mix) == Behaviour::Dead {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a dead peer dials nobody"));
        }
        let socket = if from.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind(SocketAddr::new(from, 0))?;
        let stream = socket.connect(to).await?;
        let local = stream.local_addr()?;
        let talk = connection::dialled(Arc::clone(&self.laboratory), stream, (local, to), info_hash);
        until_stopped(self.stop.subscribe(), talk);
        Ok(local)
    }

    /// Lets the peers say something else of others from now on: their port is known only once they listen.
    pub fn set_gossip(&self, gossip: Gossip) {
        *self.laboratory.gossip.write().unwrap_or_else(PoisonError::into_inner) = gossip;
    }

    /// What was seen until now.
    #[must_use]
    pub fn report(&self) -> Report {
        self.laboratory.counters.report()
    }

    /// The blocks served until now, in order, up to the configured number.
    #[must_use]
    pub fn served(&self) -> Vec<Served> {
        self.laboratory.counters.served_log()
    }
}

async fn accept(laboratory: Arc<Laboratory>, listener: TcpListener, mut stop: watch::Receiver<()>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // The farm was dropped; nothing is ever sent.
            _ = stop.changed() => return,
        };
        match accepted.and_then(|(stream, remote)| Ok((local_address(&stream)?, stream, remote))) {
            Ok((local, stream, remote)) if local.ip().is_loopback() && remote.ip().is_loopback() => {
                until_stopped(stop.clone(), connection::accepted(Arc::clone(&laboratory), stream, local, remote));
            }
            Ok(_) => laboratory.counters.outside_connect(),
            Err(_) => {
                // Mostly a want of descriptors: without a pause this would spin until one is free.
                laboratory.counters.accept_failed();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

fn local_address(stream: &TcpStream) -> io::Result<SocketAddr> {
    stream.local_addr()
}

fn until_stopped(mut stop: watch::Receiver<()>, talk: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        tokio::select! {
            () = talk => {}
            _ = stop.changed() => {}
        }
    });
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    // The wildcard address is wider than loopback. Bound to this device, the kernel lets nobody else in; where that is
    // not allowed, `accept` hangs up on strangers.
    let _ = socket.bind_device(Some(b"lo"));
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
