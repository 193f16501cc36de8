//! Clients that dial us. Transmission is not among them: it dials nobody on loopback.

use std::time::Duration;

use crawler::Until;
use evidence::{Direction, Encryption, Grade, PortRole, Transport};
use swarm::ladder::Allowed;
use swarmlab::clients::{self, Client, Role};

use super::{Terms, assert_replays, find, launch, means, seats, torrent};
use crate::lab::station::Station;
use crate::lab::{plan, target, tracker};

/// Starts a run that only listens, and a client whose tracker names the listener, and sees by which means it called.
async fn calls(
    test: u8,
    client: Client,
    role: Role,
    encryption: clients::Encryption,
    streams: clients::Streams,
    due: (Transport, Encryption),
) {
    let Some(found) = find(client) else { return };
    let torrent = torrent(test);
    let (at_tracker, address, listen) = seats(test);
    let _asked = tracker::http(at_tracker, "200 OK", tracker::announce(&[listen])).await;
    let mut plan = plan(test, vec![target(&torrent, &[])]);
    plan.listen = vec![listen];
    plan.settings.roster.allowed = Allowed::ALL;
    plan.settings.probe.handshake_ms = 8_000;
    plan.until = Until::Duration(25_000);
    let run = tokio::spawn(Station::found().watch(plan));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let terms = Terms { role, encryption, streams, gossips: false, dht: None };
    let subject = launch(client, &found, &torrent, at_tracker, address, terms).await;
    let (summary, log) = run.await.unwrap();
    let progress = summary.unwrap().progress;
    let from_client =
        log.observations.iter().map(|(_, observation)| observation).filter(|observation| observation.peer.ip() == address.ip());
    let story: Vec<_> =
        from_client.clone().map(|o| format!("{:?}/{:?} {} {:?}", o.transport, o.encryption, o.grade, o.outcome)).collect();
    eprintln!("{client} called: {story:#?} {progress:?}");
    let heard = from_client.clone().find(|observation| means(observation) == due && observation.grade >= Grade::Handshaken);
    let heard = heard.unwrap_or_else(|| panic!("{client}: {story:#?} {progress:?}\n{}", subject.running.log_tail()));
    assert_eq!((heard.direction, heard.port_role), (Direction::Incoming, PortRole::Ephemeral));
    assert_eq!((heard.observer, &heard.found), (listen, &None));
    if heard.encryption != Encryption::None {
        assert_replays(&log, heard);
    }
    if role == Role::Seed {
        assert_eq!(heard.grade, Grade::Served, "{story:#?}");
    }
}

macro_rules! called {
    ($($name:ident: $test:literal, $client:ident, $role:ident, $encryption:ident, $streams:ident => $transport:ident, $due:ident;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let due = (Transport::$transport, Encryption::$due);
            calls($test, Client::$client, Role::$role, clients::Encryption::$encryption, clients::Streams::$streams, due).await;
        })*
    };
}

called! {
    rtorrent_under_mse: 171, Rtorrent, Leech, Required, Any => Tcp, MseRc4;
    aria2_under_mse: 172, Aria2, Leech, Required, Any => Tcp, MseRc4;
    qbittorrent_under_mse: 173, QBittorrent, Seed, Required, Any => Utp, MseRc4;
    qbittorrent_over_utp: 174, QBittorrent, Seed, Default, Utp => Utp, None;
    deluge_over_utp_under_mse: 175, Deluge, Seed, Required, Utp => Utp, MseRc4;
    deluge_over_utp: 176, Deluge, Leech, Default, Any => Utp, None;
}
