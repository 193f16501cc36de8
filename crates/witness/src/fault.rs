//! What can go wrong in a witness or a monitor that is nobody's request.

use std::io;
use std::path::{Path, PathBuf};

/// Why a witness or a monitor did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A key or a durable write.
    #[error(transparent)]
    Ledger(#[from] ledger::Fault),
    /// The environment: a file could not be read or written.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// The verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is on disk is not what an honest run and a crash can leave behind. Nothing was changed.
    #[error("refusing a strange past: {0}")]
    Strange(String),
    /// The caller asked for something that must not be. Nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// A log's files could not be had. Try again later.
    #[error("{0}")]
    Place(#[from] crate::place::PlaceFault),
}

impl Fault {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn strange(what: impl std::fmt::Display) -> Self {
        Self::Strange(what.to_string())
    }

    pub(crate) fn refused(why: impl std::fmt::Display) -> Self {
        Self::Refused(why.to_string())
    }
}
