//! A tracker that real clients use, over HTTP (BEP 3, 7, 23, 48) and UDP (BEP 15), and that can be told to lie.
//!
//! Both ports serve one set of swarms. An announcing peer is registered at the address its packets come from; the `ip`
//! parameter and field are ignored. It listens on one loopback address.

mod http;
mod lies;
mod log;
mod query;
mod swarm;
mod udp;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;
use wire::infohash::InfoHashV1;

pub use lies::{Lies, Malformed};
pub use log::{AnnounceEvent, Announced, Transport};
pub use swarm::Totals;

/// How a tracker behaves when it is honest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackerConfig {
    /// The loopback address it listens on.
    pub address: IpAddr,
    /// The interval it asks for, in seconds.
    pub interval_s: u32,
    /// The least interval it asks for, in seconds. HTTP only.
    pub min_interval_s: Option<u32>,
    /// Most peers in an answer, whatever is asked for.
    pub numwant_max: usize,
    /// A peer that has not announced for this long is forgotten.
    pub expires_after: Duration,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            interval_s: 60,
            min_interval_s: Some(2),
            numwant_max: 200,
            expires_after: Duration::from_secs(150),
        }
    }
}

/// What both ports share.
#[derive(Debug)]
struct Shared {
    config: TrackerConfig,
    swarms: Mutex<swarm::Swarms>,
    lies: Mutex<Lies>,
    log: Mutex<log::Log>,
}

/// A running tracker. It ends when it is dropped.
#[derive(Debug)]
pub struct Tracker {
    shared: Arc<Shared>,
    http: SocketAddr,
    udp: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Tracker {
    /// Starts both ports.
    ///
    /// # Errors
    ///
    /// The address is not on loopback, or no port can be had.
    pub async fn start(config: TrackerConfig) -> io::Result<Self> {
        if !config.address.is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the laboratory's tracker listens on loopback only"));
        }
        let listener = TcpListener::bind((config.address, 0)).await?;
        let socket = UdpSocket::bind((config.address, 0)).await?;
        let (http, udp) = (listener.local_addr()?, socket.local_addr()?);
        let shared = Arc::new(Shared { config, swarms: Mutex::default(), lies: Mutex::default(), log: Mutex::default() });
        let tasks =
            [tokio::spawn(http::serve(listener, Arc::clone(&shared))), tokio::spawn(udp::serve(socket, Arc::clone(&shared)))];
        Ok(Self { shared, http, udp, tasks })
    }

    /// The announce URL over HTTP.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://{}/announce", self.http)
    }

    /// The announce URL over UDP.
    #[must_use]
    pub fn udp_url(&self) -> String {
        format!("udp://{}/announce", self.udp)
    }

    /// Lists peers that never announce, for as long as the tracker runs. `left` is what each has still to get.
    pub fn list(&self, info_hash: InfoHashV1, peers: impl IntoIterator<Item = SocketAddr>, left: u64) {
        let mut swarms = self.shared.swarms();
        for address in peers {
            swarms.list(info_hash, address, left);
        }
    }

    /// From now on lies like this. [`Lies::default`] makes it honest again.
    pub fn lie(&self, lies: Lies) {
        *locked(&self.shared.lies) = lies;
    }

    /// Every announce until now, in order; the last 100,000 of them.
    #[must_use]
    pub fn log(&self) -> Vec<Announced> {
        locked(&self.shared.log).announced()
    }

    /// The peers of a torrent that are not forgotten.
    #[must_use]
    pub fn peers(&self, info_hash: InfoHashV1) -> Vec<SocketAddr> {
        self.shared.swarms().peers(info_hash, self.shared.config.expires_after)
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    fn swarms(&self) -> MutexGuard<'_, swarm::Swarms> {
        locked(&self.swarms)
    }

    fn lies(&self) -> Lies {
        locked(&self.lies).clone()
    }

    /// Registers an announce and gives the peers to answer it with.
    fn announce(&self, announced: Announced) -> swarm::Answer {
        let answer = self.swarms().announce(&announced, &self.config);
        locked(&self.log).push(announced);
        answer
    }
}

/// Every change leaves these whole, so what a panicking thread held is still good.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
