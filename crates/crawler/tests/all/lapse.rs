//! Mandates that end while a run goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crawler::{Clock, Reading, Reason, Until};
use evidence::Now;

use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, mandate, plan, target, tracker};

const TEST: u8 = 151;

/// A wall clock on which a day ends soon. It counts how often it is read.
struct Midnight {
    clock: Arc<dyn Clock>,
    ahead_ms: i64,
    reads: AtomicU64,
}

impl Clock for Midnight {
    fn now(&self) -> Now {
        self.reads.fetch_add(1, Relaxed);
        let now = self.clock.now();
        Now { mono: now.mono, utc: now.utc.plus_ms(self.ahead_ms) }
    }

    fn reading(&self) -> Reading {
        self.clock.reading()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torrent_whose_mandate_ends_is_closed_and_accounted_for() {
    let (lapsing, lasting) = (Arc::new(Torrent::new("lapsing")), Arc::new(Torrent::new("lasting")));
    let peers: Vec<_> = (1..=30).map(|host| address(TEST, host, 6881)).collect();
    for at in &peers {
        peer::start(Kind::Silent, &lapsing, *at).await;
    }
    let (first, second) = (address(TEST, 5_000, 7000), address(TEST, 5_001, 7000));
    let asked = tracker::http(first, "200 OK", tracker::announce(&peers)).await;
    // In another network than those that keep their network busy.
    let late = address(TEST, 1_000, 6881);
    peer::start(Kind::Seed, &lasting, late).await;
    tracker::http(second, "200 OK", tracker::announce(&[late])).await;

    let clock = crate::lab::clock();
    let now = clock.now();
    let day_ms = 86_400_000;
    // A second before midnight, two days on, when the run begins: the ledger's keys are founded on this clock.
    let ahead_ms = day_ms - now.utc.ms().rem_euclid(day_ms) - 1_500 + day_ms;
    let clock = Arc::new(Midnight { clock, ahead_ms, reads: AtomicU64::new(0) });
    let today = clock.now().utc.date().to_string();
    let mut closing = target(&lapsing, &[&format!("http://{first}/announce")]);
    closing.mandates = vec![mandate(lapsing.ids(), "2020-01-01", &today)];
    let mut plan = plan(TEST, vec![closing, target(&lasting, &[&format!("http://{second}/announce")])]);
    plan.settings.pace.per_network = 10;
    plan.settings.probe.handshake_ms = 60_000;
    plan.until = Until::Duration(4_000);
    let station = Station::with(Arc::clone(&clock) as Arc<dyn Clock>);
    let run = tokio::spawn(station.watch(plan));
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let farewells = || asked.lock().unwrap().iter().filter(|request| request.contains("&event=stopped")).count();
    assert_eq!(farewells(), 1, "the tracker was told at once, not at the end of the run");
    let reads = clock.reads.load(Relaxed);
    tokio::time::sleep(std::time::Duration::from_millis(1_000)).await;
    let busy = clock.reads.load(Relaxed) - reads;
    assert!(busy < 400, "the clock was read {busy} times in a second with nothing to do");
    let (summary, log) = run.await.unwrap();
    assert_eq!(summary.unwrap().reason, Reason::Duration);
    assert_eq!(farewells(), 1);
    let words: Vec<_> = peers.iter().map(|peer| log.of(*peer)[0].outcome.word()).collect();
    assert!(peers.iter().all(|peer| log.of(*peer).len() == 1));
    let not_tried = words.iter().filter(|word| **word == "not-tried").count();
    assert_eq!(not_tried, 20, "{words:?}");
    for peer in peers.iter().filter(|peer| log.of(**peer)[0].outcome.word() == "not-tried") {
        let observation = log.of(*peer)[0];
        assert!(
            observation.mandates_sha256.is_empty() && observation.times.ended.mono_us < 3_000_000,
            "recorded when it was decided"
        );
    }
    assert_eq!(log.of(late).len(), 2, "the other torrent goes on");
}
