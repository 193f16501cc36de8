//! Real clients behind a router that lets nobody in: they call the monitor, which their tracker names.

use std::thread::JoinHandle;

use swarmlab::clients::{Client, Encryption, Role, Streams};

use super::*;
use crate::clients::{Terms, find, launch};

pub const TRACKER: &str = "192.0.2.9:7000";

/// A client that runs in a home until it is told to end.
pub struct Resident {
    stop: tokio::sync::oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Resident {
    /// Starts a client and waits until it is ready.
    pub fn start(home: &Home, client: Client, inner: SocketAddr, torrent: &Arc<Torrent>, terms: Terms) -> Option<Self> {
        let found = find(client)?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (sender, ready) = std::sync::mpsc::channel();
        let torrent = Arc::clone(torrent);
        let thread = home.run(move || {
            runtime().block_on(async {
                let subject = launch(client, &found, &torrent, at(TRACKER), inner, terms).await;
                sender.send(()).unwrap();
                let _ = stopped.await;
                eprintln!("{client} in a home:\n{}", subject.running.log_tail());
            });
        });
        ready.recv().expect("the client starts");
        Some(Self { stop, thread })
    }

    pub fn end(self) {
        let _ = self.stop.send(());
        self.thread.join().unwrap();
    }
}

/// Clients behind one router, each with the kind of streams it opens and what it is heard by.
fn call(test: &str, residents: &[(Client, Streams, Transport)]) {
    inside(test, || {
        let mut internet = Internet::new();
        let home = internet.home(Nat::KeepsPorts);
        let torrent = Arc::new(Torrent::new(&test.replace("::", "-")));
        let runtime = runtime();
        let (watch, _asked) = runtime.block_on(async {
            let asked = tracker::http(at(TRACKER), "200 OK", tracker::announce(&[at(MONITOR)])).await;
            let mut plan = public(&torrent, &[]);
            plan.settings.probe.handshake_ms = 8_000;
            (Watch::begin(plan), asked)
        });
        let mut started = Vec::new();
        for (number, (client, streams, _)) in residents.iter().enumerate() {
            let inner = SocketAddr::from((home.address(2 + number as u8), 6_881 + number as u16));
            let terms = Terms { role: Role::Seed, encryption: Encryption::Default, streams: *streams, gossips: false };
            match Resident::start(&home, *client, inner, &torrent, terms) {
                Some(resident) => started.push(resident),
                None => return,
            }
        }
        let log = runtime.block_on(watch.until_served(residents.len() as u64));
        let mut heard: Vec<_> = served(&log)
            .into_iter()
            .map(|observation| {
                assert_eq!(observation.peer.ip(), home.public());
                assert_eq!((observation.direction, observation.port_role), (Direction::Incoming, PortRole::Ephemeral));
                let family = wire::peer_id::PeerId(*observation.peer_id.unwrap().as_bytes()).claim().family;
                (observation.transport, format!("{family:?}"), observation.peer.port())
            })
            .collect();
        heard.sort();
        heard.dedup_by_key(|(transport, family, _)| (*transport, family.clone()));
        eprintln!("{test}: {heard:?}");
        let mut due: Vec<_> = residents.iter().map(|(.., transport)| *transport).collect();
        due.sort();
        assert_eq!(heard.iter().map(|(transport, ..)| *transport).collect::<Vec<_>>(), due);
        started.into_iter().for_each(Resident::end);
    });
}

#[test]
fn two_real_clients_behind_one_address_are_two_records() {
    let residents = [(Client::QBittorrent, Streams::Utp, Transport::Utp), (Client::Deluge, Streams::Tcp, Transport::Tcp)];
    call("nat::clients::two_real_clients_behind_one_address_are_two_records", &residents);
}

#[test]
fn libtorrent_calls_over_tcp() {
    call("nat::clients::libtorrent_calls_over_tcp", &[(Client::Libtorrent, Streams::Tcp, Transport::Tcp)]);
}
