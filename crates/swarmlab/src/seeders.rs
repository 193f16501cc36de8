//! Seeders made of librqbit: somebody else's implementation, each on an address of its own.
//!
//! The workspace builds librqbit with its feature `disable-upload`, which only adds an option; left off, as here, a
//! session uploads. The sessions announce nowhere, since they would do so from 127.0.0.1: let the laboratory's tracker
//! list [`Seeders::addresses`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use librqbit::{
    AddTorrent, AddTorrentOptions, ConnectionOptions, ListenerMode, ListenerOptions, ManagedTorrent, Session, SessionOptions,
};
use tokio::time::timeout;

use crate::clients::{Streams, Torrent};
use crate::namespace::is_inside;
use crate::torrent::SyntheticTorrent;

impl Share {
    /// Torrents whose single files lie, or will lie, in `dir`.
    fn read(torrents: &[Torrent<'_>], dir: &Path) -> Result<Vec<Self>, SeederError> {
        let read = |torrent: &Torrent<'_>| {
            let metainfo = std::fs::read(torrent.file);
            let metainfo = metainfo.map_err(|source| SeederError::Read { file: torrent.file.to_owned(), source })?;
            Ok(Self { metainfo, output: dir.to_owned() })
        };
        torrents.iter().map(read).collect()
    }
}

/// Why there are no seeders.
#[derive(Debug, thiserror::Error)]
pub enum SeederError {
    /// A torrent could not be read.
    #[error("{} could not be read: {source}", file.display())]
    Read {
        /// The metainfo file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The content could not be written.
    #[error("the content could not be written to {}: {source}", dir.display())]
    Write {
        /// Where to.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address is not on loopback.
    #[error("{address} is neither on loopback nor for documentation in a network without a way out")]
    AddressOutside {
        /// The address.
        address: IpAddr,
    },
    /// librqbit would not do as told.
    #[error("librqbit at {address} would not {what}: {said}")]
    Refused {
        /// The seeder's address.
        address: SocketAddr,
        /// What it was told to do.
        what: &'static str,
        /// What it said.
        said: String,
    },
    /// It did not finish checking the content.
    #[error("librqbit at {address} has not checked the content after {} s", READY_WITHIN.as_secs())]
    TooSlow {
        /// The seeder's address.
        address: SocketAddr,
    },
}

/// The library's version.
#[must_use]
pub fn version() -> &'static str {
    librqbit::version()
}

/// How long checking the content may take.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Running seeders. Call [`Seeders::stop`] to end them in order; dropped, their sessions end on their own.
pub struct Seeders {
    seeders: Vec<Seeder>,
}

struct Seeder {
    address: SocketAddr,
    session: Arc<Session>,
    torrents: Vec<Arc<ManagedTorrent>>,
}

/// What a seeder shares.
struct Share {
    metainfo: Vec<u8>,
    /// Where the files lie that it names.
    output: PathBuf,
}

impl Seeders {
    /// Writes the content to `dir` and starts a seeder at each of these addresses, on any port.
    ///
    /// # Errors
    ///
    /// See [`SeederError`].
    pub async fn start(torrent: &SyntheticTorrent, dir: &Path, addresses: &[Ipv4Addr]) -> Result<Self, SeederError> {
        addresses.iter().try_for_each(|address| check((*address).into()))?;
        torrent.write_to(dir).map_err(|source| SeederError::Write { dir: dir.to_owned(), source })?;
        let output = match torrent.info().layout() {
            wire::metainfo::Layout::SingleFile => dir.to_owned(),
            wire::metainfo::Layout::Folder => dir.join(&*torrent.info().name().text()),
        };
        let mut seeders = Vec::new();
        for address in addresses {
            let share = Share { metainfo: torrent.metainfo().to_vec(), output: output.clone() };
            seeders.push(Seeder::start(vec![share], dir, (*address, 0).into(), Streams::Tcp, None).await?);
        }
        Ok(Self { seeders })
    }

    /// Starts one seeder at this address of torrents whose single files lie in `dir`.
    ///
    /// # Errors
    ///
    /// See [`SeederError`].
    pub async fn share(torrents: &[Torrent<'_>], dir: &Path, at: SocketAddr, streams: Streams) -> Result<Self, SeederError> {
        check(at.ip())?;
        Ok(Self { seeders: vec![Seeder::start(Share::read(torrents, dir)?, dir, at, streams, None).await?] })
    }

    /// Starts one at this address that has nothing of these torrents and calls these peers.
    ///
    /// # Errors
    ///
    /// See [`SeederError`].
    pub async fn call(
        torrents: &[Torrent<'_>],
        dir: &Path,
        at: SocketAddr,
        streams: Streams,
        peers: &[SocketAddr],
    ) -> Result<Self, SeederError> {
        check(at.ip())?;
        peers.iter().try_for_each(|peer| check(peer.ip()))?;
        Ok(Self { seeders: vec![Seeder::start(Share::read(torrents, dir)?, dir, at, streams, Some(peers)).await?] })
    }

    /// Where they listen.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.seeders.iter().map(|seeder| seeder.address)
    }

    /// Bytes of content that each has sent.
    #[must_use]
    pub fn uploaded_bytes(&self) -> Vec<u64> {
        let uploaded = |torrent: &Arc<ManagedTorrent>| torrent.stats().uploaded_bytes;
        self.seeders.iter().map(|seeder| seeder.torrents.iter().map(uploaded).sum()).collect()
    }

    /// Ends them.
    pub async fn stop(self) {
        for seeder in self.seeders {
            seeder.session.stop().await;
        }
    }
}

fn check(address: IpAddr) -> Result<(), SeederError> {
    if is_inside(address) { Ok(()) } else { Err(SeederError::AddressOutside { address }) }
}

fn options(at: SocketAddr, streams: Streams, device: Option<&str>) -> SessionOptions {
    SessionOptions {
        dht: None,
        bind_device_name: device.map(str::to_owned),
        disable_trackers: true,
        persistence: None,
        fastresume: false,
        disable_upload: false,
        disable_local_service_discovery: true,
        ipv4_only: at.is_ipv4(),
        connect: Some(ConnectionOptions { enable_tcp: streams != Streams::Utp, ..ConnectionOptions::default() }),
        listen: Some(ListenerOptions {
            mode: match streams {
                Streams::Any => ListenerMode::TcpAndUtp,
                Streams::Tcp => ListenerMode::TcpOnly,
                Streams::Utp => ListenerMode::UtpOnly,
            },
            listen_addr: at,
            enable_upnp_port_forwarding: false,
            ipv4_only: at.is_ipv4(),
            ..ListenerOptions::default()
        }),
        ..SessionOptions::default()
    }
}

impl Seeder {
    /// With peers to call it is of use at once, and without only with the whole content.
    async fn start(
        shares: Vec<Share>,
        dir: &Path,
        at: SocketAddr,
        streams: Streams,
        peers: Option<&[SocketAddr]>,
    ) -> Result<Self, SeederError> {
        let refused = |what: &'static str| move |said: String| SeederError::Refused { address: at, what, said };
        // Bound to the loopback device, a session can reach nobody outside. Old kernels and some sandboxes refuse that;
        // without it the session still learns of nobody to dial, having no tracker, no DHT and no local discovery.
        let guarded = Session::new_with_opts(dir.to_owned(), options(at, streams, Some("lo"))).await;
        let session = match guarded {
            Err(_) => Session::new_with_opts(dir.to_owned(), options(at, streams, None)).await,
            session => session,
        };
        let session = session.map_err(|error| refused("start")(format!("{error:#}")))?;
        let address = session.listen_addr().ok_or_else(|| refused("listen")("it has no listener".to_owned()))?;
        let mut torrents = Vec::new();
        for share in shares {
            let add = AddTorrentOptions {
                // Existing content is only seeded with leave to overwrite it, which complete content never is.
                overwrite: true,
                output_folder: Some(share.output.to_string_lossy().into_owned()),
                disable_trackers: true,
                initial_peers: peers.map(<[SocketAddr]>::to_vec),
                ..AddTorrentOptions::default()
            };
            let added = session.add_torrent(AddTorrent::from_bytes(share.metainfo), Some(add)).await;
            let added = added.map_err(|error| refused("add the torrent")(format!("{error:#}")))?;
            let handle = added.into_handle().ok_or_else(|| refused("add the torrent")("it only listed it".to_owned()))?;
            if peers.is_some() {
                torrents.push(handle);
                continue;
            }
            match timeout(READY_WITHIN, handle.wait_until_completed()).await {
                Ok(Ok(())) => torrents.push(handle),
                Ok(Err(error)) => return Err(refused("seed")(format!("{error:#}"))),
                Err(_) => return Err(SeederError::TooSlow { address: at }),
            }
        }
        Ok(Self { address, session, torrents })
    }
}
