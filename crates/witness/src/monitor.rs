//! A monitor: follows what a log serves, at as many places as it likes, and compares every head with those before.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use evidence::{Utc, sha256};
use ledger::durable::{self, FolderLock};
use ledger::keys::MonitorKey;
use tlog::merkle::verify_consistency;
use tlog::note::KeyName;
use tlog::{SignedCheckpoint, VerifierKey};

use crate::Fault;
use crate::alarm::{Alarm, ShownBy};
use crate::place::{Place, PlaceFault};
use crate::proofs;
use crate::store::bounded;

/// A head with at most 64 signatures.
const MAX_HEAD_BYTES: u64 = 32 << 10;

/// What a look at a place showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The first head ever seen of this log, of this size.
    First(u64),
    /// The head seen last.
    Same(u64),
    /// A head that extends the one seen last.
    Extended {
        /// The size seen last.
        from: u64,
        /// The size seen now.
        to: u64,
    },
    /// A head smaller than one seen before: a copy that lags, or a log that hides entries.
    Behind {
        /// The size seen now.
        size: u64,
        /// The largest size seen.
        seen: u64,
        /// Whether it was shown to be part of the larger tree; only who serves the larger one can show it.
        is_part: bool,
    },
    /// Two heads contradict each other. The alarm is in this file.
    Alarm {
        /// The signed alarm.
        path: PathBuf,
        /// `fork` or `unproven`.
        kind: &'static str,
    },
}

/// A monitor of one log. There is one at a time for a folder.
///
/// ```text
/// <monitor>/
///   writer.lock            held by the one process that works on it
///   monitor.pem            the key: PKCS#8, mode 0600
///   monitor.txt            its verifier key; written last when founding
///   heads/<size>.txt       every head seen, signatures included
///   alarms/<…>.note        signed alarms
/// ```
#[derive(Debug)]
pub struct Monitor {
    folder: PathBuf,
    verifier: VerifierKey,
    key: MonitorKey,
    log: VerifierKey,
    _lock: FolderLock,
}

impl Monitor {
    /// Founds a monitor with a new key in an empty or new folder.
    ///
    /// # Errors
    /// If there is a monitor already, or a file cannot be written.
    pub fn create(folder: &Path, name: &KeyName) -> Result<(), Fault> {
        let key = MonitorKey::generate()?;
        let verifier = key.verifier(name)?;
        durable::create_folder(folder)?;
        let _lock = FolderLock::take(folder)?;
        key.save(&folder.join("monitor.pem"), None)?;
        durable::create_folder(&folder.join("heads"))?;
        durable::create_folder(&folder.join("alarms"))?;
        Ok(durable::replace(&folder.join("monitor.txt"), format!("{verifier}\n").as_bytes())?)
    }

    /// Whether a monitor was founded in this folder.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        folder.join("monitor.txt").exists()
    }

    /// Opens a monitor to follow the log with this key.
    ///
    /// # Errors
    /// If another process works on it, or it has followed another log.
    pub fn open(folder: &Path, log: VerifierKey) -> Result<Self, Fault> {
        let lock = FolderLock::take(folder)?;
        let path = folder.join("monitor.txt");
        let verifier: Option<VerifierKey> = bounded(&path, 1024)?.strip_suffix('\n').and_then(|text| text.parse().ok());
        let verifier = verifier.ok_or_else(|| Fault::strange(format!("{} is damaged", path.display())))?;
        let key = MonitorKey::load(&folder.join("monitor.pem"))?;
        if key.public().as_bytes() != verifier.public_key() {
            return Err(Fault::strange("monitor.pem is not the key that monitor.txt names: bring the right one back"));
        }
        let monitor = Self { folder: folder.into(), verifier, key, log, _lock: lock };
        monitor.last()?;
        Ok(monitor)
    }

    /// The verifier key, for those who are shown alarms.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Reads the head that a place serves, and compares it with those seen before. Proofs are made from that place's
    /// tiles, or from those of `others`, which serve the same log.
    ///
    /// # Errors
    /// If the place cannot be read, serves something that the log has not signed, or a file cannot be written.
    pub async fn look(&mut self, place: &Place, others: &[Place], now: Utc) -> Result<Seen, Fault> {
        let head = place.checkpoint().await?;
        head.verify(&self.log).map_err(|fault| PlaceFault::new(format!("{place}: {fault}")))?;
        let size = head.checkpoint().size();
        let Some(last) = self.last()? else {
            self.keep(&head)?;
            return Ok(Seen::First(size));
        };
        let seen = last.checkpoint().size();
        let mut is_part = true;
        // A head of the same size first: if it differs, the two prove a fork by themselves.
        for known in self.head(size)?.into_iter().chain([last]) {
            let newer_is_here = known.checkpoint().size() <= size;
            let (older, newer) = if newer_is_here { (&known, &head) } else { (&head, &known) };
            match compare(older, newer, place, newer_is_here, others).await {
                Ok(None) => {}
                Ok(Some(shown_by)) => return self.raise(alarm(now, place, older, newer, shown_by)),
                Err(fault) if size < seen && fault.is_missing() => is_part = false,
                Err(fault) => return Err(fault.into()),
            }
        }
        if is_part {
            self.keep(&head)?;
        }
        Ok(match size.cmp(&seen) {
            Ordering::Less => Seen::Behind { size, seen, is_part },
            Ordering::Equal => Seen::Same(size),
            Ordering::Greater => Seen::Extended { from: seen, to: size },
        })
    }

    fn raise(&self, alarm: Alarm) -> Result<Seen, Fault> {
        let (older, newer) = (alarm.older.checkpoint(), alarm.newer.checkpoint());
        let name = sha256(format!("{}{}", older.to_text(), newer.to_text()).as_bytes()).to_string();
        let path = self.folder.join("alarms").join(format!("{}-{}-{}.note", older.size(), newer.size(), &name[..16]));
        let kind = alarm.kind();
        tracing::error!(origin = %older.origin(), older = older.size(), newer = newer.size(), kind, "the log contradicts itself");
        // The first alarm about two heads says it all; its time stays.
        if !path.exists() {
            let note = self.key.sign_alarm(self.verifier.name(), &alarm.text())?;
            durable::replace(&path, &note.to_bytes())?;
        }
        Ok(Seen::Alarm { path, kind })
    }

    /// Heads are only ever added, so what was seen cannot be forgotten by going back.
    fn keep(&self, head: &SignedCheckpoint) -> Result<(), Fault> {
        let path = self.head_path(head.checkpoint().size());
        if path.exists() { Ok(()) } else { Ok(durable::replace(&path, &head.to_bytes())?) }
    }

    fn head_path(&self, size: u64) -> PathBuf {
        self.folder.join("heads").join(format!("{size}.txt"))
    }

    fn head(&self, size: u64) -> Result<Option<SignedCheckpoint>, Fault> {
        let path = self.head_path(size);
        if !path.exists() {
            return Ok(None);
        }
        let damaged =
            |why: &dyn std::fmt::Display| Fault::strange(format!("{}: {why}: bring it back from a copy", path.display()));
        let head = SignedCheckpoint::parse(bounded(&path, MAX_HEAD_BYTES)?.as_bytes()).map_err(|fault| damaged(&fault))?;
        head.verify(&self.log).map_err(|fault| damaged(&fault))?;
        if head.checkpoint().size() == size { Ok(Some(head)) } else { Err(damaged(&"it is of another size")) }
    }

    fn last(&self) -> Result<Option<SignedCheckpoint>, Fault> {
        let folder = self.folder.join("heads");
        let mut largest = None;
        for entry in fs::read_dir(&folder).map_err(Fault::io("list", &folder))? {
            let name = entry.map_err(Fault::io("list", &folder))?.file_name();
            let size = name.to_str().and_then(|name| name.strip_suffix(".txt")?.parse::<u64>().ok());
            largest = largest.max(size);
        }
        largest.map_or(Ok(None), |size| self.head(size))
    }
}

fn alarm(at: Utc, place: &Place, older: &SignedCheckpoint, newer: &SignedCheckpoint, shown_by: ShownBy) -> Alarm {
    let place = place.to_string().replace(char::is_control, " ");
    Alarm { at, place, older: older.clone(), newer: newer.clone(), shown_by }
}

/// What shows that the newer head does not extend the older one; nothing if it does.
///
/// The first place whose tiles are the newer head's tree decides. Only if none are is nothing shown.
async fn compare(
    older: &SignedCheckpoint,
    newer: &SignedCheckpoint,
    place: &Place,
    newer_is_here: bool,
    others: &[Place],
) -> Result<Option<ShownBy>, PlaceFault> {
    let (old, new) = (older.checkpoint(), newer.checkpoint());
    if old.size() == new.size() {
        return Ok((old.root() != new.root()).then_some(ShownBy::TheHeads));
    }
    let (mut missing, mut unproven) = (None, false);
    for from in [place].into_iter().chain(others) {
        match compare_by(older, newer, from).await {
            // Others may well hold another tree; who serves a head must hold its own.
            Ok(Some(ShownBy::Nothing)) => unproven |= std::ptr::eq(from, place) && newer_is_here,
            Ok(shown_by) => return Ok(shown_by),
            Err(fault) => missing = missing.or(Some(fault)),
        }
    }
    match missing {
        _ if unproven => Ok(Some(ShownBy::Nothing)),
        Some(fault) => Err(fault),
        None => Err(PlaceFault::missing(format!("no place holds the tree of {} entries", newer.checkpoint().size()))),
    }
}

async fn compare_by(older: &SignedCheckpoint, newer: &SignedCheckpoint, place: &Place) -> Result<Option<ShownBy>, PlaceFault> {
    let (old, new) = (older.checkpoint(), newer.checkpoint());
    let proof = proofs::consistency(place, old.size(), new.size()).await?;
    if verify_consistency(old.size(), old.root(), new.size(), new.root(), &proof).is_ok() {
        return Ok(None);
    }
    let root = proofs::root_at(place, old.size(), new.size()).await?;
    let is_its_tree = verify_consistency(old.size(), root, new.size(), new.root(), &proof).is_ok();
    Ok(Some(if is_its_tree { ShownBy::Proof { root, proof } } else { ShownBy::Nothing }))
}

#[cfg(test)]
mod tests;
