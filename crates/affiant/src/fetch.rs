//! Fetches what a dossier is built from: the info dictionary of a magnet, and a reference copy with upload disabled.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use crawler::{DhtPlan, Download, Mandated, MetadataPlan, Stop, stopper};
use evidence::{InfoHashV1, InfoHashV2, TargetIds};
use swarm::{Seed, ladder::Allowed};
use wire::{
    bencode::Item,
    magnet::{Magnet, PeerHint},
    metainfo::Metainfo,
    tracker_url::TrackerUrl,
};

use crate::{
    book::Book,
    clock::{self, RunClock},
    dht, plan, progress,
    station::Station,
};

/// The longest search for the info dictionary of a magnet.
const METADATA_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// The longest download of a reference copy.
const DOWNLOAD_PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Gets the torrent file of a magnet from its peers (BEP 9).
pub fn torrent_of_magnet(station: &Station, book: &Book, link: &str) -> Result<Vec<u8>> {
    let magnet = parse_magnet(link)?;
    let target =
        TargetIds { v1: magnet.v1.map(|hash| InfoHashV1::from(hash.0)), v2: magnet.v2.map(|hash| InfoHashV2::from(hash.0)) };
    if book.mandates_for(&target, clock::utc()).is_empty() {
        bail!("no mandate in force names {target}; nobody is contacted without one");
    }
    let fetch = MetadataPlan {
        ids: target,
        trackers: magnet.trackers.clone(),
        peers: peers_of(&magnet),
        dht: any_port(station)?,
        allowed: Allowed::ALL,
        scope: plan::scope(&station.config, plan::owner_seeds(book))?,
        bind: plan::bind(&station.config),
        client: plan::client(&station.config),
        patience: METADATA_PATIENCE,
        limits: swarm::metadata::Limits::default(),
        seed: seed()?,
    };
    let spinner = progress::spinner("asking peers for the torrent's metadata");
    let info = until_stopped(|clock, stop| async move { Ok(crawler::fetch_metadata(fetch, clock, stop).await?) })?;
    spinner.finish_and_clear();
    let torrent = torrent_file(&info, &magnet.trackers);
    if Metainfo::parse(&torrent).is_ok_and(|metainfo| metainfo.info.is_private()) {
        bail!(
            "the torrent is private (BEP 27) and the magnet's trackers need not be its own: get the torrent file and give that"
        );
    }
    Ok(torrent)
}

/// Reads a magnet link.
pub fn parse_magnet(link: &str) -> Result<Magnet> {
    Magnet::parse(link).map_err(|fault| anyhow::anyhow!("the magnet link is refused: {fault}"))
}

/// The addresses that a magnet names (`x.pe`).
pub fn peers_of(magnet: &Magnet) -> Vec<SocketAddr> {
    let addresses = magnet.peers.iter().filter_map(|hint| match hint {
        PeerHint::Address(address) => Some(*address),
        _ => None,
    });
    addresses.collect()
}

/// A torrent file around an info dictionary whose bytes must stay as they are.
fn torrent_file(info: &[u8], trackers: &[TrackerUrl]) -> Vec<u8> {
    let tiers = trackers.iter().map(|tracker| Item::List(vec![tracker.as_str().into()]));
    let mut file = b"d13:announce-list".to_vec();
    file.extend(Item::List(tiers.collect()).encode());
    file.extend(b"4:info");
    file.extend(info);
    file.push(b'e');
    file
}

/// Downloads the content of a mandated torrent into `folder`, with upload disabled; returns where it lies.
pub fn content(
    station: &Station,
    book: &Book,
    target: &TargetIds,
    metainfo: Vec<u8>,
    folder: &Path,
    peers: Vec<SocketAddr>,
) -> Result<PathBuf> {
    let mandates = book.mandates_for(target, clock::utc());
    let mandates = mandates.into_iter().map(|filed| Mandated { mandate: filed.says.clone(), sha256: filed.note_sha256 });
    let download = Download {
        metainfo,
        mandates: mandates.collect(),
        folder: folder.to_path_buf(),
        peers,
        dht: any_port(station)?,
        scope: plan::scope(&station.config, plan::owner_seeds(book))?,
        bind: plan::bind(&station.config),
        client: plan::client(&station.config),
        patience: DOWNLOAD_PATIENCE,
        seed: seed()?,
    };
    let bar = progress::bar(0, "downloading");
    let shown = bar.clone();
    let report = move |received, total| {
        shown.set_length(total);
        shown.set_position(received);
    };
    let downloaded = until_stopped(|clock, stop| async move { Ok(crawler::download(download, clock, stop, report).await?) })?;
    bar.finish_and_clear();
    Ok(downloaded.content)
}

/// How the DHT is asked beside a run, which may hold the configured port.
fn any_port(station: &Station) -> Result<Option<DhtPlan>> {
    Ok(dht::plan(station)?.map(|plan| DhtPlan { port: 0, announce: false, ..plan }))
}

fn seed() -> Result<Seed> {
    let mut seed = [0; 32];
    plan::fill(&mut seed)?;
    Ok(Seed::new(seed))
}

/// Runs to the end, or until Ctrl-C.
fn until_stopped<T, F: Future<Output = Result<T>>>(work: impl FnOnce(Arc<dyn crawler::Clock>, Stop) -> F) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let (stopper, stop) = stopper();
        let clock = Arc::new(RunClock::start());
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stopper.stop();
            }
        });
        work(clock, stop).await
    })
}
