//! Reading a shard, without keys and beside a writer.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use evidence::{Content, Digest, Entry};
use tlog::SignedCheckpoint;

use crate::layout::{Shard, numbers};
use crate::pack::Finder;
use crate::walk::Walk;
use crate::{Anchor, Fault};

/// A shard opened for reading. It takes no lock and sees what is acknowledged and sometimes a little more.
#[derive(Debug)]
pub struct Reader {
    shard: Shard,
    anchor: Anchor,
    transcripts: Mutex<Option<Finder>>,
}

impl Reader {
    /// Opens the shard in this folder, e.g. `<station>/log/2026-09`.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(shard: &Path) -> Result<Self, Fault> {
        let shard = Shard::at(shard);
        let anchor = Anchor::load(&shard.anchor())?;
        Ok(Self { shard, anchor, transcripts: Mutex::new(None) })
    }

    /// Opens the latest shard of a station.
    ///
    /// # Errors
    /// If there is none.
    pub fn of_station(station: &Path) -> Result<Self, Fault> {
        Self::open(Shard::latest(station)?.folder())
    }

    /// The shard's trust anchor.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// The shard's folder.
    pub fn shard(&self) -> PathBuf {
        self.shard.folder().into()
    }

    /// Every entry, in order. Erased openings are [`evidence::Content::Absent`]; a missing one is an error.
    ///
    /// # Errors
    /// If the files cannot be opened. The iterator ends after its first error.
    pub fn entries(&self) -> Result<Entries, Fault> {
        Ok(Entries { walk: Some(Walk::new(&self.shard)?) })
    }

    /// A transcript by its SHA-256, if it is held.
    ///
    /// # Errors
    /// If it is damaged or cannot be read.
    pub fn transcript(&self, digest: Digest) -> Result<Option<Vec<u8>>, Fault> {
        let mut slot = self.transcripts.lock().unwrap_or_else(PoisonError::into_inner);
        let finder = match &mut *slot {
            Some(finder) => finder,
            None => slot.insert(Finder::open(&self.shard.pack())?),
        };
        finder.find(digest)
    }

    /// Every checkpoint published, smallest first, signatures unverified.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<SignedCheckpoint>, Fault> {
        let sizes = numbers(&self.shard.checkpoints(), ".txt")?.0;
        sizes.into_iter().map(|size| read_checkpoint(&self.shard.checkpoint_of(size))).collect()
    }

    /// The checkpoint published last, signatures unverified.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn latest_checkpoint(&self) -> Result<Option<SignedCheckpoint>, Fault> {
        let path = self.shard.checkpoint();
        if path.exists() { read_checkpoint(&path).map(Some) } else { Ok(None) }
    }
}

fn read_checkpoint(path: &Path) -> Result<SignedCheckpoint, Fault> {
    let bytes = fs::read(path).map_err(Fault::io("read", path))?;
    SignedCheckpoint::parse(&bytes).map_err(|fault| Fault::strange(format!("{}: {fault}", path.display())))
}

/// The entries of a shard in order.
#[derive(Debug)]
pub struct Entries {
    walk: Option<Walk>,
}

impl Iterator for Entries {
    type Item = Result<Entry, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let walk = self.walk.as_mut()?;
        match walk.next().transpose() {
            Some(Ok(step)) => {
                let mut entry = step.entry;
                // An erasure that was logged and then interrupted: nobody is shown what is left of it.
                if walk.is_erased(entry.index) {
                    entry.content = Content::Absent;
                }
                Some(Ok(entry))
            }
            last => {
                self.walk = None;
                last.map(|step| step.map(|step| step.entry))
            }
        }
    }
}
