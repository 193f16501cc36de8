//! Peers that can be reached by one means only.

use std::collections::BTreeMap;
use std::sync::Arc;

use evidence::{Encryption, Grade, Outcome, Transport};
use swarm::ladder::{Allowed, Means};

use crate::lab::means::start;
use crate::lab::peer::{self, Kind};
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, plan, target, tracker};

const TEST: u8 = 181;

/// Peers of each kind by each means.
const EACH: u16 = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_is_proved_by_whatever_means_it_takes() {
    let torrent = Arc::new(Torrent::new("reach"));
    let kinds = [(Kind::Seed, EACH), (Kind::Echo, 3), (Kind::Liar, 3), (Kind::Empty, 3)];
    let mut peers = BTreeMap::new();
    for (row, means) in Means::ALL.into_iter().enumerate() {
        let mut host = row as u16 * 256;
        for kind in kinds.into_iter().flat_map(|(kind, count)| vec![kind; usize::from(count)]) {
            host += 1;
            let at = address(TEST, host, 6881);
            peers.insert(at, (kind, means, start(kind, means, &torrent, at).await));
        }
    }
    let at = address(TEST, 60_000, 7000);
    let listed: Vec<_> = peers.keys().copied().collect();
    tracker::http(at, "200 OK", tracker::announce(&listed)).await;
    let mut plan = plan(TEST, vec![target(&torrent, &[&format!("http://{at}/announce")])]);
    plan.settings.roster.allowed = Allowed::ALL;
    let (summary, log) = Station::found().watch(plan).await;
    assert_eq!(summary.unwrap().progress.peers, listed.len() as u64);

    for (at, (kind, means, received)) in &peers {
        let contacts = log.of(*at);
        let story: Vec<_> = contacts.iter().map(|o| (o.transport, o.encryption, o.grade, &o.outcome)).collect();
        let number = |transport| if transport == Transport::Tcp { 0 } else { 1 };
        assert!(contacts.iter().map(|contact| number(contact.transport)).is_sorted(), "TCP comes first: {story:?}");
        let answered = contacts.iter().find(|contact| contact.grade >= Grade::Handshaken);
        let answered = answered.unwrap_or_else(|| panic!("{kind:?} by {means:?}: {story:?}"));
        let due = if means.is_covered { Encryption::MseRc4 } else { Encryption::None };
        assert_eq!((answered.transport, answered.encryption), (means.transport, due), "{story:?}");
        let failed = contacts.iter().take_while(|contact| contact.grade < Grade::Handshaken).count();
        // Nobody listens by TCP where µTP is taken, so TCP under MSE is not tried there.
        let tried_before = match *means {
            Means::TCP => 0,
            Means::TCP_MSE | Means::UTP => 1,
            _ => 2,
        };
        assert_eq!(failed, tried_before, "{kind:?} by {means:?}: {story:?}");
        let control =
            contacts.iter().map(|contact| &contact.outcome).find(|outcome| matches!(outcome, Outcome::Echo | Outcome::NoEcho));
        let (grade, echo) = match kind {
            Kind::Seed => (Grade::Served, Some(&Outcome::NoEcho)),
            Kind::Echo => (Grade::Served, Some(&Outcome::Echo)),
            Kind::Liar => (Grade::Claimed, None),
            _ => (Grade::Handshaken, None),
        };
        assert_eq!((answered.grade, control), (grade, echo), "{kind:?} by {means:?}: {story:?}");
        peer::assert_harmless(received);
    }
}
