//! What can go wrong with an index. Nothing of it is worse than building it again.

use std::error::Error;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the index did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file is not an index, or is damaged.
    #[error("the index {} is damaged or is not an index ({why}): run `affiant log reindex`, which builds it again from the log", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was noticed.
        why: String,
    },
    /// Another version of the program made it.
    #[error("the index {} has the layout {found}, this program reads {}: run `affiant log reindex`, which builds it again from the log", path.display(), crate::schema::VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// The layout it has.
        found: i64,
    },
    /// The index was built from another log, or from a longer one.
    #[error("the index {} holds another entry {index} than the log: run `affiant log reindex`, which builds it again from the log", path.display())]
    OtherLog {
        /// The file.
        path: PathBuf,
        /// The entry.
        index: u64,
    },
    /// The environment: the database could not be read or written.
    #[error("could not use the index {}: {source}", path.display())]
    Sql {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The environment: the finished index could not be put into place.
    #[error("could not put the index {} into place: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The log could not be read.
    #[error("the index could not read the log: {0}")]
    Log(#[source] Box<dyn Error + Send + Sync>),
    /// An entry came out of order.
    #[error("the log's entry {found} came where entry {expected} was expected")]
    OutOfOrder {
        /// The one expected.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// An entry's content has no accepted form.
    #[error("entry {index} of the log cannot be indexed: {why}; run `affiant log fsck`")]
    Entry {
        /// The entry.
        index: u64,
        /// What is wrong, without its content.
        why: String,
    },
}

impl Fault {
    pub(crate) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged { path, why: source.to_string() },
            _ => Self::Sql { path, source },
        }
    }
}
