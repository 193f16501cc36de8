//! Clients from Debian on loopback, each seeding and each leeching, are watched by the built program.
//!
//! Each finds its way to the monitor by itself: it announces to the laboratory's tracker, which lists nobody else. A
//! client that is not installed is left out loudly, except in CI, where that is a failure.

use std::{net::Ipv4Addr, path::PathBuf, time::Duration};

use evidence::{Grade, Observation, Outcome};
use swarmlab::clients::{self, Client, Encryption, Found, Role, Running, Start, Streams};
use tempfile::TempDir;

use crate::{laboratory::Laboratory, station::Station};

const PORT: u16 = 26_881;
/// From start to ready took at most 17 s on two busy cores.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// One test's clients: a laboratory, a station, and folders that outlive them.
struct Scene {
    laboratory: Laboratory,
    station: Station,
    folder: TempDir,
    test: u8,
}

impl Scene {
    fn new(test: u8) -> Self {
        let laboratory = Laboratory::start(u64::from(test) + 300);
        let station = Station::ready(&laboratory, Ipv4Addr::new(127, 3, test, 1));
        // Transmission decides whom to serve every 10 s, and all of them turn a caller away who comes back at once.
        station.configure(|config| {
            let pace = config["pace"].as_table_mut().unwrap();
            for (name, value) in
                [("choked_ms", 15_000), ("choked_transmission_ms", 25_000), ("retry_s", 3), ("control_ms", 1_500)]
            {
                pace.insert(name.into(), value.into());
            }
        });
        Self { laboratory, station, folder: tempfile::tempdir().unwrap(), test }
    }

    /// Starts a client at an address of its own and waits until the tracker lists it.
    fn start(&self, client: Client, found: &Found, role: Role) -> Running {
        let host = match role {
            Role::Seed => 2,
            Role::Leech => 3,
        };
        let make = |name: &str| -> PathBuf {
            let path = self.folder.path().join(format!("{host}-{name}"));
            std::fs::create_dir(&path).unwrap();
            path
        };
        let (dir, content) = (make("client"), make("content"));
        let torrent = &self.laboratory.torrent;
        if role == Role::Seed {
            torrent.write_to(&content).unwrap();
        }
        let file = self.station.input("film.torrent");
        let start = Start {
            dir: &dir,
            address: Ipv4Addr::new(127, 3, self.test, host).into(),
            port: PORT,
            torrents: &[clients::Torrent {
                file: file.as_ref(),
                info_hash: torrent.info_hash().0,
                piece_count: torrent.info().piece_count(),
            }],
            content_dir: &content,
            role,
            encryption: Encryption::Default,
            streams: Streams::Any,
            peer_exchange: false,
            dht: None,
            ready_within: READY_WITHIN,
        };
        let running =
            self.laboratory.runtime.block_on(clients::start(client, found, start)).unwrap_or_else(|fault| panic!("{fault}"));
        let address = running.address();
        for _ in 0..600 {
            if self.laboratory.tracker.peers(torrent.info_hash()).contains(&address) {
                return running;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{client} has not announced itself within a minute; its log ends with:\n{}", running.log_tail());
    }

    /// Watches once and returns the best observation of this client in that run.
    fn watch(&self, client: &Running) -> Observation {
        let before = self.station.probes().len();
        self.station.watch();
        self.station.assert_sound();
        let probes = self.station.probes().split_off(before);
        let of_client = probes.iter().filter(|seen| seen.peer == client.address());
        let best = of_client.max_by_key(|seen| seen.grade);
        best.unwrap_or_else(|| panic!("{} was not observed: {probes:#?}", client.client())).clone()
    }

    /// Nobody answered an info-hash that does not exist.
    fn assert_nobody_echoes(&self) {
        let seen = self.station.observations();
        assert!(!seen.iter().any(|seen| matches!(seen.outcome, Outcome::Echo)), "{seen:#?}");
        assert!(seen.iter().any(|seen| matches!(seen.outcome, Outcome::NoEcho)), "no control visit was made: {seen:#?}");
        assert!(seen.iter().all(|seen| seen.volume.piece_bytes_out == 0));
    }
}

/// The client says who it is in its extension handshake and in its peer id.
fn assert_named(seen: &Observation, client: Client, found: &Found) {
    let (name, version, id) = match client {
        Client::Transmission => ("transmission", found.version.as_str(), "-TR"),
        Client::QBittorrent => ("qbittorrent", found.version.as_str(), "-qB"),
        Client::Deluge => ("deluge", found.version.as_str(), "-DE"),
        // It names the library and that library's version.
        Client::Rtorrent => ("libtorrent", "", "-lt"),
        Client::Aria2 => ("aria2", found.version.as_str(), "A2-"),
        Client::Libtorrent | Client::Webtorrent => unreachable!("they are in the matrix of the crawler"),
    };
    let said = seen.client().map(ToString::to_string).unwrap_or_default().to_lowercase();
    assert!(said.contains(name) && said.contains(version), "{client} {}: '{said}'", found.version);
    let software = seen.software.as_ref().unwrap_or_else(|| panic!("{client}: no software in {seen:#?}"));
    assert_eq!(software.disagreements, [], "{client} {} differs from itself: {seen:#?}", found.version);
    assert_eq!(software.by_client, Some(software.by_peer_id), "{client}");
    let peer_id = seen.peer_id.unwrap_or_else(|| panic!("{client}: no peer id in {seen:#?}"));
    assert!(peer_id.as_bytes().starts_with(id.as_bytes()), "{client}: {peer_id}");
}

fn find(client: Client) -> Option<Found> {
    let found = client.find();
    if found.is_none() {
        let notice = format!("{client} is not installed: {}", client.installation());
        assert!(std::env::var_os("CI").is_none(), "{notice}");
        eprintln!("!!! SKIPPED !!! {notice}");
    }
    found
}

/// A seeder is proved by two blocks of different pieces, and a control visit clears it.
fn seeds(test: u8, client: Client) {
    let Some(found) = find(client) else { return };
    let scene = Scene::new(test);
    let seeder = scene.start(client, &found, Role::Seed);
    let seen = scene.watch(&seeder);
    assert_eq!(seen.grade, Grade::Served, "{seen:#?}\n{}", seeder.log_tail());
    assert_eq!(seen.outcome, Outcome::Served { blocks: 2, pieces: 2 }, "{seen:#?}");
    assert_named(&seen, client, &found);
    scene.assert_nobody_echoes();
    scene.laboratory.runtime.block_on(seeder.stop());
}

/// A leecher that has nothing yet is a client for the torrent and no more; once it has been fed it is proved like a
/// seeder. The feeder is a libtorrent client, which dials the leecher that the tracker names.
fn leeches(test: u8, client: Client, feeder: Client) {
    let (Some(found), Some(feeder_found)) = (find(client), find(feeder)) else { return };
    let scene = Scene::new(test);
    let mut leecher = scene.start(client, &found, Role::Leech);
    let seen = scene.watch(&leecher);
    assert_eq!(seen.grade, Grade::Handshaken, "{seen:#?}");
    assert!(seen.claim.is_none_or(|claim| claim.pieces == 0), "{seen:#?}");
    assert_named(&seen, client, &found);

    let seeder = scene.start(feeder, &feeder_found, Role::Seed);
    let fed = scene.laboratory.runtime.block_on(leecher.complete(Duration::from_secs(120)));
    fed.unwrap_or_else(|fault| panic!("{fault}\nthe feeder's log ends with:\n{}", seeder.log_tail()));
    let seen = scene.watch(&leecher);
    assert_eq!(seen.grade, Grade::Served, "{seen:#?}\n{}", leecher.log_tail());
    assert_named(&seen, client, &found);
    scene.assert_nobody_echoes();
    scene.laboratory.runtime.block_on(async {
        leecher.stop().await;
        seeder.stop().await;
    });
}

#[test]
fn transmission_seeds() {
    seeds(1, Client::Transmission);
}

#[test]
fn qbittorrent_seeds() {
    seeds(2, Client::QBittorrent);
}

#[test]
fn deluge_seeds() {
    seeds(3, Client::Deluge);
}

#[test]
fn rtorrent_seeds() {
    seeds(4, Client::Rtorrent);
}

#[test]
fn aria2_seeds() {
    seeds(5, Client::Aria2);
}

#[test]
fn transmission_leeches() {
    leeches(6, Client::Transmission, Client::QBittorrent);
}

#[test]
fn qbittorrent_leeches() {
    leeches(7, Client::QBittorrent, Client::Deluge);
}

#[test]
fn deluge_leeches() {
    leeches(8, Client::Deluge, Client::QBittorrent);
}

#[test]
fn rtorrent_leeches() {
    leeches(9, Client::Rtorrent, Client::QBittorrent);
}

#[test]
fn aria2_leeches() {
    leeches(10, Client::Aria2, Client::QBittorrent);
}
