//! The worked example of the evidence format, section 11, byte for byte.

use evidence::{Part, control::Role, sha256};
use tlog::{
    Proof, SignedCheckpoint,
    merkle::{inclusion_proof, leaf_hash},
};

use super::Made;
use crate::{
    keys,
    shard::{Shard, checkpoint},
};

pub const OPENING: &str = concat!(
    "affiant.obs/1 259462b7796f32230861aaa965c3102bb9cc65257b586e46f360ec8132865b04 ",
    r#"{"ih":"0123456789abcdef0123456789abcdef01234567","ip":"203.0.113.7","kind":"piece","#,
    r#""pcap_sha256":"ff3ed7cbf694b9da51b7617e827def2dfaf824596500228573f4cd5857793b33","#,
    r#""port":51413,"t":"2026-09-01T12:00:00.000Z","t_err_ms":40}"#,
    "\n"
);

const COSIGNED_UNIX_S: u64 = 0x6a96_c098;

pub struct Example {
    pub leaves: Vec<String>,
    pub delegation: Vec<u8>,
    pub checkpoint: Vec<u8>,
    pub proof: Vec<u8>,
}

pub fn example() -> Example {
    let mut shard = Shard::new(|_, _| {});
    shard.delegate("reg", Role::Registrar, None);
    let delegation = shard.delegate("w1", Role::Worker, None);
    shard.seal("w1", Part::As(2856), OPENING.into());
    let checkpoint = checkpoint(&shard.leaves, COSIGNED_UNIX_S);
    let hashes: Vec<_> = shard.leaves.iter().map(|leaf| leaf_hash(leaf.as_bytes())).collect();
    let inclusion = inclusion_proof(&hashes[..], 2, 3).unwrap();
    let proof = Proof::new(2, inclusion, SignedCheckpoint::parse(&checkpoint).unwrap()).unwrap().to_bytes();
    Example { delegation: shard.notes[&delegation].clone(), leaves: shard.leaves, checkpoint, proof }
}

pub fn add_all(made: &mut Made) {
    let example = example();
    let mut expected = String::from(
        "expect: ok\nstep: none\nwhy: the worked example; each file has this SHA-256, and leaf.txt this leaf hash\n",
    );
    for (name, bytes) in [
        ("anchor.txt", keys::anchor().into_bytes()),
        ("checkpoint.txt", example.checkpoint),
        ("delegation.note", example.delegation),
        ("leaf.txt", example.leaves[2].clone().into_bytes()),
        ("leaves.txt", example.leaves.concat().into_bytes()),
        ("opening.txt", OPENING.into()),
        ("tlog-proof.txt", example.proof),
    ] {
        expected.push_str(&format!("{name}: {} {}\n", sha256(&bytes), bytes.len()));
        made.insert(format!("worked-example/{name}"), bytes);
    }
    expected.push_str(&format!("leaf-hash: {}\n\n", leaf_hash(example.leaves[2].as_bytes())));
    made.insert("worked-example/expect.txt".into(), expected.into_bytes());
}

#[test]
fn the_worked_example_is_the_published_one() {
    let example = example();
    for (bytes, length, digest) in [
        (example.delegation.as_slice(), 322, "31442e2bc7eadf61e38a7534d7cb27c82617efdf0890fbb5b082ba1b98dd6b60"),
        (OPENING.as_bytes(), 302, "dc6ead02064aa661fdbef639dab277ae047bfcd5128f792502419900921deaf9"),
        (&example.checkpoint, 329, "ef088a14df6f536455c9dda34e5d7234fc2748b81d3204921d51f0589d95f651"),
        (&example.proof, 406, "22537f39186fb76fb02a6999dc7e7ed57513c25351529de50f2210dc0bf9a56a"),
    ] {
        assert_eq!((bytes.len(), sha256(bytes).to_string().as_str()), (length, digest));
    }
    assert_eq!(
        leaf_hash(example.leaves[2].as_bytes()).to_string(),
        "316c32bd777c703da8155c039bc4316e3e268f37d57e7de21367046a76268b40"
    );
}
