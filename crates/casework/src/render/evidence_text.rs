//! `evidence.txt`: the exact lines that a report rests on, and how to check each.

use std::{collections::BTreeMap, fmt::Write as _};

use evidence::{Cir, Leaf};

/// What the log holds for one entry of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceLines {
    /// The leaf.
    pub leaf: Leaf,
    /// The opening line with its line feed, where it is at hand.
    pub opening: Option<String>,
}

/// The text, from the entries by index.
pub fn evidence_text(cir: &Cir, entries: &BTreeMap<u64, EvidenceLines>) -> String {
    let mut text = format!(
        "Evidence of report {}\n\nThe lines below are copied byte for byte from the log {}. What others chose to write\n(names of clients and files) stands in them as it was received: do not trust what a terminal makes of it.\n",
        cir.uin, cir.log
    );
    for (number, reference) in (1..).zip(&cir.evidence) {
        let what = if reference.control { "the control visit to the same address and port" } else { "an observation" };
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{number}. Entry {} of the log: {what}\n\n", reference.index);
        let Some(lines) = entries.get(&reference.index) else { continue };
        match &lines.opening {
            Some(opening) => {
                let line = text.lines().count() + 5;
                let _ = write!(
                    text,
                    "The record. This prints its commitment, {}:\n\n    sed -n {line}p data/cirs/{}/evidence.txt | sha256sum\n\n{opening}\n",
                    reference.commitment, cir.uin
                );
            }
            None => text.push_str("The record has been erased; the note that says so is in data/shard/control.\n\n"),
        }
        let leaf_line = text.lines().count() + 5;
        let _ = write!(
            text,
            "The signed leaf, line {} of data/shard/leaves.txt. This prints its hash in the log, {}:\n\n    {{ printf '\\0'; sed -n {leaf_line}p data/cirs/{}/evidence.txt; }} | sha256sum\n\n{}",
            reference.index + 1,
            reference.leaf,
            cir.uin,
            lines.leaf.line(),
        );
    }
    text.push_str("\ndata/README.txt says how to check the signatures, the log and the rest of the bundle.\n");
    text
}
