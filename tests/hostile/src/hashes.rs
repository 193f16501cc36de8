//! Hashes of a file's tree, by which a peer proves a block of version 2. BEP 52.

use wire::merkle::{self, Hash};
use wire::message::HashRange;

use crate::Seed;
use crate::script::Script;

/// Blocks of the file at most, so that its whole tree can be worked out here.
const BLOCKS_MAX: u64 = 64;

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let blocks = u64::from(script.byte()) % BLOCKS_MAX + 1;
    let index = u64::from(script.byte()) % (blocks + 1);
    let length = blocks * u64::from(wire::metainfo::BLOCK_LENGTH) - u64::from(script.byte());
    let leaves: Vec<Hash> = (0..blocks).map(|number| merkle::leaf(&number.to_be_bytes())).collect();
    let root = merkle::root(&leaves, 0).expect("a tree with leaves has a root");
    let Some(asked) = merkle::request(root, length, index) else {
        assert!(index >= blocks || blocks == 1, "a block below the root can be asked for");
        return;
    };
    // What is due, with changes that the script makes.
    let mut hashes = proof(&leaves, &asked);
    let mut answered = asked;
    let is_honest = script.byte() == 0;
    if !is_honest {
        for byte in hashes.iter_mut().take(usize::from(script.byte())) {
            *byte ^= script.byte();
        }
        hashes.truncate(hashes.len().saturating_sub(script.byte().into()));
        hashes.extend_from_slice(script.chunk());
        answered.index ^= u32::from(script.byte());
        answered.proof_layers ^= u32::from(script.byte());
        answered.base_layer ^= u32::from(script.byte());
    }
    match merkle::read(&asked, index, &answered, &hashes) {
        Ok(path) => {
            assert_eq!((path.root(), path.index), (root, index));
            assert_eq!(path.leaf, leaves[index as usize], "no other leaf leads to the root");
        }
        Err(fault) => assert!(!is_honest, "an honest proof is taken: {fault}"),
    }
}

/// The pair of leaves asked for, then the sibling of each node above them.
fn proof(leaves: &[Hash], asked: &HashRange) -> Vec<u8> {
    let mut layer = leaves.to_vec();
    layer.resize(leaves.len().next_power_of_two(), [0; 32]);
    let mut at = asked.index as usize;
    let mut hashes = vec![layer[at], layer[at + 1]];
    for _ in 0..asked.proof_layers {
        layer = layer.chunks(2).map(|pair| merkle::parent(&pair[0], &pair[1])).collect();
        at /= 2;
        hashes.push(layer[at ^ 1]);
    }
    hashes.concat()
}

pub(crate) fn seeds() -> Vec<Seed> {
    let named: [(&str, &[u8]); 6] = [
        ("honest", &[39, 17, 5, 0]),
        ("honest-of-two", &[1, 1, 0, 0]),
        ("a-bit", &[39, 17, 5, 1, 1, 1]),
        ("cut", &[39, 17, 5, 1, 0, 32]),
        ("longer", &[39, 17, 5, 1, 0, 0, 0, 32, 9, 9, 9]),
        ("one-block", &[0, 0, 5, 0]),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect()
}
