//! What a station's files say after whatever happened, and whether an honest writer and a crash can explain it.
//!
//! A group is written openings and transcripts first, leaves after, and acknowledged last. So after a crash a leaf
//! always has its opening; an opening, transcript or note without a leaf was never acknowledged and goes. Nothing is
//! removed before everything else has been found in order.

use std::path::Path;

use evidence::{Content, Digest, Leaf, Utc, leaf, opening};
use tlog::{Checkpoint, SignedCheckpoint};

use crate::layout::{Shard, files_below, numbers};
use crate::lock::LockStore;
use crate::pack::Pack;
use crate::record::facts;
use crate::replay::Replay;
use crate::walk::Walk;
use crate::{Anchor, Fault, GROUP_MAX_BYTES, GROUP_MAX_RECORDS, durable};

/// What a crash had left behind and opening the ledger removed; all zero after an orderly end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Bytes of a leaf cut short.
    pub leaf_bytes: u64,
    /// Bytes of openings that no leaf commits to.
    pub opening_bytes: u64,
    /// Bytes of transcripts that no opening names.
    pub transcript_bytes: u64,
    /// Control notes that no leaf commits to.
    pub notes: u64,
}

/// What the files hold, and where each of them ends.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) replay: Replay,
    pub(crate) leaves_end: u64,
    pub(crate) openings_end: u64,
    pub(crate) pack_end: u64,
    /// The last checkpoint allowed to be signed, and where its leaves end.
    pub(crate) signed: Checkpoint,
    pub(crate) signed_leaves_end: u64,
    /// The last checkpoint published.
    pub(crate) published: Option<SignedCheckpoint>,
    /// When the last record was complete.
    pub(crate) last_record: Option<Utc>,
    pub(crate) dropped: Dropped,
    stale_notes: Vec<u64>,
}

/// Reads a shard without changing anything.
pub(crate) fn examine(shard: &Shard, anchor: &Anchor) -> Result<Recovered, Fault> {
    let signed = LockStore::at(shard.lock_store()).read()?;
    if signed.origin() != anchor.origin() {
        return Err(Fault::strange(format!(
            "the lock store is that of {}, the log is {}: bring the right one back",
            signed.origin(),
            anchor.origin()
        )));
    }
    let published = check_published(shard, anchor, &signed)?;

    let mut walk = Walk::new(shard)?;
    let mut replay = Replay::new(anchor.clone());
    let mut signed_leaves_end = 0;
    let (mut last_opening, mut last_with_transcript, mut absent) = (None, None, Vec::new());
    while let Some(step) = walk.next()? {
        let index = step.entry.index;
        let strange = |why: String| Fault::strange(format!("entry {index}: {why}"));
        if replay.is_closed() {
            return Err(strange("it comes after the close note".into()));
        }
        match step.entry.content {
            Content::Note(note) => drop(replay.apply_note(&note, step.entry.leaf.kid).map_err(strange)?),
            Content::Opening(line) => {
                if line.contains(NAMES_TRANSCRIPT) {
                    last_with_transcript = Some(line.clone());
                }
                last_opening = Some(line);
            }
            Content::Absent => absent.push(index),
        }
        // What a checkpoint covers is vouched for by its root; only what came after is verified one by one.
        replay.accept(&step.entry.leaf, step.hash, index >= signed.size()).map_err(strange)?;
        if replay.size() == signed.size() {
            signed_leaves_end = walk.leaves.offset;
            check_root(&replay, &signed)?;
        }
    }
    if replay.size() < signed.size() {
        return Err(Fault::strange(format!(
            "a checkpoint of {} entries was signed, but {} holds only {}: restore the file from a copy",
            signed.size(),
            shard.leaves().display(),
            replay.size()
        )));
    }

    if let Some(index) = absent.into_iter().find(|index| !replay.erased().contains(index)) {
        return Err(Fault::strange(format!(
            "the opening of entry {index} is missing and the erase note that names it is not in the log: restore openings.log from a copy"
        )));
    }

    let mut dropped = Dropped { leaf_bytes: torn_leaf(&mut walk, shard)?, ..Dropped::default() };
    let openings_end = walk.openings_end;
    dropped.opening_bytes = surplus_openings(shard, openings_end)?;
    let last_record = last_opening.as_deref().map(|line| facts(line).map(|facts| facts.at)).transpose();
    let last_record = last_record.map_err(|fault| Fault::strange(format!("the last opening: {fault}")))?;
    let transcript = last_with_transcript
        .as_deref()
        .map(facts)
        .transpose()
        .map_err(|fault| Fault::strange(format!("the last opening with a transcript: {fault}")))?;
    let pack_end = pack_end(shard, transcript.and_then(|facts| facts.transcript), &mut dropped)?;
    let stale_notes = stale_notes(shard, replay.size())?;
    dropped.notes = stale_notes.len() as u64;
    Ok(Recovered {
        leaves_end: walk.leaves.offset,
        replay,
        openings_end,
        pack_end,
        signed,
        signed_leaves_end,
        published,
        last_record,
        dropped,
        stale_notes,
    })
}

/// In canonical JSON this can only be the member itself: inside a text its quotation marks are escaped.
const NAMES_TRANSCRIPT: &str = ",\"transcript_sha256\":\"";

impl Recovered {
    /// Removes what was never acknowledged, apart from the tails that opening the files cuts off.
    pub(crate) fn clean(&self, shard: &Shard) -> Result<(), Fault> {
        for index in &self.stale_notes {
            durable::remove(&shard.note(*index))?;
        }
        for path in files_below(shard.folder())?.iter().filter(|path| path.to_string_lossy().ends_with(durable::UNFINISHED)) {
            durable::remove(path)?;
        }
        if self.dropped != Dropped::default() {
            tracing::warn!(dropped = ?self.dropped, "removed what a crash had left unacknowledged");
        }
        Ok(())
    }
}

fn check_root(replay: &Replay, signed: &Checkpoint) -> Result<(), Fault> {
    if replay.frontier.root() == signed.root() {
        return Ok(());
    }
    Err(Fault::strange(format!(
        "the first {} entries are not those that the last checkpoint was signed for: restore leaves.log from a copy",
        signed.size()
    )))
}

/// The published checkpoint, which must not be ahead of the lock store.
fn check_published(shard: &Shard, anchor: &Anchor, signed: &Checkpoint) -> Result<Option<SignedCheckpoint>, Fault> {
    let largest = numbers(&shard.checkpoints(), ".txt")?.0.last().copied();
    if largest.is_some_and(|size| size > signed.size()) {
        return Err(Fault::strange(format!(
            "a checkpoint of {} entries is published, but the lock store knows only one of {}: it is an old copy, bring the right one back",
            largest.unwrap_or_default(),
            signed.size()
        )));
    }
    let path = shard.checkpoint();
    let published = match std::fs::read(&path) {
        Ok(bytes) => SignedCheckpoint::parse(&bytes),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(Fault::io("read", &path)(fault)),
    };
    let published = published.map_err(|fault| Fault::strange(format!("{}: {fault}", path.display())))?;
    published.verify(&anchor.log).map_err(|fault| Fault::strange(format!("{}: {fault}", path.display())))?;
    let checkpoint = published.checkpoint();
    if checkpoint.size() > signed.size() || (checkpoint.size() == signed.size() && checkpoint != signed) {
        return Err(Fault::strange(format!(
            "{} is not the checkpoint that the lock store allowed: bring the right lock store back",
            path.display()
        )));
    }
    Ok(Some(published))
}

/// Bytes after the last whole leaf, if a write cut short can have left them.
fn torn_leaf(walk: &mut Walk, shard: &Shard) -> Result<u64, Fault> {
    let damaged =
        || Fault::strange(format!("{} ends in bytes that no crash leaves: restore it from a copy", shard.leaves().display()));
    let rest = walk.leaves.rest(GROUP_MAX_BYTES)?.ok_or_else(damaged)?;
    let blank = rest.iter().all(|byte| *byte == 0);
    let torn = rest.len() < leaf::MAX_LINE_BYTES && !rest.contains(&b'\n');
    // A whole leaf whose line feed was changed was acknowledged once. A write cut short ends before the line feed.
    let whole = rest
        .split_last()
        .is_some_and(|(_, leaf)| std::str::from_utf8(leaf).is_ok_and(|leaf| Leaf::parse(&format!("{leaf}\n")).is_ok()));
    if blank || (torn && !whole) { Ok(rest.len() as u64) } else { Err(damaged()) }
}

/// Bytes of openings without leaves, if one unacknowledged group can have left them.
fn surplus_openings(shard: &Shard, openings_end: u64) -> Result<u64, Fault> {
    let mut lines = crate::lines::Lines::open(&shard.openings(), openings_end, opening::MAX_LINE_BYTES)?;
    let rest =
        lines.rest(GROUP_MAX_BYTES)?.filter(|rest| rest.iter().filter(|byte| **byte == b'\n').count() <= GROUP_MAX_RECORDS);
    match rest {
        Some(rest) => Ok(rest.len() as u64),
        None => Err(Fault::strange(format!(
            "{} holds more openings without leaves than one group: acknowledged leaves were lost, restore leaves.log from a copy",
            shard.openings().display()
        ))),
    }
}

/// Where the transcripts that openings name end.
fn pack_end(shard: &Shard, last_named: Option<Digest>, dropped: &mut Dropped) -> Result<u64, Fault> {
    let path = shard.pack();
    let mut pack = Pack::open(&path)?;
    let mut end = last_named.is_none().then_some(0);
    while let Some(frame) = pack.next_frame()? {
        if Some(frame.digest) == last_named {
            end = Some(frame.end());
        }
    }
    let end = end.ok_or_else(|| {
        let digest = last_named.map(|digest| digest.to_string()).unwrap_or_default();
        Fault::strange(format!(
            "the transcript {digest} is missing from {} or damaged: restore the file from a copy",
            path.display()
        ))
    })?;
    dropped.transcript_bytes = length(&path)? - end;
    if dropped.transcript_bytes > GROUP_MAX_BYTES {
        return Err(Fault::strange(format!(
            "{} holds more transcripts that no opening names than one group: acknowledged openings were lost",
            path.display()
        )));
    }
    Ok(end)
}

/// Notes after the last leaf, if one append cut short can have left them.
fn stale_notes(shard: &Shard, size: u64) -> Result<Vec<u64>, Fault> {
    let mut notes = numbers(&shard.notes(), ".note")?.0;
    notes.retain(|index| *index >= size);
    match notes.as_slice() {
        [] => Ok(notes),
        [index] if *index == size => Ok(notes),
        _ => Err(Fault::strange(format!(
            "{} holds notes of entries that the log has not: acknowledged leaves were lost, restore leaves.log from a copy",
            shard.notes().display()
        ))),
    }
}

fn length(path: &Path) -> Result<u64, Fault> {
    Ok(std::fs::metadata(path).map_err(Fault::io("look at", path))?.len())
}
