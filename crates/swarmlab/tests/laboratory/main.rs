//! The laboratory over real sockets: every behaviour does what it says, the farm counts, trackers round-trip through
//! `wire`, and librqbit serves.

mod behaviours;
mod counting;
mod dialling;
mod real_client;
mod seeders;
mod stranger;
mod tracker_http;
mod tracker_udp;

use std::net::SocketAddr;
use std::sync::Arc;

use swarmlab::behaviour::{Behaviour, Mix};
use swarmlab::farm::{Farm, FarmConfig, Pace};
use swarmlab::network::Network;
use swarmlab::torrent::{Shape, SyntheticTorrent};

fn torrent() -> Arc<SyntheticTorrent> {
    Arc::new(SyntheticTorrent::new("film.mkv", 11, Shape::File { length: 2_000_001 }, 64 << 10, &[]).unwrap())
}

/// A farm of all behaviours, fast enough for a test.
async fn farm(torrent: &Arc<SyntheticTorrent>) -> Farm {
    let mut config = FarmConfig::new(vec![Arc::clone(torrent)], Mix::demo());
    config.pace = Pace {
        slow_unchoke_after: std::time::Duration::from_millis(300),
        slow_pause: std::time::Duration::from_millis(20),
        ..Pace::default()
    };
    config.served_log_max = 1_000;
    config.ipv6 = true;
    Farm::start(config).await.unwrap()
}

/// The first peers that behave so.
fn peers(farm: &Farm, behaviour: Behaviour, count: usize) -> Vec<SocketAddr> {
    let networks = Network::laboratory();
    let hosts = networks[0].hosts_that(behaviour, farm.mix()).take(count);
    hosts.map(|host| SocketAddr::V4(farm.listed(host))).collect()
}
