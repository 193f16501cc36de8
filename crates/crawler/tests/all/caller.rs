//! Peers that dial us.

use std::sync::Arc;
use std::time::Duration;

use crawler::Until;
use evidence::{Direction, Grade, PortRole};

use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, plan, target};

const TEST: u8 = 101;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_heard_and_never_served() {
    let torrent = Arc::new(Torrent::new("caller"));
    let listen = address(TEST, 254, 6999);
    let mut plan = plan(TEST, vec![target(&torrent, &[])]);
    plan.listen = vec![listen];
    plan.until = Until::Duration(2_500);
    plan.settings.probe.choked_ms = 600;
    let run = tokio::spawn(Station::found().watch(plan));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (seed, greedy, stranger) = (address(TEST, 1, 40_001), address(TEST, 2, 40_002), address(TEST, 3, 40_003));
    let from_seed = peer::dial(Kind::Seed, &torrent, seed, listen).await;
    let from_greedy = peer::dial(Kind::Greedy, &torrent, greedy, listen).await;
    let from_stranger = peer::dial(Kind::WrongHash, &torrent, stranger, listen).await;
    let (summary, log) = run.await.unwrap();
    let progress = summary.unwrap().progress;
    assert_eq!((progress.callers, progress.callers_turned_away), (3, 1));
    let [served] = log.of(seed)[..] else { panic!("one record of the seed") };
    assert_eq!((served.grade, served.direction, served.port_role), (Grade::Served, Direction::Incoming, PortRole::Ephemeral));
    assert_eq!((served.observer, &served.found), (listen, &None));
    let [asked] = log.of(greedy)[..] else { panic!("one record of the greedy peer") };
    assert_eq!((asked.grade, asked.outcome.word()), (Grade::Claimed, "choked"));
    assert!(log.of(stranger).is_empty(), "a stranger's business is not ours");
    [&from_seed, &from_greedy].into_iter().for_each(peer::assert_harmless);
    assert!(from_stranger.lock().unwrap().iter().all(Vec::is_empty), "nothing is said to a stranger");
}
