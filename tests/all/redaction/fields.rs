//! Every field of every event and span of our crates during a run in this process, as a subscriber sees them.

use std::{
    fmt::Debug,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crawler::{Clock, Mandated, Reading, Settings, TargetPlan, Until, WatchPlan, stopper};
use evidence::{
    Attribution, Class, Content as Held, InfoHashV1, Mandate, Mono, Now, RunId, TargetIds, Utc, control::Control, sha256,
};
use ledger::{Ledger, Reader, Writer};
use swarm::{Content, Scope, Seed};
use swarmlab::behaviour::Mix;
use tlog::Note;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use wire::tracker_url::TrackerUrl;

use super::addresses;
use crate::{laboratory::Laboratory, station::Station};

/// The crates that watch. The laboratory is none of them, and what libraries say is let through nowhere.
const OURS: [&str; 9] = ["affiant", "casework", "crawler", "evidence", "index", "ledger", "swarm", "tlog", "wire"];

#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Collected {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if is_ours(event.metadata()) {
            event.record(&mut self.clone());
        }
    }

    fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::span::Id, _: Context<'_, S>) {
        if is_ours(span.metadata()) {
            span.record(&mut self.clone());
        }
    }
}

fn is_ours(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.target().split("::").next().is_some_and(|name| OURS.contains(&name))
}

impl Visit for Collected {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.lock().unwrap().push(format!("{field} = {value:?}"));
    }
}

struct System(Instant);

impl Clock for System {
    fn now(&self) -> Now {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let utc = Utc::from_ms(i64::try_from(since.as_millis()).unwrap());
        Now { mono: Mono::from_us(u64::try_from(self.0.elapsed().as_micros()).unwrap()), utc }
    }

    fn reading(&self) -> Reading {
        Reading { error_ms: Some(7), source: "test".into(), synchronised: true }
    }
}

#[test]
fn no_field_of_any_event_is_an_address() {
    let laboratory = Laboratory::start(262);
    let crowd = laboratory.crowd(60, Mix::demo().with_seed(262));
    let monitor = Ipv4Addr::new(127, 2, 62, 1);
    let station = Station::ready(&laboratory, monitor);
    let collected = Collected::default();
    // For the whole process, because the run has threads of its own.
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(collected.clone())).unwrap();

    let plan = plan(&laboratory, &station, monitor);
    let clock = Arc::new(System(Instant::now()));
    let ledger = Ledger::open(&station.dir(), clock.now().utc).unwrap();
    let summary = laboratory.runtime.block_on(async {
        let (writer, appender) = Writer::start(ledger).unwrap();
        let (_stopper, stop) = stopper();
        let summary = crawler::watch(plan, appender, nowhere, clock, stop, |_| {}).await.unwrap();
        writer.finish().await.unwrap().checkpoint().unwrap();
        summary
    });
    assert!(summary.progress.verified_bytes > 0 && summary.progress.peers == crowd.truth.len() as u64, "{summary:?}");

    let fields = collected.0.lock().unwrap();
    assert!(fields.iter().any(|field| field.contains("the run ends")), "{fields:?}");
    // The tracker is named by the torrent; every other address would be a peer's or our own.
    let is_peer = |address: &IpAddr| *address != Ipv4Addr::LOCALHOST;
    let named: Vec<&String> = fields.iter().filter(|field| addresses(field).iter().any(is_peer)).collect();
    assert!(named.is_empty(), "{named:#?}");
}

/// A run of the station's mandate and dossier, as `affiant watch` would plan it.
fn plan(laboratory: &Laboratory, station: &Station, monitor: Ipv4Addr) -> WatchPlan {
    let (mut mandates, mut content) = (Vec::new(), None);
    for entry in Reader::of_station(&station.dir()).unwrap().entries().unwrap() {
        let entry = entry.unwrap();
        let Held::Note(text) = &entry.content else { continue };
        let digest = entry.leaf.commitment;
        match Control::parse(Note::parse(text.as_bytes()).unwrap().text()).unwrap() {
            Control::Mandate(mandate) => mandates.push(Mandated { mandate, sha256: digest }),
            Control::Dossier(dossier) => {
                let blocks = std::fs::read(station.dir().join(format!("dossiers/{digest}/blocks.sha256"))).unwrap();
                let works: Vec<String> =
                    mandates.iter().map(|mandated| &mandated.mandate).map(|mandate: &Mandate| mandate.id.clone()).collect();
                content = Some(Arc::new(Content::new(&dossier, digest, blocks, &works).unwrap()));
            }
            _ => {}
        }
    }
    let info = laboratory.torrent.info();
    let target = TargetPlan {
        ids: TargetIds::of_v1(InfoHashV1::from(laboratory.torrent.info_hash().0)),
        mandates,
        content: Some(content.unwrap()),
        piece_count: Some(info.piece_count()),
        total_bytes: Some(info.total_length()),
        is_private: false,
        trackers: vec![vec![TrackerUrl::parse(&laboratory.tracker.http_url()).unwrap()]],
        peers: vec![],
    };
    let mut settings = Settings::default();
    settings.probe.handshake_ms = 3_000;
    settings.probe.choked_ms = 3_000;
    settings.probe.choked_transmission_ms = 3_000;
    settings.probe.claims_ms = 3_000;
    settings.pace.per_network = 1_000;
    settings.roster.tries_max = 1;
    WatchPlan {
        run: RunId::from([62; 8]),
        version: "0".into(),
        config_sha256: sha256(b"configuration"),
        release_sha256: sha256(b"release"),
        tables_sha256: vec![],
        targets: vec![target],
        scope: Scope::laboratory(vec!["127.0.0.0/8".parse().unwrap()], vec![], vec![]).unwrap(),
        client: "affiant".into(),
        bind: swarm::Vantages::new([monitor.into()]),
        listen: vec![(monitor, 0).into()],
        announce_port: None,
        dht: None,
        local: crawler::LocalDiscovery::Off,
        until: Until::Idle { quiet_ms: 500, at_most_ms: 60_000 },
        seed: Seed::new([62; 32]),
        settings,
    }
}

fn nowhere(_: IpAddr, _: Utc) -> Attribution {
    Attribution { asn: None, class: Class::Unknown, isp: None, prefix: None, tables: vec![] }
}
