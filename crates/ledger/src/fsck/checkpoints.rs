//! Checkpoints: each by itself, each against the next, and the last against the lock store.

use std::fs;

use tlog::merkle::{Frontier, Hash, consistency_proof, root_of, verify_consistency};
use tlog::tile::{Tile, TileReader, encode_hashes};
use tlog::{Checkpoint, SignedCheckpoint};

use super::FsckStep;
use super::files::{hashes_of, levels};
use crate::layout::{Shard, numbers};
use crate::lock::LockStore;
use crate::{Anchor, Fault};

/// Returns the size of the last checkpoint published, 0 if there is none.
pub(super) fn check(shard: &Shard, anchor: &Anchor, leaves: &[Hash]) -> (u64, Vec<FsckStep>) {
    let mut signed = FsckStep::new("every checkpoint is signed by the log key");
    let mut roots = FsckStep::new("every checkpoint has the root that its leaves give");
    let mut consistency = FsckStep::new("every checkpoint is consistent with the one before");
    let mut last = FsckStep::new("the checkpoint published and the lock store are the last checkpoint");

    let (sizes, others) = signed.note(numbers(&shard.checkpoints(), ".txt")).unwrap_or_default();
    others.iter().for_each(|name| signed.fault(format!("{name} is not a checkpoint's name")));
    let mut checkpoints = Vec::new();
    for size in sizes {
        signed.checked += 1;
        checkpoints.extend(signed.note(read(shard, anchor, size)));
    }
    check_roots(&checkpoints, leaves, &mut roots);
    check_consistency(&checkpoints, leaves, &mut consistency);

    let latest = checkpoints.last();
    let result = check_last(shard, latest, &mut last);
    last.note(result);
    (latest.map_or(0, Checkpoint::size), vec![signed, roots, consistency, last])
}

fn read(shard: &Shard, anchor: &Anchor, size: u64) -> Result<Checkpoint, Fault> {
    let path = shard.checkpoint_of(size);
    let bytes = fs::read(&path).map_err(Fault::io("read", &path))?;
    let strange = |fault: &dyn std::fmt::Display| Fault::strange(format!("{}: {fault}", path.display()));
    let signed = SignedCheckpoint::parse(&bytes).map_err(|fault| strange(&fault))?;
    signed.verify(&anchor.log).map_err(|fault| strange(&fault))?;
    if signed.checkpoint().size() != size {
        return Err(strange(&"it is not of the size that its name says"));
    }
    Ok(signed.checkpoint().clone())
}

fn check_roots(checkpoints: &[Checkpoint], leaves: &[Hash], step: &mut FsckStep) {
    let mut frontier = Frontier::new();
    let mut rest = leaves.iter();
    for checkpoint in checkpoints {
        while frontier.size() < checkpoint.size()
            && let Some(leaf) = rest.next()
        {
            frontier.append(*leaf);
        }
        let same = frontier.size() == checkpoint.size() && frontier.root() == checkpoint.root();
        step.require(same, || format!("the checkpoint of {} entries is not one of these leaves", checkpoint.size()));
    }
    // The last one a second time, by the definition.
    if let Some(checkpoint) = checkpoints.last()
        && let Some(covered) = usize::try_from(checkpoint.size()).ok().and_then(|size| leaves.get(..size))
    {
        step.require(root_of(covered.iter().copied()) == checkpoint.root(), || {
            format!("the checkpoint of {} entries is not one of these leaves", checkpoint.size())
        });
    }
}

fn check_consistency(checkpoints: &[Checkpoint], leaves: &[Hash], step: &mut FsckStep) {
    let levels = levels(leaves);
    for pair in checkpoints.windows(2) {
        let (old, new) = (&pair[0], &pair[1]);
        let fetch = |tile: &Tile| hashes_of(tile, &levels).map(encode_hashes).ok_or("not there");
        let proof = consistency_proof(TileReader::new(new.size(), fetch), old.size(), new.size());
        let consistent =
            proof.is_ok_and(|proof| verify_consistency(old.size(), old.root(), new.size(), new.root(), &proof).is_ok());
        step.require(consistent, || format!("the checkpoint of {} entries does not extend that of {}", new.size(), old.size()));
    }
}

fn check_last(shard: &Shard, latest: Option<&Checkpoint>, step: &mut FsckStep) -> Result<(), Fault> {
    let locked = LockStore::at(shard.lock_store()).read()?;
    let size = latest.map_or(0, Checkpoint::size);
    step.require(latest.map_or(locked.size() == 0, |latest| *latest == locked), || {
        format!("the lock store allows a checkpoint of {} entries, the last is of {size}", locked.size())
    });
    if size > 0 {
        let (path, copy) = (shard.checkpoint(), shard.checkpoint_of(size));
        let published = fs::read(&path).map_err(Fault::io("read", &path))?;
        let same = published == fs::read(&copy).map_err(Fault::io("read", &copy))?;
        step.require(same, || format!("{} is not {}", path.display(), copy.display()));
    }
    Ok(())
}
