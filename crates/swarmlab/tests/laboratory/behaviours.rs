//! Each behaviour, met by a stranger.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use swarmlab::behaviour::Behaviour;
use swarmlab::farm::Farm;
use swarmlab::persona::Persona;
use swarmlab::torrent::SyntheticTorrent;
use wire::bitfield::Bitfield;
use wire::extension::ExtensionHandshake;
use wire::infohash::InfoHashV1;
use wire::message::{Block, Outgoing};

use super::stranger::{Heard, Stranger};
use super::{farm, peers, torrent};

/// The claims, and the pieces offered while choking.
async fn greeting(peer: &mut Stranger, torrent: &SyntheticTorrent) -> Bitfield {
    let count = torrent.info().piece_count();
    let claims = |heard: &Heard| matches!(heard, Heard::Bitfield(_) | Heard::HaveAll | Heard::HaveNone);
    match peer.hear_until(claims).await.unwrap().pop() {
        Some(Heard::HaveAll) => Bitfield::full(count),
        Some(Heard::Bitfield(bits)) => Bitfield::parse(&bits, count).unwrap(),
        _ => Bitfield::empty(count),
    }
}

async fn met(torrent: &SyntheticTorrent, at: SocketAddr) -> (Stranger, Bitfield) {
    let (mut peer, answer) = Stranger::meet(at, torrent.info_hash(), true).await.unwrap();
    let answer = answer.expect("a handshake");
    assert_eq!(answer.info_hash, torrent.info_hash());
    let claims = greeting(&mut peer, torrent).await;
    (peer, claims)
}

async fn unchoked(peer: &mut Stranger) {
    peer.say(Outgoing::Interested).await;
    peer.hear_until(|heard| *heard == Heard::Unchoke).await.unwrap();
}

fn blocks(torrent: &SyntheticTorrent, piece: u32) -> Block {
    torrent.info().block(piece, 0).unwrap()
}

fn genuine(torrent: &SyntheticTorrent, block: Block) -> Option<Vec<u8>> {
    torrent.block(block)
}

#[tokio::test]
async fn seeds_serve_everything_once_interested_is_said() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let last = torrent.info().piece_count() - 1;
    let mut clients = BTreeSet::new();
    for at in peers(&farm, Behaviour::Seed, 20) {
        let (mut peer, answer) = Stranger::meet(at, torrent.info_hash(), true).await.unwrap();
        let persona = Persona::of(at, farm.mix());
        let answer = answer.unwrap();
        assert_eq!(answer.peer_id, persona.peer_id);
        assert_eq!(answer.reserved.fast(), persona.fast);
        let Heard::Extended(0, payload) = peer.hear().await.unwrap() else { panic!("an extension handshake first") };
        let hello = ExtensionHandshake::parse(&payload).unwrap();
        assert_eq!(hello.client, persona.client.map(str::as_bytes));
        assert_eq!(hello.port, Some(farm.port()));
        clients.insert(hello.client.map(<[u8]>::to_vec));
        assert!(greeting(&mut peer, &torrent).await.is_full());
        unchoked(&mut peer).await;
        for block in [blocks(&torrent, 3), torrent.info().block(last, 0).unwrap()] {
            assert_eq!(peer.ask(block).await.unwrap(), genuine(&torrent, block));
        }
    }
    assert!(clients.len() > 3, "{clients:?}");
}

#[tokio::test]
async fn without_interested_a_seed_serves_only_what_it_allowed() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    for at in peers(&farm, Behaviour::Seed, 40) {
        let persona = Persona::of(at, farm.mix());
        let (mut peer, _) = met(&torrent, at).await;
        let mut allowed = BTreeSet::new();
        while allowed.len() < persona.allowed_fast {
            let Heard::AllowedFast(piece) = peer.hear().await.unwrap() else { panic!("allowed-fast pieces") };
            allowed.insert(piece);
        }
        let forbidden = (0..31).find(|piece| !allowed.contains(piece)).unwrap();
        let block = blocks(&torrent, forbidden);
        if persona.fast {
            assert_eq!(peer.ask(block).await.unwrap(), None);
        } else {
            peer.say(Outgoing::Request(block)).await;
            assert!(peer.silence(Duration::from_millis(100)).await);
        }
        if let Some(piece) = allowed.first() {
            let block = blocks(&torrent, *piece);
            assert_eq!(peer.ask(block).await.unwrap(), genuine(&torrent, block));
        }
    }
}

#[tokio::test]
async fn a_request_outside_the_torrent_ends_the_connection() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let at = peers(&farm, Behaviour::Seed, 1)[0];
    let count = torrent.info().piece_count();
    for (piece, begin, length) in
        [(count, 0, 16_384), (0, 60_000, 16_384), (0, u32::MAX, 1), (0, 0, 0), (0, 0, u32::MAX), (0, 1 << 16, 1)]
    {
        let (mut peer, _) = met(&torrent, at).await;
        unchoked(&mut peer).await;
        let error = peer.ask(Block { piece, begin, length }).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{error}");
    }
    assert_eq!(farm.report().at(at.ip()).invalid_requests, 6);
    assert_eq!(farm.report().at(at.ip()).blocks_served, 0);
}

#[tokio::test]
async fn partial_peers_serve_what_they_claim_and_nothing_else() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    for at in peers(&farm, Behaviour::Partial, 10) {
        let (mut peer, claims) = met(&torrent, at).await;
        assert_eq!(claims, farm.pieces_of(at.ip(), &torrent));
        assert!(!claims.is_full() && !claims.is_empty());
        unchoked(&mut peer).await;
        let had = blocks(&torrent, claims.pieces().next().unwrap());
        assert_eq!(peer.ask(had).await.unwrap(), genuine(&torrent, had));
        if Persona::of(at, farm.mix()).fast {
            let lacked = (0..31).find(|piece| !claims.get(*piece)).unwrap();
            assert_eq!(peer.ask(blocks(&torrent, lacked)).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn liars_serve_junk_and_bit_flippers_one_wrong_bit() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    for behaviour in [Behaviour::Liar, Behaviour::BitFlipper] {
        for at in peers(&farm, behaviour, 5) {
            let (mut peer, claims) = met(&torrent, at).await;
            assert!(claims.is_full());
            unchoked(&mut peer).await;
            for piece in 0..5 {
                let block = blocks(&torrent, piece);
                let due = genuine(&torrent, block).unwrap();
                let got = peer.ask(block).await.unwrap().unwrap();
                assert_eq!(got.len(), due.len());
                let wrong: u32 = got.iter().zip(&due).map(|(got, due)| (got ^ due).count_ones()).sum();
                if behaviour == Behaviour::BitFlipper {
                    assert_eq!(wrong, 1);
                } else {
                    assert!(wrong > 50_000, "{wrong} bits differ");
                }
            }
        }
    }
    assert!(farm.served().iter().all(|served| !served.genuine));
}

#[tokio::test]
async fn some_never_unchoke_and_some_only_serve_what_is_allowed_fast() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    for behaviour in [Behaviour::NeverUnchokes, Behaviour::AllowedFastOnly] {
        for at in peers(&farm, behaviour, 5) {
            let (mut peer, claims) = met(&torrent, at).await;
            assert!(claims.is_full());
            peer.say(Outgoing::Interested).await;
            let mut allowed = Vec::new();
            while let Ok(Ok(heard)) = tokio::time::timeout(Duration::from_millis(150), peer.hear()).await {
                match heard {
                    Heard::AllowedFast(piece) => allowed.push(piece),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(allowed.is_empty(), behaviour == Behaviour::NeverUnchokes);
            for piece in &allowed {
                let block = blocks(&torrent, *piece);
                assert_eq!(peer.ask(block).await.unwrap(), genuine(&torrent, block));
            }
            if Persona::of(at, farm.mix()).fast {
                let forbidden = (0..31).find(|piece| !allowed.contains(piece)).unwrap();
                assert_eq!(peer.ask(blocks(&torrent, forbidden)).await.unwrap(), None);
            }
        }
    }
}

#[tokio::test]
async fn allowed_fast_needs_the_fast_extension() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let at = peers(&farm, Behaviour::AllowedFastOnly, 1)[0];
    let (mut peer, _) = Stranger::meet(at, torrent.info_hash(), false).await.unwrap();
    assert!(matches!(peer.hear().await.unwrap(), Heard::Extended(0, _)));
    assert!(matches!(peer.hear().await.unwrap(), Heard::Bitfield(_)));
    peer.say(Outgoing::Interested).await;
    assert!(peer.silence(Duration::from_millis(150)).await);
}

#[tokio::test]
async fn slow_peers_serve_in_the_end() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let at = peers(&farm, Behaviour::Slow, 1)[0];
    let (mut peer, _) = met(&torrent, at).await;
    let began = Instant::now();
    unchoked(&mut peer).await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    let block = blocks(&torrent, 1);
    let began = Instant::now();
    assert_eq!(peer.ask(block).await.unwrap(), genuine(&torrent, block));
    assert!(began.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn indexers_and_leechers_have_nothing_and_leechers_beg() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    for behaviour in [Behaviour::Indexer, Behaviour::Leecher] {
        for at in peers(&farm, behaviour, 5) {
            let (mut peer, claims) = met(&torrent, at).await;
            assert!(claims.is_empty());
            peer.say(Outgoing::Interested).await;
            let mut requests = 0;
            while let Ok(Ok(heard)) = tokio::time::timeout(Duration::from_millis(150), peer.hear()).await {
                match heard {
                    Heard::Interested => {}
                    Heard::Request(_) => requests += 1,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(requests, if behaviour == Behaviour::Leecher { 8 } else { 0 });
        }
    }
}

#[tokio::test]
async fn nothing_listens_where_the_dead_are_listed() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    for at in peers(&farm, Behaviour::Dead, 5) {
        assert_ne!(at.port(), farm.port());
        assert_eq!(Stranger::connect(at).await.map(|_| ()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn a_wrong_hash_is_answered_by_content_all_the_same() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let at = peers(&farm, Behaviour::WrongHash, 1)[0];
    let (mut peer, answer) = Stranger::meet(at, torrent.info_hash(), true).await.unwrap();
    assert_ne!(answer.unwrap().info_hash, torrent.info_hash());
    unchoked(&mut peer).await;
    let block = blocks(&torrent, 0);
    assert_eq!(peer.ask(block).await.unwrap(), genuine(&torrent, block));
}

#[tokio::test]
async fn only_echo_peers_answer_to_any_name() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let random = InfoHashV1([0x5a; 20]);
    let mut tried = 0;
    for behaviour in Behaviour::ALL {
        if matches!(behaviour, Behaviour::Dead | Behaviour::Tarpit | Behaviour::Junk) {
            continue;
        }
        // Some ways are not of this mix.
        let Some(at) = peers(&farm, behaviour, 1).first().copied() else { continue };
        tried += 1;
        let (_, answer) = Stranger::meet(at, random, true).await.unwrap();
        assert_eq!(answer.map(|answer| answer.info_hash), (behaviour == Behaviour::Echo).then_some(random), "{behaviour}");
        assert_eq!(farm.report().at(at.ip()).foreign_handshakes, 1);
    }
    assert_eq!(tried, 11);
    let (mut peer, _) = met(&torrent, peers(&farm, Behaviour::Echo, 1)[0]).await;
    unchoked(&mut peer).await;
    let block = blocks(&torrent, 2);
    assert_eq!(peer.ask(block).await.unwrap(), genuine(&torrent, block));
}

#[tokio::test]
async fn junk_is_no_handshake_or_no_message() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let mut kinds = BTreeSet::new();
    for at in peers(&farm, Behaviour::Junk, 30) {
        match Stranger::meet(at, torrent.info_hash(), true).await {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                kinds.insert(error.to_string());
            }
            Ok((mut peer, Some(_))) => match peer.hear().await {
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidData);
                    kinds.insert(error.to_string());
                }
                Ok(Heard::Extended(0, payload)) => {
                    kinds.insert(ExtensionHandshake::parse(&payload).unwrap_err().to_string());
                }
                Ok(Heard::Bitfield(bits)) => {
                    kinds.insert(Bitfield::parse(&bits, torrent.info().piece_count()).unwrap_err().to_string());
                }
                Ok(other) => panic!("{other:?}"),
            },
            Ok((_, None)) => panic!("junk peers talk"),
        }
    }
    assert!(kinds.len() >= 5, "{kinds:?}");
}

#[tokio::test]
async fn a_tarpit_accepts_and_never_speaks() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    let at = peers(&farm, Behaviour::Tarpit, 1)[0];
    let meeting = tokio::time::timeout(Duration::from_millis(300), Stranger::meet(at, torrent.info_hash(), true)).await;
    assert!(meeting.is_err());
    assert_eq!(farm.report().at(at.ip()).bytes_received, 68);
}

#[tokio::test]
async fn the_info_dictionary_is_told_and_liars_tell_another() {
    let torrent = torrent();
    let farm = farm(&torrent).await;
    for behaviour in [Behaviour::Seed, Behaviour::Liar] {
        let at = peers(&farm, behaviour, 1)[0];
        let (mut peer, _) = Stranger::meet(at, torrent.info_hash(), true).await.unwrap();
        peer.hello().await;
        let Heard::Extended(0, payload) = peer.hear().await.unwrap() else { panic!("an extension handshake first") };
        let hello = ExtensionHandshake::parse(&payload).unwrap();
        assert_eq!(hello.metadata_size, Some(torrent.info().raw().len() as u32));
        let id = hello.message_id(b"ut_metadata").unwrap();
        peer.say(Outgoing::MetadataRequest { id, piece: 0 }).await;
        let data = peer.hear_until(|heard| matches!(heard, Heard::Extended(7, _))).await.unwrap().pop();
        let Some(Heard::Extended(7, payload)) = data else { panic!("metadata") };
        let read = wire::ut_metadata::MetadataMessage::parse(&payload, 1 << 20).unwrap();
        let wire::ut_metadata::MetadataMessage::Data { block, .. } = read else { panic!("{read:?}") };
        let info = wire::metainfo::Info::parse(block).unwrap();
        assert_eq!(info.v1() == Some(torrent.info_hash()), behaviour == Behaviour::Seed);
    }
}

#[tokio::test]
async fn the_sixth_version_is_served_too() {
    let torrent = torrent();
    let mut config = swarmlab::farm::FarmConfig::new(vec![torrent.clone()], swarmlab::behaviour::Mix::only(Behaviour::Seed));
    config.ipv6 = true;
    let farm = Farm::start(config).await.unwrap();
    let (mut peer, claims) = met(&torrent, SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, farm.port()))).await;
    assert!(claims.is_full());
    unchoked(&mut peer).await;
    let block = blocks(&torrent, 2);
    assert_eq!(peer.ask(block).await.unwrap(), genuine(&torrent, block));
}
