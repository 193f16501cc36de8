//! Where things lie on disk. The crate's documentation has the tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use evidence::{Date, Utc};

use crate::Fault;

/// A month, which names a shard: `2026-09`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(String);

impl Month {
    /// The month of an instant, in UTC.
    pub fn of(instant: Utc) -> Self {
        Self(instant.date().to_string()[..7].into())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Month {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let day: Result<Date, _> = format!("{text}-01").parse();
        match day {
            Ok(_) => Ok(Self(text.into())),
            Err(_) => Err(Fault::refused(format!("'{text}' is not a month such as 2026-09"))),
        }
    }
}

/// The folder of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shard {
    folder: PathBuf,
}

impl Shard {
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.into() }
    }

    pub(crate) fn of(station: &Path, month: &Month) -> Self {
        Self { folder: station.join("log").join(month.as_str()) }
    }

    /// The latest month's shard of a station.
    pub(crate) fn latest(station: &Path) -> Result<Self, Fault> {
        let log = station.join("log");
        let mut latest: Option<Month> = None;
        for name in names(&log)? {
            let month: Month = name
                .parse()
                .map_err(|_| Fault::strange(format!("{} holds '{name}', which is not a month: move it away", log.display())))?;
            latest = latest.max(Some(month));
        }
        match latest {
            Some(month) => Ok(Self::of(station, &month)),
            None => Err(Fault::strange(format!("{} holds no shard: found the station first", log.display()))),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn anchor(&self) -> PathBuf {
        self.folder.join("anchor.txt")
    }

    pub(crate) fn leaves(&self) -> PathBuf {
        self.folder.join("leaves.log")
    }

    pub(crate) fn openings(&self) -> PathBuf {
        self.folder.join("openings.log")
    }

    pub(crate) fn pack(&self) -> PathBuf {
        self.folder.join("transcripts.pack")
    }

    pub(crate) fn notes(&self) -> PathBuf {
        self.folder.join("notes")
    }

    pub(crate) fn note(&self, index: u64) -> PathBuf {
        self.notes().join(format!("{index}.note"))
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.folder.join("checkpoints")
    }

    pub(crate) fn checkpoint_of(&self, size: u64) -> PathBuf {
        self.checkpoints().join(format!("{size}.txt"))
    }

    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }

    pub(crate) fn lock_store(&self) -> PathBuf {
        self.folder.join("lock")
    }

    pub(crate) fn tile(&self, tile: &tlog::tile::Tile) -> PathBuf {
        self.folder.join(tile.to_string())
    }

    pub(crate) fn tiles(&self) -> PathBuf {
        self.folder.join("tile")
    }
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(Fault::io("list", folder))? {
        let name = entry.map_err(Fault::io("list", folder))?.file_name();
        names.push(
            name.into_string().map_err(|name| Fault::strange(format!("{} holds a file named {name:?}", folder.display())))?,
        );
    }
    names.sort_unstable();
    Ok(names)
}

/// The numbers of the files `<number><suffix>` in a folder, ascending, and the names that are not such.
pub(crate) fn numbers(folder: &Path, suffix: &str) -> Result<(Vec<u64>, Vec<String>), Fault> {
    let (mut numbers, mut others) = (Vec::new(), Vec::new());
    for name in names(folder)? {
        let number = name
            .strip_suffix(suffix)
            .and_then(|stem| stem.parse().ok())
            .filter(|number: &u64| format!("{number}{suffix}") == name);
        match number {
            Some(number) => numbers.push(number),
            None => others.push(name),
        }
    }
    numbers.sort_unstable();
    Ok((numbers, others))
}

/// Every file in a folder and the folders below it, sorted.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut files = Vec::new();
    for name in names(folder)? {
        let path = folder.join(name);
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
