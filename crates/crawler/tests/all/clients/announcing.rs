//! Clients bootstrapped to the laboratory's DHT announce themselves there, and are found and proved by it alone.
//!
//! In a network of the test's own: Transmission takes no node on loopback for one. qBittorrent 4.5 and Deluge 2.0.3 have
//! no setting for the node to begin with, and are not here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use evidence::Grade;
use evidence::observation::Source;
use evidence::run::{Fact, LookUpEnding};
use swarm::dht::Caps;
use swarm::{Scope, Vantages};
use swarmlab::clients::{Client, Encryption, Role, Streams};
use swarmlab::dht::{DhtConfig, DhtFarm, Place};
use swarmlab::namespace;

use super::{Terms, find, launch, story, torrent};
use crate::dht::dht;
use crate::lab::station::Station;
use crate::lab::{plan, target};

/// The client, and the monitor.
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)), 6_881);
const MONITOR: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 200));

/// A client's first announce came after 2 minutes at the most, and a busy machine may take longer.
const ROUNDS: u32 = 6_000;

fn is_found(test: &str, number: u8, client: Client) {
    let Some(found) = find(client) else { return };
    namespace::inside(test, || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let place = Place::Documentation4;
            let farm = DhtFarm::start(DhtConfig { place, nodes: 64, ..DhtConfig::default() }).await.unwrap();
            let torrent = torrent(number);
            let terms = Terms {
                role: Role::Seed,
                encryption: Encryption::Default,
                streams: Streams::Any,
                gossips: false,
                dht: Some(farm.entrance()),
            };
            let subject = launch(client, &found, &torrent, CLIENT, CLIENT, terms).await;
            let announced = (wire::infohash::InfoHashV1(torrent.hash()), CLIENT);
            for _ in 0..ROUNDS {
                if farm.announced().contains(&announced) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let log = subject.running.log_tail();
            assert!(farm.announced().contains(&announced), "{client} announced {:?}; its log: {log}", farm.announced());

            let mut plan = plan(number, vec![target(&torrent, &[])]);
            plan.scope = Scope::laboratory(
                ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"].map(|net| net.parse().unwrap()).into(),
                vec![],
                vec![],
            )
            .unwrap();
            plan.bind = Vantages::new([MONITOR]);
            plan.dht = Some(crawler::DhtPlan { caps: Caps::LABORATORY, ..dht(&farm) });
            plan.settings.probe.claims_ms = 12_000;
            plan.settings.probe.choked_ms = 25_000;
            plan.settings.probe.choked_transmission_ms = 25_000;
            plan.settings.probe.answer_ms = 10_000;
            plan.settings.probe.handshake_ms = 5_000;
            plan.settings.roster.control_ms = 1_500;
            plan.settings.roster.tries_max = 3;
            plan.until = crawler::Until::Idle { quiet_ms: 1_000, at_most_ms: 180_000 };
            let (summary, log) = Station::found().watch(plan).await;
            summary.unwrap();
            let best = log.of(CLIENT).into_iter().max_by_key(|seen| seen.grade);
            let best = best.unwrap_or_else(|| panic!("{client} was not found"));
            assert_eq!(best.grade, Grade::Served, "{:?}", story(&log, CLIENT));
            assert_eq!(best.found.as_ref().map(|found| found.source), Some(Source::Dht));
            let complete = |fact: &Fact| matches!(fact, Fact::LookedUp { ending: LookUpEnding::Complete, .. });
            assert!(log.facts.iter().any(complete), "{:?}", log.facts);
            subject.running.stop().await;
        });
    });
}

#[test]
fn transmission_announces_and_is_found() {
    is_found("clients::announcing::transmission_announces_and_is_found", 161, Client::Transmission);
}

#[test]
fn rtorrent_announces_and_is_found() {
    is_found("clients::announcing::rtorrent_announces_and_is_found", 162, Client::Rtorrent);
}

#[test]
fn aria2_announces_and_is_found() {
    is_found("clients::announcing::aria2_announces_and_is_found", 163, Client::Aria2);
}

#[test]
fn libtorrent_announces_and_is_found() {
    is_found("clients::announcing::libtorrent_announces_and_is_found", 164, Client::Libtorrent);
}
