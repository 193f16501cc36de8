//! Operator logs name no peer.

use std::io;
use std::sync::{Arc, Mutex};

use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, plan, target, tracker};

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

#[test]
fn no_event_at_any_level_names_a_peer() {
    let captured = Captured::default();
    let writer = captured.clone();
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    // The subscriber is this thread's, and everything runs on it.
    tracing::subscriber::with_default(log, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let torrent = Arc::new(Torrent::new("privacy"));
            let peers: Vec<_> = (1..=4).map(|host| address(TEST, host, 6881)).collect();
            for (kind, at) in [Kind::Seed, Kind::Web, Kind::Full].into_iter().zip(&peers) {
                peer::start(kind, &torrent, *at).await;
            }
            let at = address(TEST + 1, 250, 7000);
            tracker::http(at, "200 OK", tracker::announce(&peers)).await;
            let plan = plan(TEST, vec![target(&torrent, &[&format!("http://{at}/announce")])]);
            let (summary, _) = Station::found().watch(plan).await;
            assert_eq!(summary.unwrap().progress.peers, 4);
        });
    });
    let text = String::from_utf8_lossy(&captured.0.lock().unwrap()).into_owned();
    assert!(text.contains("the run begins") && text.contains("a tracker was asked"), "{text}");
    assert!(!text.contains("127.131.0."), "{text}");
}
