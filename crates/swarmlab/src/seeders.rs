//! Seeders made of librqbit: somebody else's implementation, each on an address of its own.
//!
//! The workspace builds librqbit with its feature `disable-upload`, which only adds an option; left off, as here, a
//! session uploads. The sessions announce nowhere, since they would do so from 127.0.0.1: let the laboratory's tracker
//! list [`Seeders::addresses`].

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use librqbit::{AddTorrent, AddTorrentOptions, ListenerMode, ListenerOptions, ManagedTorrent, Session, SessionOptions};
use tokio::time::timeout;

use crate::torrent::SyntheticTorrent;

/// Why there are no seeders.
#[derive(Debug, thiserror::Error)]
pub enum SeederError {
    /// The content could not be written.
    #[error("the content could not be written to {}: {source}", dir.display())]
    Write {
        /// Where to.
        dir: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address is not on loopback.
    #[error("{address} is not in 127.0.0.0/8, and seeders are only started on loopback")]
    AddressOutside {
        /// The address.
        address: Ipv4Addr,
    },
    /// librqbit would not do as told.
    #[error("librqbit at {address} would not {what}: {said}")]
    Refused {
        /// The seeder's address.
        address: Ipv4Addr,
        /// What it was told to do.
        what: &'static str,
        /// What it said.
        said: String,
    },
    /// It did not finish checking the content.
    #[error("librqbit at {address} has not checked the content after {} s", READY_WITHIN.as_secs())]
    TooSlow {
        /// The seeder's address.
        address: Ipv4Addr,
    },
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
    torrent: Arc<ManagedTorrent>,
}

impl Seeders {
    /// Writes the content to `dir` and starts a seeder at each of these addresses, on any port.
    ///
    /// # Errors
    ///
    /// See [`SeederError`].
    pub async fn start(torrent: &SyntheticTorrent, dir: &Path, addresses: &[Ipv4Addr]) -> Result<Self, SeederError> {
        if let Some(address) = addresses.iter().copied().find(|address| !address.is_loopback()) {
            return Err(SeederError::AddressOutside { address });
        }
        torrent.write_to(dir).map_err(|source| SeederError::Write { dir: dir.to_owned(), source })?;
        let mut seeders = Vec::new();
        for address in addresses {
            seeders.push(Seeder::start(torrent, dir, *address).await?);
        }
        Ok(Self { seeders })
    }

    /// Where they listen.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.seeders.iter().map(|seeder| seeder.address)
    }

    /// Bytes of content that each has sent.
    #[must_use]
    pub fn uploaded_bytes(&self) -> Vec<u64> {
        self.seeders.iter().map(|seeder| seeder.torrent.stats().uploaded_bytes).collect()
    }

    /// Ends them.
    pub async fn stop(self) {
        for seeder in self.seeders {
            seeder.session.stop().await;
        }
    }
}

fn options(address: Ipv4Addr, device: Option<&str>) -> SessionOptions {
    SessionOptions {
        dht: None,
        bind_device_name: device.map(str::to_owned),
        disable_trackers: true,
        persistence: None,
        fastresume: false,
        disable_upload: false,
        disable_local_service_discovery: true,
        ipv4_only: true,
        listen: Some(ListenerOptions {
            mode: ListenerMode::TcpOnly,
            listen_addr: SocketAddr::from((address, 0)),
            enable_upnp_port_forwarding: false,
            ipv4_only: true,
            ..ListenerOptions::default()
        }),
        ..SessionOptions::default()
    }
}

impl Seeder {
    async fn start(torrent: &SyntheticTorrent, dir: &Path, address: Ipv4Addr) -> Result<Self, SeederError> {
        let refused = |what: &'static str| move |said: String| SeederError::Refused { address, what, said };
        // Bound to the loopback device, a session can reach nobody outside. Old kernels and some sandboxes refuse that;
        // without it the session still learns of nobody to dial, having no tracker, no DHT and no local discovery.
        let guarded = Session::new_with_opts(dir.to_owned(), options(address, Some("lo"))).await;
        let session = match guarded {
            Err(_) => Session::new_with_opts(dir.to_owned(), options(address, None)).await,
            session => session,
        };
        let session = session.map_err(|error| refused("start")(format!("{error:#}")))?;
        let listens = session.listen_addr().ok_or_else(|| refused("listen")("it has no listener".to_owned()))?;
        let name = torrent.info().name().text();
        let output = match torrent.info().layout() {
            wire::metainfo::Layout::SingleFile => dir.to_owned(),
            wire::metainfo::Layout::Folder => dir.join(&*name),
        };
        let add = AddTorrentOptions {
            // Existing content is only seeded with leave to overwrite it, which complete content never is.
            overwrite: true,
            output_folder: Some(output.to_string_lossy().into_owned()),
            disable_trackers: true,
            ..AddTorrentOptions::default()
        };
        let added = session.add_torrent(AddTorrent::from_bytes(torrent.metainfo().to_vec()), Some(add)).await;
        let added = added.map_err(|error| refused("add the torrent")(format!("{error:#}")))?;
        let handle = added.into_handle().ok_or_else(|| refused("add the torrent")("it only listed it".to_owned()))?;
        match timeout(READY_WITHIN, handle.wait_until_completed()).await {
            Ok(Ok(())) => Ok(Self { address: listens, session, torrent: handle }),
            Ok(Err(error)) => Err(refused("seed")(format!("{error:#}"))),
            Err(_) => Err(SeederError::TooSlow { address }),
        }
    }
}
