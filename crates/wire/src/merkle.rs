//! The Merkle trees of version 2: one a file, over the SHA-256 of its 16 KiB blocks. BEP 52.
//!
//! The last block of a file is hashed with the bytes it has. Leaves are filled up to a power of two with zeros, and a
//! node is the SHA-256 of its two children, one after the other. What is here can check a tree, and a peer's word about
//! one; nothing here makes a proof, as we never send one.

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

use crate::fault::{Fault, rules};
use crate::message::HashRange;
use crate::metainfo::BLOCK_LENGTH;

/// A node of a tree.
pub type Hash = [u8; 32];

/// Hashes that do not prove what was asked for.
pub type Error = Fault<Rule>;

rules! {
    /// The rules of an answer with hashes.
    pub enum Rule {
        OtherRange "hashes-other-range" "the hashes are not those that were asked for",
        Count "hashes-count" "there must be two hashes and then one for each layer above them but the root",
        Root "hashes-root" "the hashes do not lead to the root of the file",
    }
}

/// The way from one block of a file to the file's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Number of the block in its file.
    pub index: u64,
    /// What the block's SHA-256 must be.
    pub leaf: Hash,
    /// The sibling of the leaf, then of each node above it up to a child of the root. Empty where the leaf is the root.
    pub siblings: Vec<Hash>,
}

/// The leaf of a block.
pub fn leaf(block: &[u8]) -> Hash {
    Sha256::digest(block).into()
}

/// The node above two others.
pub fn parent(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update(left).chain_update(right).finalize().into()
}

/// The node of a layer that covers nothing but filling. Layer 0 is the leaves.
pub fn filling(layer: u32) -> Hash {
    (0..layer).fold([0; 32], |below, _| parent(&below, &below))
}

/// The root above these nodes of a layer, filled up to a power of two. `None` if there are none.
pub fn root(nodes: &[Hash], layer: u32) -> Option<Hash> {
    let mut nodes = nodes.to_vec();
    let mut filling = filling(layer);
    while nodes.len() > 1 {
        if nodes.len() % 2 == 1 {
            nodes.push(filling);
        }
        let (pairs, _) = nodes.as_chunks::<2>();
        nodes = pairs.iter().map(|[left, right]| parent(left, right)).collect();
        filling = parent(&filling, &filling);
    }
    nodes.first().copied()
}

/// Number of blocks of a file of this many bytes.
pub const fn block_count(file_length: u64) -> u64 {
    file_length.div_ceil(BLOCK_LENGTH as u64)
}

/// Layers between the leaves of a file and its root: none if one block is the whole file.
pub const fn depth(file_length: u64) -> u32 {
    match block_count(file_length) {
        0 | 1 => 0,
        count => (count - 1).ilog2() + 1,
    }
}

/// What to ask a peer for so that the block of this number can be proved to belong to the file. `None` if there is no
/// such block, if its leaf is the root already, or if it lies beyond what the protocol can name.
pub fn request(pieces_root: Hash, file_length: u64, index: u64) -> Option<HashRange> {
    let depth = depth(file_length);
    if index >= block_count(file_length) || depth == 0 {
        return None;
    }
    // Two hashes are the fewest that may be asked for, and every layer up to the children of the root is to be proved.
    let index = u32::try_from(index).ok()? & !1;
    Some(HashRange { pieces_root, base_layer: 0, index, length: 2, proof_layers: depth - 1 })
}

/// The way from a block that is its whole file.
pub const fn whole_file(pieces_root: Hash) -> Path {
    Path { index: 0, leaf: pieces_root, siblings: Vec::new() }
}

/// Reads the answer to `asked`, a [`request`] for the block `index` of a file.
pub fn read(asked: &HashRange, index: u64, answered: &HashRange, hashes: &[u8]) -> Result<Path, Error> {
    if answered != asked || u64::from(asked.index) != index & !1 {
        return Err(Fault::at(0, Rule::OtherRange));
    }
    let (hashes, rest) = hashes.as_chunks::<32>();
    let due = asked.proof_layers as usize + 2;
    let ([even, odd, above @ ..], true) = (hashes, rest.is_empty() && hashes.len() == due) else {
        return Err(Fault::at(0, Rule::Count));
    };
    let (leaf, sibling) = if index.is_multiple_of(2) { (*even, *odd) } else { (*odd, *even) };
    let siblings = core::iter::once(sibling).chain(above.iter().copied()).collect();
    let path = Path { index, leaf, siblings };
    if path.root() != asked.pieces_root {
        return Err(Fault::at(0, Rule::Root));
    }
    Ok(path)
}

impl Path {
    /// Where it leads.
    pub fn root(&self) -> Hash {
        let mut index = self.index;
        self.siblings.iter().fold(self.leaf, |node, sibling| {
            let is_right = index % 2 == 1;
            index /= 2;
            if is_right { parent(sibling, &node) } else { parent(&node, sibling) }
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    use super::*;

    /// An independent tree: numbered as a heap with the root at 1, every node worked out from its definition.
    struct Heap {
        nodes: BTreeMap<u64, Hash>,
        leaves: u64,
    }

    impl Heap {
        fn new(file: &[u8]) -> Self {
            let mut leaves = 1;
            while leaves * 16_384 < file.len() as u64 {
                leaves *= 2;
            }
            let mut nodes: BTreeMap<u64, Hash> = BTreeMap::new();
            for number in (1..2 * leaves).rev() {
                let node: Hash = if number >= leaves {
                    let start = (number - leaves) as usize * 16_384;
                    match file.get(start..) {
                        None | Some([]) => [0; 32],
                        Some(rest) => Sha256::digest(&rest[..rest.len().min(16_384)]).into(),
                    }
                } else {
                    let mut both = nodes[&(2 * number)].to_vec();
                    both.extend_from_slice(&nodes[&(2 * number + 1)]);
                    Sha256::digest(&both).into()
                };
                nodes.insert(number, node);
            }
            Self { nodes, leaves }
        }

        fn answer(&self, range: &HashRange) -> Vec<u8> {
            let first = self.leaves + u64::from(range.index);
            let mut hashes = [self.nodes[&first], self.nodes[&(first + 1)]].concat();
            let mut node = first / 2;
            while node > 1 {
                hashes.extend_from_slice(&self.nodes[&(node ^ 1)]);
                node /= 2;
            }
            hashes
        }
    }

    fn file(length: usize, seed: u8) -> Vec<u8> {
        (0..length).map(|at| (at / 7) as u8 ^ (at % 251) as u8 ^ seed).collect()
    }

    fn leaves(file: &[u8]) -> Vec<Hash> {
        file.chunks(16_384).map(leaf).collect()
    }

    #[test]
    fn agrees_with_what_others_made() {
        // `pieces root` of files of zeros as libtorrent 2.1.1 writes it in a torrent of version 2.
        let cases = [
            (16_384, "4fe7b59af6de3b665b67788cc2f99892ab827efae3a467342b3bb4e3bc8e5bfe"),
            (16_385, "477e14ff3453ec4ec3855f8753cb07288aade5618a473ccc2ab1208886e460ec"),
        ];
        for (length, due) in cases {
            let root = root(&leaves(&vec![0; length]), 0).unwrap();
            let shown: alloc::string::String = root.iter().map(|byte| alloc::format!("{byte:02x}")).collect();
            assert_eq!(shown, due, "{length}");
        }
    }

    #[test]
    fn counts_blocks_and_layers() {
        let block = 16_384;
        for (length, blocks, layers) in
            [(0, 0, 0), (1, 1, 0), (block, 1, 0), (block + 1, 2, 1), (2 * block, 2, 1), (3 * block, 3, 2), (5 * block, 5, 3)]
        {
            assert_eq!((block_count(length), depth(length)), (blocks, layers), "{length}");
        }
        assert_eq!(depth(u64::MAX), 50);
    }

    #[test]
    fn asks_for_two_hashes_and_all_layers() {
        let range = |index, proof_layers| HashRange { pieces_root: [1; 32], base_layer: 0, index, length: 2, proof_layers };
        assert_eq!(request([1; 32], 5 * 16_384, 3), Some(range(2, 2)));
        assert_eq!(request([1; 32], 2 * 16_384, 0), Some(range(0, 0)));
        assert_eq!(request([1; 32], 5 * 16_384, 5), None, "there is no such block");
        assert_eq!(request([1; 32], 16_384, 0), None, "one block is the file");
        assert_eq!(request([1; 32], u64::MAX, 1 << 32), None, "an index has 32 bits");
        assert_eq!(whole_file([1; 32]).root(), [1; 32]);
    }

    #[test]
    fn refuses_what_proves_nothing() {
        let file = file(5 * 16_384 + 9, 0);
        let heap = Heap::new(&file);
        let asked = request(heap.nodes[&1], file.len() as u64, 3).unwrap();
        let good = heap.answer(&asked);
        let refused = |answered: &HashRange, hashes: &[u8]| read(&asked, 3, answered, hashes).unwrap_err().rule;
        assert!(read(&asked, 3, &asked, &good).is_ok());
        assert_eq!(refused(&HashRange { index: 0, ..asked }, &good), Rule::OtherRange);
        assert_eq!(refused(&HashRange { pieces_root: [0; 32], ..asked }, &good), Rule::OtherRange);
        assert_eq!(read(&asked, 4, &asked, &good).unwrap_err().rule, Rule::OtherRange);
        assert_eq!(refused(&asked, &good[..96]), Rule::Count);
        assert_eq!(refused(&asked, &good[..100]), Rule::Count);
        assert_eq!(refused(&asked, &[]), Rule::Count);
        assert_eq!(refused(&asked, &[&good[..], &[0; 32]].concat()), Rule::Count);
        assert_eq!(refused(&asked, &[&good[32..64], &good[..32], &good[64..]].concat()), Rule::Root);
        assert_eq!(refused(&asked, &vec![0; good.len()]), Rule::Root);
    }

    proptest! {
        #[test]
        fn roots_and_paths_agree_with_the_heap(length in 1usize..300_000, seed: u8, number: u16) {
            let file = file(length, seed);
            let heap = Heap::new(&file);
            let leaves = leaves(&file);
            prop_assert_eq!(root(&leaves, 0), Some(heap.nodes[&1]));
            prop_assert_eq!(1u64 << depth(length as u64), heap.leaves);
            let index = u64::from(number) % leaves.len() as u64;
            let Some(asked) = request(heap.nodes[&1], length as u64, index) else {
                prop_assert_eq!(heap.leaves, 1);
                return Ok(());
            };
            let path = read(&asked, index, &asked, &heap.answer(&asked)).unwrap();
            prop_assert_eq!(path.leaf, leaves[index as usize]);
            prop_assert_eq!(path.root(), heap.nodes[&1]);
        }

        #[test]
        fn a_layer_higher_up_has_the_same_root(length in 1usize..600_000, layer in 0u32..5) {
            let leaves = leaves(&file(length, 3));
            let whole = root(&leaves, 0).unwrap();
            let per_node = 1 << layer;
            prop_assume!(leaves.len() > per_node);
            let nodes: Vec<Hash> = leaves
                .chunks(per_node)
                .map(|part| {
                    let mut part = part.to_vec();
                    part.resize(per_node, [0; 32]);
                    root(&part, 0).unwrap()
                })
                .collect();
            prop_assert_eq!(root(&nodes, layer), Some(whole));
        }

        #[test]
        fn a_changed_hash_never_passes(blocks in 2usize..40, number: u16, at: u16, bit in 0u8..8) {
            let file = file(blocks * 16_384 - 5, 1);
            let heap = Heap::new(&file);
            let index = u64::from(number) % blocks as u64;
            let asked = request(heap.nodes[&1], file.len() as u64, index).unwrap();
            let mut hashes = heap.answer(&asked);
            let at = usize::from(at) % hashes.len();
            hashes[at] ^= 1 << bit;
            prop_assert_eq!(read(&asked, index, &asked, &hashes).unwrap_err().rule, Rule::Root);
        }

        #[test]
        fn arbitrary_hashes_never_panic(hashes: Vec<u8>, index: u32, proof_layers: u32, number: u64) {
            let range = HashRange { pieces_root: [0; 32], base_layer: 0, index, length: 2, proof_layers };
            let _ = read(&range, number, &range, &hashes);
        }
    }
}
