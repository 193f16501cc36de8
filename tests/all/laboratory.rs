//! The swarm that a test watches: a synthetic torrent behind a tracker, and simulated peers with the truth about each.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use swarmlab::{
    behaviour::Mix,
    farm::{Farm, FarmConfig, Pace},
    network::Network,
    torrent::{Shape, SyntheticTorrent},
    tracker::{Tracker, TrackerConfig},
    truth::Truth,
};
use tokio::runtime::Runtime;

const PIECE_BYTES: u32 = 64 << 10;
/// Whole pieces, so that no padding is needed: Transmission 3 does not know it.
const FILM_BYTES: u64 = 2 << 20;

/// A torrent and its tracker, on a runtime of their own.
pub struct Laboratory {
    pub runtime: Runtime,
    pub torrent: Arc<SyntheticTorrent>,
    pub tracker: Tracker,
}

/// Simulated peers that the tracker lists.
pub struct Crowd {
    pub farm: Farm,
    pub truth: Truth,
}

impl Laboratory {
    /// Starts the tracker. `seed` makes the content, so that no two tests watch the same torrent.
    pub fn start(seed: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        // Clients of libtorrent announce every five minutes whatever they are told.
        let config = TrackerConfig { numwant_max: 5_000, expires_after: Duration::from_secs(3_600), ..TrackerConfig::default() };
        let tracker = runtime.block_on(Tracker::start(config)).unwrap();
        let torrent = Arc::new(film(seed, &[&tracker.http_url()]));
        Self { runtime, torrent, tracker }
    }

    /// Starts simulated peers in all laboratory networks and lists them.
    pub fn crowd(&self, peers: usize, mix: Mix) -> Crowd {
        let mut config = FarmConfig::new(vec![Arc::clone(&self.torrent)], mix.clone());
        config.pace =
            Pace { slow_unchoke_after: Duration::from_millis(500), slow_pause: Duration::from_millis(20), ..Pace::default() };
        let farm = self.runtime.block_on(Farm::start(config)).unwrap();
        let networks = Network::laboratory();
        let listed = farm.spread(peers, &networks);
        self.tracker.list(self.torrent.info_hash(), listed.iter().copied().map(SocketAddr::from), 0);
        Crowd { farm, truth: Truth::of_farm(&listed, &mix, &networks) }
    }

    /// Writes what a user would have at hand: torrent, copy, authority, tables, register.
    pub fn write_inputs(&self, folder: &Path) {
        self.torrent.write_to(&folder.join("content")).unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
        write("film.torrent", self.torrent.metainfo());
        write("authority.txt", b"Example Pictures Limited authorises Example Trade Body to act for it. Synthetic.\n");
        write("laboratory.tsv", Network::iptoasn_tsv(&Network::laboratory()).as_bytes());
        write("isp-register.toml", register().as_bytes());
    }
}

/// The laboratory's torrent: a film, and a text that is no part of the work.
pub fn film(seed: u64, trackers: &[&str]) -> SyntheticTorrent {
    SyntheticTorrent::new("Laboratory Film", seed, Shape::film_with_nfo(FILM_BYTES, PIECE_BYTES), PIECE_BYTES, trackers).unwrap()
}

/// Every laboratory network as a qualifying ISP.
fn register() -> String {
    let mut text = "format = \"affiant.isp-register/1\"\ndated = \"2026-01-01\"\n".to_string();
    for network in Network::laboratory() {
        let id = network.isp.to_lowercase().replace(' ', "-");
        text.push_str(&format!(
            "\n[[entry]]\nid = \"{id}\"\nname = \"{} (laboratory)\"\nasns = [{}]\ncontact = \"\"\ndelivery = \"none\"\n\
             kind = \"fixed\"\nqualifying = true\nsubscribers = \"over-400000\"\nfrom = \"2026-01-01\"\nsource = \"laboratory\"\n",
            network.isp, network.asn,
        ));
    }
    text
}
