//! Trees of every size from 0 to 200: two roots that agree, proofs that verify, and mutated proofs that do not.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tlog::Hash;
use tlog::merkle::{
    Frontier, HashReader, OutOfRange, ProofError, consistency_proof, empty_root, inclusion_proof, inclusion_proof_len, leaf_hash,
    range_root, root_of, verify_consistency, verify_inclusion,
};

const MAX_SIZE: usize = 200;

fn leaves(size: usize) -> Vec<Hash> {
    (0..size).map(|n| leaf_hash(format!("leaf {n}\n").as_bytes())).collect()
}

fn other(hash: Hash) -> Hash {
    let mut bytes = hash.0;
    bytes[17] ^= 4;
    Hash(bytes)
}

/// A reader that hashes each subtree once, so that all proofs of all trees can be tried.
struct Remembering<'a> {
    leaves: &'a [Hash],
    subtrees: BTreeMap<(u32, u64), Hash>,
}

impl HashReader for Remembering<'_> {
    type Error = OutOfRange;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, OutOfRange> {
        if let Some(hash) = self.subtrees.get(&(level, index)) {
            return Ok(*hash);
        }
        let hash = (&mut self.leaves).subtree(level, index)?;
        self.subtrees.insert((level, index), hash);
        Ok(hash)
    }
}

fn remembering(leaves: &[Hash]) -> Remembering<'_> {
    Remembering { leaves, subtrees: BTreeMap::new() }
}

/// The leaves and roots that certificate transparency implementations share as test vectors.
#[test]
fn the_reference_roots() {
    let leaves: [&[u8]; 8] = [
        b"",
        b"\0",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::new();
    for (leaf, root) in leaves.iter().zip(roots) {
        frontier.append(leaf_hash(leaf));
        assert_eq!(frontier.root().to_string(), root);
    }

    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let spelled = |proof: Vec<Hash>| proof.iter().map(Hash::to_string).collect::<Vec<_>>();
    assert_eq!(
        spelled(inclusion_proof(&hashes[..], 5, 8).unwrap()),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
    assert_eq!(
        spelled(consistency_proof(&hashes[..], 6, 8).unwrap()),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
}

#[test]
fn two_roots_and_a_restored_frontier_agree_at_every_size() {
    let leaves = leaves(MAX_SIZE);
    let mut frontier = Frontier::new();
    for size in 0..=MAX_SIZE {
        let prefix = &leaves[..size];
        let root = root_of(prefix.iter().copied());
        assert_eq!(frontier.root(), root);
        assert_eq!(frontier.size(), size as u64);
        assert_eq!(range_root(&mut &leaves[..], 0, size as u64), Ok(root));
        assert_eq!(Frontier::read(&mut &leaves[..], size as u64).as_ref(), Ok(&frontier));
        assert_eq!(Frontier::from_parts(frontier.size(), frontier.peaks().to_vec()).as_ref(), Ok(&frontier));
        assert!(Frontier::from_parts(frontier.size() * 2 + 1, frontier.peaks().to_vec()).is_err());
        if size < MAX_SIZE {
            frontier.append(leaves[size]);
        }
    }
    assert!(Frontier::from_parts(1 << 63, vec![empty_root()]).is_err());
}

#[test]
fn every_leaf_of_every_tree_is_proven() {
    let leaves = leaves(MAX_SIZE);
    let mut reader = remembering(&leaves);
    for size in 1..=MAX_SIZE {
        let root = root_of(leaves[..size].iter().copied());
        for (index, leaf) in (0..).zip(&leaves[..size]) {
            let proof = inclusion_proof(&mut reader, index, size as u64).unwrap();
            assert_eq!(verify_inclusion(*leaf, index, size as u64, &proof, root), Ok(()));
        }
    }
}

#[test]
fn every_tree_extends_every_smaller_one() {
    let leaves = leaves(MAX_SIZE);
    let roots: Vec<Hash> = (0..=MAX_SIZE).map(|size| root_of(leaves[..size].iter().copied())).collect();
    let mut reader = remembering(&leaves);
    for new in 0..=MAX_SIZE {
        for old in 0..=new {
            let proof = consistency_proof(&mut reader, old as u64, new as u64).unwrap();
            let verdict = verify_consistency(old as u64, roots[old], new as u64, roots[new], &proof);
            assert_eq!(verdict, Ok(()), "{old} {new}");
        }
    }
}

#[test]
fn what_is_not_in_the_tree_cannot_be_proven() {
    let leaves = leaves(5);
    assert!(inclusion_proof(&leaves[..], 5, 5).is_err());
    assert!(inclusion_proof(&leaves[..], 0, 0).is_err());
    // The tree of six leaves is not stored; its leaf 4 needs the sixth.
    assert!(inclusion_proof(&leaves[..], 4, 6).is_err());
    assert!(consistency_proof(&leaves[..], 5, 4).is_err());
    assert!(consistency_proof(&leaves[..], 4, 7).is_err());
    assert_eq!(inclusion_proof_len(5, 5), None);
    assert_eq!(inclusion_proof_len(0, 1), Some(0));
    assert_eq!(inclusion_proof_len(0, u64::MAX), Some(64));

    let root = root_of(leaves.iter().copied());
    assert_eq!(verify_inclusion(leaves[0], 5, 5, &[], root), Err(ProofError::OutOfRange));
    assert_eq!(verify_inclusion(leaves[0], u64::MAX, u64::MAX, &[], root), Err(ProofError::OutOfRange));
    assert_eq!(verify_inclusion(leaves[0], 0, 0, &[], root), Err(ProofError::OutOfRange));
    assert_eq!(verify_consistency(6, root, 5, root, &[]), Err(ProofError::OutOfRange));
}

#[test]
fn the_trivial_consistency_proofs_still_look_at_the_roots() {
    let leaves = leaves(4);
    let root = root_of(leaves.iter().copied());
    assert_eq!(verify_consistency(0, empty_root(), 4, root, &[]), Ok(()));
    assert_eq!(verify_consistency(0, root, 4, root, &[]), Err(ProofError::WrongRoot));
    assert_eq!(verify_consistency(0, empty_root(), 0, root, &[]), Err(ProofError::WrongRoot));
    assert_eq!(verify_consistency(0, empty_root(), 4, root, &leaves[..1]), Err(ProofError::WrongLength));
    assert_eq!(verify_consistency(4, root, 4, root, &[]), Ok(()));
    assert_eq!(verify_consistency(4, root, 4, other(root), &[]), Err(ProofError::WrongRoot));
    assert_eq!(verify_consistency(4, root, 4, root, &leaves[..1]), Err(ProofError::WrongLength));
    assert_eq!(verify_consistency(3, root, 4, root, &[]), Err(ProofError::WrongLength));
}

/// One way to spoil a proof.
#[derive(Clone, Copy, Debug)]
enum Spoil {
    Hash,
    Drop,
    Add,
    Swap,
}

impl Spoil {
    fn error(self) -> ProofError {
        match self {
            Self::Hash | Self::Swap => ProofError::WrongRoot,
            Self::Drop | Self::Add => ProofError::WrongLength,
        }
    }
}

fn spoil(proof: &[Hash], how: Spoil, at: usize) -> Option<Vec<Hash>> {
    let mut spoiled = proof.to_vec();
    let at = if spoiled.is_empty() { 0 } else { at % spoiled.len() };
    match how {
        Spoil::Hash => {
            let hash = spoiled.get_mut(at)?;
            *hash = other(*hash);
        }
        Spoil::Drop => {
            spoiled.get(at)?;
            spoiled.remove(at);
        }
        Spoil::Add => spoiled.insert(at, leaf_hash(b"added")),
        Spoil::Swap => {
            spoiled.get(at + 1)?;
            spoiled.swap(at, at + 1);
        }
    }
    Some(spoiled)
}

fn spoils() -> impl Strategy<Value = Spoil> {
    prop_oneof![Just(Spoil::Hash), Just(Spoil::Drop), Just(Spoil::Add), Just(Spoil::Swap)]
}

proptest! {
    #[test]
    fn a_spoiled_inclusion_proof_fails(size in 1..=MAX_SIZE, pick: prop::sample::Index, how in spoils(), at in 0..8_usize) {
        let leaves = leaves(size);
        let root = root_of(leaves.iter().copied());
        let index = pick.index(size);
        let (at_index, of) = (index as u64, size as u64);
        let proof = inclusion_proof(&leaves[..], at_index, of).unwrap();

        if let Some(spoiled) = spoil(&proof, how, at) {
            prop_assert_eq!(verify_inclusion(leaves[index], at_index, of, &spoiled, root), Err(how.error()));
        }
        prop_assert!(verify_inclusion(other(leaves[index]), at_index, of, &proof, root).is_err());
        prop_assert!(verify_inclusion(leaves[index], at_index, of, &proof, other(root)).is_err());
        for elsewhere in (0..size).filter(|elsewhere| *elsewhere != index) {
            prop_assert!(verify_inclusion(leaves[index], elsewhere as u64, of, &proof, root).is_err());
        }
    }

    #[test]
    fn a_spoiled_consistency_proof_fails(new in 2..=MAX_SIZE, pick: prop::sample::Index, how in spoils(), at in 0..8_usize) {
        let leaves = leaves(new);
        let old = 1 + pick.index(new - 1);
        let old_root = root_of(leaves[..old].iter().copied());
        let new_root = root_of(leaves.iter().copied());
        let (old, new) = (old as u64, new as u64);
        let proof = consistency_proof(&leaves[..], old, new).unwrap();

        if let Some(spoiled) = spoil(&proof, how, at) {
            prop_assert_eq!(verify_consistency(old, old_root, new, new_root, &spoiled), Err(how.error()));
        }
        prop_assert!(verify_consistency(old, other(old_root), new, new_root, &proof).is_err());
        prop_assert!(verify_consistency(old, old_root, new, other(new_root), &proof).is_err());
    }

    #[test]
    fn a_changed_past_has_no_consistency_proof(new in 2..=MAX_SIZE, pick: prop::sample::Index, changed: prop::sample::Index) {
        let leaves = leaves(new);
        let old = 1 + pick.index(new - 1);
        let mut rewritten = leaves.clone();
        let changed = changed.index(old);
        rewritten[changed] = other(rewritten[changed]);
        let old_root = root_of(leaves[..old].iter().copied());
        let new_root = root_of(rewritten.iter().copied());
        for maker in [&leaves, &rewritten] {
            let proof = consistency_proof(&maker[..], old as u64, new as u64).unwrap();
            prop_assert!(verify_consistency(old as u64, old_root, new as u64, new_root, &proof).is_err());
        }
    }

    #[test]
    fn any_range_is_a_tree_of_its_own(size in 0..=MAX_SIZE, a: prop::sample::Index, b: prop::sample::Index) {
        let leaves = leaves(size);
        let (a, b) = (a.index(size + 1), b.index(size + 1));
        let (start, end) = (a.min(b), a.max(b));
        let expected = root_of(leaves[start..end].iter().copied());
        prop_assert_eq!(range_root(&mut &leaves[..], start as u64, end as u64), Ok(expected));
    }

    #[test]
    fn no_sizes_and_lengths_make_a_verifier_panic(a: u64, b: u64, length in 0..70_usize) {
        let proof = vec![empty_root(); length];
        let _ = verify_inclusion(empty_root(), a, b, &proof, empty_root());
        let _ = verify_consistency(a, empty_root(), b, leaf_hash(b""), &proof);
        let _ = inclusion_proof_len(a, b);
    }
}
