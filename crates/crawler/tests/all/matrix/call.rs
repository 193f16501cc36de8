//! Clients that call us: a run that only listens hears each of them by the means that it was set to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crawler::{Progress, Until, stopper, watch};
use evidence::{Direction, Encryption, Grade, PortRole};
use swarm::ladder::{Allowed, Means};
use swarm::{Scope, Vantages};
use swarmlab::clients::Role;

use super::cell::{Cell, Kind, way, words};
use super::due::{Due, Entry, Section, is_writing};
use super::subject::{self, Net, Setup, Subject, address_in};
use super::visit::outcome;
use crate::lab::station::{Log, Station};
use crate::lab::{nowhere, plan, target};

/// Longest wait for a call that is due once all clients run: rtorrent takes half a minute.
const CALL_WITHIN: Duration = Duration::from_secs(90);

/// The wait for calls of which nothing is known.
const LISTEN_FOR: Duration = Duration::from_secs(40);

macro_rules! callers {
    ($($name:ident: $subject:expr;)*) => {
        $(#[test]
        fn $name() {
            swarmlab::namespace::inside(concat!("matrix::call::", stringify!($name)), || {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
                runtime.block_on(calls_as_due($subject));
            });
        })*
    };
}

callers! {
    transmission: Subject::Client(swarmlab::clients::Client::Transmission);
    qbittorrent: Subject::Client(swarmlab::clients::Client::QBittorrent);
    deluge: Subject::Client(swarmlab::clients::Client::Deluge);
    libtorrent: Subject::Client(swarmlab::clients::Client::Libtorrent);
    rtorrent: Subject::Client(swarmlab::clients::Client::Rtorrent);
    aria2: Subject::Client(swarmlab::clients::Client::Aria2);
    librqbit: Subject::Librqbit;
    webtorrent: Subject::Client(swarmlab::clients::Client::Webtorrent);
}

/// By which means each setup was received, and what else came of its calls.
type Received = BTreeMap<Setup, (BTreeSet<Means>, BTreeSet<String>)>;

async fn calls_as_due(subject: Subject) {
    let Some(version) = subject.version() else { return };
    let due = Due::read(&subject.file());
    let role = subject.calls_as();
    let torrent = Arc::new(Kind::V1.torrent());
    let setups = Setup::of_cells(subject);
    let listeners: BTreeMap<SocketAddr, Setup> =
        setups.iter().enumerate().map(|(number, setup)| (address_in(Net::Listeners, number, setup.is_six), *setup)).collect();

    let mut plan = plan(1, vec![target(&torrent, &[])]);
    let prefixes = ["192.0.2.0/24", "198.18.0.0/15", "2001:db8::/32"].map(|prefix| prefix.parse().unwrap());
    plan.scope = Scope::laboratory(prefixes.to_vec(), vec![], vec![]).unwrap();
    plan.bind = Vantages::new([false, true].map(|is_six| address_in(Net::Listeners, 200, is_six).ip()));
    plan.listen = listeners.keys().copied().collect();
    plan.until = Until::Stopped;
    plan.settings.probe = swarm::probe::Limits::default();
    plan.settings.roster.allowed = Allowed::ALL;
    let station = Station::found();
    let (stopper, stop) = stopper();
    let (appender, clock) = (station.appender.clone(), Arc::clone(&station.clock));
    let run = tokio::spawn(async move { watch(plan, appender, nowhere, clock, stop, |_: &Progress| {}).await });

    let torrents = [(Kind::V1, torrent)].into_iter().collect();
    let listener = |number: usize, setup: &Setup| vec![address_in(Net::Listeners, number, setup.is_six)];
    let started = subject::start_all(subject, role, &setups, &torrents, listener).await;
    let began = Instant::now();
    let is_due = |means, is_six| !due.says_no(Section::Calls, &way(means, is_six));
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let received = Log::read_running(station.folder.path()).map(|log| received(&log, &listeners, role)).unwrap_or_default();
        let has_come =
            |means, is_six| received.get(&Setup::for_way(subject, means, is_six)).is_some_and(|came| came.0.contains(&means));
        let all_came = Cell::ways().into_iter().all(|(means, is_six)| !is_due(means, is_six) || has_come(means, is_six));
        let patience = if is_writing() { LISTEN_FOR } else { CALL_WITHIN };
        if all_came || began.elapsed() > patience {
            break;
        }
    }
    stopper.stop();
    run.await.unwrap().unwrap();
    let log = station.close().await;
    let received = received(&log, &listeners, role);
    let mut measured = BTreeMap::new();
    for (means, is_six) in Cell::ways() {
        let setup = Setup::for_way(subject, means, is_six);
        let nobody = Default::default();
        let (by, others) = received.get(&setup).unwrap_or(&nobody);
        let entry = if by.contains(&means) {
            Entry::Works { missed: vec![] }
        } else if let Some(trouble) = started.trouble(&setup) {
            Entry::Not { seen: format!("not started: {}", trouble.lines().next().unwrap_or_default()) }
        } else if others.is_empty() {
            Entry::Not { seen: "no call".into() }
        } else {
            Entry::Not { seen: others.iter().map(String::as_str).collect::<Vec<_>>().join("; ") }
        };
        measured.insert(way(means, is_six), entry);
    }
    started.stop().await;
    due.compare_or_write(&subject.file(), subject.name(), &version, Section::Calls, &measured);
}

/// A seeder is received when it was proved, a leecher that has nothing when its handshake came.
fn received(log: &Log, listeners: &BTreeMap<SocketAddr, Setup>, role: Role) -> Received {
    let mut received = Received::new();
    for (_, seen) in &log.observations {
        let Some(setup) = listeners.get(&seen.observer) else { continue };
        assert_eq!((seen.direction, seen.port_role), (Direction::Incoming, PortRole::Ephemeral), "{seen:#?}");
        let is_covered = seen.encryption != Encryption::None;
        let means = Means { transport: seen.transport, is_covered };
        let (by, others) = received.entry(*setup).or_default();
        if seen.grade >= if role == Role::Seed { Grade::Served } else { Grade::Handshaken } {
            by.insert(means);
        }
        others.insert(format!("{}, {}", words(means), outcome(seen)));
    }
    received
}
