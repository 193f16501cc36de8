//! Blocks that a peer has to prove, as there is no dossier (BEP 52).

use evidence::challenge::{Check, Hashes};
use evidence::{InfoHashV2, Version};
use wire::bencode::Item;
use wire::merkle;
use wire::message::HashRange;
use wire::metainfo::Info;

use super::*;

const BLOCKS: u64 = 7;

/// One file of six blocks and a half in pieces of two.
fn file() -> Vec<u8> {
    synthetic::bytes(BLOCKS as usize * BLOCK_BYTES as usize - 8_000)
}

fn leaves() -> Vec<merkle::Hash> {
    file().chunks(BLOCK_BYTES as usize).map(merkle::leaf).collect()
}

fn info() -> Info {
    let root = merkle::root(&leaves(), 0).unwrap();
    let leaf = Item::dict([("length", Item::Int(file().len() as i64)), ("pieces root", Item::from(&root[..]))]);
    let info = Item::dict([
        ("file tree", Item::dict([("film", Item::dict([("", leaf)]))])),
        ("meta version", Item::Int(2)),
        ("name", "film".into()),
        ("piece length", Item::Int(PIECE_BYTES.into())),
    ]);
    Info::parse(&info.encode()).unwrap()
}

fn spoken() -> wire::infohash::InfoHashV1 {
    info().v2().unwrap().truncated()
}

/// What a peer with the whole file answers: the pair of leaves, and then an uncle from each layer.
fn hashes(range: &HashRange) -> Vec<u8> {
    let mut layer = leaves();
    layer.resize(8, [0; 32]);
    let mut at = range.index as usize;
    let mut answer = vec![layer[at], layer[at + 1]];
    for _ in 0..range.proof_layers {
        layer = layer.chunks(2).map(|pair| merkle::parent(&pair[0], &pair[1])).collect();
        at /= 2;
        answer.push(layer[at ^ 1]);
    }
    answer.concat()
}

fn range_bytes(range: &HashRange) -> Vec<u8> {
    let numbers = [range.base_layer, range.index, range.length, range.proof_layers];
    [&range.pieces_root[..], &numbers.map(u32::to_be_bytes).concat()].concat()
}

/// What the peer does about a request for hashes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hasher {
    Proves,
    ProvesFirst,
    Rejects,
    Lies,
    Cuts,
    Silent,
}

fn visited(hasher: Hasher, is_right: bool, version: Version) -> (Visit, Vec<u8>) {
    let (content, identity) = (Content::of_info(&info()).unwrap(), ours());
    let info_hash = InfoHashV1::from(spoken().0);
    let target = Target { info_hash, spoken: version, piece_count: Some(4), ..target(Some(&content), &identity) };
    let mut peer = Script::new(target, Limits { answer_ms: 4_000, ..Limits::default() }).connected();
    let reserved = handshake::Reserved::default().with_extension().with_fast().with_v2();
    peer.says(&Handshake { reserved, info_hash: spoken(), peer_id: PeerId(*QBITTORRENT) }.encode());
    peer.says(&frame(id::HAVE_ALL, &[]));
    peer.says(&frame(id::UNCHOKE, &[]));
    let mut done = handshake::LENGTH;
    loop {
        let rest = peer.sent[done..].to_vec();
        let Some((message, read)) = Decoder::default().decode(&rest).unwrap() else { break };
        done += read;
        let due = match message {
            Message::Request(block) => {
                let start = (block.piece * PIECE_BYTES + block.begin) as usize;
                let mut bytes = file()[start..start + block.length as usize].to_vec();
                bytes[9] ^= u8::from(!is_right);
                vec![(id::PIECE, [&block.piece.to_be_bytes()[..], &block.begin.to_be_bytes(), &bytes].concat())]
            }
            Message::HashRequest(range) => {
                let mut hashes = hashes(&range);
                match hasher {
                    Hasher::Rejects => vec![(id::HASH_REJECT, range_bytes(&range))],
                    Hasher::Silent => vec![],
                    _ => {
                        hashes[40] ^= u8::from(hasher == Hasher::Lies);
                        hashes.truncate(if hasher == Hasher::Cuts { 64 } else { hashes.len() });
                        vec![(id::HASHES, [range_bytes(&range), hashes].concat())]
                    }
                }
            }
            _ => vec![],
        };
        if hasher == Hasher::ProvesFirst && matches!(due[..], [(id::PIECE, _)]) {
            // The hashes are asked for in the next message; they come before the block.
            let rest = peer.sent[done..].to_vec();
            let Some((Message::HashRequest(next), more)) = Decoder::default().decode(&rest).unwrap() else {
                panic!("hashes are asked for behind the block")
            };
            done += more;
            peer.says(&frame(id::HASHES, &[range_bytes(&next), hashes(&next)].concat()));
        }
        for (id, payload) in due {
            peer.says(&frame(id, &payload));
        }
    }
    peer.wait(10_000_000);
    let sent = peer.sent.clone();
    (peer.visit.expect("a contact ends"), sent)
}

#[test]
fn a_path_to_the_root_proves_a_block() {
    for hasher in [Hasher::Proves, Hasher::ProvesFirst] {
        let (visit, sent) = visited(hasher, true, Version::V2);
        assert_eq!((visit.grade, &visit.outcome), (Grade::Served, &Outcome::Served { blocks: 2, pieces: 2 }), "{hasher:?}");
        assert!(Handshake::parse(&sent).unwrap().unwrap().reserved.v2());
        let bytes: u64 = visit.challenges.iter().map(|challenge| u64::from(challenge.length)).sum();
        assert_eq!(visit.volume.verified_bytes, bytes);
        for challenge in &visit.challenges {
            assert_eq!(challenge.verification, Verification::Match { check: Check::Merkle });
            let proof = challenge.proof.as_ref().unwrap();
            assert_eq!((Some(proof.leaf), proof.hashes.len()), (challenge.sha256, 3));
            assert_eq!(u64::from(proof.index), u64::from(challenge.piece) * 2 + u64::from(challenge.offset / BLOCK_BYTES));
        }
    }
}

#[test]
fn a_wrong_block_is_exposed_by_a_true_path() {
    let (visit, _) = visited(Hasher::Proves, false, Version::V2);
    assert_eq!((visit.grade, &visit.outcome), (Grade::Claimed, &Outcome::BadBlock { blocks: 2 }));
    let challenge = &visit.challenges[0];
    assert_eq!(challenge.verification, Verification::Mismatch { check: Check::Merkle });
    assert!(challenge.proof.as_ref().is_some_and(|proof| Some(proof.leaf) != challenge.sha256));
}

#[test]
fn without_a_path_nothing_is_said_of_a_block() {
    for (hasher, hashes, blocks) in [
        (Hasher::Rejects, Hashes::Rejected, 2),
        (Hasher::Lies, Hashes::Wrong, 2),
        (Hasher::Cuts, Hashes::Wrong, 2),
        (Hasher::Silent, Hashes::Unanswered, 1),
    ] {
        // Be the block right or wrong.
        for is_right in [true, false] {
            let (visit, _) = visited(hasher, is_right, Version::V2);
            assert_eq!((visit.grade, &visit.outcome), (Grade::Claimed, &Outcome::Unproved { blocks }), "{hasher:?}");
            assert_eq!(visit.volume.verified_bytes, 0);
            let is_it = |challenge: &evidence::Challenge| {
                challenge.verification == Verification::Unproved { hashes }
                    && challenge.proof.is_none()
                    && challenge.sha256.is_some()
            };
            assert!(visit.challenges.iter().all(is_it), "{hasher:?}: {:?}", visit.challenges);
        }
    }
}

#[test]
fn where_version_1_is_spoken_no_hashes_are_asked_for() {
    let (visit, sent) = visited(Hasher::Proves, true, Version::V1);
    assert_eq!((visit.grade, visit.challenges.len()), (Grade::Claimed, 0));
    assert!(!Handshake::parse(&sent).unwrap().unwrap().reserved.v2());
    assert!(messages(&sent, true).iter().all(|message| !matches!(message, Message::HashRequest(_) | Message::Request(_))));
}

#[test]
fn a_peer_that_asks_us_for_hashes_is_refused() {
    let identity = ours();
    for (version, due) in [(Version::V2, true), (Version::V1, false)] {
        let target = Target { spoken: version, piece_count: Some(4), ..target(None, &identity) };
        let mut peer = Script::new(target, Limits::default()).connected();
        peer.says(&greeting(true, QBITTORRENT));
        let range = merkle::request([1; 32], 100_000, 3).unwrap();
        peer.says(&frame(id::HASH_REQUEST, &range_bytes(&range)));
        let refused = messages(&peer.sent, true).contains(&Message::HashReject(range));
        assert_eq!(refused, due);
    }
}

#[test]
fn a_file_of_one_block_is_its_own_proof() {
    let root = merkle::leaf(&file()[..5_000]);
    let leaf = Item::dict([("length", Item::Int(5_000)), ("pieces root", Item::from(&root[..]))]);
    let tree = Item::dict([("film", Item::dict([("", leaf)]))]);
    let info = Item::dict([
        ("file tree", tree),
        ("meta version", Item::Int(2)),
        ("name", "film".into()),
        ("piece length", Item::Int(PIECE_BYTES.into())),
    ]);
    let info = Info::parse(&info.encode()).unwrap();
    let (content, identity) = (Content::of_info(&info).unwrap(), ours());
    let hash = info.v2().unwrap();
    let ids = evidence::TargetIds::of_v2(InfoHashV2::from(hash.0));
    let target = Target {
        info_hash: ids.spoken(Version::V2).unwrap(),
        spoken: Version::V2,
        piece_count: Some(1),
        ..target(Some(&content), &identity)
    };
    let mut peer = Script::new(target, Limits::default()).connected();
    let reserved = handshake::Reserved::default().with_fast().with_v2();
    peer.says(&Handshake { reserved, info_hash: hash.truncated(), peer_id: PeerId(*QBITTORRENT) }.encode());
    peer.says(&frame(id::HAVE_ALL, &[]));
    peer.says(&frame(id::UNCHOKE, &[]));
    let requests = peer.requests();
    assert_eq!(requests, [Block { piece: 0, begin: 0, length: 5_000 }]);
    peer.says(&frame(id::PIECE, &[&[0; 8][..], &file()[..5_000]].concat()));
    let visit = peer.end();
    assert_eq!(visit.outcome, Outcome::Served { blocks: 1, pieces: 1 });
    assert_eq!(visit.challenges[0].proof.as_ref().map(|proof| (proof.hashes.len(), proof.index)), Some((0, 0)));
}
