//! The DHT as an operator uses it: a watch that finds peers by it alone, a look-up on demand, and a second opinion.

use std::{collections::BTreeSet, net::Ipv4Addr, net::SocketAddr};

use evidence::{Grade, observation::Source};
use serde_json::Value;
use swarmlab::{
    behaviour::Mix,
    dht::{DhtConfig, DhtFarm, Place},
    network::Network,
};

use crate::{
    laboratory::{Crowd, Laboratory},
    program,
    station::Station,
};

/// A station, its swarm, and a DHT that names some peers whom the tracker does not.
struct Scene {
    laboratory: Laboratory,
    station: Station,
    _crowd: Crowd,
    farm: DhtFarm,
    hidden: Vec<SocketAddr>,
}

impl Scene {
    fn new(test: u8, octet: u8) -> Self {
        let laboratory = Laboratory::start(u64::from(test) + 500);
        let crowd = laboratory.crowd(20, Mix::demo());
        let listed: BTreeSet<SocketAddr> =
            crowd.farm.spread(20, &Network::laboratory()).into_iter().map(SocketAddr::from).collect();
        let all = crowd.farm.spread(40, &Network::laboratory()).into_iter().map(SocketAddr::from);
        let hidden: Vec<SocketAddr> = all.filter(|peer| !listed.contains(peer)).collect();
        let place = Place::Loopback { octet };
        let farm = DhtFarm::start(DhtConfig { place, nodes: 60, ..DhtConfig::default() });
        let farm = laboratory.runtime.block_on(farm).unwrap();
        assert_eq!(farm.share(laboratory.torrent.info_hash(), &hidden), 8);
        let station = Station::ready(&laboratory, Ipv4Addr::new(127, 3, test, 1));
        station.configure(|config| {
            let dht = config["dht"].as_table_mut().unwrap();
            assert_eq!(dht["bootstrap"].as_array().map(Vec::len), Some(0), "a laboratory does not begin outside itself");
            dht.insert("bootstrap".into(), vec![farm.entrance().to_string()].into());
        });
        Self { laboratory, station, _crowd: crowd, farm, hidden }
    }

    fn hash(&self) -> String {
        self.laboratory.torrent.info_hash().to_string()
    }
}

fn peers(answer: &Value) -> BTreeSet<SocketAddr> {
    answer["peers"].as_array().unwrap().iter().map(|peer| peer.as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn a_watch_finds_and_proves_peers_by_the_dht_alone() {
    let scene = Scene::new(91, 60);
    let watched = scene.station.watch();
    assert_eq!(watched["look_ups"]["complete"], 1, "{watched:#}");
    scene.station.assert_sound();
    let probes = scene.station.probes();
    for hidden in &scene.hidden {
        let seen: Vec<_> = probes.iter().filter(|seen| seen.peer == *hidden).collect();
        assert!(!seen.is_empty(), "{hidden} was never contacted");
        assert!(seen.iter().all(|seen| seen.found.as_ref().is_none_or(|found| found.source == Source::Dht)));
    }
    assert!(probes.iter().any(|seen| scene.hidden.contains(&seen.peer) && seen.grade == Grade::Served));
    let status = scene.station.yes(["status"]);
    assert_eq!(status["look_ups"]["by_ending"]["complete"], 1, "{status:#}");
    assert!(status["look_ups"]["queries"].as_u64() >= Some(8));
    // What answered is kept, so that the next run needs nobody to begin with.
    scene
        .station
        .configure(|config| drop(config["dht"].as_table_mut().unwrap().insert("bootstrap".into(), toml::Value::Array(vec![]))));
    let found = scene.station.yes(["dht", "lookup", &scene.hash(), "--peers"]);
    assert_eq!(peers(&found), scene.hidden.iter().copied().collect());
}

#[test]
fn a_look_up_counts_peers_and_names_them_only_if_asked_to() {
    let scene = Scene::new(92, 70);
    let ran = scene.station.run(["dht", "lookup", &scene.hash()]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let counted = ran.json();
    assert_eq!((&counted["complete"], &counted["peers_named"]), (&true.into(), &scene.hidden.len().into()), "{counted:#}");
    assert_eq!(counted["naming_nodes"].as_array().map(Vec::len), Some(1), "the others named nobody new: {counted:#}");
    assert!(!ran.stdout.contains("127.") && counted.get("peers").is_none(), "no address is printed unasked: {ran}");
    let named = scene.station.yes(["dht", "lookup", &scene.hash(), "--peers"]);
    assert_eq!(peers(&named), scene.hidden.iter().copied().collect());
    assert_eq!(named["look_ups"][0]["naming"], 8);
    scene.station.refused(["dht", "lookup", &"ab".repeat(20)], "no mandate in force names");
    scene.station.refused(["dht", "lookup", "film"], "is not an info-hash");
    assert!(scene.farm.announced().is_empty(), "a look-up announces nothing");
    std::fs::remove_file(scene.station.dir().join("dht.txt")).unwrap();
    let nobody = scene.station.no(["dht", "lookup", &scene.hash(), "--bootstrap", "127.70.200.1:6881", "--for", "5s"]);
    assert_eq!((&nobody["complete"], &nobody["peers_named"]), (&false.into(), &0.into()), "{nobody:#}");
}

#[test]
fn somebody_elses_engine_finds_nobody_whom_ours_misses() {
    let scene = Scene::new(93, 80);
    let program = program::second_opinion();
    let program = program.to_str().unwrap();
    let compared = scene.station.yes(["dht", "compare", &scene.hash(), "--program", program]);
    assert_eq!(compared["ours"]["peers"], scene.hidden.len(), "{compared:#}");
    assert_eq!(compared["bip_dht"]["bootstrapped"], true, "{compared:#}");
    assert_eq!(compared["bip_dht"]["peers"], scene.hidden.len(), "{compared:#}");
    assert_eq!((&compared["both"], &compared["only_bip_dht"]), (&scene.hidden.len().into(), &0.into()), "{compared:#}");
    scene
        .station
        .refused(["dht", "compare", &scene.hash(), "--program", "/nonexistent/program"], "cargo build -p second-opinion");
}
