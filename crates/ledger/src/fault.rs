//! What can go wrong, sorted by whose doing it is, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why the ledger did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
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
    /// The environment: the operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    Random(String),
    /// Somebody else works on this folder.
    #[error("another process works on this folder and holds {}: stop it first; one folder has one writer", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A token that does not serve.
    #[error("the token '{token}' (key '{label}', module {}) {why}", module.display())]
    Token {
        /// The PKCS#11 library.
        module: PathBuf,
        /// The token's label.
        token: String,
        /// The key's label.
        label: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// A key file that may not be used.
    #[error("the key file {} {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// What is on disk is not what an honest writer and a crash can leave behind. Nothing was changed.
    #[error("refusing a strange past: {0}")]
    Strange(String),
    /// The memory, the disk and the second computation of the root disagree. Nothing was signed.
    #[error("refusing to sign a checkpoint: {0}; nothing was signed: stop, keep this disk, and run `affiant log fsck`")]
    Disagreement(String),
    /// An earlier write failed, so nobody knows what is on disk until it is read again.
    #[error(
        "an earlier write failed ({0}), so nothing more is acknowledged: repair the cause and start again, which recovers all that was acknowledged"
    )]
    Poisoned(String),
    /// The shard has its close note.
    #[error("the shard {0} is closed and takes no more entries: found the next month's shard")]
    Closed(String),
    /// The caller asked for something that must not enter the log. The ledger is as before.
    #[error("not logged: {0}")]
    Refused(String),
}

impl Fault {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn strange(what: impl Into<String>) -> Self {
        Self::Strange(what.into())
    }

    pub(crate) fn refused(why: impl std::fmt::Display) -> Self {
        Self::Refused(why.to_string())
    }
}
