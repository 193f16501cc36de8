//! Which openings a recipient is owed.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Content, Digest, Entry, Part};

/// Where a file's bytes come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// From memory.
    Bytes(Vec<u8>),
    /// A transcript, asked for when it is its turn.
    Transcript(Digest),
    /// Every leaf of the log.
    Leaves,
    /// The openings that the recipient is owed.
    Openings,
}

/// What a recipient is owed (bundle.md).
#[derive(Debug, Clone)]
pub(super) struct Owed {
    /// The parts; nothing stands for all of them.
    pub parts: Option<BTreeSet<u32>>,
    /// Index of the issue note.
    pub issue: u64,
    /// Erased entries.
    pub erased: BTreeMap<u64, String>,
    /// Entries whose absence from an ISP's bundle a note explains.
    pub withheld: BTreeSet<u64>,
}

impl Owed {
    /// The entry's opening line, if it belongs into the bundle.
    pub fn opening<'e>(&self, entry: &'e Entry) -> Option<&'e str> {
        let Content::Opening(line) = &entry.content else { return None };
        let is_owed = match (&self.parts, entry.leaf.part) {
            (None, part) => part != Part::Ctl,
            (Some(asns), Part::As(asn)) => {
                asns.contains(&asn) && entry.index < self.issue && !self.withheld.contains(&entry.index)
            }
            (Some(_), Part::Audit | Part::Ctl) => false,
        };
        (is_owed && !self.erased.contains_key(&entry.index)).then_some(line.as_str())
    }
}

/// The transcript that an observation names. A member written by others has its quotes escaped, so this text is
/// our own member and the first is the only one.
pub(super) fn transcript_of(line: &str) -> Option<Digest> {
    const MEMBER: &str = r#""transcript_sha256":""#;
    let start = line.find(MEMBER)? + MEMBER.len();
    line.get(start..start + 64)?.parse().ok()
}
