//! Clients that name others: a peer that no tracker lists, and that one of them is connected to, is found and proved.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evidence::Grade;
use evidence::observation::Source;
use swarmlab::behaviour::{Behaviour, Mix};
use swarmlab::clients::{self, Client, Role};
use swarmlab::farm::{Farm, FarmConfig};
use swarmlab::torrent::{Shape, SyntheticTorrent};

use super::{Terms, find, launch, seats, story};
use crate::lab::station::Station;
use crate::lab::torrent::{PIECE_BYTES, Torrent};
use crate::lab::{address, plan, target, tracker};

/// How the client and the hidden peer meet.
#[derive(Clone, Copy)]
enum Meeting {
    /// The client's tracker names the peer.
    ClientDials,
    /// The peer dials the client, which does not dial loopback addresses. In its handshake it names its listening port.
    PeerDials,
}

async fn names_a_hidden_peer(test: u8, client: Client, meeting: Meeting) {
    let Some(found) = find(client) else { return };
    let synthetic = SyntheticTorrent::new("film", 7, Shape::File { length: 2_000_000 }, PIECE_BYTES, &[]).unwrap();
    let torrent = Torrent::of_farm(&synthetic);
    let info_hash = synthetic.info_hash();
    // Somebody who has about half of it stays interesting, and stays.
    let farm = Farm::start(FarmConfig::new(vec![Arc::new(synthetic)], Mix::only(Behaviour::Partial))).await.unwrap();
    let hidden = address(test, 300, farm.port());
    let (at_tracker, at, _) = seats(test);
    let named: &[SocketAddr] = if matches!(meeting, Meeting::ClientDials) { &[hidden] } else { &[] };
    let _asked = tracker::http(at_tracker, "200 OK", tracker::announce(named)).await;
    let encryption = clients::Encryption::Default;
    let terms = Terms { role: Role::Leech, encryption, streams: clients::Streams::Any, gossips: true, dht: None };
    let subject = launch(client, &found, &torrent, at_tracker, at, terms).await;
    if matches!(meeting, Meeting::PeerDials) {
        farm.dial_out(hidden.ip(), at, info_hash).await.unwrap();
    }
    for _ in 0..600 {
        if farm.report().at(hidden.ip()).blocks_served > 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let monitors = address(test, 252, 7_000);
    let _asked = tracker::http(monitors, "200 OK", tracker::announce(&[at])).await;
    let mut plan = plan(test, vec![target(&torrent, &[&format!("http://{monitors}/announce")])]);
    plan.settings.roster.control_ms = 1_500;
    plan.settings.probe.claims_ms = 12_000;
    plan.settings.probe.choked_ms = 25_000;
    plan.settings.probe.choked_transmission_ms = 25_000;
    plan.settings.probe.handshake_ms = 3_000;
    let (summary, log) = Station::found().watch(plan).await;
    summary.unwrap();
    let told = format!("{:#?}\n{:#?}\n{}", story(&log, at), log.lists, subject.running.log_tail());
    let [observation, ..] = log.of(hidden)[..] else { panic!("{client} named nobody: {told}") };
    assert_eq!(observation.grade, Grade::Served, "{client}: {:#?}", story(&log, hidden));
    let found = observation.found.as_ref().unwrap();
    assert_eq!((found.source, found.via.as_str()), (Source::Pex, "pex"));
    let list = log.lists.iter().find(|(commitment, _)| *commitment == found.list).unwrap();
    assert_eq!(list.1.via, format!("pex:{at}"), "{told}");
}

macro_rules! gossip {
    ($($name:ident: $test:literal, $client:ident, $meeting:ident;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            names_a_hidden_peer($test, Client::$client, Meeting::$meeting).await;
        })*
    };
}

gossip! {
    qbittorrent_names_others: 136, QBittorrent, ClientDials;
    deluge_names_others: 137, Deluge, ClientDials;
    transmission_names_others: 138, Transmission, PeerDials;
    aria2_names_others: 139, Aria2, ClientDials;
}
