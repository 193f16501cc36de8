//! Steps 3, 4, 5.2 and 6: one walk over the leaves in their order, which is what decides which key and note counts.

mod control;
mod keys;

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Digest, KeyId, Leaf, Part, leaf::MAX_LINE_BYTES};
use tlog::{
    Hash,
    merkle::{Frontier, leaf_hash},
};

use crate::{
    anchor::Anchor,
    checkpoints::{Checkpoints, Judged},
    findings::Findings,
    lines::Lines,
    notes::{Decisions, Filed},
    source::Source,
    steps::Check,
};
use keys::Keys;

const PATH: &str = "data/shard/leaves.txt";

/// The shard as far as it could be read.
pub(crate) struct Log {
    pub(crate) size: u64,
    /// Every leaf that commits to an opening, in order of index.
    pub(crate) sealed: Vec<Sealed>,
    pub(crate) decisions: Decisions,
}

/// A leaf that commits to an opening.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealed {
    pub(crate) index: u64,
    pub(crate) kid: KeyId,
    pub(crate) seq: u64,
    pub(crate) part: Part,
    pub(crate) commitment: Digest,
    /// RFC 6962 leaf hash.
    pub(crate) leaf: Hash,
}

impl Log {
    /// The leaf at this index, if it commits to an opening.
    pub(crate) fn sealed_at(&self, index: u64) -> Option<&Sealed> {
        sealed_at(&self.sealed, index)
    }
}

fn sealed_at(sealed: &[Sealed], index: u64) -> Option<&Sealed> {
    let position = sealed.binary_search_by_key(&index, |leaf| leaf.index).ok()?;
    sealed.get(position)
}

/// What the walk is given.
pub(crate) struct Given<'a> {
    pub(crate) anchor: &'a Anchor,
    pub(crate) notes: &'a BTreeMap<u64, Filed>,
    pub(crate) revoked: &'a BTreeMap<KeyId, u64>,
    pub(crate) checkpoints: &'a Checkpoints,
    /// A checkpoint had from elsewhere.
    pub(crate) newer: Option<&'a Judged>,
}

struct Walk<'a> {
    given: &'a Given<'a>,
    keys: Keys,
    frontier: Frontier,
    log: Log,
    unwitnessed: u64,
    /// Identifiers of all reports that issue notes list, so far.
    uins: BTreeSet<String>,
}

/// Walks the leaves from first to last.
pub(crate) fn check(source: &mut dyn Source, given: &Given<'_>, findings: &mut Findings) -> Log {
    let log = Log { size: 0, sealed: Vec::new(), decisions: Decisions::default() };
    let mut walk = Walk { given, keys: Keys::default(), frontier: Frontier::new(), log, unwitnessed: 0, uins: BTreeSet::new() };
    walk.compare_root(findings);
    match source.open(PATH) {
        Err(fault) => findings.fail(Check::LeafForm, || format!("{PATH} cannot be read: {fault}")),
        Ok(reader) => {
            let mut lines = Lines::new(reader, MAX_LINE_BYTES);
            while let Some(line) = lines.next_line() {
                match line {
                    Ok(line) => walk.take(line, findings),
                    Err(fault) => {
                        findings.fail(Check::LeafForm, || {
                            format!("{PATH} line {} {fault}; the rest was not read", walk.log.size + 1)
                        });
                        break;
                    }
                }
            }
        }
    }
    walk.finish(findings)
}

impl Walk<'_> {
    fn take(&mut self, line: &str, findings: &mut Findings) {
        let index = self.log.size;
        let hash = leaf_hash(line.as_bytes());
        findings.count(Check::LeafForm);
        match Leaf::parse(line) {
            Err(fault) => findings.fail(Check::LeafForm, || format!("{PATH} line {} (index {index}): {fault}", index + 1)),
            Ok(leaf) => self.take_leaf(index, &leaf, hash, findings),
        }
        self.frontier.append(hash);
        self.log.size += 1;
        self.compare_root(findings);
    }

    fn take_leaf(&mut self, index: u64, leaf: &Leaf, hash: Hash, findings: &mut Findings) {
        if let Some((close, _)) = &self.log.decisions.close {
            let close = *close;
            findings.fail(Check::Close, || format!("leaf {index} follows the close note at index {close}"));
        }
        // The first registrar's delegation is logged by that registrar: it must be known before its own leaf is judged.
        let is_foundation = index == 0;
        if is_foundation && leaf.part == Part::Ctl {
            self.take_note(index, leaf, findings);
        }
        self.judge_key(index, leaf, hash, findings);
        if leaf.part == Part::Ctl {
            if !is_foundation {
                self.take_note(index, leaf, findings);
            }
        } else {
            let Leaf { kid, seq, part, commitment, .. } = *leaf;
            self.log.sealed.push(Sealed { index, kid, seq, part, commitment, leaf: hash });
            if self.given.notes.contains_key(&index) {
                findings.fail(Check::NoteCommitment, || {
                    format!("there is a control note for index {index}, whose leaf is not a ctl one")
                });
            }
        }
    }

    fn compare_root(&mut self, findings: &mut Findings) {
        let size = self.log.size;
        if let Some(stated) = self.given.checkpoints.root_at(size) {
            let actual = self.frontier.root();
            findings.check(Check::CheckpointRoot, stated == actual, || {
                format!("the checkpoint of size {size} states the root {stated}, the first {size} leaves have {actual}")
            });
        }
        if let Some(newer) = self.given.newer.filter(|newer| newer.size == size) {
            let actual = self.frontier.root();
            findings.check(Check::NewerCheckpoint, newer.root == actual, || {
                format!("the checkpoint given states the root {} for {size} leaves, the bundle's have {actual}", newer.root)
            });
        }
    }

    fn finish(mut self, findings: &mut Findings) -> Log {
        let size = self.log.size;
        for index in self.given.notes.keys().filter(|index| **index >= size) {
            findings.fail(Check::NoteCommitment, || format!("there is a control note for index {index}, but only {size} leaves"));
        }
        for beyond in self.given.checkpoints.sizes().filter(|stated| *stated > size) {
            findings.check(Check::CheckpointRoot, false, || {
                format!("there is a checkpoint of size {beyond}, but only {size} leaves: leaves are missing")
            });
        }
        let last = self.given.checkpoints.last_size();
        findings.check(Check::Covered, last == Some(size), || match last {
            Some(last) => format!("the last checkpoint covers {last} leaves, the bundle has {size}"),
            None => "no checkpoint could be believed".into(),
        });
        if let Some(newer) = self.given.newer.filter(|newer| newer.size > size) {
            findings.check(Check::NewerCheckpoint, false, || {
                format!(
                    "the log has at least {} leaves, the bundle only {size}: {} were left out or came later",
                    newer.size,
                    newer.size - size
                )
            });
        }
        if self.unwitnessed > 0 {
            let why = format!(
                "{} leaves are covered by no cosigned checkpoint, so nobody outside vouches for when they were logged",
                self.unwitnessed
            );
            findings.warn(Check::Window, why);
        }
        self.check_close(findings);
        self.log
    }
}
