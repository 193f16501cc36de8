//! Several addresses of ours, several ports at each, both families.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crawler::{Until, WatchPlan};
use evidence::observation::Purpose;
use evidence::run::Fact;
use evidence::{Direction, Grade, PortRole, Transport};
use librqbit_utp::UtpSocket;
use swarm::ladder::Allowed;
use swarm::{Scope, Vantages};

use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, plan, target, tracker};

const TEST: u8 = 191;

/// Three addresses, two ports at each, of which the first is the one to be told.
fn several(test: u8, mut plan: WatchPlan) -> WatchPlan {
    let ours = [1, 2, 3].map(|host| address(test, 255 << 8 | host, 0).ip());
    plan.bind = Vantages::new(ours);
    plan.listen = ours.into_iter().flat_map(|ours| [6_999, 7_001].map(|port| SocketAddr::new(ours, port))).collect();
    plan.announce_port = None;
    plan
}

fn value<'a>(request: &'a str, key: &str) -> &'a str {
    let from = request.split_once(&format!("&{key}=")).unwrap_or_else(|| panic!("no {key} in {request}")).1;
    from.split(['&', ' ']).next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_address_has_its_peers_and_announces_itself() {
    let torrent = Arc::new(Torrent::new("several addresses"));
    let mut received = BTreeMap::new();
    for host in 1..=60 {
        let at = address(TEST, host, 6881);
        received.insert(at, peer::start(Kind::Seed, &torrent, at).await);
    }
    let at = address(TEST, 250, 7000);
    let peers: Vec<_> = received.keys().copied().collect();
    let asked = tracker::http(at, "200 OK", tracker::announce(&peers)).await;
    let plan = several(TEST, plan(TEST, vec![target(&torrent, &[&format!("http://{at}/announce?k=1")])]));
    let (listen, ours) = (plan.listen.clone(), plan.bind.clone());
    let (summary, log) = Station::found().watch(plan).await;
    assert_eq!(summary.unwrap().progress.grades[&Grade::Served], 60);

    let mut shares: BTreeMap<IpAddr, u32> = BTreeMap::new();
    for at in &peers {
        let [probe, control] = log.of(*at)[..] else { panic!("a probe and a control visit of {at}") };
        assert_eq!(probe.observer.ip(), control.observer.ip(), "one connection for each peer, torrent and own address");
        assert!(matches!(control.purpose, Purpose::Control { .. }));
        *shares.entry(probe.observer.ip()).or_default() += 1;
    }
    assert_eq!(shares.keys().copied().collect::<Vec<_>>(), ours.iter().map(|ours| ours.address).collect::<Vec<_>>());
    assert!(shares.values().all(|share| *share > 5), "{shares:?}");
    received.values().for_each(peer::assert_harmless);
    // A fresh peer id for each contact, and the port of the address that the peer sees.
    let said: Vec<Vec<u8>> = received.values().flat_map(|received| received.lock().unwrap().clone()).collect();
    let ids: BTreeSet<&[u8]> = said.iter().map(|said| &said[48..68]).collect();
    assert_eq!(ids.len(), said.len());
    assert_eq!(said.iter().filter(|said| said.windows(9).any(|window| window == b"1:pi6999e")).count(), 60);

    // The tracker heard from each address once for each event, as of one client.
    let asked = asked.lock().unwrap().clone();
    let announces: Vec<&String> = asked.iter().filter(|request| request.starts_with("GET /announce")).collect();
    for event in ["started", "stopped"] {
        assert_eq!(announces.iter().filter(|request| value(request, "event") == event).count(), 3, "{event}");
    }
    for (key, count) in [("peer_id", 1), ("key", 1), ("port", 1)] {
        assert_eq!(announces.iter().map(|request| value(request, key)).collect::<BTreeSet<_>>().len(), count, "{key}");
    }
    assert!(announces.iter().all(|request| value(request, "port") == "6999" && !request.contains("ipv")));
    assert_eq!(asked.iter().filter(|request| request.starts_with("GET /scrape")).count(), 1, "counts are asked for once");
    assert_eq!(log.lists.len(), 3, "each answer is a list of its own");
    let Some(Fact::Started { observers, .. }) = log.facts.first() else { panic!("a run starts") };
    assert!(listen.iter().all(|listener| observers.contains(listener)), "{observers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_vantage_proves_a_peer_again_where_asked_for() {
    let torrent = Arc::new(Torrent::new("second vantage"));
    let kinds = [(1, Kind::Seed), (2, Kind::Seed), (3, Kind::Empty), (4, Kind::Echo)];
    let mut target = target(&torrent, &[]);
    for (host, kind) in kinds {
        peer::start(kind, &torrent, address(TEST + 1, host, 6881)).await;
        target.peers.push(address(TEST + 1, host, 6881));
    }
    let mut plan = several(TEST + 1, plan(TEST + 1, vec![target]));
    plan.settings.roster.vantages_v4 = 2;
    let (summary, log) = Station::found().watch(plan).await;
    summary.unwrap();
    for (host, kind) in kinds {
        let contacts = log.of(address(TEST + 1, host, 6881));
        let story: Vec<_> = contacts.iter().map(|o| (o.observer.ip(), o.purpose == Purpose::Probe, o.grade)).collect();
        match kind {
            Kind::Seed => {
                let [one, its_control, two, other_control] = story[..] else { panic!("{story:?}") };
                assert!(one.1 && two.1 && !its_control.1 && !other_control.1, "{story:?}");
                assert_eq!((one.0, two.0, one.2, two.2), (its_control.0, other_control.0, Grade::Served, Grade::Served));
                assert_ne!(one.0, two.0);
            }
            Kind::Echo => assert_eq!(story.len(), 2, "whoever answers anything is not asked again: {story:?}"),
            _ => assert_eq!(story.len(), 1, "only whoever served: {story:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_heard_at_each_address_on_each_port_over_both_transports() {
    let torrent = Arc::new(Torrent::new("several ports"));
    let mut plan = several(TEST + 2, plan(TEST + 2, vec![target(&torrent, &[])]));
    plan.bind = Vantages::new(plan.bind.iter().map(|ours| ours.address).chain([Ipv6Addr::LOCALHOST.into()]));
    let six = SocketAddr::from((Ipv6Addr::LOCALHOST, 46_199));
    plan.listen.push(six);
    plan.scope = Scope::laboratory(vec!["::1/128".parse().unwrap(), "127.0.0.0/8".parse().unwrap()], vec![], vec![]).unwrap();
    plan.settings.roster.allowed = Allowed::ALL;
    plan.until = Until::Duration(4_000);
    let listen = plan.listen.clone();
    let run = tokio::spawn(Station::found().watch(plan));
    tokio::time::sleep(Duration::from_millis(400)).await;
    let mut due = BTreeMap::new();
    let mut sockets = Vec::new();
    for (number, listener) in listen.iter().enumerate() {
        let from = match listener {
            SocketAddr::V4(_) => address(TEST + 2, number as u16 + 1, 40_000),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, 46_198)),
        };
        let socket = if from.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }.unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(from).unwrap();
        peer::call(Kind::Seed, &torrent, socket.connect(*listener).await.unwrap()).await;
        let socket = UtpSocket::new_udp(from).await.unwrap();
        peer::call(Kind::Seed, &torrent, socket.connect(*listener).await.unwrap()).await;
        sockets.push(socket);
        due.insert((from, Transport::Tcp), *listener);
        due.insert((from, Transport::Utp), *listener);
    }
    let (summary, log) = run.await.unwrap();
    assert_eq!(summary.unwrap().progress.callers, 14);
    let heard: BTreeMap<_, _> = log.observations.iter().map(|(_, o)| ((o.peer, o.transport), o.observer)).collect();
    assert_eq!(heard, due);
    for (_, observation) in &log.observations {
        let role = (observation.direction, observation.port_role, observation.grade);
        assert_eq!(role, (Direction::Incoming, PortRole::Ephemeral, Grade::Served), "a caller is probed like anybody else");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_families_have_their_trackers_and_their_peers() {
    let torrent = Arc::new(Torrent::new("dual stack"));
    let v6 = |port| SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    // One client with an address of each family, one of each family alone, and one that is gone.
    let (both4, both6, only4, only6, gone6) =
        (address(TEST + 3, 1, 6881), v6(46_201), address(TEST + 3, 2, 6881), v6(46_202), v6(46_203));
    for at in [both4, both6, only4, only6] {
        peer::start(Kind::Seed, &torrent, at).await;
    }
    let (four, six) = (address(TEST + 3, 250, 7000), v6(46_200));
    tracker::http(four, "200 OK", tracker::announce(&[both4, only4])).await;
    let asked = tracker::http(six, "200 OK", tracker::announce6(&[both6, only6, gone6])).await;
    let mut plan =
        plan(TEST + 3, vec![target(&torrent, &[&format!("http://{four}/announce"), &format!("http://{six}/announce")])]);
    plan.bind = Vantages::new([address(TEST + 3, 255 << 8 | 1, 0).ip(), Ipv6Addr::LOCALHOST.into()]);
    plan.listen = vec![address(TEST + 3, 255 << 8 | 1, 6_999), v6(46_204)];
    plan.announce_port = None;
    plan.scope = Scope::laboratory(vec!["::1/128".parse().unwrap(), "127.0.0.0/8".parse().unwrap()], vec![], vec![]).unwrap();
    let (summary, log) = Station::found().watch(plan).await;
    assert_eq!(summary.unwrap().progress.grades[&Grade::Served], 4, "two addresses are two peers");
    for at in [both4, both6, only4, only6] {
        let contacts = log.of(at);
        assert_eq!(contacts[0].grade, Grade::Served, "{at}");
        assert!(contacts.iter().all(|contact| contact.observer.is_ipv4() == at.is_ipv4()), "{at}");
    }
    assert_eq!(log.of(gone6)[0].outcome, evidence::Outcome::Refused);
    let asked = asked.lock().unwrap().clone();
    assert!(asked.iter().filter(|request| request.starts_with("GET /announce")).all(|request| value(request, "port") == "46204"));
}
