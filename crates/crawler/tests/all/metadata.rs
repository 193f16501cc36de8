//! Magnets.

use std::sync::Arc;
use std::time::Duration;

use crawler::{MetadataError, MetadataPlan, fetch_metadata, stopper};
use evidence::{InfoHashV1, TargetIds};
use swarm::Seed;
use swarmlab::dht::{DhtConfig, DhtFarm, Place};
use wire::tracker_url::TrackerUrl;

use crate::lab::peer::{self, Kind};
use crate::lab::torrent::Torrent;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_magnet_has_no_tracker_the_dht_is_asked() {
    const TEST: u8 = 158;
    let torrent = Arc::new(Torrent::new("trackerless"));
    let seed = address(TEST, 2, 6881);
    peer::start(Kind::Seed, &torrent, seed).await;
    let place = Place::Loopback { octet: 180 };
    let farm = DhtFarm::start(DhtConfig { place, nodes: 40, ..DhtConfig::default() }).await.unwrap();
    farm.share(wire::infohash::InfoHashV1(torrent.hash()), &[seed]);
    let plan = |trackers: Vec<TrackerUrl>, dht| MetadataPlan {
        ids: torrent.ids(),
        trackers,
        peers: vec![],
        dht,
        scope: scope(),
        bind: swarm::Vantages::new([[127, TEST, 255, 1].into()]),
        client: "affiant/0.1.0".into(),
        patience: Duration::from_secs(60),
        limits: swarm::metadata::Limits::default(),
        seed: Seed::new([5; 32]),
    };
    let (_stopper, stop) = stopper();
    let dht = || Some(crate::dht::dht(&farm));
    assert_eq!(fetch_metadata(plan(vec![], dht()), clock(), stop.clone()).await, Ok(torrent.info.clone()));
    assert_eq!(fetch_metadata(plan(vec![], None), clock(), stop.clone()).await, Err(MetadataError::NoPeers));
    // A magnet with trackers may be of a private torrent: the DHT is left out, whatever the trackers say.
    let asked = farm.asked().total();
    let tracker = TrackerUrl::parse(&format!("http://{}/announce", address(TEST, 3, 7_000))).unwrap();
    assert_eq!(fetch_metadata(plan(vec![tracker], dht()), clock(), stop).await, Err(MetadataError::NoPeers));
    assert_eq!(farm.asked().total(), asked);
}
