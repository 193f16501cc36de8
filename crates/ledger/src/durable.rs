//! The one place that writes files so that they survive a power cut.
//!
//! Every step is traced, so that a trace of a run shows in which order things reached the disk.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::Fault;

/// Ends the name of a file that is not finished; whoever opens a station removes what a crash left of them.
pub const UNFINISHED: &str = ".unfinished";

/// Makes a folder, readable by its owner only, and those above it, and makes their names durable.
///
/// # Errors
/// If the system refuses.
pub fn create_folder(path: &Path) -> Result<(), Fault> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent(path);
    create_folder(&parent)?;
    tracing::trace!(path = %path.display(), "mkdir");
    DirBuilder::new().mode(0o700).create(path).map_err(Fault::io("create the folder", path))?;
    sync_folder(&parent)
}

/// Puts `bytes` at `path`, whole or not at all, in place of what is there.
///
/// # Errors
/// If the system refuses. What is there is then the old bytes or the new ones.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    put(path, bytes, 0o644)
}

/// As [`replace`], for the owner's eyes only. Refuses to write over anything.
pub(crate) fn create_secret(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    if path.exists() {
        return Err(Fault::Key { path: path.into(), why: "exists already and is not written over: move it away first".into() });
    }
    replace_secret(path, bytes)
}

/// As [`replace`], for the owner's eyes only.
pub(crate) fn replace_secret(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    put(path, bytes, 0o600)
}

/// Gives a file another name, over what has that name, and makes that durable. Both are in one folder.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Fault> {
    tracing::trace!(path = %to.display(), "rename");
    fs::rename(from, to).map_err(Fault::io("rename", from))?;
    sync_folder(&parent(to))
}

/// Held while a process works on a folder; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Makes this process the only one that works on the folder.
    ///
    /// # Errors
    /// [`Fault::Locked`] if another one does; [`Fault::Io`] if the system refuses.
    pub fn take(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join("writer.lock");
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(Fault::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Fault::Locked { path }),
            Err(TryLockError::Error(fault)) => Err(Fault::io("lock", &path)(fault)),
        }
    }
}

/// More files than this are synced with their whole file system at once: each alone costs two waits for the disk.
const SYNCED_ALONE: usize = 16;

/// As [`replace`] for many files below `folder`, which are on its file system. Each is whole or not there at all; if
/// the power fails in between, some may be there and others not.
pub(crate) fn replace_all(folder: &Path, files: &[(PathBuf, Vec<u8>)]) -> Result<(), Fault> {
    if files.len() <= SYNCED_ALONE {
        return files.iter().try_for_each(|(path, bytes)| replace(path, bytes));
    }
    let system = File::open(folder).map_err(Fault::io("open the folder", folder))?;
    for (path, bytes) in files {
        write_unfinished(path, bytes, 0o644)?;
    }
    sync_system(&system, folder)?;
    for (path, _) in files {
        rename_finished(path)?;
    }
    sync_system(&system, folder)
}

fn sync_system(system: &File, folder: &Path) -> Result<(), Fault> {
    tracing::trace!(path = %folder.display(), "syncfs");
    rustix::fs::syncfs(system).map_err(|fault| Fault::io("sync the file system of", folder)(fault.into()))
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fault> {
    let file = write_unfinished(path, bytes, mode)?;
    tracing::trace!(path = %path.display(), "fsync");
    file.sync_all().map_err(Fault::io("sync", path))?;
    rename_finished(path)?;
    sync_folder(&parent(path))
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED);
    PathBuf::from(name)
}

fn write_unfinished(path: &Path, bytes: &[u8], mode: u32) -> Result<File, Fault> {
    let path = unfinished(path);
    // A leftover of a crash may have another mode; it is removed and never reused.
    let _ = fs::remove_file(&path);
    tracing::trace!(path = %path.display(), bytes = bytes.len(), "write");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path).map_err(Fault::io("create", &path))?;
    file.write_all(bytes).map_err(Fault::io("write", &path))?;
    Ok(file)
}

fn rename_finished(path: &Path) -> Result<(), Fault> {
    tracing::trace!(path = %path.display(), "rename into place");
    fs::rename(unfinished(path), path).map_err(Fault::io("rename into place", path))
}

/// Removes a file and makes that durable.
pub(crate) fn remove(path: &Path) -> Result<(), Fault> {
    tracing::trace!(path = %path.display(), "unlink");
    fs::remove_file(path).map_err(Fault::io("remove", path))?;
    sync_folder(&parent(path))
}

fn sync_folder(path: &Path) -> Result<(), Fault> {
    tracing::trace!(path = %path.display(), "fsync folder");
    File::open(path).and_then(|folder| folder.sync_all()).map_err(Fault::io("sync the folder", path))
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.into(),
        _ => PathBuf::from("."),
    }
}

/// A file that only grows at its end.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) length: u64,
}

impl Tail {
    /// Makes an empty file that does not exist yet.
    pub(crate) fn create(path: &Path) -> Result<(), Fault> {
        OpenOptions::new().append(true).create_new(true).mode(0o600).open(path).map_err(Fault::io("create", path))?;
        sync_folder(&parent(path))
    }

    /// Opens the file and cuts it to `length`, dropping what a crash left after it.
    pub(crate) fn open_at(path: &Path, length: u64) -> Result<Self, Fault> {
        let file = OpenOptions::new().append(true).open(path).map_err(Fault::io("open", path))?;
        let found = file.metadata().map_err(Fault::io("look at", path))?.len();
        if found != length {
            tracing::trace!(path = %path.display(), from = found, to = length, "ftruncate");
            file.set_len(length).map_err(Fault::io("truncate", path))?;
            file.sync_all().map_err(Fault::io("sync", path))?;
        }
        Ok(Self { path: path.into(), file, length })
    }

    /// Hands bytes to the system. They are durable after [`Tail::sync`].
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if bytes.is_empty() {
            return Ok(());
        }
        tracing::trace!(path = %self.path.display(), bytes = bytes.len(), "append");
        self.file.write_all(bytes).map_err(Fault::io("append to", &self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Makes everything written so far durable.
    pub(crate) fn sync(&self) -> Result<(), Fault> {
        tracing::trace!(path = %self.path.display(), "fdatasync");
        self.file.sync_data().map_err(Fault::io("sync", &self.path))
    }
}
