//! Clients that nobody can dial, and that call the monitor.

use super::*;

/// A simulated client's peer id.
fn id(home: u8, host: u8) -> wire::peer_id::PeerId {
    wire::peer_id::PeerId::azureus(*b"LT", *b"2080", [home, host, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7])
}

/// Calls from a machine in a home, over both transports, and stays until the other side hangs up.
fn call(home: &Home, number: u8, host: u8, torrent: &Arc<Torrent>) -> std::thread::JoinHandle<Vec<peer::Received>> {
    let (from, torrent) = (SocketAddr::from((home.address(host), 40_000 + u16::from(host))), Arc::clone(torrent));
    home.run(move || {
        runtime().block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(from).unwrap();
            let stream = socket.connect(at(MONITOR)).await.unwrap();
            let tcp = peer::call_as(id(number, host), Kind::Seed, &torrent, stream).await;
            let socket = UtpSocket::new_udp(from).await.unwrap();
            let stream = socket.connect(at(MONITOR)).await.unwrap();
            let utp = peer::call_as(id(number, host), Kind::Seed, &torrent, stream).await;
            // A contact ends by the monitor's doing.
            tokio::time::sleep(Duration::from_secs(5)).await;
            vec![tcp, utp]
        })
    })
}

#[test]
fn two_clients_behind_one_address_are_two_records_with_their_own_ports() {
    inside("nat::callers::two_clients_behind_one_address_are_two_records_with_their_own_ports", || {
        let mut internet = Internet::new();
        let homes = [internet.home(Nat::KeepsPorts), internet.home(Nat::RandomPorts)];
        let torrent = Arc::new(Torrent::new("callers"));
        let log = runtime().block_on(async {
            let watch = Watch::begin(public(&torrent, &[]));
            let mut calls = Vec::new();
            for (number, home) in homes.iter().enumerate() {
                calls.extend([2, 3].map(|host| call(home, number as u8, host, &torrent)));
            }
            let log = watch.until_served(8).await;
            for call in calls {
                call.join().unwrap().iter().for_each(peer::assert_harmless);
            }
            log
        });
        let mut seen: BTreeMap<(SocketAddr, Transport), PeerId> = BTreeMap::new();
        for observation in served(&log) {
            assert_eq!((observation.direction, observation.port_role), (Direction::Incoming, PortRole::Ephemeral));
            assert_eq!((observation.observer, &observation.found), (at(MONITOR), &None));
            let before = seen.insert((observation.peer, observation.transport), observation.peer_id.unwrap());
            assert_eq!(before, None, "each client has a record of its own");
        }
        assert_eq!(seen.len(), 8);
        for (number, home) in homes.iter().enumerate() {
            for host in [2, 3] {
                let own = PeerId::from(id(number as u8, host).0);
                let ports: Vec<_> = seen.iter().filter(|(_, id)| **id == own).map(|((peer, _), _)| *peer).collect();
                assert!(ports.len() == 2 && ports.iter().all(|peer| peer.ip() == home.public()), "{ports:?}");
                // Where the router keeps a client's port, it is the client's own; no other port stands in the log.
                let due = SocketAddr::from((home.public(), 40_000 + u16::from(host)));
                assert_eq!(ports.iter().all(|peer| *peer == due), number == 0, "{ports:?}");
            }
        }
    });
}
