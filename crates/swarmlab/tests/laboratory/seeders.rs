//! librqbit really serves, each seeder from its own address.

use std::net::Ipv4Addr;

use swarmlab::seeders::{SeederError, Seeders};
use swarmlab::torrent::{Shape, SyntheticTorrent};
use wire::message::Outgoing;

use super::stranger::{Heard, Stranger};

const PIECE: u32 = 64 << 10;

async fn serves(torrent: &SyntheticTorrent) {
    let dir = tempfile::tempdir().unwrap();
    let run = (std::process::id() % 250) as u8;
    let addresses = [Ipv4Addr::new(127, 70, run, 1), Ipv4Addr::new(127, 70, run, 2)];
    let seeders = Seeders::start(torrent, dir.path(), &addresses).await.unwrap();
    let listening: Vec<_> = seeders.addresses().collect();
    assert_eq!(listening.iter().map(|at| at.ip()).collect::<Vec<_>>(), addresses);
    for at in listening {
        let (mut peer, answer) = Stranger::meet(at, torrent.info_hash(), true).await.unwrap();
        assert_eq!(answer.unwrap().peer_id.claim().family, wire::peer_id::Family::Librqbit);
        peer.hello().await;
        peer.say(Outgoing::Interested).await;
        peer.hear_until(|heard| *heard == Heard::Unchoke).await.unwrap();
        let block = torrent.info().block(0, 1).unwrap();
        assert_eq!(peer.ask(block).await.unwrap(), torrent.block(block));
    }
    assert_eq!(seeders.uploaded_bytes(), [16_384; 2]);
    seeders.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_seeders_serve_a_file() {
    serves(&SyntheticTorrent::new("film.mkv", 21, Shape::File { length: 1_000_001 }, PIECE, &[]).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_seeders_serve_a_folder_with_padding() {
    serves(&SyntheticTorrent::new("pack", 22, Shape::film_with_nfo(500_000, PIECE), PIECE, &[]).unwrap()).await;
}

#[tokio::test]
async fn no_seeder_starts_beyond_loopback() {
    let torrent = super::torrent();
    let dir = tempfile::tempdir().unwrap();
    let started = Seeders::start(&torrent, dir.path(), &[Ipv4Addr::new(192, 0, 2, 1)]).await;
    assert!(matches!(started.map(|_| ()), Err(SeederError::AddressOutside { .. })));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
