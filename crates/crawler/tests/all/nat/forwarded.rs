//! Clients behind one address, each with a port that its router forwards.

use super::*;

#[test]
fn two_clients_behind_one_address_are_dialled_at_their_own_ports() {
    inside("nat::forwarded::two_clients_behind_one_address_are_dialled_at_their_own_ports", || {
        let mut internet = Internet::new();
        let home = internet.home(Nat::KeepsPorts);
        let torrent = Arc::new(Torrent::new("forwarded"));
        let mut peers = Vec::new();
        for (host, kind) in [(2, Kind::Seed), (3, Kind::Empty), (4, Kind::Seed)] {
            let port = 6_880 + u16::from(host);
            // Nothing is forwarded to the last one.
            if host < 4 {
                home.forward(port, host);
            }
            let (inner, torrent) = (SocketAddr::from((home.address(host), port)), Arc::clone(&torrent));
            let (sender, started) = std::sync::mpsc::channel();
            home.run(move || {
                runtime().block_on(async {
                    peer::start(kind, &torrent, inner).await;
                    sender.send(()).unwrap();
                    std::future::pending::<()>().await;
                });
            });
            started.recv().unwrap();
            peers.push(SocketAddr::from((home.public(), port)));
        }
        let log = runtime().block_on(async {
            let tracker = at("192.0.2.9:7000");
            tracker::http(tracker, "200 OK", tracker::announce(&peers)).await;
            let mut plan = public(&torrent, &[&format!("http://{tracker}/announce")]);
            plan.until = Until::Idle { quiet_ms: 300, at_most_ms: 60_000 };
            let (summary, log) = Station::found().watch(plan).await;
            summary.unwrap();
            log
        });
        let first = |peer: SocketAddr| log.of(peer)[0];
        assert_eq!((first(peers[0]).grade, first(peers[0]).port_role), (Grade::Served, PortRole::Listening));
        assert_eq!(first(peers[1]).grade, Grade::Handshaken);
        assert!(log.of(peers[2]).iter().all(|contact| contact.grade == Grade::Listed), "nobody can dial it");
        assert!(served(&log).iter().all(|observation| observation.peer == peers[0]), "the other client behind it shares nothing");
    });
}
