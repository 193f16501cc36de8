//! Leaves, chains, signatures, notes and openings, in one pass.

use std::collections::{BTreeSet, VecDeque};
use std::fs;

use evidence::{Digest, Leaf, Part, leaf, opening, sha256};
use tlog::merkle::{Hash, leaf_hash};
use tlog::verify_strict;

use super::FsckStep;
use crate::layout::{Shard, numbers};
use crate::lines::{Line, Lines};
use crate::record::facts;
use crate::replay::Replay;
use crate::{Anchor, Fault};

/// How many openings may be out of place before the rest no longer counts as being in order.
const WINDOW: usize = 64;

/// What later steps need.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) hashes: Vec<Hash>,
    pub(super) transcripts: BTreeSet<Digest>,
}

pub(super) fn check(shard: &Shard, anchor: &Anchor) -> (Found, Vec<FsckStep>) {
    let mut pass = Pass {
        shard,
        replay: Replay::new(anchor.clone()),
        broken: false,
        found: Found::default(),
        missing: BTreeSet::new(),
        held: BTreeSet::new(),
        window: VecDeque::new(),
        lines: FsckStep::new("every leaf is one canonical line"),
        chains: FsckStep::new("every leaf continues its key's chain, under a delegation of the right role logged before it"),
        signatures: FsckStep::new("every leaf is signed by its key"),
        notes: FsckStep::new("every control note is the one committed to, and signed by the role it asks for"),
        openings: FsckStep::new("every opening is the one committed to, canonical, and numbered and owed as its leaf says"),
        erasures: FsckStep::new("every opening is held, unless an erase note names it"),
    };
    let leaves = Lines::open(&shard.leaves(), 0, leaf::MAX_LINE_BYTES);
    let openings = Lines::open(&shard.openings(), 0, opening::MAX_LINE_BYTES);
    match (leaves, openings) {
        (Ok(leaves), Ok(openings)) => pass.run(leaves, openings),
        (leaves, openings) => {
            pass.lines.note(leaves);
            pass.openings.note(openings);
        }
    }
    (pass.found, vec![pass.lines, pass.chains, pass.signatures, pass.notes, pass.openings, pass.erasures])
}

struct Pass<'a> {
    shard: &'a Shard,
    replay: Replay,
    /// A broken chain makes every later leaf of it wrong too; only the first is told.
    broken: bool,
    found: Found,
    missing: BTreeSet<u64>,
    held: BTreeSet<u64>,
    /// Openings read and not yet met by a leaf.
    window: VecDeque<(String, Digest)>,
    lines: FsckStep,
    chains: FsckStep,
    signatures: FsckStep,
    notes: FsckStep,
    openings: FsckStep,
    erasures: FsckStep,
}

impl Pass<'_> {
    fn run(&mut self, mut leaves: Lines, mut openings: Lines) {
        loop {
            let index = self.found.hashes.len() as u64;
            let line = match leaves.next() {
                Ok(Line::Whole(line)) => line,
                Ok(Line::End) => break,
                Ok(Line::Torn) => {
                    self.lines
                        .fault(format!("entry {index} does not end with a line feed within {} bytes", leaf::MAX_LINE_BYTES));
                    break;
                }
                Err(fault) => {
                    self.lines.fault(fault);
                    break;
                }
            };
            let hash = leaf_hash(line.as_bytes());
            match Leaf::parse(&line) {
                Ok(leaf) => {
                    self.lines.checked += 1;
                    self.entry(index, &leaf, hash, &mut openings);
                }
                Err(fault) => {
                    self.lines.fault(format!("entry {index}: {fault}"));
                    self.broken = true;
                }
            }
            self.found.hashes.push(hash);
        }
        self.finish(&mut openings);
    }

    fn entry(&mut self, index: u64, leaf: &Leaf, hash: Hash, openings: &mut Lines) {
        if self.replay.is_closed() {
            self.chains.fault(format!("entry {index} comes after the close note"));
        }
        if leaf.part == Part::Ctl {
            self.note(index, leaf);
        } else {
            self.opening(index, leaf, openings);
        }
        self.signature(index, leaf);
        if !self.broken {
            self.chains.checked += 1;
            if let Err(why) = self.replay.accept(leaf, hash, false) {
                self.chains.fault(format!("entry {index}: {why}; later entries are not followed"));
                self.broken = true;
            }
        }
    }

    fn signature(&mut self, index: u64, leaf: &Leaf) {
        let verdict = match self.replay.key(leaf.kid) {
            Some(key) => verify_strict(key.delegation.key.as_bytes(), leaf.message().as_bytes(), leaf.signature.as_bytes())
                .map_err(|fault| fault.to_string()),
            None => Err(format!("the key {} was never delegated", leaf.kid)),
        };
        self.signatures.checked += 1;
        if let Err(why) = verdict {
            self.signatures.fault(format!("entry {index}: {why}"));
        }
    }

    fn note(&mut self, index: u64, leaf: &Leaf) {
        self.notes.checked += 1;
        let path = self.shard.note(index);
        let note = fs::read_to_string(&path).map_err(|fault| fault.to_string());
        let held = note.and_then(|note| {
            if sha256(note.as_bytes()) == leaf.commitment {
                Ok(note)
            } else {
                Err("not the note that the leaf commits to".into())
            }
        });
        let applied = held.and_then(|note| {
            if self.broken {
                Ok(())
            } else {
                self.replay.apply_note(&note, leaf.kid).and_then(|control| self.check_erasure(&control))
            }
        });
        if let Err(why) = applied {
            self.notes.fault(format!("{}: {why}", path.display()));
        }
    }

    fn check_erasure(&self, control: &evidence::control::Control) -> Result<(), String> {
        let evidence::control::Control::Erase(erase) = control else {
            return Ok(());
        };
        let named = usize::try_from(erase.index).ok().and_then(|index| self.found.hashes.get(index));
        if named.map(|hash| hash.0) == Some(*erase.leaf.as_bytes()) {
            Ok(())
        } else {
            Err(format!("it names another leaf than that of entry {}", erase.index))
        }
    }

    fn opening(&mut self, index: u64, leaf: &Leaf, openings: &mut Lines) {
        let Some(position) = self.find(leaf.commitment, openings) else {
            self.missing.insert(index);
            return;
        };
        for (line, _) in self.window.drain(..position) {
            self.openings.fault(format!(
                "before that of entry {index} there is an opening that no leaf commits to, of {} bytes",
                line.len()
            ));
        }
        if let Some((line, _)) = self.window.pop_front() {
            self.held.insert(index);
            self.openings.checked += 1;
            match facts(&line) {
                Err(fault) => self.openings.fault(format!("entry {index}: {fault}")),
                Ok(facts) if (facts.kid, facts.seq, facts.part) != (leaf.kid, leaf.seq, leaf.part) => {
                    self.openings.fault(format!("entry {index}: the opening has another key, number or part than the leaf"));
                }
                Ok(facts) => self.found.transcripts.extend(facts.transcript),
            }
        }
    }

    /// The position in the window of the opening with this commitment.
    fn find(&mut self, commitment: Digest, openings: &mut Lines) -> Option<usize> {
        if let Some(position) = self.window.iter().position(|(_, held)| *held == commitment) {
            return Some(position);
        }
        while self.window.len() < WINDOW {
            match openings.next() {
                Ok(Line::Whole(line)) => {
                    let held = opening::commitment(&line);
                    self.window.push_back((line, held));
                    if held == commitment {
                        return Some(self.window.len() - 1);
                    }
                }
                Ok(Line::Torn | Line::End) => return None,
                Err(fault) => {
                    self.openings.fault(fault);
                    return None;
                }
            }
        }
        None
    }

    fn finish(&mut self, openings: &mut Lines) {
        let left = self.window.len();
        if left > 0 {
            self.openings.fault(format!("{left} openings that no leaf commits to"));
        }
        match openings.next() {
            Ok(Line::End) => {}
            Ok(Line::Whole(_) | Line::Torn) => {
                self.openings.fault(format!("openings that no leaf commits to, from byte {} on", openings.offset))
            }
            Err(fault) => self.openings.fault(fault),
        }
        let erased = self.replay.erased();
        self.erasures.checked = (self.held.len() + self.missing.len()) as u64;
        for index in self.missing.difference(erased) {
            self.erasures.fault(format!("the opening of entry {index} is not held, and no erase note names it"));
        }
        for index in self.held.intersection(erased) {
            self.erasures.fault(format!("the opening of entry {index} is held although an erase note names it"));
        }
        let size = self.found.hashes.len() as u64;
        match numbers(&self.shard.notes(), ".note") {
            Ok((held, others)) => {
                held.iter()
                    .filter(|index| **index >= size)
                    .for_each(|index| self.notes.fault(format!("{index}.note belongs to no entry")));
                others.iter().for_each(|name| self.notes.fault(format!("{name} is not a note")));
            }
            Err(fault) => self.notes.fault(Fault::to_string(&fault)),
        }
    }
}
