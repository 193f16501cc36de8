//! A reference copy, downloaded with upload disabled.
//!
//! The bytes come through librqbit, which is given no DHT, no listener, no trackers, no local discovery and nothing to
//! remember. The only addresses it may dial are those that the torrent's trackers named to us and the scope allows:
//! they are its allow-list, so that peers it hears of from peers are not contacted. They are at most four endpoints of one
//! address, 64 of one network and 500 in all; the library tries an endpoint that fails again with growing gaps until
//! the copy is whole or patience ends. The allow-list is one of addresses without ports: a peer may name another port of
//! an address that is on it. It runs on a runtime of its own
//! whose threads have no log, for its log events name peers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evidence::{InfoHashV1, InfoHashV2, TargetIds};
use librqbit::{AddTorrent, AddTorrentOptions, ConnectionOptions, Session, SessionOptions};
use swarm::probe::Identity;
use swarm::{Scope, Seed, Vantages};
use wire::metainfo::Metainfo;
use wire::tracker_url::TrackerUrl;

use crate::dht::DhtPlan;
use crate::metadata::{ask_all, ask_dht};
use crate::named::bounded;
use crate::plan::mandates_in_force;
use crate::{Clock, Mandated, Stop};

/// What is downloaded, on whose authority, and where to.
#[derive(Debug)]
pub struct Download {
    /// The `.torrent` file's bytes.
    pub metainfo: Vec<u8>,
    /// The mandates for it, at least one of which must be in force.
    pub mandates: Vec<Mandated>,
    /// A folder of its own. The content comes to lie in `content/` inside.
    pub folder: PathBuf,
    /// Peers known besides those that the trackers name.
    pub peers: Vec<SocketAddr>,
    /// How the DHT is asked, if it is. For a private torrent it is not.
    pub dht: Option<DhtPlan>,
    /// Who may be contacted.
    pub scope: Scope,
    /// Our addresses towards trackers. Towards peers the system chooses.
    pub bind: Vantages,
    /// What we tell others of ourselves.
    pub client: String,
    /// The longest download.
    pub patience: Duration,
    /// Chance.
    pub seed: Seed,
}

/// A finished download. Its pieces have been checked once, by the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Where the content lies.
    pub content: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Content sent while it was downloaded, in bytes, as the library counts it: 0.
    pub uploaded_bytes: u64,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The torrent cannot be read.
    #[error("the torrent cannot be read: {0}")]
    Metainfo(#[from] wire::metainfo::Error),
    /// Policy: nothing is contacted without a mandate.
    #[error("no mandate that names {0} is in force: add one before downloading")]
    NoMandate(TargetIds),
    /// The library that downloads knows version 1 only.
    #[error(
        "the torrent is of version 2 alone, which cannot be downloaded here: build the dossier from a copy that you hold, with --content"
    )]
    NoVersion1,
    /// Nobody was named who may be contacted.
    #[error("no peer that may be contacted was named by the torrent's trackers, its magnet or the DHT")]
    NoPeers,
    /// It took too long, or was stopped.
    #[error("the download was not complete in time ({received} of {total} bytes)")]
    TooSlow {
        /// Bytes received.
        received: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The folder cannot be used.
    #[error("{}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The library failed.
    #[error("the download failed: {0}")]
    Library(String),
    /// The promise was broken: content left the monitor.
    #[error("{0} bytes of content were sent while downloading, which must not happen: keep the folder and report it")]
    Uploaded(u64),
}

/// Downloads a torrent's content. `progress` is told the bytes received and the bytes in all.
///
/// # Errors
/// If no mandate is in force, nobody has the content, or it does not arrive in time.
pub async fn download(
    plan: Download,
    clock: Arc<dyn Clock>,
    mut stop: Stop,
    progress: impl FnMut(u64, u64) + Send + 'static,
) -> Result<Downloaded, DownloadError> {
    let torrent = Metainfo::parse_without_layers(&plan.metainfo)?;
    let info = &torrent.info;
    let v1 = info.v1().map(|hash| InfoHashV1::from(hash.0));
    let ids = TargetIds { v1, v2: info.v2().map(|hash| InfoHashV2::from(hash.0)) };
    if mandates_in_force(&plan.mandates, &ids, clock.now().utc).is_empty() {
        return Err(DownloadError::NoMandate(ids));
    }
    let v1 = v1.ok_or(DownloadError::NoVersion1)?;
    let trackers: Vec<TrackerUrl> = torrent.trackers().cloned().collect();
    let asked = ask_all(&trackers, v1, &plan.scope, &plan.bind, &plan.client, plan.seed);
    // The peers of a private torrent are named by its trackers alone (BEP 27).
    let dht = plan.dht.clone().filter(|_| !info.is_private());
    let found = async {
        match dht {
            Some(dht) => ask_dht(dht, v1, (&plan.scope, &plan.bind), plan.seed, (&clock, &stop)).await,
            None => Vec::new(),
        }
    };
    let (named, found) = tokio::join!(asked, found);
    let given = plan.peers.iter().copied().filter(|_| !info.is_private());
    let peers = bounded(given.chain(named).chain(found), &plan.scope);
    if peers.is_empty() {
        return Err(DownloadError::NoPeers);
    }
    let (done, mut finished) = tokio::sync::oneshot::channel();
    let (ours, inner) = crate::stopper();
    // A thread of its own: the runtime it holds may be neither started nor dropped inside another.
    std::thread::spawn(move || {
        let _ = done.send(apart(plan, peers, inner, progress));
    });
    let gone = || Err(DownloadError::Library("its thread ended without a result".into()));
    tokio::select! {
        result = &mut finished => return result.unwrap_or_else(|_| gone()),
        () = stop.stopped() => ours.stop(),
    }
    finished.await.unwrap_or_else(|_| gone())
}

fn apart(
    plan: Download,
    peers: Vec<SocketAddr>,
    stop: Stop,
    progress: impl FnMut(u64, u64),
) -> Result<Downloaded, DownloadError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(silence)
        .build()
        .map_err(|error| DownloadError::Library(error.kind().to_string()))?;
    silence();
    let result = runtime.block_on(fetch(plan, peers, stop, progress));
    runtime.shutdown_timeout(Duration::from_secs(5));
    result
}

/// Takes this thread out of the log for good.
fn silence() {
    std::mem::forget(tracing::dispatcher::set_default(&tracing::Dispatch::none()));
}

async fn fetch(
    plan: Download,
    peers: Vec<SocketAddr>,
    mut stop: Stop,
    mut progress: impl FnMut(u64, u64),
) -> Result<Downloaded, DownloadError> {
    let content = plan.folder.join("content");
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| DownloadError::Folder { path, source }
    };
    std::fs::create_dir_all(&content).map_err(at(&content))?;
    let content = content.canonicalize().map_err(at(&content))?;
    let allowed = AllowList::write(&plan.folder, &peers)?;
    let identity = Identity::new(plan.client.clone(), None, plan.seed);
    let peer_id = identity.peer_id(&plan.seed.split("download", &[]));
    let options = SessionOptions {
        dht: None,
        disable_trackers: true,
        fastresume: false,
        persistence: None,
        peer_id: Some(librqbit::dht::Id20::new(peer_id.0)),
        listen: None,
        connect: Some(ConnectionOptions { enable_tcp: true, ..ConnectionOptions::default() }),
        allowlist_url: Some(allowed.url.clone()),
        disable_upload: true,
        disable_local_service_discovery: true,
        client_name_and_version: Some(plan.client.clone()),
        ..SessionOptions::default()
    };
    let session = Session::new_with_opts(content.clone(), options).await.map_err(library)?;
    let added = session.add_torrent(
        AddTorrent::from_bytes(plan.metainfo),
        Some(AddTorrentOptions {
            overwrite: true,
            output_folder: Some(content.to_string_lossy().into_owned()),
            disable_trackers: true,
            initial_peers: Some(peers),
            ..AddTorrentOptions::default()
        }),
    );
    let handle =
        added.await.map_err(library)?.into_handle().ok_or_else(|| DownloadError::Library("it was not started".into()))?;
    let deadline = tokio::time::sleep(plan.patience);
    tokio::pin!(deadline);
    let completed = handle.wait_until_completed();
    tokio::pin!(completed);
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    let result = loop {
        tokio::select! {
            completed = &mut completed => break completed.map_err(library),
            () = &mut deadline => break Err(too_slow(&handle.stats())),
            () = stop.stopped() => break Err(too_slow(&handle.stats())),
            _ = tick.tick() => {
                let stats = handle.stats();
                progress(stats.progress_bytes, stats.total_bytes);
            }
        }
    };
    let stats = handle.stats();
    session.stop().await;
    if stats.uploaded_bytes > 0 {
        return Err(DownloadError::Uploaded(stats.uploaded_bytes));
    }
    result?;
    progress(stats.total_bytes, stats.total_bytes);
    Ok(Downloaded { content, bytes: stats.total_bytes, uploaded_bytes: stats.uploaded_bytes })
}

fn too_slow(stats: &librqbit::TorrentStats) -> DownloadError {
    DownloadError::TooSlow { received: stats.progress_bytes, total: stats.total_bytes }
}

/// The library's messages may name addresses; the outermost one says what failed.
fn library(error: impl std::fmt::Display) -> DownloadError {
    let text = error.to_string();
    let names_address = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '=')).any(|word| {
        let word = word.trim_matches(|c: char| matches!(c, '"' | ';' | ':'));
        word.parse::<SocketAddr>().is_ok() || word.parse::<std::net::IpAddr>().is_ok()
    });
    DownloadError::Library(if names_address { "a peer or the network failed".into() } else { text })
}

/// The file that tells the library whom it may dial. It names peers, so it is removed as soon as it is not needed.
struct AllowList {
    path: PathBuf,
    url: String,
}

impl AllowList {
    fn write(folder: &Path, peers: &[SocketAddr]) -> Result<Self, DownloadError> {
        let at = |source| DownloadError::Folder { path: folder.to_path_buf(), source };
        let path = folder.canonicalize().map_err(at)?.join("allowed-peers.txt");
        let lines: Vec<String> = peers.iter().map(|peer| format!("peer:{0}-{0}\n", peer.ip())).collect();
        let url = url::Url::from_file_path(&path).map_err(|()| DownloadError::Library("the folder's path is no URL".into()))?;
        std::fs::write(&path, lines.concat()).map_err(at)?;
        Ok(Self { path, url: url.into() })
    }
}

impl Drop for AllowList {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
