//! The ledger: one writer's view of a shard.

use std::path::{Path, PathBuf};

use evidence::control::{Control, Delegation, Role};
use evidence::{Blind, Digest, KeyId, PublicKey, Utc};
use tlog::merkle::leaf_hash;
use tlog::{Checkpoint, SignedCheckpoint, VerifierKey};

use crate::durable::{self, FolderLock, Tail};
use crate::keys::{Keys, LogKey, NoteKey, Password, RegistrarKey, RootKey, Store, WorkerKey};
use crate::layout::{Month, Shard};
use crate::lock::LockStore;
use crate::pack::push_frame;
use crate::record::{Acked, Record};
use crate::recovery::{Dropped, examine};
use crate::replay::Replay;
use crate::{Anchor, Fault};

/// Most records in one group: what is lost at most, unacknowledged, when the power fails.
pub const GROUP_MAX_RECORDS: usize = 1024;

/// Most bytes of openings, or of transcripts, in one group; a single record may be as long.
pub const GROUP_MAX_BYTES: u64 = 64 << 20;

/// How far the clock may stand before the last record: two clocks read one after the other, and small steps.
const CLOCK_TOLERANCE_MS: i64 = 2_000;

/// What a station is founded with.
#[derive(Debug)]
pub struct Founding {
    /// The station's name, a host name that its operator controls, e.g. `log.example.org`.
    pub name: String,
    /// The month of its first shard.
    pub month: Month,
    /// The time now.
    pub now: Utc,
    /// The first instant at which its keys may sign, cut to whole seconds.
    pub not_before: Utc,
    /// The first instant at which its keys may no longer sign, cut to whole seconds.
    pub not_after: Utc,
    /// The keys.
    pub keys: Keys,
    /// Witnesses, none of them the operator's: keys of type 0x04.
    pub witnesses: Vec<VerifierKey>,
    /// How many of them must have cosigned a checkpoint before a verifier believes it.
    pub quorum: usize,
}

/// A shard opened for writing. There is one at a time for a station.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) shard: Shard,
    pub(crate) anchor: Anchor,
    registrar: RegistrarKey,
    worker: WorkerKey,
    pub(crate) log: LogKey,
    pub(crate) replay: Replay,
    pub(crate) leaves: Tail,
    openings: Tail,
    pack: Tail,
    /// The last checkpoint allowed to be signed, and where its leaves end.
    pub(crate) signed: Checkpoint,
    pub(crate) signed_leaves_end: u64,
    pub(crate) published: Option<SignedCheckpoint>,
    opened: Utc,
    dropped: Dropped,
    poisoned: Option<String>,
    _writer: FolderLock,
}

impl Ledger {
    /// Founds a station in an empty or new folder: writes the keys, and logs the delegations of registrar and worker.
    ///
    /// # Errors
    /// If there is a station already, a name or window is bad, or a file cannot be written.
    pub fn create(station: &Path, founding: Founding) -> Result<Self, Fault> {
        Self::create_by(station, &Store::of(station), None, founding)
    }

    /// As [`Ledger::create`], with the keys written to where a store has them, root under a password if one is given.
    ///
    /// # Errors
    /// As [`Ledger::create`].
    pub fn create_by(station: &Path, store: &Store, root_password: Option<&Password>, founding: Founding) -> Result<Self, Fault> {
        let Founding { name, month, now, not_before, not_after, keys, witnesses, quorum } = founding;
        let (not_before, not_after) = (whole_seconds(not_before), whole_seconds(not_after));
        let anchor = Anchor::new(&name, month.as_str(), &keys.root.public(), &keys.log.public(), witnesses, quorum)?;
        let empty = Checkpoint::new(anchor.origin().clone(), 0, tlog::merkle::empty_root()).map_err(Fault::refused)?;
        if now < not_before || now >= not_after {
            return Err(Fault::refused(format!(
                "the keys would be valid from {not_before} to {not_after}, which is not now ({now})"
            )));
        }
        // Signed before anything is written, so that a bad window leaves nothing behind.
        let mut notes = Vec::new();
        for (serial, role, key) in [(1, Role::Registrar, keys.registrar.public()), (2, Role::Worker, keys.worker.public())] {
            let delegation = Control::Delegation(Delegation { role, holder: None, key, serial, not_before, not_after });
            notes.push(sign_note(&name, &delegation, NoteKey::Root(&keys.root))?);
        }
        let mut rehearsal = Replay::new(anchor.clone());
        for note in &notes {
            rehearsal.apply_note(note, keys.registrar.kid()).map_err(Fault::refused)?;
        }

        durable::create_folder(station)?;
        let writer = FolderLock::take(station)?;
        for taken in [station.join("log"), station.join("keys")] {
            if taken.exists() {
                return Err(Fault::refused(format!(
                    "{} exists: this is a station already, or its founding was interrupted; found another in an empty folder",
                    taken.display()
                )));
            }
        }
        store.save(&keys, root_password)?;
        let shard = Shard::of(station, &month);
        for folder in [shard.folder().to_path_buf(), shard.notes(), shard.checkpoints(), shard.tiles()] {
            durable::create_folder(&folder)?;
        }
        for file in [shard.leaves(), shard.openings(), shard.pack()] {
            Tail::create(&file)?;
        }
        LockStore::at(shard.lock_store()).create(&empty)?;
        let mut ledger = Self {
            leaves: Tail::open_at(&shard.leaves(), 0)?,
            openings: Tail::open_at(&shard.openings(), 0)?,
            pack: Tail::open_at(&shard.pack(), 0)?,
            shard,
            replay: Replay::new(anchor.clone()),
            anchor,
            registrar: keys.registrar,
            worker: keys.worker,
            log: keys.log,
            signed: empty,
            signed_leaves_end: 0,
            published: None,
            opened: now,
            dropped: Dropped::default(),
            poisoned: None,
            _writer: writer,
        };
        for note in notes {
            ledger.append_note(note)?;
        }
        // Last: a folder without it is a founding that was interrupted.
        durable::replace(&ledger.shard.anchor(), ledger.anchor.to_string().as_bytes())?;
        Ok(ledger)
    }

    /// Opens the latest shard of a station and recovers from whatever happened, if a crash can explain it.
    ///
    /// # Errors
    /// If another process writes to it, its past is strange, or the clock stands before what was logged.
    pub fn open(station: &Path, now: Utc) -> Result<Self, Fault> {
        Self::open_by(station, &Store::of(station), now)
    }

    /// As [`Ledger::open`], by the keys of a store that knows where else they are and whom to ask.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_by(station: &Path, keys: &Store, now: Utc) -> Result<Self, Fault> {
        let writer = FolderLock::take(station)?;
        let shard = Shard::latest(station)?;
        if !shard.anchor().exists() {
            return Err(Fault::strange(format!(
                "{} is missing: the founding was interrupted and nothing was acknowledged; found another station",
                shard.anchor().display()
            )));
        }
        let anchor = Anchor::load(&shard.anchor())?;
        let (registrar, worker, log) = (keys.registrar()?, keys.worker()?, keys.log()?);
        if log.public().as_bytes() != anchor.log.public_key() {
            return Err(Fault::strange("the log key at hand is not the one that anchor.txt names: bring the right one back"));
        }
        let found = examine(&shard, &anchor)?;
        for (file, kid, role) in [("registrar.pem", registrar.kid(), Role::Registrar), ("worker.pem", worker.kid(), Role::Worker)]
        {
            let key = found.replay.signer(kid, role).map_err(|why| Fault::strange(format!("{file}: {why}")))?;
            check_clock(now, key.delegation.not_before, "the keys were delegated from")?;
        }
        if let Some(last) = found.last_record {
            check_clock(now, last, "the log holds a record of")?;
        }
        found.clean(&shard)?;
        let mut ledger = Self {
            leaves: Tail::open_at(&shard.leaves(), found.leaves_end)?,
            openings: Tail::open_at(&shard.openings(), found.openings_end)?,
            pack: Tail::open_at(&shard.pack(), found.pack_end)?,
            shard,
            anchor,
            registrar,
            worker,
            log,
            replay: found.replay,
            signed: found.signed,
            signed_leaves_end: found.signed_leaves_end,
            published: found.published,
            opened: now,
            dropped: found.dropped,
            poisoned: None,
            _writer: writer,
        };
        ledger.finish_publishing()?;
        Ok(ledger)
    }

    /// Logs records, in groups that are durable as a whole before any of them is acknowledged.
    ///
    /// # Errors
    /// If a record must not be logged: then none of its group is, and those before it are. If a write fails: then the
    /// ledger takes nothing more, and opening it again recovers what was acknowledged.
    pub fn append_records(&mut self, records: Vec<Record>) -> Result<Vec<Acked>, Fault> {
        let mut acked = Vec::with_capacity(records.len());
        let mut group = Group::default();
        for record in records {
            if !group.has_room_for(&record) {
                acked.extend(self.commit(std::mem::take(&mut group))?);
            }
            self.stage(record, &mut group)?;
        }
        acked.extend(self.commit(group)?);
        Ok(acked)
    }

    /// Numbers, seals and signs a record as the next of a group. On error the group is as before.
    pub(crate) fn stage(&self, record: Record, group: &mut Group) -> Result<(), Fault> {
        self.check_open()?;
        record.check_transcript()?;
        let kid = self.worker.kid();
        let key = self.replay.signer(kid, Role::Worker).map_err(Fault::Refused)?;
        let (at, delegation) = (record.at(), &key.delegation);
        if at < delegation.not_before || at >= delegation.not_after {
            return Err(Fault::refused(format!(
                "a record of {at} lies outside the worker key's window from {} to {}: found the next shard, or set the clock right",
                delegation.not_before, delegation.not_after
            )));
        }
        let head = group.leaves.last().map_or(key.head, |last| last.next);
        let mut blind = [0; 32];
        getrandom::fill(&mut blind).map_err(|fault| Fault::Random(fault.to_string()))?;
        let sealed = record.seal(kid, head.seq, &Blind::from(blind))?;
        let leaf = self.worker.leaf(head.seq, head.prev, sealed.part, sealed.commitment)?;
        group.push(sealed, leaf);
        Ok(())
    }

    /// Makes a group durable, openings before leaves, and acknowledges it.
    pub(crate) fn commit(&mut self, group: Group) -> Result<Vec<Acked>, Fault> {
        self.check_open()?;
        if group.leaves.is_empty() {
            return Ok(Vec::new());
        }
        let written = self.write(&group);
        self.poison_on_fault(written)?;
        group.leaves.iter().map(|leaf| self.count(leaf)).collect()
    }

    fn write(&mut self, group: &Group) -> Result<(), Fault> {
        self.pack.write(&group.frames)?;
        self.openings.write(group.openings.as_bytes())?;
        if !group.frames.is_empty() {
            self.pack.sync()?;
        }
        self.openings.sync()?;
        let lines: String = group.leaves.iter().map(|leaf| leaf.line.as_str()).collect();
        self.leaves.write(lines.as_bytes())?;
        self.leaves.sync()
    }

    fn count(&mut self, leaf: &StagedLeaf) -> Result<Acked, Fault> {
        let index = self.replay.size();
        let hash = leaf_hash(leaf.line.as_bytes());
        let counted = self.replay.accept(&leaf.leaf, hash, false).map_err(Fault::Strange);
        self.poison_on_fault(counted)?;
        Ok(Acked { index, commitment: leaf.leaf.commitment, leaf: Digest::from(hash.0) })
    }

    /// Logs a signed control note, after checking that it is one and that its signer may sign it.
    ///
    /// # Errors
    /// If the note must not be logged, or a write fails.
    pub fn append_note(&mut self, note: String) -> Result<Acked, Fault> {
        self.check_open()?;
        let kid = self.registrar.kid();
        let mut next = self.replay.clone();
        let control = next.apply_note(&note, kid).map_err(Fault::Refused)?;
        if let Control::Erase(erase) = &control
            && self.leaf_at(erase.index)? != Some(erase.leaf)
        {
            return Err(Fault::refused(format!("the erase note names another leaf than that of entry {}", erase.index)));
        }
        if let Control::Revoke(revoke) = &control
            && revoke.from_index < self.size()
        {
            return Err(Fault::refused(format!(
                "the revocation reaches back to entry {}, which would make the shard invalid: its own index is {}",
                revoke.from_index,
                self.size()
            )));
        }
        let key = next.signer(kid, Role::Registrar).map_err(Fault::Refused)?;
        if self.opened >= key.delegation.not_after {
            return Err(Fault::refused(format!(
                "the registrar key's window ended at {}: found the next shard",
                key.delegation.not_after
            )));
        }
        let head = key.head;
        let leaf = StagedLeaf::new(self.registrar.leaf(head.seq, head.prev, evidence::sha256(note.as_bytes()))?);
        let written = durable::replace(&self.shard.note(self.replay.size()), note.as_bytes())
            .and_then(|()| self.leaves.write(leaf.line.as_bytes()))
            .and_then(|()| self.leaves.sync());
        self.poison_on_fault(written)?;
        self.replay = next;
        self.count(&leaf)
    }

    /// Signs the text of a control note by the key of the role that it asks for.
    ///
    /// # Errors
    /// If the key is of another role, or the text has no accepted form.
    pub fn sign_note(&self, control: &Control, by: NoteKey<'_>) -> Result<String, Fault> {
        sign_note(self.name(), control, by)
    }

    /// Signs and logs the delegation of a key, for as long as this shard's own keys are valid.
    ///
    /// # Errors
    /// If the key serves already or is weak, the holder does not fit the role, or a write fails.
    pub fn delegate(&mut self, root: &RootKey, role: Role, holder: Option<&str>, key: &PublicKey) -> Result<Acked, Fault> {
        let own = self.replay.signer(self.registrar.kid(), Role::Registrar).map_err(Fault::Refused)?;
        let Delegation { not_before, not_after, .. } = own.delegation;
        let holder = holder.map(Into::into);
        let delegation = Delegation { role, holder, key: *key, serial: self.replay.next_serial(), not_before, not_after };
        let note = self.sign_note(&Control::Delegation(delegation), NoteKey::Root(root))?;
        self.append_note(note)
    }

    /// Signs and logs the close note. Nothing can be appended after it; a last checkpoint should follow.
    ///
    /// # Errors
    /// If the shard is closed already, or a write fails.
    pub fn close(&mut self, root: &RootKey) -> Result<Acked, Fault> {
        let close = self.replay.close_by(self.registrar.kid());
        let note = self.sign_note(&Control::Close(close), NoteKey::Root(root))?;
        self.append_note(note)
    }

    fn leaf_at(&self, index: u64) -> Result<Option<Digest>, Fault> {
        let mut lines = crate::lines::Lines::open(&self.shard.leaves(), 0, evidence::leaf::MAX_LINE_BYTES)?;
        let mut at = 0;
        while let crate::lines::Line::Whole(line) = lines.next()? {
            if at == index {
                return Ok(Some(Digest::from(leaf_hash(line.as_bytes()).0)));
            }
            at += 1;
        }
        Ok(None)
    }

    fn check_open(&self) -> Result<(), Fault> {
        self.check_sound()?;
        if self.replay.is_closed() { Err(Fault::Closed(self.anchor.origin().to_string())) } else { Ok(()) }
    }

    pub(crate) fn check_sound(&self) -> Result<(), Fault> {
        match &self.poisoned {
            Some(why) => Err(Fault::Poisoned(why.clone())),
            None => Ok(()),
        }
    }

    /// After a failed write nobody knows what is on disk, so nothing more is acknowledged.
    pub(crate) fn poison_on_fault<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result {
            tracing::error!(%fault, "the ledger takes nothing more");
            self.poisoned = Some(fault.to_string());
        }
        result
    }

    /// The station's name.
    pub fn name(&self) -> &str {
        self.anchor.name()
    }

    /// The text of `anchor.txt`.
    pub fn anchor(&self) -> String {
        self.anchor.to_string()
    }

    /// How many entries are acknowledged.
    pub fn size(&self) -> u64 {
        self.replay.size()
    }

    /// Whether the close note is logged.
    pub fn is_closed(&self) -> bool {
        self.replay.is_closed()
    }

    /// The worker's key id.
    pub fn worker(&self) -> KeyId {
        self.worker.kid()
    }

    /// The shard's folder, for a [`crate::Reader`].
    pub fn shard(&self) -> PathBuf {
        self.shard.folder().into()
    }

    /// What opening the ledger removed.
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }
}

/// Signs the text of a control note of the station `name` by the key of the role that it asks for.
///
/// # Errors
/// If the key is of another role, or the text has no accepted form.
pub fn sign_note(name: &str, control: &Control, by: NoteKey<'_>) -> Result<String, Fault> {
    if control.signer() != by.role() {
        let asked = control.signer().map_or("root", Role::word);
        return Err(Fault::refused(format!("{} is signed by a key of the role {asked}, and this is another's", control.tag())));
    }
    let text = control.text().map_err(Fault::refused)?;
    // What cannot be read back must not be signed.
    Control::parse(&text).map_err(Fault::refused)?;
    by.sign_note(name, &text)
}

fn whole_seconds(instant: Utc) -> Utc {
    Utc::from_ms(instant.ms() / 1000 * 1000)
}

fn check_clock(now: Utc, past: Utc, what: &str) -> Result<(), Fault> {
    if now.plus_ms(CLOCK_TOLERANCE_MS) >= past {
        return Ok(());
    }
    Err(Fault::strange(format!(
        "the clock shows {now}, but {what} {past}: set the clock right; if it was wrong then, wait or found another station"
    )))
}

/// Records that become durable together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    openings: String,
    frames: Vec<u8>,
    leaves: Vec<StagedLeaf>,
}

#[derive(Debug)]
struct StagedLeaf {
    leaf: evidence::Leaf,
    line: String,
    next: crate::replay::Head,
}

impl StagedLeaf {
    fn new(leaf: evidence::Leaf) -> Self {
        let line = leaf.line();
        let next = crate::replay::Head { seq: leaf.seq + 1, prev: Digest::from(leaf_hash(line.as_bytes()).0) };
        Self { leaf, line, next }
    }
}

impl Group {
    /// Whether a record fits that, at its longest, would keep the group within its limits.
    pub(crate) fn has_room_for(&self, record: &Record) -> bool {
        let transcript = match record {
            Record::Observation { transcript: Some(transcript), .. } => transcript.len(),
            _ => 0,
        };
        let longest = self.openings.len() + evidence::opening::MAX_LINE_BYTES;
        let frames = self.frames.len() + transcript + 64;
        self.leaves.len() < GROUP_MAX_RECORDS && longest.max(frames) as u64 <= GROUP_MAX_BYTES
    }

    fn push(&mut self, sealed: crate::record::Sealed, leaf: evidence::Leaf) {
        self.openings.push_str(&sealed.line);
        if let Some((digest, bytes)) = &sealed.transcript {
            push_frame(&mut self.frames, *digest, bytes);
        }
        self.leaves.push(StagedLeaf::new(leaf));
    }
}

#[cfg(test)]
mod tests;
