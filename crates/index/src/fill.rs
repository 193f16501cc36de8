//! From the log into the index: keeping up, starting over, and forgetting.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use evidence::control::Control;
use evidence::{Content, Entry, Opening};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::row::{Opened, direction_word, leaf_hash, open, rank, to_sql};
use crate::{Fault, Index};

/// Entries per transaction: one sync for many, and never more than this to do again.
const TRANSACTION_ENTRIES: usize = 8192;

impl Index {
    /// Builds the index at `path` anew from all entries of the log. An old one stays in use until the new one is whole.
    ///
    /// # Errors
    /// If the log or an entry cannot be read, or the file cannot be written. The old index is then as before.
    pub fn rebuild<E>(path: &Path, entries: impl IntoIterator<Item = Result<Entry, E>>) -> Result<Self, Fault>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let unfinished = PathBuf::from(unfinished);
        remove(&unfinished)?;
        let mut index = Self::open(&unfinished)?;
        index.catch_up(entries)?;
        drop(index);
        fs::rename(&unfinished, path).map_err(|source| Fault::Io { path: path.into(), source })?;
        // A journal of the old file must never be played back into the new one.
        let mut journal = path.as_os_str().to_owned();
        journal.push("-journal");
        remove(Path::new(&journal))?;
        Self::open(path)
    }

    /// Adds the entries that the index does not have yet. Those it has are skipped, apart from the last one, which must
    /// be the same. Returns how many were added.
    ///
    /// # Errors
    /// If the log or an entry cannot be read, an entry comes out of order, or the index is of another log. Whole
    /// transactions before the fault are kept.
    pub fn catch_up<E>(&mut self, entries: impl IntoIterator<Item = Result<Entry, E>>) -> Result<u64, Fault>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let start = self.next_index()?;
        let mut next = start;
        let mut pending = Vec::with_capacity(TRANSACTION_ENTRIES);
        for entry in entries {
            let entry = entry.map_err(|fault| Fault::Log(fault.into()))?;
            if entry.index < start {
                self.check_same_log(&entry, start)?;
                continue;
            }
            if entry.index != next {
                return Err(Fault::OutOfOrder { expected: next, found: entry.index });
            }
            next += 1;
            pending.push(entry);
            if pending.len() == TRANSACTION_ENTRIES {
                self.add(&pending)?;
                pending.clear();
            }
        }
        self.add(&pending)?;
        Ok(next - start)
    }

    fn check_same_log(&self, entry: &Entry, start: u64) -> Result<(), Fault> {
        if entry.index + 1 < start {
            return Ok(());
        }
        let held: Option<[u8; 32]> = self.try_sql(
            self.connection
                .query_row("SELECT leaf FROM entries WHERE idx = ?1", [to_sql(entry.index)], |row| row.get(0))
                .optional(),
        )?;
        if held.as_ref() == Some(leaf_hash(&entry.leaf).as_bytes()) {
            Ok(())
        } else {
            Err(Fault::OtherLog { path: self.path.clone(), index: entry.index })
        }
    }

    fn add(&mut self, entries: &[Entry]) -> Result<(), Fault> {
        if entries.is_empty() {
            return Ok(());
        }
        let path = self.path.clone();
        let sql = |fault| Fault::of(&path, fault);
        let transaction = self.connection.transaction().map_err(sql)?;
        for entry in entries {
            insert(&transaction, entry, &path)?;
        }
        transaction.commit().map_err(sql)
    }

    /// Removes everything that the index knows from an entry's opening, and overwrites it on disk.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn forget(&mut self, index: u64) -> Result<(), Fault> {
        let path = self.path.clone();
        let sql = |fault| Fault::of(&path, fault);
        let transaction = self.connection.transaction().map_err(sql)?;
        forget(&transaction, index).map_err(sql)?;
        transaction.commit().map_err(sql)
    }
}

fn remove(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Fault::Io { path: path.into(), source }),
        _ => Ok(()),
    }
}

fn insert(connection: &Connection, entry: &Entry, path: &Path) -> Result<(), Fault> {
    let refuse = |why: String| Fault::Entry { index: entry.index, why };
    let (mut tag, mut opened, mut erased) = (None, Opened::Nothing, None);
    match &entry.content {
        Content::Opening(line) => {
            let opening = Opening::parse(line).map_err(|fault| refuse(fault.to_string()))?;
            tag = Some(opening.tag.word());
            opened = open(entry.index, &opening).map_err(|fault| refuse(fault.to_string()))?;
        }
        Content::Note(note) => {
            let control = control(note).map_err(refuse)?;
            tag = Some(control.tag());
            if let Control::Erase(erase) = &control {
                erased = Some(erase.index);
            }
        }
        Content::Absent => {}
    }
    let is_note = matches!(entry.content, Content::Note(_));
    let write = || {
        insert_entry(connection, entry, tag)?;
        if let Some(tag) = tag.filter(|_| is_note) {
            connection.prepare_cached("INSERT INTO notes VALUES (?1, ?2)")?.execute(params![to_sql(entry.index), tag])?;
        }
        insert_opened(connection, &opened)?;
        erased.map_or(Ok(()), |index| forget(connection, index))
    };
    write().map_err(|fault| Fault::of(path, fault))
}

/// The text of a control note, which ends where its signatures begin.
fn control(note: &str) -> Result<Control, String> {
    let blank = note.rfind("\n\n").ok_or("the control note has no signatures")?;
    Control::parse(&note[..=blank]).map_err(|fault| fault.to_string())
}

fn insert_entry(connection: &Connection, entry: &Entry, tag: Option<&str>) -> rusqlite::Result<()> {
    let leaf = &entry.leaf;
    connection.prepare_cached("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
        to_sql(entry.index),
        leaf.kid.to_string(),
        to_sql(leaf.seq),
        leaf.part.to_string(),
        leaf.commitment.as_bytes(),
        leaf_hash(leaf).as_bytes(),
        tag,
    ])?;
    Ok(())
}

fn insert_opened(connection: &Connection, opened: &Opened) -> rusqlite::Result<()> {
    match opened {
        Opened::Nothing => {}
        Opened::Run(row) => {
            let mut insert = connection.prepare_cached("INSERT INTO runs VALUES (?1, ?2, ?3, ?4)")?;
            insert.execute(params![to_sql(row.index), row.run.to_string(), row.at.ms(), row.kind])?;
        }
        Opened::Observation(row) => {
            let mut insert = connection
                .prepare_cached("INSERT INTO observations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)")?;
            insert.execute(params![
                to_sql(row.index),
                row.at.ms(),
                row.peer.ip().to_string(),
                row.peer.port(),
                row.transport,
                row.target,
                row.run.to_string(),
                rank(row.grade),
                row.outcome,
                row.asn,
                row.isp,
                row.purpose,
                row.source,
                row.began.ms(),
                direction_word(row.direction),
                row.is_covered,
                row.rule,
                row.listening_port,
            ])?;
        }
        Opened::List(rows) => {
            let mut insert = connection.prepare_cached("INSERT INTO sightings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
            for row in rows {
                insert.execute(params![
                    to_sql(row.index),
                    to_sql(row.place),
                    row.at.ms(),
                    row.peer.ip().to_string(),
                    row.peer.port(),
                    row.target,
                    row.run.to_string(),
                    row.source,
                ])?;
            }
        }
    }
    Ok(())
}

/// The same rows as if the opening had never been held.
fn forget(connection: &Connection, index: u64) -> rusqlite::Result<()> {
    let index = to_sql(index);
    connection.execute("DELETE FROM observations WHERE idx = ?1", [index])?;
    connection.execute("DELETE FROM sightings WHERE idx = ?1", [index])?;
    connection.execute("DELETE FROM runs WHERE idx = ?1", [index])?;
    connection.execute("UPDATE entries SET tag = NULL WHERE idx = ?1 AND part <> 'ctl'", [index])?;
    Ok(())
}
