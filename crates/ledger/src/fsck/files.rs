//! Transcripts and tiles.

use std::collections::BTreeSet;
use std::fs;

use evidence::Digest;
use tlog::merkle::{Hash, leaf_hash, root_of};
use tlog::tile::{Content, TILE_WIDTH, Tile, encode_hashes, new_bundles, new_hash_tiles, parse_bundle};

use super::FsckStep;
use crate::Fault;
use crate::layout::{Shard, files_below};
use crate::pack::Pack;

pub(super) fn check_transcripts(shard: &Shard, named: &BTreeSet<Digest>) -> FsckStep {
    let mut step = FsckStep::new("every transcript is the one that an opening names, and every one named is held");
    let checked = transcripts(shard, named, &mut step);
    step.note(checked);
    step
}

fn transcripts(shard: &Shard, named: &BTreeSet<Digest>, step: &mut FsckStep) -> Result<(), Fault> {
    let mut pack = Pack::open(&shard.pack())?;
    let mut held = BTreeSet::new();
    while let Some(frame) = pack.next_frame()? {
        step.checked += 1;
        step.note(pack.read(&frame));
        held.insert(frame.digest);
    }
    if !pack.is_at_end()? {
        step.fault(format!("{} does not end with a whole frame", shard.pack().display()));
    }
    held.difference(named).for_each(|digest| step.fault(format!("no opening names the transcript {digest}")));
    named.difference(&held).for_each(|digest| step.fault(format!("the transcript {digest} is not held")));
    Ok(())
}

/// The hashes of each tile level, computed from the leaves.
pub(super) fn levels(leaves: &[Hash]) -> Vec<Vec<Hash>> {
    let mut levels = vec![leaves.to_vec()];
    while let Some(row) = levels.last().filter(|row| row.len() >= usize::from(TILE_WIDTH)) {
        let next = row.chunks_exact(usize::from(TILE_WIDTH)).map(|hashes| root_of(hashes.iter().copied())).collect();
        levels.push(next);
    }
    levels
}

/// The hashes that a tile must hold, or stand for.
pub(super) fn hashes_of<'a>(tile: &Tile, levels: &'a [Vec<Hash>]) -> Option<&'a [Hash]> {
    let level = match tile.content() {
        Content::Hashes { level } => usize::from(level),
        Content::Entries => 0,
    };
    let first = usize::try_from(tile.first()).ok()?;
    levels.get(level)?.get(first..first + usize::from(tile.width()))
}

pub(super) fn check_tiles(shard: &Shard, leaves: &[Hash], published: u64) -> FsckStep {
    let mut step = FsckStep::new("every tile holds what the leaves give, and none of the last checkpoint's is missing");
    let levels = levels(leaves);
    for tile in new_hash_tiles(0, published).into_iter().chain(new_bundles(0, published)) {
        step.require(shard.tile(&tile).exists(), || format!("{tile} is missing"));
    }
    for path in step.note(files_below(&shard.tiles())).unwrap_or_default() {
        let name = path.strip_prefix(shard.folder()).unwrap_or(&path).to_string_lossy().into_owned();
        let fits = match (name.parse::<Tile>(), fs::read(&path)) {
            (Ok(tile), Ok(bytes)) => hashes_of(&tile, &levels).is_some_and(|hashes| holds(&tile, &bytes, hashes)),
            _ => false,
        };
        step.require(fits, || format!("{name} does not hold what the leaves give"));
    }
    step
}

fn holds(tile: &Tile, bytes: &[u8], hashes: &[Hash]) -> bool {
    match tile.content() {
        Content::Hashes { .. } => bytes == encode_hashes(hashes),
        Content::Entries => parse_bundle(bytes, tile.width())
            .is_ok_and(|entries| entries.iter().map(|entry| leaf_hash(entry)).eq(hashes.iter().copied())),
    }
}
