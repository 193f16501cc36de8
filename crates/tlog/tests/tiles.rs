//! Tiles: a tree written tile by tile is the tree, whatever the steps it grew in.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tlog::Hash;
use tlog::merkle::{HashReader as _, consistency_proof, inclusion_proof, leaf_hash, range_root, root_of};
use tlog::tile::{
    Content, GrowError, ReadError, TILE_WIDTH, Tile, TileReader, encode_hashes, grow, new_bundles, new_hash_tiles, parse_hashes,
};

type Store = BTreeMap<String, Vec<u8>>;

fn leaves(size: usize) -> Vec<Hash> {
    (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

fn fetch(store: &Store) -> impl FnMut(&Tile) -> Result<Vec<u8>, String> {
    |tile| store.get(&tile.to_string()).cloned().ok_or_else(|| format!("{tile} is missing"))
}

/// Grows an empty tree to each size in turn.
fn grown(leaves: &[Hash], sizes: &[usize]) -> Store {
    let mut store = Store::new();
    let mut old = 0;
    for &new in sizes {
        let tiles = grow(old as u64, &leaves[old..new], fetch(&store)).unwrap();
        let names: Vec<Tile> = tiles.iter().map(|new_tile| new_tile.tile).collect();
        assert_eq!(names, new_hash_tiles(old as u64, new as u64), "{old} to {new}");
        store.extend(tiles.into_iter().map(|new_tile| (new_tile.tile.to_string(), new_tile.bytes)));
        old = new;
    }
    store
}

fn paths(tiles: &[Tile]) -> Vec<String> {
    tiles.iter().map(Tile::to_string).collect()
}

/// The examples that the C2SP text gives.
#[test]
fn the_examples_of_the_specification() {
    let tiles = new_hash_tiles(0, 70_000);
    let at = |level| tiles.iter().filter(move |tile| tile.content() == Content::Hashes { level });
    assert_eq!(at(0).filter(|tile| !tile.is_partial()).count(), 273);
    assert_eq!(paths(&at(0).skip(273).copied().collect::<Vec<_>>()), ["tile/0/273.p/112"]);
    assert_eq!(paths(&at(1).copied().collect::<Vec<_>>()), ["tile/1/000", "tile/1/001.p/17"]);
    assert_eq!(paths(&at(2).copied().collect::<Vec<_>>()), ["tile/2/000.p/1"]);
    assert_eq!(at(3).count(), 0);

    assert_eq!(paths(&new_hash_tiles(0, 256)), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(paths(&new_bundles(0, 256)), ["tile/entries/000"]);
}

#[test]
fn only_what_changed_is_new() {
    assert!(new_hash_tiles(0, 0).is_empty());
    assert!(new_hash_tiles(7, 7).is_empty());
    assert!(new_hash_tiles(7, 6).is_empty());
    assert_eq!(paths(&new_hash_tiles(3, 5)), ["tile/0/000.p/5"]);
    assert_eq!(paths(&new_bundles(3, 5)), ["tile/entries/000.p/5"]);
    assert_eq!(paths(&new_hash_tiles(255, 257)), ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]);
    assert_eq!(paths(&new_bundles(255, 600)), ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"]);
}

#[test]
fn a_tile_holds_the_hashes_that_the_definition_says() {
    let leaves = leaves(70_000);
    let store = grown(&leaves, &[70_000]);
    for tile in new_hash_tiles(0, 70_000) {
        let Content::Hashes { level } = tile.content() else { unreachable!() };
        let leaves_each = 256_usize.pow(u32::from(level));
        let first = usize::try_from(tile.first()).unwrap();
        let hashes = parse_hashes(&store[&tile.to_string()], tile.width()).unwrap();
        for (at, hash) in (first..).zip(hashes) {
            assert_eq!(hash, root_of(leaves[at * leaves_each..(at + 1) * leaves_each].iter().copied()));
        }
    }
}

#[test]
fn proofs_from_tiles_are_proofs_from_leaves() {
    let leaves = leaves(66_000);
    let size = leaves.len() as u64;
    let store = grown(&leaves, &[66_000]);
    let mut reader = TileReader::new(size, fetch(&store));
    assert_eq!(range_root(&mut reader, 0, size).unwrap(), root_of(leaves.iter().copied()));
    for index in [0, 1, 255, 256, 65_535, 65_536, 65_999] {
        let expected = inclusion_proof(&leaves[..], index, size).unwrap();
        assert_eq!(inclusion_proof(&mut reader, index, size).unwrap(), expected);
    }
    for old in [1, 255, 256, 300, 65_536, 65_999] {
        let expected = consistency_proof(&leaves[..], old, size).unwrap();
        assert_eq!(consistency_proof(&mut reader, old, size).unwrap(), expected);
    }
}

#[test]
fn a_full_tile_answers_for_the_partial_one_it_replaced() {
    let leaves = leaves(256);
    let full = encode_hashes(&leaves);
    let mut reader = TileReader::new(100, |_: &Tile| Ok::<_, String>(full.clone()));
    assert_eq!(range_root(&mut reader, 0, 100).unwrap(), root_of(leaves[..100].iter().copied()));
}

#[test]
fn bad_tiles_and_impossible_subtrees_are_refused() {
    let leaves = leaves(300);
    let good = grown(&leaves, &[300]);
    let mut reader = TileReader::new(300, fetch(&good));
    // Leaf 300 is not there; the subtree of 64 leaves from 256 is not complete; no tree has the others.
    for (level, index) in [(0, 300), (6, 4), (9, 0), (63, 0), (64, 0), (u32::MAX, 0), (0, u64::MAX), (7, u64::MAX)] {
        assert_eq!(reader.subtree(level, index), Err(ReadError::OutOfRange), "{level} {index}");
    }
    assert!(matches!(TileReader::new(200, fetch(&good)).subtree(0, 0), Err(ReadError::Fetch(_))));

    let partial = Tile::new(Content::Hashes { level: 0 }, 1, 44).unwrap();
    for length in [0, 1, 31, 43 * 32, 44 * 32 - 1, 44 * 32 + 1, 45 * 32, 257 * 32] {
        let mut bad = good.clone();
        bad.insert(partial.to_string(), vec![0; length]);
        assert_eq!(TileReader::new(300, fetch(&bad)).subtree(0, 299), Err(ReadError::BadTile(partial)), "{length}");
        assert_eq!(grow(300, &leaves[..1], fetch(&bad)), Err(GrowError::BadTile(partial)), "{length}");
    }
    assert!(matches!(grow(301, &leaves[..1], fetch(&good)), Err(GrowError::Fetch(_))));
    assert_eq!(grow(i64::MAX as u64, &leaves[..1], fetch(&good)), Err(GrowError::TooLarge));
    assert_eq!(grow(u64::MAX, &leaves[..1], fetch(&good)), Err(GrowError::TooLarge));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_steps_a_tree_grew_in_do_not_show(mut sizes in prop::collection::vec(0..1500_usize, 1..6)) {
        sizes.sort_unstable();
        let last = *sizes.last().unwrap();
        let leaves = leaves(last);
        let at_once = grown(&leaves, &[last]);
        let in_steps = grown(&leaves, &sizes);
        for (path, bytes) in &at_once {
            prop_assert_eq!(in_steps.get(path), Some(bytes));
        }
        let mut reader = TileReader::new(last as u64, fetch(&in_steps));
        prop_assert_eq!(range_root(&mut reader, 0, last as u64).unwrap(), root_of(leaves));
    }

    #[test]
    fn a_path_is_read_only_as_it_is_written(path in "tile/(entries|[0-9]{1,2})/(x?[0-9]{3}/){0,3}x?[0-9]{2,4}(\\.p/[0-9]{1,3})?") {
        if let Ok(tile) = path.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), path);
            prop_assert!((1..=TILE_WIDTH).contains(&tile.width()));
        }
    }
}
