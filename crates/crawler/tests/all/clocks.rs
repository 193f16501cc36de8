//! Clocks that are stepped, and what is then vouched for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use crawler::{Clock, Reading, Until};
use evidence::{Now, Utc};

use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, nowhere, plan, target};

const TEST: u8 = 141;

/// A wall clock that is set forward after a while, and an error that is known up to a number of readings.
struct Stepping {
    clock: Arc<dyn Clock>,
    step_at_ms: u64,
    readings: AtomicU64,
    known_readings: u64,
}

impl Clock for Stepping {
    fn now(&self) -> Now {
        let now = self.clock.now();
        let step_ms = if now.mono.us() / 1_000 < self.step_at_ms { 0 } else { 10_000 };
        Now { mono: now.mono, utc: now.utc.plus_ms(step_ms) }
    }

    fn reading(&self) -> Reading {
        let before = self.readings.fetch_add(1, Relaxed);
        // Grows from one reading to the next, so that the larger of two is the later one.
        let error_ms = (before < self.known_readings).then_some(50 + before as u32);
        Reading { error_ms, source: "test".into(), synchronised: error_ms.is_some() }
    }
}

fn stepping(step_at_ms: u64, known_readings: u64) -> Arc<dyn Clock> {
    Arc::new(Stepping { clock: crate::lab::clock(), step_at_ms, readings: AtomicU64::new(0), known_readings })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_across_a_step_of_the_clock_has_no_known_error() {
    let torrent = Arc::new(Torrent::new("step"));
    let (before, across) = (address(TEST, 1, 6881), address(TEST, 2, 6881));
    peer::start(Kind::Seed, &torrent, before).await;
    peer::start(Kind::Choker, &torrent, across).await;
    let mut target = target(&torrent, &[]);
    target.peers = vec![before, across];
    let mut plan = plan(TEST, vec![target]);
    plan.settings.probe.choked_ms = 3_000;
    let (summary, log) = Station::with(stepping(2_000, u64::MAX)).watch(plan).await;
    summary.unwrap();
    assert!(log.of(before).len() == 2 && log.of(before).iter().all(|observation| observation.times.error_ms.is_some()));
    let [choked] = log.of(across)[..] else { panic!("one record of the choker") };
    assert_eq!((choked.outcome.word(), choked.times.error_ms), ("choked", None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_error_is_read_on_both_sides_of_a_contact() {
    let torrent = Arc::new(Torrent::new("readings"));
    let peer = address(TEST + 1, 1, 6881);
    peer::start(Kind::Choker, &torrent, peer).await;
    // The first reading is the record of the run's start; those of the only contact are the second and the third.
    for (known_readings, due) in [(u64::MAX, Some(52)), (3, Some(52)), (2, None), (1, None)] {
        let mut target = target(&torrent, &[]);
        target.peers = vec![peer];
        let (_, log) = Station::with(stepping(u64::MAX, known_readings)).watch(plan(TEST + 1, vec![target])).await;
        assert_eq!(log.of(peer)[0].times.error_ms, due, "{known_readings}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attribution_is_asked_for_the_moment_of_the_proof() {
    let torrent = Arc::new(Torrent::new("moments"));
    let (seed, silent, caller) = (address(TEST + 2, 1, 6881), address(TEST + 2, 2, 6881), address(TEST + 2, 3, 40_003));
    peer::start(Kind::Seed, &torrent, seed).await;
    peer::start(Kind::Silent, &torrent, silent).await;
    let mut target = target(&torrent, &[]);
    target.peers = vec![seed, silent];
    let mut plan = plan(TEST + 2, vec![target]);
    plan.until = Until::Duration(2_500);
    plan.listen = vec![address(TEST + 2, 254, 6999)];
    let asked = Arc::new(Mutex::new(Vec::<(std::net::IpAddr, Utc)>::new()));
    let notes = Arc::clone(&asked);
    let attribute = move |address, at| {
        notes.lock().unwrap().push((address, at));
        nowhere(address, at)
    };
    let listen = plan.listen[0];
    let run = tokio::spawn(Station::found().attributed(plan, attribute));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let _said = peer::dial(Kind::Seed, &torrent, caller, listen).await;
    let (summary, log) = run.await.unwrap();
    summary.unwrap();
    let asked = asked.lock().unwrap();
    assert!(log.observations.iter().any(|(_, seen)| seen.peer == caller) && log.observations.len() >= 4);
    assert_eq!(asked.len(), log.observations.len());
    for (_, observation) in &log.observations {
        let times = &observation.times;
        let due = (observation.peer.ip(), times.first_block.unwrap_or(times.began).utc);
        assert!(asked.contains(&due), "{:?}", observation.outcome);
    }
}
