//! libtorrent as a seed of torrents of version 2 and of hybrids.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evidence::challenge::Check;
use evidence::{
    Claimed, Digest, Dossier, Grade, InfoHashV1, InfoHashV2, Observation, Outcome, TargetIds, Utc, Verification, Version,
    dossier, sha256,
};
use swarm::Content;
use swarmlab::clients::{self, Client, Role, Running, Start};
use swarmlab::torrent::{FileSpec, Shape, SyntheticTorrent, Versions};
use wire::tracker_url::TrackerUrl;

use super::{find, seats, story};
use crate::lab::station::{Log, Station};
use crate::lab::{mandate, plan, tracker};
use crawler::TargetPlan;

/// Files on several pieces, on one, shorter than a block, and empty.
fn torrent(versions: Versions, seed: u64, tracker: &str) -> SyntheticTorrent {
    let file = |path: &str, length| FileSpec { path: path.to_owned(), length, padding: false };
    let files = vec![file("film.mkv", 900_001), file("none", 0), file("notes/a.txt", 5_000), file("notes/b.bin", 50_000)];
    SyntheticTorrent::of(versions, "work", seed, Shape::Folder(files), 64 << 10, &[tracker]).unwrap()
}

fn ids(torrent: &SyntheticTorrent) -> TargetIds {
    let info = torrent.info();
    TargetIds { v1: info.v1().map(|hash| InfoHashV1::from(hash.0)), v2: info.v2().map(|hash| InfoHashV2::from(hash.0)) }
}

/// A dossier of all the files.
fn dossier(torrent: &SyntheticTorrent) -> (Dossier, Vec<u8>) {
    let info = torrent.info();
    let blocks =
        (0..info.piece_count()).flat_map(|piece| (0..info.block_count(piece)).filter_map(move |at| info.block(piece, at)));
    let digests: Vec<u8> = blocks.flat_map(|block| *sha256(&torrent.block(block).unwrap()).as_bytes()).collect();
    let file = |file: &wire::metainfo::File| dossier::File {
        bytes: file.length,
        contains: "synthetic".into(),
        offset: file.offset,
        padding: file.padding,
        path: Claimed::new(file.path.to_string()),
        pieces_root: file.pieces_root.map(Digest::from),
        sha256: sha256(b""),
        work: (!file.padding && file.length > 0).then(|| "film".into()),
    };
    let dossier = Dossier {
        blocks_sha256: sha256(&digests),
        built_at: Utc::from_ms(0),
        files: info.files().iter().map(file).collect(),
        name: Claimed::new("work"),
        origin: dossier::Origin::LocalCopy,
        piece_bytes: info.piece_length(),
        release_sha256: sha256(b"release"),
        target: ids(torrent),
        info_sha256: sha256(info.raw()),
        total_bytes: info.total_length(),
        unfit_blocks: vec![],
        versions: ids(torrent).versions().collect(),
    };
    (dossier, digests)
}

async fn seed(found: &clients::Found, torrent: &SyntheticTorrent, address: SocketAddr) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (dir, content, file) = (folder.path().join("client"), folder.path().join("content"), folder.path().join("a.torrent"));
    std::fs::create_dir(&dir).unwrap();
    torrent.write_to(&content).unwrap();
    std::fs::write(&file, torrent.metainfo()).unwrap();
    let shared = clients::Torrent { file: &file, info_hash: torrent.info_hash().0, piece_count: torrent.info().piece_count() };
    let start = Start {
        dir: &dir,
        address: address.ip(),
        port: address.port(),
        torrents: &[shared],
        content_dir: &content,
        role: Role::Seed,
        encryption: clients::Encryption::Default,
        streams: clients::Streams::Tcp,
        peer_exchange: false,
        ready_within: Duration::from_secs(60),
    };
    let running = clients::start(Client::Libtorrent, found, start).await.unwrap_or_else(|error| panic!("{error}"));
    (running, folder)
}

/// Watches a seed, and returns what was logged. A block of each piece is asked for, so that those that end with their
/// files are among them.
async fn watched(
    test: u8,
    versions: Versions,
    content: impl Fn(&SyntheticTorrent) -> Content,
) -> Option<(TargetIds, SocketAddr, Log)> {
    let found = find(Client::Libtorrent)?;
    let (at_tracker, address, _) = seats(test);
    let url = format!("http://{at_tracker}/announce");
    let _asked = tracker::http(at_tracker, "200 OK", tracker::announce(&[address])).await;
    let torrent = torrent(versions, test.into(), &url);
    let ids = ids(&torrent);
    let (_running, _folder) = seed(&found, &torrent, address).await;
    let target = TargetPlan {
        ids,
        mandates: vec![mandate(ids, "2020-01-01", "2099-12-31")],
        content: Some(Arc::new(content(&torrent))),
        piece_count: Some(torrent.info().piece_count()),
        total_bytes: Some(torrent.info().total_length()),
        is_private: false,
        trackers: vec![vec![TrackerUrl::parse(&url).unwrap()]],
        peers: vec![],
    };
    let mut plan = plan(test, vec![target]);
    plan.settings.probe.blocks = 16;
    plan.settings.probe.claims_ms = 12_000;
    plan.settings.probe.choked_ms = 25_000;
    plan.settings.probe.answer_ms = 10_000;
    plan.settings.probe.settle_ms = 2_000;
    plan.settings.probe.handshake_ms = 5_000;
    let (summary, log) = Station::found().watch(plan).await;
    summary.unwrap();
    Some((ids, address, log))
}

fn served(log: &Log, peer: SocketAddr) -> Observation {
    let story = story(log, peer);
    let served: Vec<_> = log.of(peer).into_iter().filter(|observation| observation.grade == Grade::Served).collect();
    let [served] = served[..] else { panic!("{story:#?}") };
    assert!(matches!(served.outcome, Outcome::Served { blocks: 16, pieces: 16 }), "{served:#?}");
    assert!(log.of(peer).iter().any(|observation| observation.outcome == Outcome::NoEcho), "{story:#?}");
    served.clone()
}

/// By which versions the tracker was asked, and which the lists say.
fn asked_by(log: &Log) -> Vec<Version> {
    let mut asked: Vec<Version> = log.lists.iter().filter_map(|(_, list)| list.spoken).collect();
    asked.sort();
    asked.dedup();
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_of_version_2_are_proved_by_merkle_paths_where_there_is_no_dossier() {
    let content = |torrent: &SyntheticTorrent| Content::of_info(torrent.info()).unwrap();
    for (test, versions) in [(231, Versions::Two), (232, Versions::Both)] {
        let Some((_, peer, log)) = watched(test, versions, content).await else { return };
        let served = served(&log, peer);
        assert_eq!((served.spoken, served.dossier_sha256), (Version::V2, None));
        for challenge in &served.challenges {
            assert_eq!(challenge.verification, Verification::Match { check: Check::Merkle });
            let proof = challenge.proof.as_ref().expect("the path is kept");
            assert_eq!(Some(proof.leaf), challenge.sha256);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_dossier_serves_both_hashes_of_a_hybrid() {
    let content = |torrent: &SyntheticTorrent| {
        let (dossier, digests) = dossier(torrent);
        Content::new(&dossier, sha256(b"dossier"), digests, &["film".into()]).unwrap()
    };
    for (test, versions, due) in [(233, Versions::Both, vec![Version::V1, Version::V2]), (234, Versions::Two, vec![Version::V2])]
    {
        let Some((ids, peer, log)) = watched(test, versions, content).await else { return };
        let served = served(&log, peer);
        assert_eq!(asked_by(&log), due, "one announce for each hash");
        assert_eq!(served.target, ids);
        assert!(due.contains(&served.spoken));
        let is_by_dossier = |challenge: &evidence::Challenge| {
            challenge.verification == Verification::Match { check: Check::DossierBlock }
                && challenge.work.as_deref() == Some("film")
        };
        assert!(served.challenges.iter().all(is_by_dossier), "{:#?}", served.challenges);
        assert!(served.challenges.iter().any(|challenge| challenge.length < 16_384), "a block that ends with its file");
    }
}
