//! What is due of each cell, what was measured, and the files that hold the former.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Deserialize;

use super::cell::Cell;
use super::{VISITS, page};

/// What one visit came to.
#[derive(Clone, Debug)]
pub struct Seen {
    pub is_served: bool,
    /// Grade and outcome of its last contact.
    pub outcome: String,
}

/// What all visits to one cell came to.
#[derive(Clone, Debug)]
pub enum Entry {
    /// It served in the first visit; these did not of the later ones.
    Served { missed: Vec<String> },
    /// It did not; why, as far as could be seen.
    Not { seen: String },
}

impl Entry {
    pub fn of(seen: &[Seen], trouble: Option<&str>) -> Self {
        match seen {
            [first, later @ ..] if first.is_served => {
                assert_eq!(later.len() as u32, VISITS);
                let missed = later.iter().filter(|seen| !seen.is_served);
                Self::Served { missed: missed.map(|seen| seen.outcome.clone()).collect() }
            }
            [first, ..] => Self::Not { seen: first.outcome.clone() },
            [] => Self::Not { seen: format!("not started: {}", trouble.unwrap_or_default().lines().next().unwrap_or_default()) },
        }
    }
}

/// The file of one client.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due {
    #[serde(default)]
    pub name: String,
    /// The version that was measured.
    #[serde(default)]
    pub version: String,
    /// Why a cell cannot be served, by a short name.
    #[serde(default)]
    pub reasons: BTreeMap<String, String>,
    #[serde(default)]
    pub dialled: BTreeMap<String, Mark>,
}

/// What is due of a cell.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Mark {
    /// `served`, and of the latter nothing but the word.
    Served(Word),
    /// It cannot be.
    Not {
        /// The name of the reason.
        reason: String,
        /// What an attempt came to when it was measured.
        seen: String,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    Served,
}

/// The name of a reason that is still to be given.
const UNKNOWN: &str = "unknown";

const HEAD: &str = "# What is due of one client. `AFFIANT_WRITE_MATRIX=1 cargo nextest run -p crawler -E 'test(matrix)'` writes it anew from what
# is measured, and keeps the reasons, which are written by hand.
";

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/matrix/{file}.toml"))
}

/// Whether files are to be written, not compared.
pub fn is_writing() -> bool {
    std::env::var_os("AFFIANT_WRITE_MATRIX").is_some()
}

impl Due {
    /// Reads a client's file. Where files are being written, one may be missing.
    pub fn read(file: &str) -> Self {
        let path = path(file);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(_) if is_writing() => return Self::default(),
            Err(error) => panic!("{}: {error}", path.display()),
        };
        let due: Self = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for cell in due.dialled.keys() {
            assert!(Cell::all().iter().any(|known| known.to_string() == *cell), "{}: there is no cell '{cell}'", path.display());
        }
        due
    }

    pub fn mark(&self, cell: &Cell) -> Option<&Mark> {
        self.dialled.get(&cell.to_string())
    }

    pub fn says_impossible(&self, cell: &Cell) -> bool {
        matches!(self.mark(cell), Some(Mark::Not { .. }))
    }

    /// Panics with every difference; where files are being written, writes this one.
    pub fn compare_or_write(&self, file: &str, name: &str, version: &str, measured: &BTreeMap<Cell, Entry>) {
        let mut faults = Vec::new();
        for (cell, entry) in measured {
            match entry {
                Entry::Served { missed } if !missed.is_empty() => {
                    faults.push(format!("{cell}: {} of {VISITS} visits missed it: {missed:?}", missed.len()));
                }
                _ => {}
            }
        }
        if is_writing() {
            assert!(faults.is_empty(), "{name} {version}:\n{}", faults.join("\n"));
            std::fs::write(path(file), self.written(name, version, measured)).unwrap();
            return page::write();
        }
        for (cell, entry) in measured {
            match (entry, self.mark(cell)) {
                (Entry::Served { .. }, Some(Mark::Served(_))) => {}
                (Entry::Not { .. }, Some(Mark::Not { reason, .. })) if self.reasons.contains_key(reason) => {}
                (Entry::Not { .. }, Some(Mark::Not { reason, .. })) => {
                    faults.push(format!("{cell}: no reason is called '{reason}'"))
                }
                (Entry::Served { .. }, mark) => faults.push(format!("{cell}: served, and due is {mark:?}")),
                (Entry::Not { seen }, mark) => faults.push(format!("{cell}: not served ({seen}), and due is {mark:?}")),
            }
        }
        if version != self.version {
            eprintln!("{name} {version}: the table was made with {}", self.version);
        }
        assert!(faults.is_empty(), "{name} {version}:\n{}", faults.join("\n"));
    }

    fn written(&self, name: &str, version: &str, measured: &BTreeMap<Cell, Entry>) -> String {
        let mut text = format!("{HEAD}name = \"{name}\"\nversion = \"{version}\"\n\n[reasons]\n");
        for (short, reason) in &self.reasons {
            let _ = writeln!(text, "{short} = \"{reason}\"");
        }
        text.push_str("\n[dialled]\n");
        for (cell, entry) in measured {
            let reason = match self.mark(cell) {
                Some(Mark::Not { reason, .. }) => reason,
                _ => UNKNOWN,
            };
            let _ = match entry {
                Entry::Served { .. } => writeln!(text, "\"{cell}\" = \"served\""),
                Entry::Not { seen } => {
                    writeln!(text, "\"{cell}\" = {{ reason = \"{reason}\", seen = \"{}\" }}", seen.replace('"', "'"))
                }
            };
        }
        text
    }
}
