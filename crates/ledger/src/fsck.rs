//! Checking a shard in full: every line, signature, opening, note, transcript, tile and checkpoint.
//!
//! It changes nothing and stops at nothing: a fault in one step does not hide those in another.

mod checkpoints;
mod entries;
mod files;

use std::fmt;
use std::path::Path;

use crate::layout::Shard;
use crate::{Anchor, Fault};

/// Faults that one step spells out; the rest are counted.
const MAX_SPELT_OUT: usize = 20;

/// What was checked, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsckReport {
    /// The steps, in the order taken.
    pub steps: Vec<FsckStep>,
}

/// One thing that was checked throughout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsckStep {
    /// What must hold.
    pub name: &'static str,
    /// For how many lines or files it was checked.
    pub checked: u64,
    /// Where it does not hold; the first twenty.
    pub faults: Vec<String>,
    /// How many more there are.
    pub more_faults: u64,
}

impl FsckStep {
    fn new(name: &'static str) -> Self {
        Self { name, checked: 0, faults: Vec::new(), more_faults: 0 }
    }

    /// Whether it holds everywhere.
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, fault: impl fmt::Display) {
        if self.faults.len() < MAX_SPELT_OUT {
            self.faults.push(fault.to_string());
        } else {
            self.more_faults += 1;
        }
    }

    fn require(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.fault(fault());
        }
    }

    fn note<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.fault(fault)).ok()
    }
}

impl FsckReport {
    /// Whether every step passed.
    pub fn is_clean(&self) -> bool {
        self.steps.iter().all(FsckStep::passed)
    }
}

/// One line per step, and one per fault.
impl fmt::Display for FsckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{} {} ({} checked)", if step.passed() { "pass" } else { "FAIL" }, step.name, step.checked)?;
            for fault in &step.faults {
                writeln!(f, "     {fault}")?;
            }
            if step.more_faults > 0 {
                writeln!(f, "     and {} more", step.more_faults)?;
            }
        }
        Ok(())
    }
}

/// Checks the shard in this folder, e.g. `<station>/log/2026-09`, while nobody writes to it.
///
/// # Errors
/// Never for what it finds; only if the folder has no readable anchor, without which there is nothing to check against.
pub fn fsck(shard: &Path) -> Result<FsckReport, Fault> {
    let shard = Shard::at(shard);
    let anchor = Anchor::load(&shard.anchor())?;
    let (found, mut steps) = entries::check(&shard, &anchor);
    steps.push(files::check_transcripts(&shard, &found.transcripts));
    let (published, more) = checkpoints::check(&shard, &anchor, &found.hashes);
    steps.push(files::check_tiles(&shard, &found.hashes, published));
    steps.extend(more);
    Ok(FsckReport { steps })
}

#[cfg(test)]
mod tests;
