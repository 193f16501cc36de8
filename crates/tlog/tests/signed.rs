//! Checkpoints, cosignatures, policies and proof files: who signed what, and every way it can be wrong.

use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;
use tlog::checkpoint::CheckpointError;
use tlog::cosignature::{self, Cosignature, CosignatureError, add_cosignature_line, cosign};
use tlog::ed25519::Refused;
use tlog::merkle::{ProofError, inclusion_proof, leaf_hash, root_of};
use tlog::note::{KeyKind, KeyName, Note, NoteError, VerifierKey};
use tlog::policy::PolicyError;
use tlog::proof::BadProof;
use tlog::{Checkpoint, Hash, Policy, Proof, SignedCheckpoint};

const ORIGIN: &str = "log.example.org/2026-09";
const LEAVES: [&[u8]; 5] = [b"a\n", b"b\n", b"c\n", b"d\n", b"e\n"];
const NOON_UNIX_S: u64 = 1_788_264_600;

fn private_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn sign_with(seed: u8) -> impl FnOnce(&[u8]) -> [u8; 64] {
    move |message| private_key(seed).sign(message).to_bytes()
}

fn key(name: &str, kind: KeyKind, seed: u8) -> VerifierKey {
    VerifierKey::new(KeyName::new(name).unwrap(), kind, private_key(seed).verifying_key().to_bytes()).unwrap()
}

fn log() -> VerifierKey {
    key(ORIGIN, KeyKind::Note, 1)
}

fn witness(seed: u8) -> VerifierKey {
    key(&format!("witness{seed}.example"), KeyKind::Cosignature, seed)
}

fn hashes() -> Vec<Hash> {
    LEAVES.iter().map(|leaf| leaf_hash(leaf)).collect()
}

fn checkpoint(size: usize) -> Checkpoint {
    Checkpoint::new(KeyName::new(ORIGIN).unwrap(), size as u64, root_of(hashes()[..size].iter().copied())).unwrap()
}

/// Signed by the log and cosigned by these witnesses.
fn signed(witnesses: &[u8]) -> SignedCheckpoint {
    let mut signed = SignedCheckpoint::sign(checkpoint(5), &log(), sign_with(1)).unwrap();
    for &seed in witnesses {
        cosign(&mut signed, &witness(seed), NOON_UNIX_S, sign_with(seed)).unwrap();
    }
    signed
}

fn policy(quorum: usize) -> Policy {
    Policy::new(log(), vec![witness(2), witness(3), witness(4)], quorum).unwrap()
}

fn proof(index: u64) -> Proof {
    Proof::new(index, inclusion_proof(&hashes()[..], index, 5).unwrap(), signed(&[2, 3])).unwrap()
}

#[test]
fn a_log_signs_only_under_its_origin() {
    let stranger = key("other.example/2026-09", KeyKind::Note, 1);
    assert_eq!(SignedCheckpoint::sign(checkpoint(5), &stranger, sign_with(1)), Err(CheckpointError::WrongOrigin));
    assert_eq!(signed(&[]).verify(&stranger), Err(CheckpointError::WrongOrigin));
    assert_eq!(signed(&[]).verify(&log()), Ok(()));
    let successor = key(ORIGIN, KeyKind::Note, 9);
    assert_eq!(signed(&[]).verify(&successor), Err(CheckpointError::Note(NoteError::NotSigned)));
    let faulty = SignedCheckpoint::sign(checkpoint(5), &log(), sign_with(9));
    assert_eq!(faulty, Err(CheckpointError::Note(NoteError::Refused(Refused::BadSignature))));
}

#[test]
fn a_note_with_other_text_is_no_checkpoint() {
    let note = Note::sign(&(checkpoint(5).to_text() + "extension\n"), &log(), sign_with(1)).unwrap();
    assert_eq!(SignedCheckpoint::parse(&note.to_bytes()), Err(CheckpointError::NotThreeLines));
    assert_eq!(SignedCheckpoint::parse(checkpoint(5).to_text().as_bytes()), Err(CheckpointError::Note(NoteError::NoSignatures)));
}

#[test]
fn a_cosignature_binds_time_and_checkpoint() {
    let signed = signed(&[2]);
    assert_eq!(cosignature::verify(&signed, &witness(2)), Ok(NOON_UNIX_S));
    assert_eq!(cosignature::verify(&signed, &witness(3)), Err(CosignatureError::NotCosigned));

    let line = signed.note().signature_by(&witness(2)).unwrap();
    let cosignature = Cosignature::parse(line.bytes()).unwrap();
    assert_eq!(cosignature.to_bytes(), line.bytes());
    assert_eq!(
        cosignature::message(signed.checkpoint(), cosignature.time_unix_s),
        format!("cosignature/v1\ntime 1788264600\n{}", signed.checkpoint().to_text())
    );
}

#[test]
fn a_cosignature_moved_elsewhere_is_refused() {
    let text = String::from_utf8(signed(&[2]).to_bytes()).unwrap();
    let line = text.lines().last().unwrap().to_string() + "\n";

    let mut same = signed(&[]);
    assert_eq!(add_cosignature_line(&mut same, &witness(2), &line), Ok(NOON_UNIX_S));
    assert_eq!(same, signed(&[2]));

    let mut smaller = SignedCheckpoint::sign(checkpoint(4), &log(), sign_with(1)).unwrap();
    let unchanged = smaller.clone();
    for (key, line, error) in [
        (witness(2), line.as_str(), CosignatureError::Refused(Refused::BadSignature)),
        (witness(3), &line, CosignatureError::NotCosigned),
        (log(), &line, CosignatureError::WrongKind),
        (witness(2), line.trim_end(), CosignatureError::Malformed),
        (witness(2), &format!("{line}{line}"), CosignatureError::Malformed),
        (witness(2), "", CosignatureError::Malformed),
    ] {
        assert_eq!(add_cosignature_line(&mut smaller, &key, line), Err(error), "{line:?}");
    }
    assert_eq!(smaller, unchanged);
    let twice = add_cosignature_line(&mut same, &witness(2), &line);
    assert_eq!(twice, Err(CosignatureError::Note(NoteError::SignedTwice)));
}

#[test]
fn bad_cosignature_bytes_are_refused() {
    let mut bytes = [1; 72];
    for length in [0, 7, 8, 64, 71] {
        assert_eq!(Cosignature::parse(&bytes[..length]), Err(CosignatureError::Malformed));
    }
    assert_eq!(Cosignature::parse(&[1; 73]), Err(CosignatureError::Malformed));
    assert!(Cosignature::parse(&bytes).is_ok());
    bytes[0] = 0x80;
    assert_eq!(Cosignature::parse(&bytes), Err(CosignatureError::Malformed));
}

#[test]
fn a_witness_signs_only_as_a_witness() {
    let mut signed = signed(&[]);
    let before = signed.clone();
    let as_log = cosign(&mut signed, &key("witness2.example", KeyKind::Note, 2), NOON_UNIX_S, sign_with(2));
    assert_eq!(as_log, Err(CosignatureError::WrongKind));
    let faulty = cosign(&mut signed, &witness(2), NOON_UNIX_S, sign_with(3));
    assert_eq!(faulty, Err(CosignatureError::Refused(Refused::BadSignature)));
    let late = cosign(&mut signed, &witness(2), 1 << 63, sign_with(2));
    assert_eq!(late, Err(CosignatureError::Malformed));
    assert_eq!(signed, before);
}

#[test]
fn the_quorum_counts_known_witnesses() {
    let count = |quorum, witnesses: &[u8]| policy(quorum).check(&signed(witnesses)).map(|seen| seen.len());
    assert_eq!(count(0, &[]), Ok(0));
    assert_eq!(count(2, &[2, 4]), Ok(2));
    assert_eq!(count(2, &[2, 3, 4]), Ok(3));
    assert_eq!(count(2, &[2]), Err(PolicyError::TooFewWitnesses { have: 1, need: 2 }));
    // Witnesses 7 and 8 are nobody we know.
    assert_eq!(count(2, &[2, 7, 8]), Err(PolicyError::TooFewWitnesses { have: 1, need: 2 }));
}

#[test]
fn one_bad_known_cosignature_condemns_the_checkpoint() {
    let text = String::from_utf8(signed(&[2, 3, 4]).to_bytes()).unwrap();
    let (head, last) = text.trim_end().rsplit_once('\n').unwrap();
    // A character in the middle of the base64: still canonical, another signature.
    let middle = last.len() - 20;
    let swapped = if &last[middle..=middle] == "A" { "B" } else { "A" };
    let spoiled = format!("{head}\n{}{swapped}{}\n", &last[..middle], &last[middle + 1..]);
    let spoiled = SignedCheckpoint::parse(spoiled.as_bytes()).unwrap();
    assert_eq!(policy(2).check(&spoiled), Err(PolicyError::Witness(CosignatureError::Refused(Refused::BadSignature))));
    let without_that_witness = Policy::new(log(), vec![witness(2), witness(3)], 2).unwrap();
    assert_eq!(without_that_witness.check(&spoiled).map(|seen| seen.len()), Ok(2));
}

#[test]
fn a_policy_counts_no_key_twice() {
    let renamed = key("another-name.example", KeyKind::Cosignature, 2);
    let ours = key("witness1.example", KeyKind::Cosignature, 1);
    for (witnesses, quorum) in [
        (vec![witness(2), witness(2)], 1),
        (vec![witness(2), renamed], 1),
        (vec![witness(2), ours], 1),
        (vec![witness(2), key("witness3.example", KeyKind::Note, 3)], 1),
        (vec![witness(2)], 2),
    ] {
        assert_eq!(Policy::new(log(), witnesses, quorum), Err(PolicyError::BadPolicy));
    }
    assert_eq!(Policy::new(witness(2), vec![], 0), Err(PolicyError::BadPolicy));
}

#[test]
fn a_proof_file_reads_back_and_verifies() {
    for (index, leaf) in (0..).zip(LEAVES) {
        let bytes = proof(index).to_bytes();
        let read = Proof::parse(&bytes).unwrap();
        assert_eq!(read.to_bytes(), bytes);
        assert_eq!(read.verify(leaf, &policy(2)).map(|seen| seen.len()), Ok(2));
    }
    // A tree of one leaf needs no hashes.
    let one = SignedCheckpoint::sign(checkpoint(1), &log(), sign_with(1)).unwrap();
    let bytes = Proof::new(0, vec![], one).unwrap().to_bytes();
    assert!(bytes.starts_with(b"c2sp.org/tlog-proof@v1\nindex 0\n\nlog.example.org/2026-09\n1\n"));
    assert!(Proof::parse(&bytes).unwrap().verify(LEAVES[0], &policy(0)).is_ok());
}

#[test]
fn a_proof_is_for_one_leaf_under_one_policy() {
    let proof = proof(2);
    assert_eq!(proof.verify(LEAVES[3], &policy(2)), Err(BadProof::Inclusion(ProofError::WrongRoot)));
    // The leaf ends with its newline; without it, it is another leaf.
    assert_eq!(proof.verify(b"c", &policy(2)), Err(BadProof::Inclusion(ProofError::WrongRoot)));
    let few = Err(BadProof::Policy(PolicyError::TooFewWitnesses { have: 2, need: 3 }));
    assert_eq!(proof.verify(LEAVES[2], &policy(3)), few);
    // Leaf 0's proof has the length of leaf 2's; at the wrong index it leads nowhere.
    let moved = Proof::new(0, proof.hashes().to_vec(), proof.checkpoint().clone()).unwrap();
    assert_eq!(moved.verify(LEAVES[2], &policy(2)), Err(BadProof::Inclusion(ProofError::WrongRoot)));
}

#[test]
fn bad_proof_files_are_refused() {
    let good = String::from_utf8(proof(2).to_bytes()).unwrap();
    let swap = |from: &str, to: &str| good.replacen(from, to, 1);
    let hash_line = good.lines().nth(2).unwrap().to_string() + "\n";
    for (bad, error) in [
        (String::new(), BadProof::Malformed),
        (swap("@v1", "@v2"), BadProof::Malformed),
        (swap("c2sp", " c2sp"), BadProof::Malformed),
        (swap("index 2\n", ""), BadProof::Malformed),
        (swap("index 2", "index 02"), BadProof::Malformed),
        (swap("index 2", "index +2"), BadProof::Malformed),
        (swap("index 2", "index  2"), BadProof::Malformed),
        (swap("index 2", "Index 2"), BadProof::Malformed),
        (swap("index 2", "index"), BadProof::Malformed),
        (swap("index 2", "index 99999999999999999999"), BadProof::Malformed),
        (swap("index 2", "index 2\nindex 2"), BadProof::Malformed),
        (swap("index 2", "extra AA==\nindex 2"), BadProof::Extra),
        (swap("index 2", "extra \nindex 2"), BadProof::Extra),
        (swap("index 2", "extra\nindex 2"), BadProof::Malformed),
        (swap("index 2", "index 5"), BadProof::Inclusion(ProofError::OutOfRange)),
        (swap("index 2", "index 4"), BadProof::Inclusion(ProofError::WrongLength)),
        (swap(&hash_line, ""), BadProof::Inclusion(ProofError::WrongLength)),
        (swap(&hash_line, &hash_line.repeat(2)), BadProof::Inclusion(ProofError::WrongLength)),
        (swap(&hash_line, &hash_line.repeat(2000)), BadProof::Inclusion(ProofError::WrongLength)),
        (swap(&hash_line, &hash_line[1..]), BadProof::Malformed),
        (swap("\n\n", "\n"), BadProof::Malformed),
        (swap("\n\n", "\n\n\n"), BadProof::Checkpoint(CheckpointError::NotThreeLines)),
        (good.replace('\n', "\r\n"), BadProof::Malformed),
        (good.clone() + "\n", BadProof::Checkpoint(CheckpointError::Note(NoteError::BadSignatureLine))),
        (good.clone() + &"a".repeat(2 << 20), BadProof::Malformed),
    ] {
        assert_eq!(Proof::parse(bad.as_bytes()), Err(error), "{:?}", &bad[..bad.len().min(300)]);
    }
    assert_eq!(Proof::parse(b"\xff"), Err(BadProof::Malformed));
}

proptest! {
    /// Whatever is changed in the file, it is refused, or it is the same bytes again and does not verify.
    #[test]
    fn no_single_changed_byte_passes(pick: prop::sample::Index, byte: u8) {
        let mut bytes = proof(2).to_bytes();
        let at = pick.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(read) = Proof::parse(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
            // Quorum 2 of exactly two cosignatures: a line that lost its name or id is missed.
            prop_assert!(read.verify(LEAVES[2], &policy(2)).is_err());
        }
    }

    #[test]
    fn no_single_removed_or_doubled_byte_passes(pick: prop::sample::Index, double: bool) {
        let mut bytes = proof(2).to_bytes();
        let at = pick.index(bytes.len());
        if double { bytes.insert(at, bytes[at]) } else { bytes.remove(at); }
        let verdict = Proof::parse(&bytes).and_then(|read| read.verify(LEAVES[2], &policy(2)));
        prop_assert!(verdict.is_err());
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes: Vec<u8>, text in "(c2sp.org/tlog-proof@v1\n)?(index [0-9]\n)?[a-z\n—+= /0-9]{0,80}") {
        for input in [&bytes[..], text.as_bytes()] {
            let _ = Proof::parse(input);
            let _ = SignedCheckpoint::parse(input);
            let _ = Cosignature::parse(input);
            if let Ok(note) = Note::parse(input) {
                prop_assert_eq!(note.to_bytes(), input);
            }
        }
        let _ = text.parse::<VerifierKey>();
        let _ = Checkpoint::parse(&text);
    }
}
