//! Peers of the farm that dial, and peers that tell of others.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use swarmlab::behaviour::{Behaviour, Mix};
use swarmlab::farm::{Farm, FarmConfig};
use swarmlab::gossip::{Gossip, Word};
use tokio::net::TcpListener;
use wire::message::Outgoing;

use super::stranger::{ADDRESS, Heard, Stranger, own_handshake};
use super::{farm, peers, torrent};

#[tokio::test]
async fn a_seed_that_dials_comes_from_its_own_address_and_serves() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let at = peers(&farm, Behaviour::Seed, 1)[0];
    let listener = TcpListener::bind((ADDRESS, 0)).await.unwrap();
    let local = farm.dial_out(at.ip(), listener.local_addr().unwrap(), torrent.info_hash()).await.unwrap();
    let (stream, from) = listener.accept().await.unwrap();
    assert_eq!((from, from.ip()), (local, at.ip()));
    let mut peer = Stranger { stream, buffer: Vec::new() };
    // The caller speaks first.
    assert_eq!(peer.handshake().await.unwrap().unwrap().info_hash, torrent.info_hash());
    peer.send(&own_handshake(torrent.info_hash(), true).encode()).await.unwrap();
    peer.say(Outgoing::Interested).await;
    peer.hear_until(|heard| *heard == Heard::Unchoke).await.unwrap();
    let block = torrent.info().block(1, 2).unwrap();
    assert_eq!(peer.ask(block).await.unwrap(), torrent.block(block));
    assert_eq!(farm.report().at(at.ip()).dials, 1);
}

#[tokio::test]
async fn nobody_dials_beyond_loopback_and_the_dead_dial_nobody() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let seed = peers(&farm, Behaviour::Seed, 1)[0].ip();
    let dead = peers(&farm, Behaviour::Dead, 1)[0].ip();
    let outside = SocketAddr::from(([192, 0, 2, 1], 6_881));
    let inside = SocketAddr::from((ADDRESS, 6_881));
    let from_outside = IpAddr::from(Ipv4Addr::new(192, 0, 2, 1));
    for (from, to) in [(seed, outside), (from_outside, inside), (dead, inside)] {
        let error = farm.dial_out(from, to, torrent.info_hash()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn acquaintances_are_told_to_whoever_asks() {
    let torrent = torrent();
    let mut config = FarmConfig::new(vec![torrent.clone()], Mix::only(Behaviour::Seed));
    let known = vec![SocketAddr::from(([127, 65, 0, 1], 1_000)), SocketAddr::from(([127, 65, 0, 2], 2_000))];
    config.gossip = Gossip::of_everybody(Word::Names(known.clone()));
    let farm = Farm::start(config.clone()).await.unwrap();
    let at = SocketAddr::from(([127, 64, 1, 1], farm.port()));
    let (mut peer, _) = Stranger::meet(at, torrent.info_hash(), true).await.unwrap();
    peer.hello().await;
    let told = peer.hear_until(|heard| matches!(heard, Heard::Extended(8, _))).await.unwrap().pop();
    let Some(Heard::Extended(8, payload)) = told else { panic!("acquaintances") };
    let read = wire::pex::PexMessage::parse(&payload).unwrap();
    assert_eq!(read.added.iter().map(|peer| peer.address).collect::<Vec<_>>(), known);
}
