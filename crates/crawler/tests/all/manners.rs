//! Peers that share in other ways than most: each is proved over real sockets, and its record says who chose what was asked.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use evidence::observation::ClaimForm;
use evidence::{Chooser, Grade, Verification};
use swarmlab::behaviour::{Behaviour, Mix};
use swarmlab::farm::{Farm, FarmConfig};
use swarmlab::network::Network;
use swarmlab::persona::Persona;
use swarmlab::torrent::{Shape, SyntheticTorrent};
use swarmlab::truth::Truth;

use crate::lab::station::{Log, Station};
use crate::lab::torrent::{PIECE_BYTES, Torrent};
use crate::lab::{address, plan, target, tracker};

const TEST: u8 = 152;

/// Some peers of each of these ways.
const PEERS: usize = 60;

async fn watched() -> (Farm, Vec<SocketAddr>, Log, crawler::Summary) {
    let torrent = SyntheticTorrent::new("film", 7, Shape::File { length: 900_000 }, PIECE_BYTES, &[]).unwrap();
    let ours = Torrent::of_farm(&torrent);
    let farm = Farm::start(FarmConfig::new(vec![Arc::new(torrent)], Mix::manners())).await.unwrap();
    let peers: Vec<SocketAddr> =
        farm.addresses(&[(Network::laboratory()[0].clone(), PEERS)]).into_iter().map(SocketAddr::from).collect();
    let at = address(TEST, 60_000, 7_000);
    tracker::http(at, "200 OK", tracker::announce(&peers)).await;
    let mut plan = plan(TEST, vec![target(&ours, &[&format!("http://{at}/announce")])]);
    plan.settings.probe.unbidden_ms = 200;
    let (summary, log) = Station::found().watch(plan).await;
    (farm, peers, log, summary.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_shares_in_its_own_way_is_proved_and_nobody_else() {
    let (farm, peers, log, summary) = watched().await;
    let mut truth = Truth::new();
    peers.iter().for_each(|peer| truth.insert(*peer, Behaviour::of(*peer, farm.mix()), &Network::laboratory()));
    let served = peers.iter().filter(|peer| log.of(**peer)[0].grade == Grade::Served).copied();
    let confusion = truth.confusion(served);
    assert!(confusion.is_perfect(), "{confusion:#?}");
    let ways: BTreeSet<_> = peers.iter().map(|peer| Behaviour::of(*peer, farm.mix())).collect();
    assert_eq!(ways.len(), 5, "{ways:?}");
    for peer in &peers {
        let seen = log.of(*peer)[0];
        let (behaviour, persona) = (Behaviour::of(*peer, farm.mix()), Persona::of(*peer, farm.mix()));
        let said = seen.extension.as_ref().unwrap();
        assert_eq!(said.sees_observer, Some(true), "{behaviour}");
        let choosers: BTreeSet<Chooser> = seen.challenges.iter().map(|challenge| challenge.chosen_by).collect();
        let only = |chooser| choosers.iter().eq([&chooser]);
        match behaviour {
            Behaviour::SuperSeeder => {
                assert_eq!(seen.claim.unwrap().by, ClaimForm::Have);
                assert!(only(Chooser::Peer) && seen.challenges.iter().all(|challenge| challenge.among == 1), "{seen:#?}");
                assert_eq!(seen.outcome, evidence::Outcome::Served { blocks: 2, pieces: 2 }, "it reveals another");
            }
            Behaviour::Suggester => assert!(only(Chooser::Monitor) && seen.challenges[0].among > 3, "{seen:#?}"),
            Behaviour::PartialSeed => {
                let claim = seen.claim.unwrap();
                assert!(said.upload_only == Some(true) && 0 < claim.pieces && claim.pieces < claim.of);
            }
            Behaviour::Withdrawer => {
                let is_withdrawn = |result| result == Verification::Withdrawn;
                assert!(seen.challenges.iter().all(|challenge| is_withdrawn(challenge.verification)), "{seen:#?}");
                assert_eq!((seen.grade, seen.outcome.word()), (Grade::Claimed, "nothing-claimed"));
                assert_eq!(seen.claim.unwrap().withdrawn, 3);
            }
            Behaviour::Tacit => {
                assert!(only(Chooser::Rule) && seen.challenges.iter().all(|challenge| challenge.choked), "{seen:#?}");
            }
            other => panic!("{other} is not of this mix"),
        }
        let software = seen.software.as_ref().unwrap();
        assert_eq!(software.by_client.is_some(), persona.client.is_some(), "{behaviour}");
    }
    assert_eq!(summary.progress.seen_elsewhere, 0);
    assert!(summary.progress.seen_here >= PEERS as u64);
}
