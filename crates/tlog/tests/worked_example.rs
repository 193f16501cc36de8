//! The worked example of the evidence format, section 11, byte for byte: seeds in, every published digest out.
//!
//! The leaves and the delegation notes are written here by hand on purpose: this crate commits to bytes and does not
//! know what they mean.

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use tlog::merkle::{Frontier, inclusion_proof, leaf_hash, root_of};
use tlog::note::{KeyKind, KeyName, Note, VerifierKey};
use tlog::{Checkpoint, Hash, Policy, Proof, SignedCheckpoint, cosignature};

const ORIGIN: &str = "log.example.org/2026-09";
const WITNESS: &str = "witness.lawfirm.example/w1";
const COSIGNED_UNIX_S: u64 = 0x6a96_c098;

const W1_DELEGATION: &str = "affiant.delegation/1
role worker
key ed25519 d5fe1cd45ebead53cb4d64a7a8d491d6fef0e0e22f3a2891a4328c8cd6a0841c
kid ba29f59ba00a8cea
serial 2
not-before 2026-09-01T00:00:00Z
not-after 2026-09-09T00:00:00Z

— log.example.org/root E6zGShB2WNVvCcHWs1LyIUZH00xq+gvl1+C/98YM73j+w9uTIc9eu8WpKebNZOmCVwAQaeOloKCjxAFsKDsYdTKvBgk=
";

const OPENING: &str = concat!(
    "affiant.obs/1 259462b7796f32230861aaa965c3102bb9cc65257b586e46f360ec8132865b04 ",
    r#"{"ih":"0123456789abcdef0123456789abcdef01234567","ip":"203.0.113.7","kind":"piece","#,
    r#""pcap_sha256":"ff3ed7cbf694b9da51b7617e827def2dfaf824596500228573f4cd5857793b33","#,
    r#""port":51413,"t":"2026-09-01T12:00:00.000Z","t_err_ms":40}"#,
    "\n"
);

const LEAF_2: &str = "affiant.leaf/1 ba29f59ba00a8cea 0 31442e2bc7eadf61e38a7534d7cb27c82617efdf0890fbb5b082ba1b98dd6b60 as2856 dc6ead02064aa661fdbef639dab277ae047bfcd5128f792502419900921deaf9 1275907a3aa4d90862531447b9c1d2c3f0f2b2235e8719971e530671fd244cde3cf24faf57e444e668c2f43a7e8535f1c28efead050c17bb7ed738d214c6a404\n";

const CHECKPOINT: &str = "log.example.org/2026-09
3
NWLXQB7rn2l7O2EW8DG+caZ28OhX4iG1qt0gxxeJGXI=

— log.example.org/2026-09 /522mhOGD4nJd/YkV4MItg/WSwzsH4ecrC07Hfl+KsHm7rwsxjC4SQTEpP3dp0mF8FzAQHPEIJPwQH4ysJCEC+q1NAM=
— witness.lawfirm.example/w1 ICYASwAAAABqlsCYmWMcihYWS/yDsQNmQEA7B084EYgstKr92gZAxhZbl9l6nFgQwr2dx8i5qdWnQL8kFsqiQinmbe6PY7M6+nCODw==
";

fn sha256(bytes: impl AsRef<[u8]>) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

fn private_key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&sha256(format!("affiant test key {name}")).0)
}

fn public_key(name: &str) -> [u8; 32] {
    private_key(name).verifying_key().to_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// First eight bytes of the digest of the public key.
fn kid(name: &str) -> String {
    hex(&sha256(public_key(name)).0[..8])
}

fn key(name: &str, kind: KeyKind, seed_name: &str) -> VerifierKey {
    VerifierKey::new(KeyName::new(name).unwrap(), kind, public_key(seed_name)).unwrap()
}

fn delegation(role: &str, name: &str, serial: u32) -> Vec<u8> {
    let text = format!(
        "affiant.delegation/1\nrole {role}\nkey ed25519 {}\nkid {}\nserial {serial}\n\
         not-before 2026-09-01T00:00:00Z\nnot-after 2026-09-09T00:00:00Z\n",
        hex(&public_key(name)),
        kid(name)
    );
    let root = key("log.example.org/root", KeyKind::Note, "root");
    Note::sign(&text, &root, |message| private_key("root").sign(message).to_bytes()).unwrap().to_bytes()
}

fn leaf(name: &str, seq: u32, prev: Hash, part: &str, commitment: Hash) -> Vec<u8> {
    let fields = format!("affiant.leaf/1 {} {seq} {prev} {part} {commitment}", kid(name));
    let signature = private_key(name).sign(format!("{fields}\n").as_bytes()).to_bytes();
    format!("{fields} {}\n", hex(&signature)).into_bytes()
}

fn leaves() -> [Vec<u8>; 3] {
    let reg_delegation = sha256(delegation("registrar", "reg", 1));
    let w1_delegation = sha256(delegation("worker", "w1", 2));
    let first = leaf("reg", 0, reg_delegation, "ctl", reg_delegation);
    let second = leaf("reg", 1, leaf_hash(&first), "ctl", w1_delegation);
    let third = leaf("w1", 0, w1_delegation, "as2856", sha256(OPENING));
    [first, second, third]
}

fn leaf_hashes() -> Vec<Hash> {
    leaves().iter().map(|leaf| leaf_hash(leaf)).collect()
}

fn signed_checkpoint() -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(KeyName::new(ORIGIN).unwrap(), 3, root_of(leaf_hashes())).unwrap();
    let log = key(ORIGIN, KeyKind::Note, "log");
    let mut signed = SignedCheckpoint::sign(checkpoint, &log, |message| private_key("log").sign(message).to_bytes()).unwrap();
    let witness = key(WITNESS, KeyKind::Cosignature, "wit1");
    cosignature::cosign(&mut signed, &witness, COSIGNED_UNIX_S, |message| private_key("wit1").sign(message).to_bytes()).unwrap();
    signed
}

fn policy() -> Policy {
    let witness = key(WITNESS, KeyKind::Cosignature, "wit1");
    Policy::new(key(ORIGIN, KeyKind::Note, "log"), vec![witness], 1).unwrap()
}

#[test]
fn the_delegation_note() {
    let note = delegation("worker", "w1", 2);
    assert_eq!(note.len(), 322);
    assert_eq!(String::from_utf8(note.clone()).unwrap(), W1_DELEGATION);
    assert_eq!(sha256(&note).to_string(), "31442e2bc7eadf61e38a7534d7cb27c82617efdf0890fbb5b082ba1b98dd6b60");

    let parsed = Note::parse(W1_DELEGATION.as_bytes()).unwrap();
    assert_eq!(parsed.verify(&key("log.example.org/root", KeyKind::Note, "root")), Ok(()));
}

#[test]
fn the_leaf_and_the_root() {
    assert_eq!(OPENING.len(), 302);
    let [_, _, third] = leaves();
    assert_eq!(third.len(), 300);
    assert_eq!(String::from_utf8(third).unwrap(), LEAF_2);

    let hashes = leaf_hashes();
    assert_eq!(hashes[2].to_string(), "316c32bd777c703da8155c039bc4316e3e268f37d57e7de21367046a76268b40");
    let mut frontier = Frontier::new();
    frontier.extend(hashes.iter().copied());
    assert_eq!(frontier.root().to_string(), "3562d7401eeb9f697b3b6116f031be71a676f0e857e221b5aadd20c717891972");
    assert_eq!(root_of(hashes), frontier.root());
}

#[test]
fn the_checkpoint_and_its_cosignature() {
    let made = signed_checkpoint().to_bytes();
    assert_eq!(made.len(), 329);
    assert_eq!(String::from_utf8(made.clone()).unwrap(), CHECKPOINT);
    assert_eq!(sha256(&made).to_string(), "ef088a14df6f536455c9dda34e5d7234fc2748b81d3204921d51f0589d95f651");

    let read = SignedCheckpoint::parse(CHECKPOINT.as_bytes()).unwrap();
    assert_eq!(read, signed_checkpoint());
    let witnessed = policy().check(&read).unwrap();
    assert_eq!(witnessed.len(), 1);
    assert_eq!(witnessed[0].name.as_str(), WITNESS);
    assert_eq!(witnessed[0].time_unix_s, COSIGNED_UNIX_S);
}

#[test]
fn the_proof_exhibit() {
    let hashes = leaf_hashes();
    let inclusion = inclusion_proof(&hashes[..], 2, 3).unwrap();
    let made = Proof::new(2, inclusion, signed_checkpoint()).unwrap();
    let bytes = made.to_bytes();
    assert_eq!(bytes.len(), 406);
    assert_eq!(sha256(&bytes).to_string(), "22537f39186fb76fb02a6999dc7e7ed57513c25351529de50f2210dc0bf9a56a");

    let read = Proof::parse(&bytes).unwrap();
    assert_eq!(read, made);
    assert_eq!(read.verify(LEAF_2.as_bytes(), &policy()).unwrap().len(), 1);
}
