//! What a witness cosigned last, one file a log, each step durable before it is signed.
//!
//! The file is the truth and is read anew for every decision: what is in memory cannot go ahead of the disk, and a
//! write that failed leaves the old state or the new one, both of which are safe to go on from.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use ledger::durable::{self, FolderLock};
use tlog::merkle::empty_root;
use tlog::note::KeyName;
use tlog::{Checkpoint, KeyKind, VerifierKey};

use crate::Fault;

const FORMAT: &str = "affiant.witnessed/1";
const LIST_FORMAT: &str = "affiant.witness-logs/1";
/// A key, a time and three lines; names are at most 255 bytes.
const MAX_FILE_BYTES: u64 = 4096;
/// Thousands of logs.
const MAX_LIST_BYTES: u64 = 1 << 20;

/// What is kept of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The log's key.
    pub log: VerifierKey,
    /// The largest checkpoint cosigned; the empty tree if there was none.
    pub last: Checkpoint,
    /// When, in seconds since the Unix epoch; 0 if there was none.
    pub time_unix_s: u64,
}

impl Kept {
    fn nothing_of(log: VerifierKey) -> Result<Self, Fault> {
        let last = Checkpoint::new(log.name().clone(), 0, empty_root()).map_err(Fault::refused)?;
        Ok(Self { log, last, time_unix_s: 0 })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '\n');
        let (format, log, time, last) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let kept = Self {
            log: log.strip_prefix("log ")?.parse().ok()?,
            last: Checkpoint::parse(last).ok()?,
            time_unix_s: time.strip_prefix("time ")?.parse().ok()?,
        };
        // Writing it again catches other spellings at once.
        (format == FORMAT && kept.to_string() == text && kept.log.name() == kept.last.origin()).then_some(kept)
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMAT}\nlog {}\ntime {}\n{}", self.log, self.time_unix_s, self.last.to_text())
    }
}

/// The logs that a witness knows, and where it stands with each.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    /// Sorted as in the list file.
    logs: Vec<VerifierKey>,
    _lock: FolderLock,
}

impl Store {
    /// Makes an empty store in an existing folder.
    pub(crate) fn create(folder: &Path) -> Result<Self, Fault> {
        let lock = FolderLock::take(folder)?;
        let list = folder.join("logs.txt");
        if list.exists() {
            return Err(Fault::refused(format!("{} is there: this is a witness already", list.display())));
        }
        durable::create_folder(&folder.join("logs"))?;
        durable::replace(&list, list_text(&[]).as_bytes())?;
        Ok(Self { folder: folder.into(), logs: Vec::new(), _lock: lock })
    }

    /// Opens a store, and refuses one that has lost the state of a log.
    pub(crate) fn open(folder: &Path) -> Result<Self, Fault> {
        let lock = FolderLock::take(folder)?;
        let logs = read_list(&folder.join("logs.txt"))?;
        let store = Self { folder: folder.into(), logs, _lock: lock };
        store.logs.iter().try_for_each(|log| store.read(log).map(drop))?;
        Ok(store)
    }

    /// Takes on a log. Its state is written first, so that a log of the list always has one.
    pub(crate) fn trust(&mut self, log: VerifierKey) -> Result<(), Fault> {
        if log.kind() != KeyKind::Note {
            return Err(Fault::refused("a log's key is of type 0x01, and this one is a witness's"));
        }
        if self.key(log.name()).is_some() {
            return Err(Fault::refused(format!("the log {} is known already, and keeps its key", log.name())));
        }
        let path = self.path(&log);
        let kept = Kept::nothing_of(log.clone())?;
        if path.exists() && read_file(&path)? != kept {
            return Err(Fault::strange(format!(
                "{} says that the log {} was cosigned before, and it is on no list: bring logs.txt back from a copy",
                path.display(),
                log.name()
            )));
        }
        durable::replace(&path, kept.to_string().as_bytes())?;
        let mut logs = self.logs.clone();
        logs.push(log);
        logs.sort_by(|one, other| one.name().cmp(other.name()));
        durable::replace(&self.folder.join("logs.txt"), list_text(&logs).as_bytes())?;
        self.logs = logs;
        Ok(())
    }

    pub(crate) fn key(&self, origin: &KeyName) -> Option<&VerifierKey> {
        self.logs.iter().find(|log| log.name() == origin)
    }

    pub(crate) fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// What the disk says of a log now.
    pub(crate) fn read(&self, log: &VerifierKey) -> Result<Kept, Fault> {
        let path = self.path(log);
        let kept = read_file(&path)?;
        if kept.log == *log {
            Ok(kept)
        } else {
            Err(Fault::strange(format!("{} is the state of another log or key than {}", path.display(), log.name())))
        }
    }

    /// Moves from one checkpoint to the next, unless somebody else moved first. Cosigning follows it, never precedes it.
    pub(crate) fn compare_and_swap(&mut self, expected: &Kept, last: &Checkpoint, time_unix_s: u64) -> Result<(), Fault> {
        let found = self.read(&expected.log)?;
        if found != *expected {
            return Err(Fault::strange(format!(
                "{} changed while a request was decided, so another process works on it",
                self.path(&expected.log).display()
            )));
        }
        let next = Kept { log: expected.log.clone(), last: last.clone(), time_unix_s };
        Ok(durable::replace(&self.path(&expected.log), next.to_string().as_bytes())?)
    }

    fn path(&self, log: &VerifierKey) -> PathBuf {
        self.folder.join("logs").join(format!("{}.txt", evidence::sha256(log.name().as_str().as_bytes())))
    }
}

fn list_text(logs: &[VerifierKey]) -> String {
    let keys: String = logs.iter().map(|log| format!("{log}\n")).collect();
    format!("{LIST_FORMAT}\n{keys}")
}

fn read_list(path: &Path) -> Result<Vec<VerifierKey>, Fault> {
    let text = bounded(path, MAX_LIST_BYTES)?;
    let damaged = || Fault::strange(format!("{} is damaged: bring it back from a copy", path.display()));
    let mut logs = Vec::new();
    for line in text.lines().skip(1) {
        logs.push(line.parse::<VerifierKey>().map_err(|_| damaged())?);
    }
    let in_order = logs.windows(2).all(|pair| pair[0].name() < pair[1].name());
    let notes = logs.iter().all(|log| log.kind() == KeyKind::Note);
    if in_order && notes && list_text(&logs) == text { Ok(logs) } else { Err(damaged()) }
}

fn read_file(path: &Path) -> Result<Kept, Fault> {
    if !path.exists() {
        return Err(Fault::strange(format!(
            "{} is missing, so it is not known what was cosigned last: bring it back from a copy, or found another witness",
            path.display()
        )));
    }
    let text = bounded(path, MAX_FILE_BYTES)?;
    Kept::parse(&text).ok_or_else(|| {
        Fault::strange(format!("{} is damaged: bring it back from a copy, or found another witness", path.display()))
    })
}

/// Reads a text that cannot honestly be longer.
pub(crate) fn bounded(path: &Path, max_bytes: u64) -> Result<String, Fault> {
    let length = fs::metadata(path).map_err(Fault::io("look at", path))?.len();
    if length > max_bytes {
        return Err(Fault::strange(format!("{} is longer than it can be", path.display())));
    }
    fs::read_to_string(path).map_err(Fault::io("read", path))
}

#[cfg(test)]
mod tests;
