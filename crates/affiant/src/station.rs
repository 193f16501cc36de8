//! A station's folder: configuration, keys, log, tables, dossiers' working files and the index.
//!
//! ```text
//! <station>/
//!   affiant.toml        the configuration
//!   keys/  log/         the ledger's
//!   dht.txt             nodes of the DHT that answered lately, for the next run
//!   tables/             dated tables, named by the configuration
//!   dossiers/<note>/    metainfo.torrent and blocks.sha256 of each dossier, by its note's SHA-256
//!   index.sqlite        rebuilt from the log at will
//! ```

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use evidence::{
    Digest,
    control::{Control, Role},
    sha256,
};
use ledger::{Acked, Ledger, NoteKey, Reader, Store};

use crate::{args::Place, book::Book, clock, config::Config, secrets};

const CONFIG: &str = "affiant.toml";

/// An existing station.
pub struct Station {
    /// Its folder.
    pub dir: PathBuf,
    /// Its configuration.
    pub config: Config,
    keys: Store,
}

impl Station {
    /// Opens the station at `place`.
    pub fn open(place: &Place) -> Result<Self> {
        let dir = &place.station;
        let path = dir.join(CONFIG);
        if !path.exists() {
            bail!("there is no station in {}; make one with 'affiant init', or name another with --station", dir.display());
        }
        let config = Config::load(&path)?;
        Ok(Self { dir: dir.clone(), keys: secrets::store(place, &config), config })
    }

    /// Writes the configuration of a new station.
    pub fn create(place: &Place, config: Config) -> Result<Self> {
        let dir = &place.station;
        fs::create_dir_all(dir.join("tables")).with_context(|| format!("cannot make {}", dir.display()))?;
        fs::create_dir_all(dir.join("dossiers")).with_context(|| format!("cannot make {}", dir.display()))?;
        let station = Self { dir: dir.clone(), keys: secrets::store(place, &config), config };
        station.save_config()?;
        Ok(station)
    }

    /// Writes the configuration back, whole or not at all.
    pub fn save_config(&self) -> Result<()> {
        replace(&self.dir.join(CONFIG), self.config.to_toml()?.as_bytes())
    }

    /// Opens the log for writing; one process at a time can.
    pub fn ledger(&self) -> Result<Ledger> {
        Ok(Ledger::open_by(&self.dir, &self.keys, clock::utc())?)
    }

    /// Opens the log for reading.
    pub fn reader(&self) -> Result<Reader> {
        Ok(Reader::of_station(&self.dir)?)
    }

    /// What the control notes say now.
    pub fn book(&self) -> Result<Book> {
        Book::read(self.reader()?.entries()?)
    }

    /// The station's keys.
    pub fn keys(&self) -> &Store {
        &self.keys
    }

    /// Where dated tables are.
    pub fn tables_dir(&self) -> PathBuf {
        self.dir.join("tables")
    }

    /// Where the working files of a dossier are.
    pub fn dossier_dir(&self, note_sha256: Digest) -> PathBuf {
        self.dir.join("dossiers").join(note_sha256.to_string())
    }

    /// The index of the log.
    pub fn index_path(&self) -> PathBuf {
        self.dir.join("index.sqlite")
    }

    /// Keeps a table's bytes; a file of the same name must have the same bytes.
    pub fn keep_table(&self, file: &str, content: &[u8]) -> Result<()> {
        let path = self.tables_dir().join(file);
        if path.exists() && fs::read(&path).map(|old| sha256(&old)).ok() != Some(sha256(content)) {
            bail!("{} is already there with other bytes", path.display());
        }
        replace(&path, content)
    }

    /// Logs a decision, signed by the person's analyst key.
    pub fn decide(&self, book: &Book, person: &str, control: &Control) -> Result<Acked> {
        let (mut ledger, note) = self.sign_decision(book, person, control)?;
        Ok(ledger.append_note(note)?)
    }

    /// Signs a decision by the person's analyst key; the ledger that is to take it is held open meanwhile.
    pub fn sign_decision(&self, book: &Book, person: &str, control: &Control) -> Result<(Ledger, String)> {
        let ledger = self.ledger()?;
        let note = self.signed(&ledger, book, person, control)?;
        Ok((ledger, note))
    }

    /// As [`Station::decide`], in a ledger that is open already.
    pub fn decide_in(&self, ledger: &mut Ledger, book: &Book, person: &str, control: &Control) -> Result<Acked> {
        let note = self.signed(ledger, book, person, control)?;
        Ok(ledger.append_note(note)?)
    }

    fn signed(&self, ledger: &Ledger, book: &Book, person: &str, control: &Control) -> Result<String> {
        let delegation = book.person(person, Role::Analyst)?;
        let key = self.keys().analyst(&slug(person)).with_context(|| format!("cannot use the key of {person}"))?;
        if key.public() != delegation.key {
            let path = self.dir.join("keys/people").join(format!("{}.pem", slug(person)));
            bail!("{} is not the key that the log delegates to {person}", path.display());
        }
        Ok(ledger.sign_note(control, NoteKey::Analyst(&key))?)
    }
}

/// A person's name as a file name.
pub fn slug(person: &str) -> String {
    let mut slug = String::new();
    for character in person.chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').chars().take(64).collect()
}

/// Writes a file so that after a crash it has either its old bytes or its new ones.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let staging = path.with_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::create(&staging)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&staging, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn names_become_file_names() {
        assert_eq!(slug("A. Reviewer"), "a-reviewer");
        assert_eq!(slug("Zoë 'Z' O’Neil"), "zo-z-o-neil");
        assert_eq!(slug("../.."), "");
    }
}
