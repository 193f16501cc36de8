//! The DHT stage over real sockets, against a DHT of which a known part lies.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crawler::{DhtPlan, Keep, TargetPlan, Until, WatchPlan};
use evidence::observation::Source;
use evidence::run::{Fact, LookUpEnding};
use evidence::{InfoHashV1, Outcome, TargetIds, sha256};
use swarm::dht::rounds;
use swarm::dht::{BUDGETS, Caps, Limits, Snapshot};
use swarm::pace::Budgets;
use swarmlab::dht::{DhtConfig, DhtFarm, Place};

use crate::lab::station::{Log, Station};
use crate::lab::{address, mandate, plan};

/// What a laboratory on one machine can bear.
pub const LABORATORY: Budgets =
    Budgets { total: 2_000, per_address: 64, per_network: 1_000, per_second: 2_000, per_address_hour: 100_000, ..BUDGETS };

pub fn dht(farm: &DhtFarm) -> DhtPlan {
    DhtPlan {
        bootstrap: vec![crawler::Entrance::Address(farm.entrance())],
        port: 0,
        announce: false,
        kept: None,
        keep: Keep::nowhere(),
        keep_gap_ms: 600_000,
        exempt_local: false,
        limits: Limits::default(),
        caps: Caps::default(),
        budgets: LABORATORY,
        rounds: rounds::Limits::default(),
    }
}

fn hash(number: usize) -> InfoHashV1 {
    let digest = sha256(format!("torrent {number}").as_bytes());
    InfoHashV1::from(*digest.as_bytes().first_chunk().unwrap())
}

/// A torrent without a tracker, of which nothing but the info-hash is known.
fn bare(number: usize) -> TargetPlan {
    let ids = TargetIds { v1: Some(hash(number)), v2: None };
    TargetPlan {
        ids,
        mandates: vec![mandate(ids, "2020-01-01", "2099-12-31")],
        content: None,
        piece_count: None,
        total_bytes: None,
        is_private: false,
        trackers: vec![],
        peers: vec![],
    }
}

fn bare_plan(test: u8, torrents: usize, farm: &DhtFarm) -> WatchPlan {
    let mut plan = plan(test, (0..torrents).map(bare).collect());
    plan.dht = Some(dht(farm));
    // Liars name the same false peers for every torrent, and a run must not wait for an hour to have tried them all.
    plan.settings.pace.back_off_max_ms = 100;
    plan.settings.pace.per_address_hour = 10_000;
    plan.until = Until::Idle { quiet_ms: 300, at_most_ms: 600_000 };
    plan
}

/// Peers of a torrent. Nobody listens there, so each is refused at once.
fn peers(test: u8, number: usize) -> Vec<SocketAddr> {
    (0..5).map(|peer| address(test, (number * 10 + peer) as u16 + 1, 6_881)).collect()
}

fn wire(hash: InfoHashV1) -> wire::infohash::InfoHashV1 {
    wire::infohash::InfoHashV1(*hash.as_bytes())
}

struct Run {
    log: Log,
    /// True peers on lists of the DHT, of those that an honest node keeps.
    found: usize,
    shared: usize,
    queries: Vec<u32>,
}

async fn run(test: u8, torrents: usize, config: DhtConfig) -> (Run, DhtFarm) {
    let farm = DhtFarm::start(config).await.unwrap();
    let kept: BTreeMap<usize, usize> =
        (0..torrents).map(|number| (number, farm.share(wire(hash(number)), &peers(test, number)))).collect();
    let (result, log) = Station::found().watch(bare_plan(test, torrents, &farm)).await;
    result.unwrap();
    let listed: BTreeSet<(InfoHashV1, SocketAddr)> =
        log.lists.iter().flat_map(|(_, list)| list.peers.iter().map(|peer| (list.target.v1.unwrap(), *peer))).collect();
    let truth = |number: usize| peers(test, number).into_iter().map(move |peer| (hash(number), peer));
    let reachable: Vec<_> = kept.iter().filter(|(_, keepers)| **keepers > 0).flat_map(|(number, _)| truth(*number)).collect();
    let queries = log.facts.iter().filter_map(|fact| match fact {
        Fact::LookedUp { asked, .. } => Some(*asked),
        _ => None,
    });
    let queries = queries.collect();
    let found = reachable.iter().filter(|one| listed.contains(one)).count();
    (Run { found, shared: reachable.len(), queries, log }, farm)
}

/// Every address that a list named was recorded, and nobody was contacted who was on no list.
fn assert_accounted(log: &Log) {
    let mut listed = BTreeSet::new();
    for (kind, digest) in &log.order {
        match kind {
            'l' => listed.insert(*digest),
            _ => {
                let (_, observation) = log.observations.iter().find(|(commitment, _)| commitment == digest).unwrap();
                assert!(listed.contains(&observation.found.as_ref().unwrap().list), "contacted before its list was logged");
                true
            }
        };
    }
    let seen: BTreeSet<_> = log.observations.iter().map(|(_, one)| (one.target.v1, one.peer)).collect();
    for (_, list) in &log.lists {
        assert_eq!(list.source, Source::Dht);
        assert!(list.via.starts_with("dht:") && list.via.contains("@127."), "{}", list.via);
        list.peers.iter().for_each(|peer| assert!(seen.contains(&(list.target.v1, *peer)), "a listed address without a record"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_only_the_dht_names_are_logged_and_contacted() {
    let place = Place::Loopback { octet: 210 };
    let (run, farm) = run(152, 10, DhtConfig { place, ..DhtConfig::default() }).await;
    assert_eq!((run.found, run.shared), (50, 50));
    assert_accounted(&run.log);
    assert!(run.log.observations.iter().all(|(_, one)| one.outcome == Outcome::Refused), "nobody listens there");
    let look_ups: Vec<&Fact> = run.log.facts.iter().filter(|fact| matches!(fact, Fact::LookedUp { .. })).collect();
    assert_eq!(look_ups.len(), 10);
    for fact in look_ups {
        let Fact::LookedUp { agreed, announced, answered, asked, closest, crowded, distinct, ending, named, naming, .. } = fact
        else {
            unreachable!()
        };
        assert_eq!((*ending, *distinct, *crowded, *announced), (LookUpEnding::Complete, 5, false, None));
        assert_eq!((answered, *naming, *named), (asked, 8, 40), "eight nodes keep five peers each");
        assert!(*closest >= 8 && agreed <= closest);
        assert!(*asked <= 40, "{asked} queries in an honest network");
    }
    // Each of the eight nodes told the same, so one list a torrent says it all.
    assert_eq!(run.log.lists.len(), 10);
    assert_eq!(farm.announced(), [], "nothing is announced unless the configuration says so");
}

/// Must hold: a private DHT of at least 256 nodes, 10 % and 50 % poisoned.
async fn poisoned(test: u8, octet: u8, poisoned_percent: usize) {
    let place = Place::Loopback { octet };
    let config = DhtConfig { place, nodes: 256, poisoned_percent, sybils: 64, ..DhtConfig::default() };
    let (run, farm) = run(test, 24, config).await;
    let all: u32 = run.queries.iter().sum();
    let most = run.queries.iter().max().unwrap();
    println!("{poisoned_percent} % poisoned: {} of {} peers, {all} queries, at most {most} a look-up", run.found, run.shared);
    assert!(run.found * 100 >= run.shared * 99, "{} of {} peers", run.found, run.shared);
    assert!(run.shared >= 100, "the eight closest nodes all lie for too many torrents: choose another seed");
    assert!(*most <= Limits::default().queries_max);
    // Our own table takes queries too: the node's own place, and some buckets.
    let asked = farm.asked();
    assert!(asked.total() <= u64::from(Limits::default().queries_max) * 40, "{} queries in all", asked.total());
    assert_accounted(&run.log);
    let false_peers = run.log.observations.iter().filter(|(_, one)| farm.is_false_peer(one.peer));
    assert!(false_peers.clone().count() > 0, "the lies were heard, logged and found to be nobody");
    false_peers.for_each(|(_, one)| assert_eq!(one.outcome, Outcome::Refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_are_found_where_a_tenth_of_the_nodes_lie() {
    poisoned(153, 220, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_are_found_where_half_of_the_nodes_lie() {
    poisoned(154, 230, 50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_kept_for_the_next_run() {
    let farm =
        DhtFarm::start(DhtConfig { place: Place::Loopback { octet: 240 }, nodes: 60, ..DhtConfig::default() }).await.unwrap();
    farm.share(wire(hash(0)), &peers(155, 0));
    let texts = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&texts);
    let mut first = bare_plan(155, 1, &farm);
    first.dht.as_mut().unwrap().keep = Keep::new(move |text| sink.lock().unwrap().push(text.to_owned()));
    Station::found().watch(first).await.0.unwrap();
    let text = texts.lock().unwrap().last().unwrap().clone();
    let kept = Snapshot::parse(&text).unwrap();
    assert!(kept.nodes.len() >= 8, "{} nodes", kept.nodes.len());
    // Nobody to begin with but those whom the first run knew.
    let mut second = bare_plan(155, 1, &farm);
    let dht = second.dht.as_mut().unwrap();
    (dht.bootstrap, dht.kept) = (vec![], Some(kept));
    let (result, log) = Station::found().watch(second).await;
    assert_eq!(result.unwrap().progress.look_ups, BTreeMap::from([("complete", 1)]));
    assert_eq!(log.observations.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn we_announce_our_port_only_where_the_configuration_says_so() {
    let farm =
        DhtFarm::start(DhtConfig { place: Place::Loopback { octet: 200 }, nodes: 60, ..DhtConfig::default() }).await.unwrap();
    let mut plan = bare_plan(156, 1, &farm);
    plan.dht.as_mut().unwrap().announce = true;
    plan.announce_port = None;
    plan.listen = vec![address(156, 0xff01, 0)];
    let (result, log) = Station::found().watch(plan).await;
    result.unwrap();
    let Some(Fact::Started { observers, .. }) = log.facts.first() else { panic!("a run begins") };
    let port = observers.iter().map(SocketAddr::port).find(|port| *port != 0).unwrap();
    let announced = farm.announced();
    assert_eq!(announced.len(), 8, "once to each of the closest");
    for (of, peer) in announced {
        assert_eq!((of, peer), (wire(hash(0)), address(156, 0xff01, port)));
    }
    let Some(Fact::LookedUp { announced: Some(announced), .. }) =
        log.facts.iter().find(|fact| matches!(fact, Fact::LookedUp { .. }))
    else {
        panic!("the look-up is in the log, with its announces")
    };
    assert_eq!((announced.accepted, announced.port, announced.refused, announced.silent), (8, port, 0, 0));
    assert_eq!(log.observations.len(), 0, "we do not contact ourselves");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dht_in_which_nobody_answers_is_said_to_be_silent() {
    let farm =
        DhtFarm::start(DhtConfig { place: Place::Loopback { octet: 190 }, nodes: 1, ..DhtConfig::default() }).await.unwrap();
    let mut plan = bare_plan(157, 2, &farm);
    drop(farm);
    plan.dht.as_mut().unwrap().limits.answer_ms = 300;
    let (result, log) = Station::found().watch(plan).await;
    let summary = result.unwrap();
    assert_eq!(summary.progress.look_ups, BTreeMap::from([("silence", 2)]));
    let silent =
        log.facts.iter().filter(|fact| matches!(fact, Fact::LookedUp { ending: LookUpEnding::Silence, answered: 0, .. }));
    assert_eq!((silent.count(), log.lists.len()), (2, 0));
}
