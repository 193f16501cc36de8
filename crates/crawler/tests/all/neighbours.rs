//! Local discovery, in a network of the test's own: a neighbour that nobody lists is heard, logged, and proved.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crawler::{LocalDiscovery, Reason, Until, WatchPlan};
use evidence::observation::Source;
use evidence::{Exclusion, Grade, InfoHashV1, Outcome, sha256};
use socket2::{Domain, Protocol, Socket, Type};
use swarm::{Scope, Vantages};
use swarmlab::clients::Client;
use swarmlab::namespace;
use tokio::net::UdpSocket;
use wire::local::{Announcement, GROUP_V4, GROUP_V6};

use crate::lab::peer::{self, Kind};
use crate::lab::station::{Log, Station};
use crate::lab::torrent::Torrent;
use crate::lab::{plan, target};

const OURS: &str = "192.0.2.1";

/// Loopback carries the datagrams of the group of IPv4 once it is told to, and none of that of IPv6: these go over a wire
/// that leads nowhere.
fn in_a_network_with_groups(test: &str, body: impl Future<Output = ()>) {
    namespace::inside(test, || {
        for words in [
            "link set lo multicast on",
            "link add lab0 type veth peer name lab1",
            "link set lab0 up",
            "link set lab1 up",
            "-6 addr add 2001:db8::1/128 dev lab0 nodad",
        ] {
            let done = Command::new("ip").args(words.split(' ')).status().unwrap();
            assert!(done.success(), "ip {words}");
        }
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(body);
    });
}

fn a_plan(torrents: &[&Torrent], local: LocalDiscovery) -> WatchPlan {
    let mut plan = plan(1, torrents.iter().map(|torrent| target(torrent, &[])).collect());
    let lab = ["192.0.2.0/24", "2001:db8::/32"].map(|net| net.parse().unwrap());
    plan.scope = Scope::laboratory(lab.to_vec(), vec![], vec![]).unwrap();
    plan.bind = Vantages::new([OURS.parse().unwrap(), "2001:db8::1".parse().unwrap()]);
    plan.listen = vec![format!("{OURS}:6999").parse().unwrap(), "[2001:db8::1]:6999".parse().unwrap()];
    plan.announce_port = None;
    plan.local = local;
    plan.until = Until::Duration(4_000);
    plan
}

/// A socket of a neighbour's.
fn voice(from: &str) -> UdpSocket {
    let from: SocketAddr = from.parse().unwrap();
    let socket = Socket::new(Domain::for_address(from), Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.bind(&from.into()).unwrap();
    if let SocketAddr::V4(four) = from {
        socket.set_multicast_if_v4(four.ip()).unwrap();
    }
    socket.set_nonblocking(true).unwrap();
    UdpSocket::from_std(socket.into()).unwrap()
}

/// Calls out again and again, for nobody knows when the monitor begins to listen.
fn call_out(from: &str, datagram: Vec<u8>) -> tokio::task::JoinHandle<()> {
    let socket = voice(from);
    let group = if from.starts_with('[') { SocketAddr::from(GROUP_V6) } else { GROUP_V4.into() };
    tokio::spawn(async move {
        loop {
            socket.send_to(&datagram, group).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    })
}

fn says(hash: [u8; 20], port: u16, is_v6: bool) -> Vec<u8> {
    Announcement { port, info_hashes: vec![wire::infohash::InfoHashV1(hash)], cookie: None }.encode(is_v6)
}

async fn watch(plan: WatchPlan) -> Log {
    let (summary, log) = Station::found().watch(plan).await;
    assert_eq!(summary.unwrap().reason, Reason::Duration);
    log
}

#[test]
fn a_neighbour_is_heard_logged_and_proved() {
    in_a_network_with_groups("neighbours::a_neighbour_is_heard_logged_and_proved", async {
        let [torrent, other] = ["film", "other"].map(|name| Arc::new(Torrent::new(name)));
        let [four, six]: [SocketAddr; 2] = ["192.0.2.7:6881", "[2001:db8::7]:6881"].map(|at| at.parse().unwrap());
        for at in [four, six] {
            peer::start(Kind::Seed, &torrent, at).await;
        }
        let datagram = says(torrent.hash(), 6_881, false);
        let _neighbours = [
            call_out("192.0.2.7:40000", datagram.clone()),
            call_out("[2001:db8::7]:40000", says(torrent.hash(), 6_881, true)),
            // A torrent that nobody mandated, a port that is no client's, and noise.
            call_out("192.0.2.8:40000", says(other.hash(), 6_881, false)),
            call_out("192.0.2.9:40000", says(torrent.hash(), 25, false)),
            call_out("192.0.2.10:40000", b"BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n\r\n".to_vec()),
        ];
        let log = watch(a_plan(&[&torrent], LocalDiscovery::Listen)).await;
        for at in [four, six] {
            let observation = log.of(at)[0];
            let found = observation.found.as_ref().unwrap();
            assert_eq!((observation.grade, found.source, found.via.as_str()), (Grade::Served, Source::Local, "local"));
        }
        assert_eq!(log.lists.len(), 3, "each neighbour once, however often it calls: {:?}", log.lists);
        let list = log.lists.iter().map(|(_, list)| list).find(|list| list.peers == [four]).unwrap();
        assert_eq!((list.via.as_str(), list.answer_sha256), ("local:192.0.2.7:40000", sha256(&datagram)));
        assert_eq!(log.of("192.0.2.9:25".parse().unwrap())[0].outcome, Outcome::Excluded { rule: Exclusion::Port });
        assert!(log.observations.iter().all(|(_, observation)| observation.target == torrent.ids()));
    });
}

#[test]
fn unless_it_is_wished_nobody_is_heard_and_nobody_told() {
    in_a_network_with_groups("neighbours::unless_it_is_wished_nobody_is_heard_and_nobody_told", async {
        let [torrent, private] = ["film", "private"].map(|name| Arc::new(Torrent::new(name)));
        for (wish, is_heard, said) in
            [(LocalDiscovery::Off, false, 0), (LocalDiscovery::Listen, true, 0), (LocalDiscovery::Announce, true, 1)]
        {
            let neighbours = [
                call_out("192.0.2.7:40000", says(torrent.hash(), 6_881, false)),
                call_out("192.0.2.8:40000", says(private.hash(), 6_881, false)),
            ];
            let ears = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
            ears.set_reuse_address(true).unwrap();
            ears.bind(&SocketAddr::from(GROUP_V4).into()).unwrap();
            ears.join_multicast_v4(GROUP_V4.ip(), &Ipv4Addr::new(192, 0, 2, 5)).unwrap();
            ears.set_nonblocking(true).unwrap();
            let ears = UdpSocket::from_std(ears.into()).unwrap();
            let mut plan = a_plan(&[&torrent, &private], wish);
            plan.targets[1].is_private = true;
            plan.until = Until::Duration(1_500);
            let log = watch(plan).await;
            assert_eq!(!log.lists.is_empty(), is_heard, "{wish:?}");
            assert!(log.lists.iter().all(|(_, list)| list.target == torrent.ids()), "nobody hears of a private torrent");
            let (mut buffer, mut ours) = (vec![0; 2_000], vec![]);
            while let Ok((length, from)) = ears.try_recv_from(&mut buffer) {
                if from.ip() == OURS.parse::<Ipv4Addr>().unwrap() {
                    let said = Announcement::parse(&buffer[..length]).unwrap();
                    assert!(said.cookie.is_some());
                    ours.push((said.port, said.info_hashes.iter().map(|hash| InfoHashV1::from(hash.0)).collect::<Vec<_>>()));
                }
            }
            assert_eq!(ours, vec![(6_999, vec![torrent.ids().v1.unwrap()]); said], "{wish:?}");
            neighbours.iter().for_each(tokio::task::JoinHandle::abort);
            for neighbour in neighbours {
                let _ = neighbour.await;
            }
        }
    });
}

/// A real client calls out, and is found by nothing else.
#[test]
fn aria2_is_found_by_its_announcement() {
    let client = Client::Aria2;
    let Some(found) = client.find() else {
        assert!(std::env::var_os("CI").is_none(), "aria2 is not installed");
        eprintln!("!!! SKIPPED !!! aria2 is not installed");
        return;
    };
    in_a_network_with_groups("neighbours::aria2_is_found_by_its_announcement", async {
        let torrent = Torrent::new("aria2-calls-out");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("laboratory.torrent");
        std::fs::write(&file, torrent.with_tracker("http://192.0.2.200:9/announce")).unwrap();
        std::fs::write(folder.path().join(&torrent.name), &torrent.bytes).unwrap();
        // It calls out when a torrent starts, which must not be before the monitor listens.
        let mut plan = a_plan(&[&torrent], LocalDiscovery::Listen);
        plan.until = Until::Duration(20_000);
        plan.settings.probe.claims_ms = 10_000;
        plan.settings.probe.choked_ms = 10_000;
        let watching = tokio::spawn(Station::found().watch(plan));
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let mut aria2 = Command::new(&found.program)
            .args([
                "--no-conf=true",
                "--enable-dht=false",
                "--enable-dht6=false",
                "--bt-enable-lpd=true",
                "--bt-lpd-interface=192.0.2.7",
            ])
            .args([
                "--interface=192.0.2.7",
                "--listen-port=26881",
                "--seed-ratio=0.0",
                "--check-integrity=true",
                "--async-dns=false",
            ])
            .arg(format!("--dir={}", folder.path().display()))
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (summary, log) = watching.await.unwrap();
        aria2.kill().unwrap();
        aria2.wait().unwrap();
        summary.unwrap();
        let at: SocketAddr = "192.0.2.7:26881".parse().unwrap();
        let [observation, ..] = log.of(at)[..] else { panic!("{:?}", log.lists) };
        let found = observation.found.as_ref().unwrap();
        assert_eq!((observation.grade, found.source), (Grade::Served, Source::Local), "{:?}", observation.outcome);
    });
}
