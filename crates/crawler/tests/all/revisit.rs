//! Peers that served are visited again, as far as the budget of their address goes.

use std::sync::Arc;

use crawler::{Progress, Until, stopper, watch};
use evidence::Grade;
use evidence::observation::Purpose;
use swarm::continuity::Revisit;

use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, nowhere, plan, target, tracker};

const TEST: u8 = 187;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_has_room_is_kept_going_and_one_that_has_none_is_counted() {
    let torrent = Arc::new(Torrent::new("revisit"));
    let seeds = [address(TEST, 1, 6881), address(TEST, 1, 6882)];
    for seed in seeds {
        peer::start(Kind::Seed, &torrent, seed).await;
    }
    let at = address(TEST, 5_000, 7000);
    tracker::http(at, "200 OK", tracker::announce(&seeds)).await;
    let mut plan = plan(TEST, vec![target(&torrent, &[&format!("http://{at}/announce")])]);
    let revisit = Revisit { after_ms: 1_000, within_ms: 60_000 };
    plan.settings.revisit = Some(revisit);
    // 3,601 visits of two contacts in an hour: three quarters of this hold one session and not two.
    plan.settings.pace.per_address_hour = 9_604;
    plan.settings.pace.per_second = 20_000;
    plan.until = Until::Stopped;
    let station = Station::found();
    let (stopper, stop) = stopper();
    let mut kept = 0;
    let enough = |counts: &Progress| {
        kept = kept.max(counts.kept);
        if counts.observations >= 8 {
            stopper.stop();
        }
    };
    let summary = watch(plan, station.appender.clone(), nowhere, Arc::clone(&station.clock), stop, enough).await.unwrap();
    assert_eq!((kept, summary.progress.continuity_lost), (1, 1));

    let log = station.close().await;
    let mut served: Vec<Vec<u64>> = Vec::new();
    for seed in seeds {
        let probes = log.of(seed).into_iter().filter(|seen| seen.purpose == Purpose::Probe && seen.grade == Grade::Served);
        served.push(probes.map(|seen| seen.times.last_block.unwrap().mono_us).collect());
    }
    served.sort_by_key(Vec::len);
    assert_eq!(served[0].len(), 1, "without room it is not visited before its session is over");
    assert!(served[1].len() >= 3);
    assert!(served[1].windows(2).all(|pair| pair[1] - pair[0] >= revisit.after_ms * 1_000), "and nobody sooner than due");
}
