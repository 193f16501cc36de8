//! Reference copies.

use std::sync::Arc;
use std::time::Duration;

use crawler::{Download, DownloadError, download, stopper};
use swarm::Seed;

use crate::lab::peer::{self, Kind};
use crate::lab::torrent::Torrent;
use crate::lab::{address, clock, mandate, scope, tracker};

const TEST: u8 = 121;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_downloaded_and_nothing_is_sent() {
    let torrent = Arc::new(Torrent::new("download"));
    let (seed, greedy) = (address(TEST, 1, 6881), address(TEST, 2, 6881));
    peer::start(Kind::Seed, &torrent, seed).await;
    let received = peer::start(Kind::Greedy, &torrent, greedy).await;
    let at = address(TEST, 250, 7000);
    tracker::http(at, "200 OK", tracker::announce(&[greedy, seed])).await;
    let folder = tempfile::tempdir().unwrap();
    let plan = |mandates| Download {
        metainfo: torrent.with_tracker(&format!("http://{at}/announce")),
        mandates,
        folder: folder.path().to_path_buf(),
        peers: vec![],
        dht: None,
        scope: scope(),
        bind: swarm::Vantages::any(),
        client: "affiant/0.1.0".into(),
        patience: Duration::from_secs(30),
        seed: Seed::new([6; 32]),
    };
    let (_stopper, stop) = stopper();
    let refused = download(plan(vec![]), clock(), stop.clone(), |_, _| {}).await;
    assert!(matches!(refused, Err(DownloadError::NoMandate(_))));
    let mandates = vec![mandate(torrent.ids(), "2020-01-01", "2099-12-31")];
    let done = download(plan(mandates), clock(), stop, |_, _| {}).await.unwrap();
    assert_eq!((done.bytes, done.uploaded_bytes), (torrent.bytes.len() as u64, 0));
    assert_eq!(std::fs::read(done.content.join("download")).unwrap(), torrent.bytes);
    assert!(!folder.path().join("allowed-peers.txt").exists());
    for stream in received.lock().unwrap().iter() {
        assert!(stream.len() < 4_000, "the greedy peer received {} bytes", stream.len());
    }
}
