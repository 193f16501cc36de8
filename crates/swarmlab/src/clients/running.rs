//! Starting a client, waiting until it is of use, and ending it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::process::Guarded;
use super::{
    Client, ClientError, Encryption, Found, Role, Start, Streams, Torrent, aria2, deluge, inside, libtorrent, process,
    qbittorrent, ready, rtorrent, transmission, webtorrent,
};

/// Between two looks at a client.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Starts a client and waits until it is ready: it answers a handshake for the torrent and, as a seeder, claims
/// every piece.
///
/// # Errors
///
/// When the start would leave loopback, the machine refuses something, the client ends or refuses the torrent,
/// or is not ready in time. Nothing of the client is left then.
pub async fn start(client: Client, found: &Found, start: Start<'_>) -> Result<Running, ClientError> {
    inside::check(&start)?;
    if start.streams == Streams::Utp && !matches!(client, Client::QBittorrent | Client::Deluge | Client::Libtorrent) {
        return Err(ClientError::NoSetting { client, what: "µTP" });
    }
    if start.dht.is_some() && matches!(client, Client::QBittorrent | Client::Deluge | Client::Webtorrent) {
        return Err(ClientError::NoDht { client });
    }
    let absolute_dir = absolute(start.dir)?;
    let files = start.torrents.iter().map(|torrent| absolute(torrent.file)).collect::<Result<Vec<_>, _>>()?;
    let torrents = start.torrents.iter().zip(&files).map(|(torrent, file)| Torrent { file, ..*torrent });
    let torrents: Vec<_> = torrents.collect();
    let absolute_content = absolute(start.content_dir)?;
    let start = Start { dir: &absolute_dir, torrents: &torrents, content_dir: &absolute_content, ..start };
    let began = Instant::now();
    let mut running = Running {
        client,
        address: start.at(),
        torrents: torrents.iter().map(|torrent| (torrent.info_hash, torrent.piece_count)).collect(),
        is_reserved: start.streams == Streams::Utp || start.encryption == Encryption::Required,
        process: spawn(client, found, &start).await?,
    };
    let left = start.ready_within.saturating_sub(began.elapsed());
    running.wait_for("ready", start.role == Role::Seed, left).await?;
    Ok(running)
}

fn absolute(path: &Path) -> Result<PathBuf, ClientError> {
    path.canonicalize().map_err(ClientError::environment("open", path))
}

async fn spawn(client: Client, found: &Found, start: &Start<'_>) -> Result<Guarded, ClientError> {
    let launch = match client {
        Client::Transmission => transmission::prepare(start)?,
        Client::QBittorrent => qbittorrent::prepare(start)?,
        Client::Deluge => return deluge::spawn(found, start).await,
        Client::Rtorrent => rtorrent::prepare(start)?,
        Client::Aria2 => aria2::prepare(start),
        Client::Libtorrent => libtorrent::prepare(start)?,
        Client::Webtorrent => webtorrent::prepare(start)?,
    };
    process::launch(found, start.dir, launch)
}

/// A client that runs. It ends, with all that it started, when this is dropped.
#[derive(Debug)]
pub struct Running {
    client: Client,
    address: SocketAddr,
    /// Each one's info-hash and number of pieces.
    torrents: Vec<([u8; 20], u32)>,
    /// Whether it turns away a plain visitor over TCP, as ours is.
    is_reserved: bool,
    process: Guarded,
}

impl Running {
    /// Which client it is.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Visits it and returns how many pieces it claims of its first torrent; `None` when it makes no claim.
    ///
    /// Tries again for two seconds: Transmission turns a visitor away while it still holds the last visit for open.
    ///
    /// # Errors
    ///
    /// When it does not answer a handshake for its torrent.
    pub async fn claimed_pieces(&self) -> io::Result<Option<u32>> {
        let began = Instant::now();
        loop {
            match self.visit(self.torrents[0]).await {
                Err(_) if began.elapsed() < Duration::from_secs(2) => sleep(LOOK_EVERY).await,
                claimed => return claimed,
            }
        }
    }

    async fn visit(&self, (info_hash, piece_count): ([u8; 20], u32)) -> io::Result<Option<u32>> {
        if self.is_reserved {
            // Whether it has hashed its content cannot be asked.
            return ready::is_listening(self.address).then_some(Some(piece_count)).ok_or(io::ErrorKind::NotFound.into());
        }
        let answer = ready::ask(self.address, info_hash, piece_count).await?;
        Ok(answer.claimed_pieces)
    }

    /// Waits until it claims every piece, as a leecher does that has been fed.
    ///
    /// # Errors
    ///
    /// When it ends first, or is not complete in time.
    pub async fn complete(&mut self, within: Duration) -> Result<(), ClientError> {
        self.wait_for("complete", true, within).await
    }

    async fn wait_for(&mut self, aim: &'static str, is_whole: bool, within: Duration) -> Result<(), ClientError> {
        let began = Instant::now();
        let mut waiting = self.torrents.clone();
        while let Some(torrent @ (_, piece_count)) = waiting.last().copied() {
            let claimed = self.visit(torrent).await;
            if self.process.has_ended() {
                return Err(ClientError::Ended { client: self.client, log: self.log_tail() });
            }
            let last = match claimed {
                Ok(claimed) if !is_whole || claimed.unwrap_or(0) >= piece_count => {
                    waiting.pop();
                    continue;
                }
                Ok(Some(claimed)) => format!("it claims {claimed} of {piece_count} pieces"),
                Ok(None) => "it answers the handshake but claims no piece".to_owned(),
                Err(error) => format!("no handshake ({error})"),
            };
            if began.elapsed() >= within {
                return Err(ClientError::TooSlow {
                    client: self.client,
                    address: self.address,
                    aim,
                    waited_ms: began.elapsed().as_millis(),
                    last,
                    log: self.log_tail(),
                });
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Ends it and returns when its port is free again, or after a second if something else holds it.
    pub async fn stop(self) {
        self.process.kill().await;
        for _ in 0..20 {
            if std::net::TcpListener::bind(self.address).is_ok() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The end of what it printed and logged.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.process.log_tail()
    }
}
