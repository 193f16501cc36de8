//! Checkpoints: stage, compare, commit, publish.

use std::collections::BTreeMap;
use std::fs;

use evidence::leaf;
use tlog::merkle::{Hash, leaf_hash, range_root};
use tlog::tile::{Content, Tile, TileReader, encode_bundle, grow, new_bundles, parse_bundle};
use tlog::{Checkpoint, SignedCheckpoint};

use crate::layout::Shard;
use crate::lines::{Line, Lines};
use crate::lock::LockStore;
use crate::{Fault, Ledger, durable};

impl Ledger {
    /// Signs and publishes a checkpoint of everything acknowledged; the last one again if nothing was added.
    ///
    /// The new entries are read back from disk and their root is computed a second way, from tiles, before the log key
    /// is asked. Any difference, and nothing is signed.
    ///
    /// # Errors
    /// If memory, disk and lock store disagree, or a write fails.
    pub fn checkpoint(&mut self) -> Result<SignedCheckpoint, Fault> {
        self.check_sound()?;
        if self.size() == self.signed.size()
            && let Some(published) = &self.published
        {
            return Ok(published.clone());
        }
        let published = self.stage_and_publish();
        self.poison_on_fault(published)
    }

    fn stage_and_publish(&mut self) -> Result<SignedCheckpoint, Fault> {
        let size = self.size();
        let staged = stage(&self.shard, self.signed.size(), self.signed_leaves_end, size)?;
        if staged.leaves_end != self.leaves.length {
            return Err(Fault::Disagreement(format!("{} does not end where it was left", self.shard.leaves().display())));
        }
        if staged.root != self.replay.frontier.root() {
            return Err(Fault::Disagreement(format!(
                "the entries read back from {} have another root than those acknowledged",
                self.shard.leaves().display()
            )));
        }
        let files: Vec<_> = staged.tiles.into_iter().map(|(tile, bytes)| (self.shard.tile(&tile), bytes)).collect();
        for folder in files.iter().filter_map(|(path, _)| path.parent()) {
            durable::create_folder(folder)?;
        }
        durable::replace_all(self.shard.folder(), &files)?;
        let next = Checkpoint::new(self.anchor.origin().clone(), size, staged.root)
            .map_err(|fault| Fault::Disagreement(fault.to_string()))?;
        LockStore::at(self.shard.lock_store()).compare_and_swap(&self.signed, &next)?;
        self.signed = next;
        self.signed_leaves_end = staged.leaves_end;
        self.publish()
    }

    /// Signs and publishes what the lock store allows. Done again after a crash it gives the same bytes.
    fn publish(&mut self) -> Result<SignedCheckpoint, Fault> {
        let signed = self.log.sign_checkpoint(self.signed.clone())?;
        let bytes = signed.to_bytes();
        durable::replace(&self.shard.checkpoint_of(self.signed.size()), &bytes)?;
        durable::replace(&self.shard.checkpoint(), &bytes)?;
        self.published = Some(signed.clone());
        Ok(signed)
    }

    /// Publishes a checkpoint that was committed and not published before a crash.
    pub(crate) fn finish_publishing(&mut self) -> Result<(), Fault> {
        let published = self.published.as_ref().map_or(0, |published| published.checkpoint().size());
        if published < self.signed.size() {
            self.publish()?;
        }
        self.finish_attaching()
    }
}

struct Staged {
    root: Hash,
    leaves_end: u64,
    tiles: BTreeMap<Tile, Vec<u8>>,
}

/// Reads the new leaves back from disk, and computes their tiles and from those the root.
fn stage(shard: &Shard, old_size: u64, old_end: u64, size: u64) -> Result<Staged, Fault> {
    let disagree = |what: String| Fault::Disagreement(what);
    let mut lines = Lines::open(&shard.leaves(), old_end, leaf::MAX_LINE_BYTES)?;
    let mut leaves = Vec::new();
    for index in old_size..size {
        match lines.next()? {
            Line::Whole(line) => leaves.push(line),
            Line::Torn | Line::End => {
                return Err(disagree(format!("entry {index} cannot be read back from {}", shard.leaves().display())));
            }
        }
    }
    let fetch = |tile: &Tile| fs::read(shard.tile(tile)).map_err(|fault| format!("{}: {fault}", shard.tile(tile).display()));
    let hashes: Vec<Hash> = leaves.iter().map(|line| leaf_hash(line.as_bytes())).collect();
    let grown = grow(old_size, &hashes, fetch).map_err(|fault| disagree(fault.to_string()))?;
    let mut tiles: BTreeMap<Tile, Vec<u8>> = grown.into_iter().map(|new| (new.tile, new.bytes)).collect();

    let mut reader = TileReader::new(size, |tile: &Tile| tiles.get(tile).cloned().map_or_else(|| fetch(tile), Ok));
    let root = range_root(&mut reader, 0, size).map_err(|fault| disagree(fault.to_string()))?;

    for tile in new_bundles(old_size, size) {
        tiles.insert(tile, bundle(&tile, old_size, &leaves, &fetch).map_err(disagree)?);
    }
    Ok(Staged { root, leaves_end: lines.offset, tiles })
}

/// The entry bundle of a tile: what its partial predecessor holds, and the new leaves.
fn bundle(
    tile: &Tile,
    old_size: u64,
    leaves: &[String],
    fetch: &impl Fn(&Tile) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    let held = old_size.saturating_sub(tile.first());
    let old = match u16::try_from(held) {
        Ok(width @ 1..) => {
            let old = Tile::new(Content::Entries, tile.index(), width).map_err(|fault| fault.to_string())?;
            Some((fetch(&old)?, width))
        }
        _ => None,
    };
    let mut entries = match &old {
        Some((bytes, width)) => parse_bundle(bytes, *width).map_err(|fault| fault.to_string())?,
        None => Vec::new(),
    };
    let skip = tile.first().saturating_sub(old_size) as usize;
    let wanted = usize::from(tile.width()) - entries.len();
    entries.extend(leaves.iter().skip(skip).take(wanted).map(|line| line.as_bytes()));
    encode_bundle(&entries).map_err(|fault| fault.to_string())
}
