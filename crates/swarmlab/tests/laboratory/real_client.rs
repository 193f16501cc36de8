//! Real clients download a whole torrent from the farm, having learnt of it from the tracker: both are real enough.
//!
//! A client that is not installed is skipped with a notice, except where `CI` is set: there it is a failure.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use swarmlab::behaviour::{Behaviour, Mix};
use swarmlab::clients::{self, Client, Encryption, Role, Start, Streams, start};
use swarmlab::farm::{Farm, FarmConfig};
use swarmlab::network::Network;
use swarmlab::torrent::{Shape, SyntheticTorrent};
use swarmlab::tracker::{AnnounceEvent, Tracker, TrackerConfig, Transport};

const LENGTH: u64 = 1_500_001;

async fn downloads(client: Client, transport: Transport, host: u8) {
    let Some(found) = client.find() else {
        let notice = format!("{client} is not installed: {}", client.installation());
        assert!(std::env::var_os("CI").is_none(), "{notice}");
        eprintln!("!!! SKIPPED !!! {notice}");
        return;
    };
    let tracker = Tracker::start(TrackerConfig::default()).await.unwrap();
    let url = if transport == Transport::Http { tracker.http_url() } else { tracker.udp_url() };
    let torrent = SyntheticTorrent::new("film.mkv", 31, Shape::File { length: LENGTH }, 64 << 10, &[&url]).unwrap();
    let torrent = Arc::new(torrent);
    // Liars too, so that the client has something to throw away.
    let mix = Mix::new(&[(Behaviour::Seed, 5), (Behaviour::Partial, 3), (Behaviour::Liar, 1), (Behaviour::Dead, 1)]);
    let farm = Farm::start(FarmConfig::new(vec![Arc::clone(&torrent)], mix)).await.unwrap();
    let peers = farm.spread(20, &Network::laboratory());
    tracker.list(torrent.info_hash(), peers.iter().copied().map(Into::into), 0);

    let dir = tempfile::tempdir().unwrap();
    let [own, content, file] = ["own", "content", "film.torrent"].map(|name| dir.path().join(name));
    std::fs::create_dir(&own).unwrap();
    std::fs::create_dir(&content).unwrap();
    std::fs::write(&file, torrent.metainfo()).unwrap();
    let address = Ipv4Addr::new(127, 203, (std::process::id() % 250) as u8, host);
    let mut running = start(
        client,
        &found,
        Start {
            dir: &own,
            address: address.into(),
            port: 6_881,
            torrents: &[clients::Torrent {
                file: &file,
                info_hash: torrent.info_hash().0,
                piece_count: torrent.info().piece_count(),
            }],
            content_dir: &content,
            role: Role::Leech,
            encryption: Encryption::Default,
            streams: Streams::Any,
            peer_exchange: false,
            dht: None,
            ready_within: Duration::from_secs(60),
        },
    )
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    running.complete(Duration::from_secs(90)).await.unwrap_or_else(|error| panic!("{error}"));
    running.stop().await;

    let mut due = vec![0; LENGTH as usize];
    torrent.read(0, &mut due);
    assert!(std::fs::read(content.join("film.mkv")).unwrap() == due);
    let report = farm.report();
    assert!(report.total.bytes_sent > LENGTH && report.total.blocks_served >= LENGTH / 16_384, "{:?}", report.total);
    let log = tracker.log();
    assert_eq!((log[0].event.clone(), log[0].transport, log[0].left), (AnnounceEvent::Started, transport, LENGTH));
    assert_eq!((log[0].from.ip(), log[0].port), (address.into(), 6_881));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aria2_downloads_from_the_farm() {
    downloads(Client::Aria2, Transport::Http, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn qbittorrent_downloads_from_the_farm() {
    downloads(Client::QBittorrent, Transport::Udp, 2).await;
}
