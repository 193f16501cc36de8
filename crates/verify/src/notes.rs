//! Step 4, first half: the control note files, before the log says in what order they count.

use std::collections::BTreeMap;

use evidence::{
    Digest, Dossier, KeyId, Mandate,
    control::{Approval, Close, Control, Issue},
    sha256,
};
use tlog::Note;

use crate::{
    anchor::Anchor,
    bag::{Bag, read_whole},
    findings::Findings,
    place::Place,
    source::Source,
    steps::Check,
};

/// All control notes together: they are held in memory while the log is read.
const MAX_NOTES_BYTES: u64 = 256 << 20;

/// A control note file.
pub(crate) struct Filed {
    /// SHA-256 of the whole file.
    pub(crate) digest: Digest,
    /// What it says, if it has the right form.
    pub(crate) content: Option<(Note, Control)>,
}

/// A note that the log made count, and where.
#[derive(Debug)]
pub(crate) struct Logged<T> {
    pub(crate) index: u64,
    /// SHA-256 of the note file.
    pub(crate) digest: Digest,
    /// The person who holds the key that signed.
    pub(crate) holder: String,
    pub(crate) value: T,
}

/// What the counted notes decided.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    pub(crate) mandates: Vec<Logged<Mandate>>,
    pub(crate) dossiers: Vec<Logged<Dossier>>,
    pub(crate) approvals: Vec<Logged<Approval>>,
    pub(crate) issues: Vec<Logged<Issue>>,
    /// Index of an erased leaf → index of the note.
    pub(crate) erased: BTreeMap<u64, u64>,
    /// Index of a withheld leaf → index of the note.
    pub(crate) withheld: BTreeMap<u64, u64>,
    pub(crate) close: Option<(u64, Close)>,
    /// Analyst keys: the delegation's index, the key, its holder.
    pub(crate) analysts: Vec<(u64, KeyId, String)>,
}

/// What is compared of a person's name.
pub(crate) fn person(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Reads every control note file.
pub(crate) fn read(source: &mut dyn Source, bag: &Bag, findings: &mut Findings) -> BTreeMap<u64, Filed> {
    let mut notes = BTreeMap::new();
    let mut total_bytes = 0;
    for (path, place) in bag.places() {
        let Place::Note(index) = place else { continue };
        findings.count(Check::NoteForm);
        let bytes = match read_whole(source, path, tlog::note::MAX_NOTE_BYTES as u64) {
            Ok(bytes) => bytes,
            Err(fault) => {
                findings.fail(Check::NoteForm, || fault);
                continue;
            }
        };
        total_bytes += bytes.len() as u64;
        if total_bytes > MAX_NOTES_BYTES {
            findings.fail(Check::NoteForm, || "the control notes are longer than 256 MiB in all; the rest was not read".into());
            break;
        }
        let content = parse(&bytes).map_err(|fault| findings.fail(Check::NoteForm, || format!("'{path}': {fault}"))).ok();
        notes.insert(index, Filed { digest: sha256(&bytes), content });
    }
    notes
}

/// Reads one note: canonical, with exactly one signature, of a known kind.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Note, Control), String> {
    let note = Note::parse(bytes).map_err(|fault| fault.to_string())?;
    if note.signatures().len() != 1 {
        return Err("the note does not carry exactly one signature".into());
    }
    let control = Control::parse(note.text()).map_err(|fault| fault.to_string())?;
    if let Control::Issue(issue) = &control
        && let Some(bad) = issue.reports.iter().find(|report| !is_uin(&report.uin))
    {
        return Err(format!("'{}' is not a unique identifier's form", bad.uin.escape_debug()));
    }
    Ok((note, control))
}

/// `<YYYYMM>-<8 hex digits>-<index>`, as `schemas/issue.json` has it.
fn is_uin(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    matches!(parts[..], [month, log, index] if month.len() == 6 && is_digits(month) && log.len() == 8 && is_hex(log) && is_digits(index))
}

/// From which index on each key's leaves no longer count. Revocations are root's word, wherever they stand in the log.
pub(crate) fn revocations(notes: &BTreeMap<u64, Filed>, anchor: &Anchor) -> BTreeMap<KeyId, u64> {
    let mut revoked: BTreeMap<KeyId, u64> = BTreeMap::new();
    for (note, control) in notes.values().filter_map(|filed| filed.content.as_ref()) {
        if let Control::Revoke(revoke) = control
            && note.verify(&anchor.root).is_ok()
        {
            let from = revoked.entry(revoke.kid).or_insert(revoke.from_index);
            *from = (*from).min(revoke.from_index);
        }
    }
    revoked
}
