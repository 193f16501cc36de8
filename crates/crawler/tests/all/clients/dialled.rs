//! Clients that we dial.

use evidence::{Encryption, Grade, Outcome, Transport};
use swarm::ladder::{Allowed, Means};
use swarmlab::clients::{self, Client, Role};

use super::{Terms, assert_replays, find, launch, means, seats, story, torrent};
use crate::lab::station::Station;
use crate::lab::{plan, target, tracker};

/// Starts the client, runs a plan to its end, and sees that the client was proved by the means due, and controlled by them.
async fn is_served(
    test: u8,
    client: Client,
    allowed: Allowed,
    encryption: clients::Encryption,
    streams: clients::Streams,
    due: (Transport, Encryption),
) {
    let Some(found) = find(client) else { return };
    let torrent = torrent(test);
    let (at_tracker, address, _) = seats(test);
    let tracker_url = format!("http://{at_tracker}/announce");
    let _asked = tracker::http(at_tracker, "200 OK", tracker::announce(&[address])).await;
    let terms = Terms { role: Role::Seed, encryption, streams, gossips: false, dht: None };
    let subject = launch(client, &found, &torrent, at_tracker, address, terms).await;
    let mut plan = plan(test, vec![target(&torrent, &[&tracker_url])]);
    plan.settings.roster.allowed = allowed;
    plan.settings.roster.climb_ms = 700;
    plan.settings.roster.control_ms = 1_500;
    plan.settings.roster.tries_max = 4;
    plan.settings.roster.retry_first_ms = 2_000;
    plan.settings.probe.claims_ms = 12_000;
    plan.settings.probe.choked_ms = 25_000;
    plan.settings.probe.choked_transmission_ms = 25_000;
    plan.settings.probe.handshake_ms = 3_000;
    let (summary, log) = Station::found().watch(plan).await;
    summary.unwrap();
    let story = story(&log, subject.address);
    let served = log.of(subject.address).into_iter().filter(|observation| observation.grade == Grade::Served);
    let served: Vec<_> = served.collect();
    let [served] = served[..] else { panic!("{client}: {story:#?}\n{}", subject.running.log_tail()) };
    assert_eq!(means(served), due, "{client}: {story:#?}");
    if served.encryption != Encryption::None {
        assert_replays(&log, served);
    }
    let control = log.of(subject.address).into_iter().rfind(|observation| observation.outcome == Outcome::NoEcho);
    let control = control.unwrap_or_else(|| panic!("{client}: {story:#?}"));
    assert_eq!(control.transport, due.0, "{client}: {story:#?}");
    // Most hang up on the random info-hash before they have finished their part of an MSE handshake.
    let is_covered = due.1 != Encryption::None;
    assert!(control.encryption == due.1 || (is_covered && control.encryption == Encryption::MseFailed), "{client}: {story:#?}");
    eprintln!("{client}: {story:#?}");
}

macro_rules! served {
    ($($name:ident: $test:literal, $client:ident, $allowed:expr, $encryption:ident, $streams:ident => $transport:ident, $due:ident;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let due = (Transport::$transport, Encryption::$due);
            is_served($test, Client::$client, $allowed, clients::Encryption::$encryption, clients::Streams::$streams, due).await;
        })*
    };
}

/// TCP alone, so that a client that is not ready yet is not found by other means first.
const OVER_TCP: Allowed = Allowed::only(&[Means::TCP, Means::TCP_MSE]);

/// µTP alone: Transmission has no setting for it, and a monitor that dials by µTP alone is as good.
const OVER_UTP: Allowed = Allowed::only(&[Means::UTP, Means::UTP_MSE]);

served! {
    qbittorrent_that_requires_encryption: 151, QBittorrent, OVER_TCP, Required, Any => Tcp, MseRc4;
    deluge_that_requires_encryption: 152, Deluge, OVER_TCP, Required, Any => Tcp, MseRc4;
    transmission_that_requires_encryption: 153, Transmission, OVER_TCP, Required, Any => Tcp, MseRc4;
    rtorrent_that_requires_encryption: 154, Rtorrent, OVER_TCP, Required, Any => Tcp, MseRc4;
    aria2_that_requires_encryption: 155, Aria2, OVER_TCP, Required, Any => Tcp, MseRc4;
    qbittorrent_without_tcp: 156, QBittorrent, Allowed::ALL, Default, Utp => Utp, None;
    deluge_without_tcp: 157, Deluge, Allowed::ALL, Default, Utp => Utp, None;
    transmission_over_utp: 158, Transmission, OVER_UTP, Default, Any => Utp, None;
    qbittorrent_over_utp_that_requires_encryption: 159, QBittorrent, Allowed::ALL, Required, Utp => Utp, MseRc4;
    transmission_over_utp_that_requires_encryption: 160, Transmission, OVER_UTP, Required, Any => Utp, MseRc4;
    deluge_over_utp_that_requires_encryption: 161, Deluge, Allowed::ALL, Required, Utp => Utp, MseRc4;
}
