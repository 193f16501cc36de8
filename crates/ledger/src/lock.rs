//! One signed checkpoint after another.

use std::fs;
use std::path::PathBuf;

use tlog::Checkpoint;

use crate::{Fault, durable};

/// The last checkpoint that was allowed to be signed: its three lines.
///
/// It is written before the signature is made. So whoever holds it knows every checkpoint that can exist, and a
/// second one of the same size or an earlier tree is never signed.
#[derive(Debug)]
pub(crate) struct LockStore {
    path: PathBuf,
}

impl LockStore {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn create(&self, empty: &Checkpoint) -> Result<(), Fault> {
        durable::replace(&self.path, empty.to_text().as_bytes())
    }

    pub(crate) fn read(&self) -> Result<Checkpoint, Fault> {
        let path = self.path.display();
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
                return Err(Fault::strange(format!(
                    "the lock store {path} is missing, so it is not known which checkpoint was signed last: bring it back, or let a person compare every published checkpoint and write the last one's first three lines there"
                )));
            }
            Err(fault) => return Err(Fault::io("read", &self.path)(fault)),
        };
        Checkpoint::parse(&text).map_err(|fault| Fault::strange(format!("the lock store {path} is damaged: {fault}")))
    }

    /// Moves from one checkpoint to the next, unless somebody else moved first.
    pub(crate) fn compare_and_swap(&self, expected: &Checkpoint, next: &Checkpoint) -> Result<(), Fault> {
        let found = self.read()?;
        if found != *expected {
            return Err(Fault::Disagreement(format!(
                "the lock store {} holds a checkpoint of {} entries where one of {} was expected, so another process signs for this log",
                self.path.display(),
                found.size(),
                expected.size()
            )));
        }
        durable::replace(&self.path, next.to_text().as_bytes())
    }
}
