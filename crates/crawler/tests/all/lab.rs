//! The laboratory of these tests.

pub mod means;
pub mod peer;
pub mod station;
pub mod torrent;
pub mod tracker;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crawler::{Clock, LocalDiscovery, Mandated, Reading, Settings, TargetPlan, Until, WatchPlan};
use evidence::mandate::{Authority, Nature, Party, PostalAddress, Work};
use evidence::{Attribution, Class, Mandate, Mono, Now, RunId, TargetIds, Utc, sha256};
use swarm::ladder::Allowed;
use swarm::{Scope, Seed, Vantages};
use wire::tracker_url::TrackerUrl;

/// The system's clocks.
pub struct SystemClock(pub Instant);

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let utc = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
        Now { mono: Mono::from_us(self.0.elapsed().as_micros() as u64), utc: Utc::from_ms(utc) }
    }

    fn reading(&self) -> Reading {
        Reading { error_ms: Some(7), source: "test".into(), synchronised: true }
    }
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock(Instant::now()))
}

pub fn nowhere(_: std::net::IpAddr, _: Utc) -> Attribution {
    Attribution { asn: None, class: Class::Unknown, isp: None, prefix: None, tables: vec![] }
}

/// An address of the laboratory: each test has a second octet of its own.
pub fn address(test: u8, host: u16, port: u16) -> SocketAddr {
    let [high, low] = host.to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, test, high, low), port))
}

pub fn scope() -> Scope {
    Scope::laboratory(vec!["127.0.0.0/8".parse().unwrap()], vec![], vec![]).unwrap()
}

pub fn mandate(ids: TargetIds, from: &str, to: &str) -> Mandated {
    let party = Party {
        address: PostalAddress {
            country: "GB".into(),
            lines: vec!["1 Test Street".into()],
            locality: "Testham".into(),
            postcode: "TE1 1ST".into(),
        },
        name: "Test Pictures Ltd".into(),
    };
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    let mandate = Mandate {
        agent: None,
        authority: Authority { document_sha256: sha256(b"deed"), from, reference: "deed".into(), to },
        from,
        id: "film".into(),
        owner: party,
        owner_seeds: vec![],
        targets: vec![ids],
        territory: vec!["GB".into()],
        to,
        work: Work { identifiers: Default::default(), nature: Nature::Film, title: "A Test Film".into() },
    };
    Mandated { sha256: sha256(evidence::canonical::to_text(&mandate).unwrap().as_bytes()), mandate }
}

pub fn target(torrent: &torrent::Torrent, trackers: &[&str]) -> TargetPlan {
    TargetPlan {
        ids: torrent.ids(),
        mandates: vec![mandate(torrent.ids(), "2020-01-01", "2099-12-31")],
        content: Some(Arc::new(torrent.content())),
        piece_count: None,
        total_bytes: Some(torrent.bytes.len() as u64),
        is_private: false,
        trackers: trackers.iter().map(|url| vec![TrackerUrl::parse(url).unwrap()]).collect(),
        peers: vec![],
    }
}

/// A plan that ends when nothing is left to do. Its patience is short for a test, and long for a machine that is busy
/// with others: no verdict may come of a peer that only had no turn.
pub fn plan(test: u8, targets: Vec<TargetPlan>) -> WatchPlan {
    let mut settings = Settings::default();
    settings.probe.connect_ms = 4_000;
    settings.probe.handshake_ms = 4_000;
    settings.probe.claims_ms = 3_000;
    settings.probe.choked_ms = 3_000;
    settings.probe.choked_transmission_ms = 3_000;
    settings.probe.answer_ms = 8_000;
    settings.probe.settle_ms = 200;
    settings.pace.per_network = 2_000;
    settings.pace.per_second = 2_000;
    settings.pace.back_off_first_ms = 100;
    settings.roster.tries_max = 1;
    settings.roster.allowed = Allowed::PLAIN_TCP;
    settings.roster.climb_ms = 20;
    settings.roster.control_ms = 50;
    settings.tracker_ms = 3_000;
    WatchPlan {
        run: RunId::from([test; 8]),
        version: "0.1.0".into(),
        config_sha256: sha256(b"config"),
        release_sha256: sha256(b"release"),
        tables_sha256: vec![],
        targets,
        scope: scope(),
        client: "affiant/0.1.0 (+https://monitor.example/)".into(),
        bind: Vantages::new([Ipv4Addr::new(127, test, 255, 1).into()]),
        listen: vec![],
        announce_port: Some(6881),
        dht: None,
        local: LocalDiscovery::Off,
        until: Until::Idle { quiet_ms: 300, at_most_ms: 60_000 },
        seed: Seed::new([test; 32]),
        settings,
    }
}
