//! What is due of each cell, what was measured, and the files that hold the former.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::path::PathBuf;

use serde::Deserialize;

use super::cell::{Cell, way};
use super::{VISITS, page};

/// What one visit came to.
#[derive(Clone, Debug)]
pub struct Seen {
    pub is_served: bool,
    /// Grade and outcome of its last contact.
    pub outcome: String,
}

/// What all contacts in one cell came to.
#[derive(Clone, Debug)]
pub enum Entry {
    /// It worked the first time, and came to this when it did not later.
    Works { missed: Vec<String> },
    /// It did not; why, as far as could be seen.
    Not { seen: String },
}

impl Entry {
    pub fn of(seen: &[Seen], trouble: Option<&str>) -> Self {
        match seen {
            [first, later @ ..] if first.is_served => {
                assert_eq!(later.len() as u32, VISITS);
                let missed = later.iter().filter(|seen| !seen.is_served);
                Self::Works { missed: missed.map(|seen| seen.outcome.clone()).collect() }
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
    /// Why a cell does not work, by a short name.
    #[serde(default)]
    pub reasons: BTreeMap<String, String>,
    #[serde(default)]
    dialled: BTreeMap<String, Mark>,
    #[serde(default)]
    calls: BTreeMap<String, Mark>,
}

/// Who dials whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// We dial the client.
    Dialled,
    /// The client dials us.
    Calls,
}

impl Section {
    /// The names of its cells, in order.
    fn cells(self) -> Vec<String> {
        match self {
            Self::Dialled => Cell::all().iter().map(ToString::to_string).collect(),
            Self::Calls => Cell::ways().into_iter().map(|(means, is_six)| way(means, is_six)).collect(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Dialled => "dialled",
            Self::Calls => "calls",
        }
    }
}

/// What is due of a cell.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Mark {
    /// The word `yes`.
    Yes(Word),
    /// It cannot be.
    No {
        /// The name of the reason.
        reason: String,
        /// What an attempt came to when it was measured.
        seen: String,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    Yes,
}

/// The name of a reason that is still to be given.
const UNKNOWN: &str = "unknown";

const HEAD: &str = "# What is due of one client. `AFFIANT_WRITE_MATRIX=1 cargo nextest run -p crawler -E 'test(matrix)'` writes it anew from what
# is measured, and keeps the reasons, which are written by hand.
";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/matrix")
}

/// Whether files are to be written, not compared.
pub fn is_writing() -> bool {
    std::env::var_os("AFFIANT_WRITE_MATRIX").is_some()
}

impl Due {
    /// Reads a client's file. Where files are being written, one may be missing.
    pub fn read(file: &str) -> Self {
        let path = folder().join(format!("{file}.toml"));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(_) if is_writing() => return Self::default(),
            Err(error) => panic!("{}: {error}", path.display()),
        };
        let due: Self = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for section in [Section::Dialled, Section::Calls] {
            let known = section.cells();
            let strange = due.marks(section).keys().find(|cell| !known.contains(cell));
            assert!(strange.is_none(), "{}: there is no cell {strange:?}", path.display());
        }
        due
    }

    fn marks(&self, section: Section) -> &BTreeMap<String, Mark> {
        match section {
            Section::Dialled => &self.dialled,
            Section::Calls => &self.calls,
        }
    }

    pub fn mark(&self, section: Section, cell: &str) -> Option<&Mark> {
        self.marks(section).get(cell)
    }

    pub fn says_no(&self, section: Section, cell: &str) -> bool {
        matches!(self.mark(section, cell), Some(Mark::No { .. }))
    }

    /// Panics with every difference. Where files are being written, writes what is different instead.
    pub fn compare_or_write(&self, file: &str, name: &str, version: &str, section: Section, measured: &BTreeMap<String, Entry>) {
        let mut faults = Vec::new();
        for (cell, entry) in measured {
            match entry {
                Entry::Works { missed } if !missed.is_empty() => {
                    faults.push(format!("{cell}: {} of {VISITS} visits missed it: {missed:?}", missed.len()));
                }
                _ => {}
            }
        }
        if is_writing() {
            assert!(faults.is_empty(), "{name} {version}:\n{}", faults.join("\n"));
            return write(file, name, version, section, measured);
        }
        for (cell, entry) in measured {
            match (entry, self.mark(section, cell)) {
                (Entry::Works { .. }, Some(Mark::Yes(_))) => {}
                (Entry::Not { .. }, Some(Mark::No { reason, .. })) if self.reasons.contains_key(reason) => {}
                (Entry::Not { .. }, Some(Mark::No { reason, .. })) => {
                    faults.push(format!("{cell}: no reason is called '{reason}'"))
                }
                (Entry::Works { .. }, mark) => faults.push(format!("{cell}: it works, and due is {mark:?}")),
                (Entry::Not { seen }, mark) => faults.push(format!("{cell}: it does not work ({seen}), and due is {mark:?}")),
            }
        }
        if version != self.version {
            eprintln!("{name} {version}: the table was made with {}", self.version);
        }
        assert!(faults.is_empty(), "{name} {version}:\n{}", faults.join("\n"));
    }
}

/// Writes one section of a client's file, and the page. Several processes do so at once, so the file is read again.
fn write(file: &str, name: &str, version: &str, section: Section, measured: &BTreeMap<String, Entry>) {
    let lock = File::open(folder()).unwrap();
    lock.lock().unwrap();
    let due = Due::read(file);
    let mut text = format!("{HEAD}name = \"{name}\"\nversion = \"{version}\"\n\n[reasons]\n");
    for (short, reason) in &due.reasons {
        let _ = writeln!(text, "{short} = \"{reason}\"");
    }
    for each in [Section::Dialled, Section::Calls] {
        let _ = writeln!(text, "\n[{}]", each.name());
        for cell in each.cells() {
            let mark = due.mark(each, &cell);
            let of = |mark: &Mark| match mark {
                Mark::Yes(_) => (None, String::new()),
                Mark::No { reason, seen } => (Some(reason.clone()), seen.clone()),
            };
            let (reason, seen) = match (measured.get(&cell).filter(|_| each == section), mark) {
                (Some(Entry::Works { .. }), _) => (None, String::new()),
                (Some(Entry::Not { seen }), mark) => {
                    let reason = mark.and_then(|mark| of(mark).0).unwrap_or_else(|| UNKNOWN.into());
                    (Some(reason), seen.replace('"', "'"))
                }
                (None, Some(mark)) => of(mark),
                (None, None) => continue,
            };
            let _ = match reason {
                None => writeln!(text, "\"{cell}\" = \"yes\""),
                Some(reason) => writeln!(text, "\"{cell}\" = {{ reason = \"{reason}\", seen = \"{seen}\" }}"),
            };
        }
    }
    std::fs::write(folder().join(format!("{file}.toml")), text).unwrap();
    page::write();
}
