//! Operator logs name no peer.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crawler::{Download, download, stopper};
use swarm::Seed;

use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, clock, mandate, plan, scope, target, tracker};

const TEST: u8 = 131;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_at_any_level_names_a_peer() {
    let captured = Captured::default();
    let writer = captured.clone();
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    // For the whole process: the library that downloads has threads of its own. Other tests' peers are elsewhere.
    tracing::subscriber::set_global_default(log).unwrap();
    let torrent = Arc::new(Torrent::new("privacy"));
    let peers: Vec<_> = (1..=4).map(|host| address(TEST, host, 6881)).collect();
    for (kind, at) in [Kind::Seed, Kind::Web, Kind::Full].into_iter().zip(&peers) {
        peer::start(kind, &torrent, *at).await;
    }
    let at = address(TEST + 1, 250, 7000);
    let url = format!("http://{at}/announce");
    tracker::http(at, "200 OK", tracker::announce(&peers)).await;
    let (summary, _) = Station::found().watch(plan(TEST, vec![target(&torrent, &[&url])])).await;
    assert_eq!(summary.unwrap().progress.peers, 4);

    let folder = tempfile::tempdir().unwrap();
    let (_stopper, stop) = stopper();
    let copy = Download {
        metainfo: torrent.with_tracker(&url),
        mandates: vec![mandate(torrent.ids(), "2020-01-01", "2099-12-31")],
        folder: folder.path().to_path_buf(),
        peers: vec![],
        dht: None,
        scope: scope(),
        bind: swarm::Vantages::any(),
        client: "affiant/0.1.0".into(),
        patience: Duration::from_secs(30),
        seed: Seed::new([6; 32]),
    };
    download(copy, clock(), stop, |_, _| {}).await.unwrap();

    let text = String::from_utf8_lossy(&captured.0.lock().unwrap()).into_owned();
    assert!(text.contains("the run begins") && text.contains("a tracker was asked"));
    let named: Vec<&str> = text.lines().filter(|line| line.contains("127.131.0.")).collect();
    assert!(named.is_empty(), "{named:#?}");
}
