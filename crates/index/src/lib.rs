//! A rebuildable SQL index of the log: where to look, never what is true.
//!
//! It is derived from the entries alone, so it can be deleted and built again, and building it anew gives the same
//! rows as keeping up with the log. It holds no opening, only the columns that questions are asked by; those of an
//! erased observation go with its opening, overwritten on disk.
//!
//! *In scope*: which observations match a filter, in the order of the log; counts; which entries there are.
//! *Out of scope*: the evidence itself, which is read from the log; whether an entry is valid (`verify`, `ledger`).
//!
//! ```
//! use index::{Filter, Index};
//!
//! let folder = tempfile::tempdir()?;
//! let log: Vec<Result<evidence::Entry, std::io::Error>> = Vec::new();
//! let index = Index::rebuild(&folder.path().join("index.sqlite"), log)?;
//! assert_eq!(index.next_index()?, 0);
//! assert_eq!(index.observations(&Filter { isp: Some("bt".into()), ..Filter::default() }).count(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fault;
mod fill;
mod query;
mod row;
mod schema;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use fault::Fault;
pub use query::{Counted, Filter, Observations};
pub use row::{EntryRow, NoteRow, ObservationRow, RunRow, SightingRow};

/// An open index.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    connection: Connection,
}

impl Index {
    /// Opens the index at `path`, or makes an empty one.
    ///
    /// # Errors
    /// If the file is not an index of this version, or is damaged: it must then be built again.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let connection = Connection::open(path).map_err(|fault| Fault::of(path, fault))?;
        let index = Self { path: path.into(), connection };
        index.prepare()?;
        Ok(index)
    }

    fn try_sql<T>(&self, result: rusqlite::Result<T>) -> Result<T, Fault> {
        result.map_err(|fault| Fault::of(&self.path, fault))
    }
}

#[cfg(test)]
mod tests;
