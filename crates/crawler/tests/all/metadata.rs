//! Magnets.

use std::sync::Arc;
use std::time::Duration;

use crawler::{MetadataError, MetadataPlan, fetch_metadata, stopper};
use evidence::{InfoHashV1, TargetIds};
use swarm::Seed;
use swarm::ladder::{Allowed, Means};
use swarmlab::behaviour::{Behaviour, Mix};
use swarmlab::dht::{DhtConfig, DhtFarm, Place};
use swarmlab::farm::{Farm, FarmConfig};
use swarmlab::gossip::{Gossip, Word};
use swarmlab::network::Network;
use swarmlab::torrent::{Shape, SyntheticTorrent};
use wire::tracker_url::TrackerUrl;

use crate::dht::dht;
use crate::lab::means;
use crate::lab::peer::{self, Kind};
use crate::lab::torrent::{PIECE_BYTES, Torrent};
use crate::lab::{address, clock, scope, tracker};

const TEST: u8 = 111;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_info_dictionary_comes_from_whoever_has_it() {
    let torrent = Arc::new(Torrent::new("magnet"));
    let (full, seed) = (address(TEST, 1, 6881), address(TEST, 2, 6881));
    peer::start(Kind::Full, &torrent, full).await;
    let received = peer::start(Kind::Seed, &torrent, seed).await;
    let at = address(TEST, 250, 7000);
    let asked = tracker::http(at, "200 OK", tracker::announce(&[seed, "192.0.2.1:6881".parse().unwrap()])).await;
    let plan = |trackers: Vec<TrackerUrl>| MetadataPlan {
        ids: TargetIds::of_v1(InfoHashV1::from(torrent.hash())),
        trackers,
        peers: vec![full],
        dht: None,
        allowed: Allowed::PLAIN_TCP,
        scope: scope(),
        bind: swarm::Vantages::new([[127, TEST, 255, 1].into()]),
        client: "affiant/0.1.0".into(),
        patience: Duration::from_secs(10),
        limits: swarm::metadata::Limits::default(),
        seed: Seed::new([5; 32]),
    };
    let (_stopper, stop) = stopper();
    let url = TrackerUrl::parse(&format!("http://{at}/announce")).unwrap();
    assert_eq!(fetch_metadata(plan(vec![url]), clock(), stop.clone()).await, Ok(torrent.info.clone()));
    assert_eq!(asked.lock().unwrap().len(), 2, "started and stopped");
    peer::assert_harmless(&received);
    assert_eq!(fetch_metadata(plan(vec![]), clock(), stop.clone()).await, Err(MetadataError::NobodyHasIt { tried: 1 }));
    // However many ports of one address are named, a handful are tried.
    let flood = address(TEST, 3, 0);
    let ports = (7_000..7_500).map(|port| std::net::SocketAddr::new(flood.ip(), port)).collect();
    let flooded = MetadataPlan { peers: ports, ..plan(vec![]) };
    assert_eq!(fetch_metadata(flooded, clock(), stop.clone()).await, Err(MetadataError::NobodyHasIt { tried: 4 }));
    let nobody = MetadataPlan { peers: vec!["192.0.2.1:6881".parse().unwrap()], ..plan(vec![]) };
    assert_eq!(fetch_metadata(nobody, clock(), stop).await, Err(MetadataError::NoPeers));
}

/// A search of a magnet that names these peers.
fn magnet(test: u8, info_hash: [u8; 20], peers: Vec<std::net::SocketAddr>) -> MetadataPlan {
    let limits = swarm::metadata::Limits { handshake_ms: 3_000, ..swarm::metadata::Limits::default() };
    MetadataPlan {
        ids: TargetIds::of_v1(InfoHashV1::from(info_hash)),
        trackers: vec![],
        peers,
        dht: None,
        allowed: Allowed::ALL,
        scope: scope(),
        bind: swarm::Vantages::new([[127, test, 255, 1].into()]),
        client: "affiant/0.1.0".into(),
        patience: Duration::from_secs(120),
        limits,
        seed: Seed::new([5; 32]),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_is_asked_by_whatever_means_it_takes() {
    let torrent = Arc::new(Torrent::new("magnet by all means"));
    for (row, by) in Means::ALL.into_iter().enumerate() {
        let at = address(TEST + 1, row as u16 + 1, 6881);
        let received = means::start(Kind::Seed, by, &torrent, at).await;
        let (_stopper, stop) = stopper();
        let fetched = fetch_metadata(magnet(TEST + 1, torrent.hash(), vec![at]), clock(), stop.clone()).await;
        assert_eq!(fetched, Ok(torrent.info.clone()), "{by:?}");
        peer::assert_harmless(&received);
        let only = MetadataPlan { allowed: Allowed::PLAIN_TCP, ..magnet(TEST + 1, torrent.hash(), vec![at]) };
        assert_eq!(fetch_metadata(only, clock(), stop).await.is_ok(), by == Means::TCP, "{by:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_none_may_know_somebody_who_does() {
    let synthetic = SyntheticTorrent::new("film", 7, Shape::File { length: 300_000 }, PIECE_BYTES, &[]).unwrap();
    let (info, info_hash) = (synthetic.info().raw().to_vec(), synthetic.info_hash().0);
    let mix = Mix::new(&[(Behaviour::Indexer, 1), (Behaviour::Seed, 1), (Behaviour::Liar, 1)]);
    let farm = Farm::start(FarmConfig::new(vec![Arc::new(synthetic)], mix.clone())).await.unwrap();
    let network = Network::new("test", 64_496, [127, TEST + 2, 0, 0].into(), 16);
    let one = |behaviour| farm.listed(network.hosts_that(behaviour, &mix).next().unwrap()).into();
    let (knows, liar, has) = (one(Behaviour::Indexer), one(Behaviour::Liar), one(Behaviour::Seed));
    let (_stopper, stop) = stopper();
    let fetched = fetch_metadata(magnet(TEST + 2, info_hash, vec![knows, liar]), clock(), stop.clone()).await;
    assert_eq!(fetched, Err(MetadataError::NobodyHasIt { tried: 2 }), "one has none, the other's has another hash");
    let gossip = Gossip { others: None, by_host: [(knows.ip(), Word::Names(vec![liar, has]))].into() };
    farm.set_gossip(gossip);
    let fetched = fetch_metadata(magnet(TEST + 2, info_hash, vec![knows]), clock(), stop).await;
    assert_eq!(fetched, Ok(info));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dht_names_peers_too() {
    let torrent = Arc::new(Torrent::new("magnet in the DHT"));
    let at = address(TEST + 3, 1, 6881);
    peer::start(Kind::Seed, &torrent, at).await;
    let place = Place::Loopback { octet: 170 };
    let farm = DhtFarm::start(DhtConfig { place, nodes: 60, poisoned_percent: 0, ..DhtConfig::default() }).await.unwrap();
    assert!(farm.share(wire::infohash::InfoHashV1(torrent.hash()), &[at]) > 0);
    let (_stopper, stop) = stopper();
    let alone = magnet(TEST + 3, torrent.hash(), vec![]);
    assert_eq!(fetch_metadata(alone, clock(), stop.clone()).await, Err(MetadataError::NoPeers));
    let with_dht = MetadataPlan { dht: Some(dht(&farm)), ..magnet(TEST + 3, torrent.hash(), vec![]) };
    assert_eq!(fetch_metadata(with_dht, clock(), stop).await, Ok(torrent.info.clone()));
}
