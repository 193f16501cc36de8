use proptest::prelude::*;
use tlog::merkle::{Hash, consistency_proof, empty_root, leaf_hash, root_of};
use tlog::note::KeyName;
use tlog::{KeyKind, SignedCheckpoint};

use super::*;
use crate::testing::{Log, key};

fn empty(log: &VerifierKey) -> Checkpoint {
    Checkpoint::new(log.name().clone(), 0, empty_root()).unwrap()
}

/// Every status of the specification, from one log and its forked twin.
#[test]
fn every_status_has_its_cause() {
    let mut log = Log::new();
    let (three, six) = (log.grow(1), log.grow(3));
    let mut twin = Log::salted("two");
    let (_, other_six) = (twin.grow(1), twin.grow(3));
    let log_key = log.key();
    let nothing = empty(&log_key);
    let last = three.checkpoint().clone();
    assert_eq!((last.size(), six.checkpoint().size()), (3, 6));

    let status = |last: &Checkpoint, request: &Request| decide(&log_key, last, request).map_err(|refusal| refusal.status());
    // 200: the first, the next, the same again.
    assert_eq!(status(&nothing, &log.request(0, &three)), Ok(()));
    assert_eq!(status(&last, &log.request(3, &six)), Ok(()));
    assert_eq!(status(&last, &log.request(3, &three)), Ok(()));
    // 400: an old tree larger than the new one.
    assert_eq!(status(six.checkpoint(), &log.request(6, &three)), Err(400));
    // 403: another key under the log's name.
    let impostor =
        VerifierKey::new(log_key.name().clone(), KeyKind::Note, *key::<ledger::keys::Log>("another").public().as_bytes());
    assert_eq!(decide(&impostor.unwrap(), &last, &log.request(3, &six)).unwrap_err().status(), 403);
    // 404: another origin.
    let name = KeyName::new("log.example.net/2026-09").unwrap();
    let other = VerifierKey::new(name, KeyKind::Note, *log_key.public_key()).unwrap();
    assert_eq!(decide(&other, &empty(&other), &log.request(0, &three)).unwrap_err().status(), 404);
    // 409: another old size, above or below, and what it tells.
    for old_size in [0, 2, 6] {
        let refusal = decide(&log_key, &last, &log.request(old_size, &six)).unwrap_err();
        assert_eq!((refusal.status(), refusal.last_size()), (409, Some(3)), "{old_size}");
    }
    // 409: rollback by a log that says what it once had.
    assert_eq!(status(six.checkpoint(), &log.request(3, &three)), Err(409));
    // 409: another tree of the same size.
    let fork = decide(&log_key, six.checkpoint(), &twin.request(6, &other_six)).unwrap_err();
    assert_eq!(fork, Refusal::OtherRoot { last: 6 });
    assert_eq!(fork.status(), 409);
    // 422: a fork with its own proof, a proof too much, one too few.
    assert_eq!(status(&last, &twin.request(3, &other_six)), Err(422));
    let mut surplus = log.request(3, &six);
    surplus.proof.push(empty_root());
    assert_eq!(status(&last, &surplus), Err(422));
    let bare = Request { proof: Vec::new(), ..log.request(3, &six) };
    assert_eq!(status(&last, &bare), Err(422));
    let padded = Request { proof: vec![empty_root()], ..log.request(0, &three) };
    assert_eq!(status(&nothing, &padded), Err(422));
    let same_padded = Request { proof: vec![empty_root()], ..log.request(3, &three) };
    assert_eq!(status(&last, &same_padded), Err(422));
}

#[test]
fn an_unsigned_head_says_nothing_about_the_state() {
    let mut log = Log::new();
    let three = log.grow(1);
    // The signature of one head over the lines of another.
    let text = String::from_utf8(three.to_bytes()).unwrap().replacen("\n3\n", "\n4\n", 1);
    let forged = SignedCheckpoint::parse(text.as_bytes()).unwrap();
    let request = Request { old_size: 99, proof: Vec::new(), signed: forged };
    let refusal = decide(&log.key(), three.checkpoint(), &request).unwrap_err();
    assert_eq!((refusal.status(), refusal.last_size()), (403, None));
}

fn leaves(count: u64, salt: u64, from: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(format!("{} {index}", if index < from { 0 } else { salt }).as_bytes())).collect()
}

proptest! {
    /// A witness that has cosigned a tree follows it to every tree that begins with it, and to no other.
    #[test]
    fn only_extensions_are_followed(old in 1_u64..70, more in 0_u64..70, split in 0_u64..140) {
        let log_key: ledger::keys::AnalystKey = key("any");
        let seed = evidence::sha256(b"affiant test key any");
        let signer = ed25519(seed.as_bytes());
        let name = KeyName::new("log.example.org/2026-09").unwrap();
        let verifier = VerifierKey::new(name.clone(), KeyKind::Note, *log_key.public().as_bytes()).unwrap();
        let size = old + more;
        let (honest, forked) = (leaves(size, 0, 0), leaves(size, 1, split));
        let last = Checkpoint::new(name.clone(), old, root_of(honest[..old as usize].iter().copied())).unwrap();
        let new = Checkpoint::new(name, size, root_of(forked.iter().copied())).unwrap();
        let signed = SignedCheckpoint::sign(new, &verifier, signer).unwrap();
        let proof = consistency_proof(&forked[..], old, size).unwrap();
        let decided = decide(&verifier, &last, &Request { old_size: old, proof, signed });
        prop_assert_eq!(decided.is_ok(), split >= old, "{:?}", decided);
    }
}

fn ed25519(seed: &[u8; 32]) -> impl Fn(&[u8]) -> [u8; 64] {
    use ed25519_dalek::Signer as _;
    let key = ed25519_dalek::SigningKey::from_bytes(seed);
    move |message| key.sign(message).to_bytes()
}
