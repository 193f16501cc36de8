//! The entries of a shard in order: each leaf with what it commits to.

use std::collections::BTreeSet;
use std::fs;

use evidence::control::Control;
use evidence::{Content, Digest, Entry, Leaf, Part, leaf, opening, sha256};
use tlog::merkle::{Hash, leaf_hash};

use crate::Fault;
use crate::layout::{Shard, numbers};
use crate::lines::{Line, Lines};

/// An entry, and the RFC 6962 hash of its leaf's bytes on disk.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) entry: Entry,
    pub(crate) hash: Hash,
}

/// Walks through leaves and openings in step.
#[derive(Debug)]
pub(crate) struct Walk {
    shard: Shard,
    pub(crate) leaves: Lines,
    pub(crate) openings: Lines,
    /// An opening that was read and belongs to a later leaf, with its commitment.
    ahead: Option<(String, Digest)>,
    /// Where the openings of the leaves so far end.
    pub(crate) openings_end: u64,
    erased: BTreeSet<u64>,
    index: u64,
}

impl Walk {
    pub(crate) fn new(shard: &Shard) -> Result<Self, Fault> {
        Ok(Self {
            leaves: Lines::open(&shard.leaves(), 0, leaf::MAX_LINE_BYTES)?,
            openings: Lines::open(&shard.openings(), 0, opening::MAX_LINE_BYTES)?,
            ahead: None,
            openings_end: 0,
            erased: erased(shard)?,
            index: 0,
            shard: shard.clone(),
        })
    }

    /// The next entry; nothing at the end and where a leaf is torn.
    pub(crate) fn next(&mut self) -> Result<Option<Step>, Fault> {
        let Line::Whole(line) = self.leaves.next()? else {
            return Ok(None);
        };
        let index = self.index;
        let leaf = Leaf::parse(&line)
            .map_err(|fault| Fault::strange(format!("entry {index} in {} is damaged: {fault}", self.shard.leaves().display())))?;
        let content = match leaf.part {
            Part::Ctl => Content::Note(self.note(index, &leaf)?),
            Part::As(_) | Part::Audit => self.opening(index, &leaf)?,
        };
        self.index += 1;
        Ok(Some(Step { entry: Entry { index, leaf, content }, hash: leaf_hash(line.as_bytes()) }))
    }

    /// Whether some erase note names the entry; its opening may still be held if the erasure was interrupted.
    pub(crate) fn is_erased(&self, index: u64) -> bool {
        self.erased.contains(&index)
    }

    fn note(&self, index: u64, leaf: &Leaf) -> Result<String, Fault> {
        let path = self.shard.note(index);
        let note = fs::read_to_string(&path).map_err(Fault::io("read the control note", &path))?;
        if sha256(note.as_bytes()) == leaf.commitment {
            Ok(note)
        } else {
            Err(Fault::strange(format!("{} is not the note that entry {index} commits to", path.display())))
        }
    }

    fn opening(&mut self, index: u64, leaf: &Leaf) -> Result<Content, Fault> {
        let erased = self.erased.contains(&index);
        if self.ahead.is_none()
            && let Line::Whole(line) = self.openings.next()?
        {
            let commitment = opening::commitment(&line);
            self.ahead = Some((line, commitment));
        }
        match self.ahead.take() {
            Some((line, commitment)) if commitment == leaf.commitment => {
                self.openings_end += line.len() as u64;
                Ok(Content::Opening(line))
            }
            other if erased => {
                self.ahead = other;
                Ok(Content::Absent)
            }
            _ => Err(Fault::strange(format!(
                "the opening of entry {index} is missing from {} or damaged, and no erase note names it: restore the file from a copy",
                self.shard.openings().display()
            ))),
        }
    }
}

/// The entries that some erase note names. Whether the notes are valid is for the replay to say.
fn erased(shard: &Shard) -> Result<BTreeSet<u64>, Fault> {
    let mut erased = BTreeSet::new();
    for index in numbers(&shard.notes(), ".note")?.0 {
        let path = shard.note(index);
        let note = fs::read_to_string(&path).map_err(Fault::io("read the control note", &path))?;
        let text = note.rsplit_once("\n\n").map(|(text, _)| format!("{text}\n"));
        if note.starts_with("affiant.erase/1\n")
            && let Some(Ok(Control::Erase(erase))) = text.map(|text| Control::parse(&text))
        {
            erased.insert(erase.index);
        }
    }
    Ok(erased)
}
