//! Starts every installed client for real, as seeder and as leecher, and downloads from it.
//!
//! A client that is not installed is skipped with a notice, except where `CI` is set: there it is a failure.

mod guard;
mod outside;
mod stranger;
mod synthetic;
mod tracker;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use swarmlab::clients::{Client, ClientError, Encryption, Found, Role, Running, Start, Streams, Torrent, start};

use stranger::BLOCK_BYTES;
use synthetic::{PIECE_BYTES, PIECE_COUNT, Synthetic};
use tracker::Tracker;

const PORT: u16 = 6881;

/// An address that no other test, and hardly another run, uses.
fn address(test: u8, host: u8) -> Ipv4Addr {
    let run = u8::try_from(std::process::id() % 200).unwrap() + 20;
    Ipv4Addr::new(127, run, test, host)
}

fn find(client: Client) -> Option<Found> {
    let found = client.find();
    if found.is_none() {
        let notice = format!("{client} is not installed: {}", client.installation());
        assert!(std::env::var_os("CI").is_none(), "{notice}");
        eprintln!("!!! SKIPPED !!! {notice}");
    }
    found
}

/// What a client shares, of its folders the last.
fn shared<'a>(files: &Synthetic, folders: &'a [PathBuf; 3]) -> [Torrent<'a>; 1] {
    [Torrent { file: &folders[2], info_hash: files.info_hash, piece_count: PIECE_COUNT }]
}

fn plan<'a>(torrents: &'a [Torrent<'a>], folders: &'a [PathBuf; 3], address: Ipv4Addr, role: Role) -> Start<'a> {
    let [dir, content_dir, _] = folders;
    Start {
        dir,
        address: address.into(),
        port: PORT,
        torrents,
        content_dir,
        role,
        encryption: Encryption::Default,
        streams: Streams::Any,
        peer_exchange: false,
        dht: None,
        ready_within: Duration::from_secs(60),
    }
}

async fn started(client: Client, found: &Found, start_as: Start<'_>) -> Running {
    let began = Instant::now();
    let role = start_as.role;
    let running = start(client, found, start_as).await.unwrap_or_else(|error| panic!("{error}"));
    eprintln!("{client} {}: {role:?} ready after {} ms", found.version, began.elapsed().as_millis());
    running
}

async fn seeds(test: u8, client: Client) {
    let Some(found) = find(client) else { return };
    let tracker = Tracker::start(address(test, 1)).await;
    let files = Synthetic::new(&format!("seed-{client}"), &tracker.announce);
    let folders = [files.folder("client"), files.content_folder("content"), files.torrent()];
    let torrents = shared(&files, &folders);
    let seeder = started(client, &found, plan(&torrents, &folders, address(test, 2), Role::Seed)).await;

    assert_eq!(seeder.claimed_pieces().await.unwrap(), Some(PIECE_COUNT));
    let began = Instant::now();
    let (piece, block) = stranger::first_block(address(test, 3), seeder.address(), files.info_hash)
        .await
        .unwrap_or_else(|error| panic!("{client} served nothing: {error}\n{}", seeder.log_tail()));
    eprintln!("{client}: one block of piece {piece} after {} ms", began.elapsed().as_millis());
    let at = piece as usize * PIECE_BYTES;
    assert!(block == files.content[at..at + BLOCK_BYTES], "{client} sent a wrong block");
    let announced = tracker.peers();
    assert!(announced.iter().all(|peer| *peer == seeder.address()), "{client} announced from elsewhere: {announced:?}");
    seeder.stop().await;
    assert!(std::net::TcpListener::bind((address(test, 2), PORT)).is_ok());
}

/// Who starts first. The second hears of the first from the tracker at once, the first of the second only minutes later.
#[derive(Clone, Copy, PartialEq)]
enum First {
    Leecher,
    Feeder,
}

async fn leeches(test: u8, client: Client, feeder: Client, first: First) {
    let (Some(found), Some(feeder_found)) = (find(client), find(feeder)) else { return };
    let tracker = Tracker::start(address(test, 1)).await;
    let files = Synthetic::new(&format!("leech-{client}"), &tracker.announce);
    let folders = [files.folder("client"), files.folder("download"), files.torrent()];
    let feeder_folders = [files.folder("feeder"), files.content_folder("content"), files.torrent()];
    let torrents = shared(&files, &folders);
    let leech = plan(&torrents, &folders, address(test, 2), Role::Leech);
    let feeder_torrents = shared(&files, &feeder_folders);
    let seed = plan(&feeder_torrents, &feeder_folders, address(test, 3), Role::Seed);

    let (mut leecher, seeder);
    if first == First::Leecher {
        leecher = started(client, &found, leech).await;
        assert_eq!(leecher.claimed_pieces().await.unwrap().unwrap_or(0), 0);
        announced(&tracker).await;
        seeder = started(feeder, &feeder_found, seed).await;
    } else {
        seeder = started(feeder, &feeder_found, seed).await;
        announced(&tracker).await;
        leecher = started(client, &found, leech).await;
    }
    let began = Instant::now();
    leecher
        .complete(Duration::from_secs(90))
        .await
        .unwrap_or_else(|error| panic!("{error}\nthe feeder's log ends with:\n{}", seeder.log_tail()));
    eprintln!("{client}: complete from {feeder} after {} ms", began.elapsed().as_millis());
    leecher.stop().await;
    seeder.stop().await;
    assert!(Synthetic::downloaded(Path::new(&folders[1])) == files.content);
}

async fn announced(tracker: &Tracker) {
    while tracker.peers().is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transmission_seeds() {
    seeds(1, Client::Transmission).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn qbittorrent_seeds() {
    seeds(2, Client::QBittorrent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deluge_seeds() {
    seeds(3, Client::Deluge).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rtorrent_seeds() {
    seeds(4, Client::Rtorrent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aria2_seeds() {
    seeds(5, Client::Aria2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libtorrent_seeds() {
    seeds(17, Client::Libtorrent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webtorrent_seeds() {
    seeds(18, Client::Webtorrent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transmission_leeches() {
    leeches(6, Client::Transmission, Client::QBittorrent, First::Leecher).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn qbittorrent_leeches() {
    leeches(7, Client::QBittorrent, Client::Transmission, First::Feeder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deluge_leeches() {
    leeches(8, Client::Deluge, Client::Rtorrent, First::Feeder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rtorrent_leeches() {
    leeches(9, Client::Rtorrent, Client::Aria2, First::Feeder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aria2_leeches() {
    leeches(10, Client::Aria2, Client::Deluge, First::Feeder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libtorrent_leeches() {
    leeches(19, Client::Libtorrent, Client::Webtorrent, First::Feeder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webtorrent_leeches() {
    leeches(20, Client::Webtorrent, Client::Libtorrent, First::Feeder).await;
}

/// A seeder whose content is missing is not handed out as one.
#[tokio::test]
async fn a_seeder_without_content_is_not_ready() {
    let Some(found) = find(Client::Aria2) else { return };
    let files = Synthetic::new("no-content", "http://127.0.0.1:9/announce");
    let folders = [files.folder("client"), files.folder("content"), files.torrent()];
    let torrents = shared(&files, &folders);
    let mut plan = plan(&torrents, &folders, address(11, 2), Role::Seed);
    plan.ready_within = Duration::from_secs(3);
    match start(Client::Aria2, &found, plan).await {
        Err(ClientError::TooSlow { aim, last, .. }) => {
            assert_eq!((aim, last.as_str()), ("ready", "it claims 0 of 64 pieces"));
        }
        other => panic!("{other:?}"),
    }
}
