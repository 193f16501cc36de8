//! A client that nobody can dial, and that does not know of the monitor: it is reached by hole punching (BEP 55), through
//! somebody whom it is connected to.

use evidence::observation::{Purpose, Source};
use evidence::{Encryption, Outcome};
use swarmlab::clients::{self, Client, Role, Streams};

use super::clients::{Resident, TRACKER};
use super::*;
use crate::clients::{Terms, find, launch};

const RELAY: &str = "192.0.2.50:6881";

/// How the log has it, in few words.
fn story(log: &Log) -> Vec<String> {
    let word = |o: &Observation| {
        let hole = if o.rendezvous.is_some() { ", introduced" } else { "" };
        format!("{} {:?} {:?}: {} {}{hole}", o.peer, o.transport, o.purpose, o.grade, o.outcome.word())
    };
    log.observations.iter().map(|(_, observation)| word(observation)).collect()
}

/// Both clients are of this kind; the monitor listens nowhere, so that nobody can call it. qBittorrent cannot be told to stay
/// connected to another seed, so it introduces none.
fn punch(test: &str, client: Client) {
    inside(test, || {
        let Some(found) = find(client) else { return };
        let mut internet = Internet::new();
        let home = internet.home(Nat::KeepsPorts);
        let torrent = Arc::new(Torrent::new(&test.replace("::", "-")));
        let hidden = SocketAddr::from((home.public(), 6_881));
        let terms = Terms { role: Role::Seed, encryption: clients::Encryption::Default, streams: Streams::Utp, gossips: true };
        let runtime = runtime();
        let _relay = runtime.block_on(async {
            // It knows of the relay alone.
            tracker::http(at(TRACKER), "200 OK", tracker::announce(&[at(RELAY)])).await;
            launch(client, &found, &torrent, at(TRACKER), at(RELAY), terms).await
        });
        let inner = SocketAddr::from((home.address(2), 6_881));
        let resident = Resident::start(&home, client, inner, &torrent, terms).unwrap();
        let log = runtime.block_on(async {
            let other_tracker = at("192.0.2.9:7001");
            tracker::http(other_tracker, "200 OK", tracker::announce(&[at(RELAY)])).await;
            let mut plan = public(&torrent, &[&format!("http://{other_tracker}/announce")]);
            plan.listen = vec![];
            plan.until = Until::Duration(120_000);
            plan.settings.probe.connect_ms = 4_000;
            plan.settings.probe.handshake_ms = 4_000;
            // The relay names others once a minute.
            plan.settings.revisit = Some(swarm::continuity::Revisit { after_ms: 5_000, within_ms: 30_000 });
            Watch::begin(plan)
                .until(|log| log.of(hidden).iter().any(|seen| seen.rendezvous.is_some() && seen.grade == Grade::Served))
                .await
        });
        eprintln!("{test}: {:#?}", story(&log));
        resident.end();

        let contacts = log.of(hidden);
        let before: Vec<_> = contacts.iter().take_while(|contact| contact.rendezvous.is_none()).collect();
        assert!(!before.is_empty() && before.iter().all(|contact| contact.grade == Grade::Listed), "nobody can dial it");
        let is_dialled = |contact: &&&Observation| contact.rendezvous.is_some() && contact.grade == Grade::Served;
        let reached = contacts.iter().find(is_dialled).unwrap();
        // Both sides dial, and either may be first; the client keeps the stream that it opened.
        let (role, source) = match reached.direction {
            Direction::Outgoing => (PortRole::Listening, Some(Source::Pex)),
            Direction::Incoming => (PortRole::Ephemeral, None),
        };
        assert_eq!((reached.port_role, reached.found.as_ref().map(|found| found.source)), (role, source));
        assert_eq!((reached.transport, reached.encryption), (Transport::Utp, Encryption::None));
        let dialled = contacts.iter().find(|seen| seen.rendezvous.is_some() && seen.direction == Direction::Outgoing);
        assert!(dialled.is_some_and(|seen| seen.grade >= Grade::Connected), "our own dial goes through the hole");
        // The record names the rendezvous, and that one is in the log before it.
        let place = |digest| log.order.iter().position(|(_, commitment)| *commitment == digest).unwrap();
        let (own, _) = log.observations.iter().find(|(_, observation)| observation == *reached).unwrap();
        let rendezvous = reached.rendezvous.unwrap();
        assert!(place(rendezvous) < place(*own));
        let (_, asked) = log.observations.iter().find(|(commitment, _)| *commitment == rendezvous).unwrap();
        assert_eq!((asked.peer, asked.purpose, asked.transport), (at(RELAY), Purpose::Rendezvous, Transport::Utp));
        assert!(matches!(asked.outcome, Outcome::Introduced { connects: 1.., .. }) && asked.challenges.is_empty());
        // Whom it was asked for does not stand in its transcript as said by the relay.
        let transcript = &log.transcripts[&asked.transcript_sha256.unwrap()];
        assert!(swarm::transcript::parse(transcript).unwrap().len() > 4);
    });
}

#[test]
fn a_libtorrent_client_is_introduced_by_another() {
    punch("nat::punched::a_libtorrent_client_is_introduced_by_another", Client::Libtorrent);
}
