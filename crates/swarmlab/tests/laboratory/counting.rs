//! The farm counts what it is sent, and thousands of peers are there at once.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use swarmlab::behaviour::{Behaviour, Mix};
use swarmlab::farm::{Farm, FarmConfig, Report};
use swarmlab::network::Network;
use swarmlab::truth::Truth;
use swarmlab::{descriptors, piece};
use wire::bitfield::Bitfield;
use wire::message::Outgoing;

use super::stranger::{ADDRESS, Heard, Stranger};
use super::{farm, peers, torrent};

/// The report once `enough` is true of it: what was sent needs a moment to be counted.
async fn report_when(farm: &Farm, enough: impl Fn(&Report) -> bool) -> Report {
    for _ in 0..500 {
        let report = farm.report();
        if enough(&report) {
            return report;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", farm.report().total)
}

#[tokio::test]
async fn an_honest_visit_is_counted_and_offers_nothing() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let at = peers(&farm, Behaviour::Seed, 1)[0];
    let before = SystemTime::now();
    let (mut peer, _) = Stranger::meet(at, torrent.info_hash(), true).await.unwrap();
    peer.say(Outgoing::HaveNone).await;
    peer.say(Outgoing::EmptyBitfield { piece_count: torrent.info().piece_count() }).await;
    peer.say(Outgoing::Interested).await;
    peer.hear_until(|heard| *heard == Heard::Unchoke).await.unwrap();
    let block = torrent.info().block(4, 1).unwrap();
    peer.ask(block).await.unwrap().unwrap();
    let counts = farm.report().at(at.ip());
    assert_eq!((counts.connects, counts.handshakes, counts.foreign_handshakes, counts.malformed), (1, 1, 0, 0));
    assert_eq!((counts.interested, counts.requests, counts.blocks_served, counts.refused_requests), (1, 1, 1, 0));
    assert!(counts.bytes_received >= 68 + 5 + 17 && counts.bytes_sent >= 68 + 16_384);
    assert!(farm.report().nothing_was_offered());
    let served = farm.served();
    assert_eq!((served.len(), served[0].by, served[0].block, served[0].genuine), (1, at, block, true));
    assert_eq!(served[0].to.ip(), ADDRESS);
    assert!(served[0].at >= before && served[0].at <= SystemTime::now());
}

#[tokio::test]
async fn content_claims_and_leave_from_the_other_side_are_counted() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let at = peers(&farm, Behaviour::Leecher, 1)[0];
    let (mut peer, _) = Stranger::meet(at, torrent.info_hash(), true).await.unwrap();
    let full = Bitfield::full(torrent.info().piece_count());
    for frame in [
        piece::unchoke(),
        piece::have(1),
        piece::have_all(),
        piece::bitfield(&full),
        piece::piece(0, 0, &[0; 100]),
        piece::piece(0, 0, &[0; 100_000]),
    ] {
        peer.send(&frame).await.unwrap();
    }
    let report = report_when(&farm, |report| report.total.pieces_received == 2).await;
    assert_eq!((report.total.claims_received, report.total.unchokes_received), (3, 1));
    assert!(!report.nothing_was_offered());
}

#[tokio::test]
async fn what_is_no_protocol_is_counted_and_hung_up_on() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let at = peers(&farm, Behaviour::Seed, 1)[0];
    let mut peer = Stranger::connect(at).await.unwrap();
    peer.send(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(!matches!(peer.read().await, Ok(true)));
    let (mut peer, _) = Stranger::meet(at, torrent.info_hash(), true).await.unwrap();
    peer.send(&[0xff; 10]).await.unwrap();
    report_when(&farm, |report| report.at(at.ip()).malformed == 2).await;
}

#[tokio::test]
async fn thousands_are_there_at_once_and_the_truth_knows_them() {
    let _ = descriptors::raise();
    let torrent = torrent();
    let farm = Arc::new(Farm::start(FarmConfig::new(vec![torrent.clone()], Mix::accuracy())).await.unwrap());
    let networks = Network::laboratory();
    let listed = farm.spread(2_000, &networks);
    assert_eq!(listed.len(), 2_000);
    let truth = Truth::of_farm(&listed, farm.mix(), &networks);
    assert_eq!(truth.len(), 2_000);
    for network in &networks {
        assert_eq!(listed.iter().filter(|at| network.contains((*at.ip()).into())).count(), 400);
    }
    // Everybody is met first and asked afterwards, so that all connections stand at once.
    let mut meetings = Vec::new();
    for at in listed {
        if let Ok((peer, Some(_))) = Stranger::meet(at.into(), torrent.info_hash(), true).await {
            meetings.push((at, peer));
        }
    }
    let living = truth.iter().filter(|(_, known)| known.behaviour != Behaviour::Dead).count();
    assert_eq!(meetings.len(), living);
    let mut proved = Vec::new();
    for (at, mut peer) in meetings {
        let pieces = farm.pieces_of((*at.ip()).into(), &torrent);
        let Some(piece) = pieces.pieces().next() else { continue };
        peer.say(Outgoing::Interested).await;
        peer.hear_until(|heard| *heard == Heard::Unchoke).await.unwrap();
        let block = torrent.info().block(piece, 0).unwrap();
        if peer.ask(block).await.unwrap() == torrent.block(block) {
            proved.push(at.into());
        }
    }
    let confusion = truth.confusion(proved);
    assert!(confusion.is_perfect(), "{:?}", confusion.by_behaviour);
    assert!(confusion.true_positive > 1_000);
    let report = farm.report();
    assert_eq!((report.total.connects, report.failed_accepts), (living as u64, 0));
    assert!(report.nothing_was_offered());
}

#[tokio::test]
async fn a_dropped_farm_is_gone() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let at = peers(&farm, Behaviour::Seed, 1)[0];
    let (mut peer, _) = Stranger::meet(at, torrent.info_hash(), true).await.unwrap();
    drop(farm);
    assert!(peer.hear_until(|_| false).await.is_err());
    assert!(Stranger::connect(at).await.is_err());
}
