//! `affiant log`

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use evidence::{Content, Entry, Opening, sha256};
use serde_json::{Value, json};

use crate::{answer::Answer, args::Affiant, progress, station::Station, witnesses};

/// The log itself.
#[derive(Debug, Subcommand)]
pub enum Log {
    /// Print entries: their leaves and what they commit to. Shows personal data.
    Show(Show),
    /// Check everything that is on disk: leaves, chains, signatures, openings, notes, tiles, checkpoints.
    Fsck,
    /// Sign and publish a checkpoint of everything acknowledged so far.
    Checkpoint,
    /// End the shard with a root-signed close note and a last checkpoint.
    Close,
    /// Rebuild the index from the log.
    Reindex,
    /// Print the trust anchor and its SHA-256.
    Anchor,
}

/// Print entries.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  affiant log show            the last ten entries\n  affiant log show 41         one entry, whole\n  affiant log show --from 0 --count 100 --json"
)]
pub struct Show {
    /// One entry, by index.
    index: Option<u64>,
    /// The first entry to print.
    #[arg(long, conflicts_with = "index")]
    from: Option<u64>,
    /// How many.
    #[arg(long, default_value_t = 10)]
    count: usize,
}

impl Log {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        let station = Station::open(&args.place)?;
        match self {
            Self::Show(show) => show.run(&station),
            Self::Fsck => fsck(&station),
            Self::Checkpoint => checkpoint(&station),
            Self::Close => close(&station),
            Self::Reindex => reindex(&station),
            Self::Anchor => anchor(&station),
        }
    }
}

impl Show {
    fn run(&self, station: &Station) -> Result<Answer> {
        let reader = station.reader()?;
        if let Some(index) = self.index {
            let entry =
                reader.entries()?.nth(usize::try_from(index)?).with_context(|| format!("the log has no entry {index}"))??;
            return Ok(Answer::yes(whole(&entry), entry_json(&entry)));
        }
        let mut entries = Vec::new();
        for entry in reader.entries()? {
            let entry = entry?;
            match self.from {
                Some(from) if entry.index >= from => entries.push(entry),
                Some(_) => {}
                None => {
                    entries.push(entry);
                    if entries.len() > self.count {
                        entries.remove(0);
                    }
                }
            }
            if self.from.is_some() && entries.len() == self.count {
                break;
            }
        }
        let text: String = entries.iter().map(|entry| format!("{}\n", brief(entry))).collect();
        Ok(Answer::yes(text, json!({ "entries": entries.iter().map(entry_json).collect::<Vec<_>>() })))
    }
}

/// What an entry is, on one line and without personal data.
fn brief(entry: &Entry) -> String {
    let what = match &entry.content {
        Content::Opening(line) => Opening::parse(line).map_or("unreadable", |opening| opening.tag.word()),
        Content::Note(note) => note.lines().next().unwrap_or("unreadable"),
        Content::Absent => "erased",
    };
    let leaf = &entry.leaf;
    format!("{:>8}  {} {:>6}  {:<8} {what}", entry.index, leaf.kid, leaf.seq, leaf.part.to_string())
}

fn whole(entry: &Entry) -> String {
    let content = match &entry.content {
        Content::Opening(line) => line,
        Content::Note(note) => note,
        Content::Absent => "erased\n",
    };
    format!("{}{content}", entry.leaf.line())
}

fn entry_json(entry: &Entry) -> Value {
    let (opening, note) = match &entry.content {
        Content::Opening(line) => {
            let record = Opening::parse(line).ok().and_then(|opening| serde_json::from_str::<Value>(opening.json).ok());
            (json!({ "line": line, "record": record }), Value::Null)
        }
        Content::Note(note) => (Value::Null, json!(note)),
        Content::Absent => (Value::Null, Value::Null),
    };
    let leaf = &entry.leaf;
    json!({
        "index": entry.index, "kid": leaf.kid, "seq": leaf.seq, "part": leaf.part.to_string(), "commitment": leaf.commitment,
        "leaf": leaf.line(), "opening": opening, "note": note,
    })
}

fn fsck(station: &Station) -> Result<Answer> {
    // Opening recovers what a crash left unacknowledged, and keeps writers out while the shard is read. Where it is
    // refused for what is on disk, or where there are no keys, the check says what is wrong.
    let held = match station.ledger() {
        Err(fault) if matches!(fault.downcast_ref(), Some(ledger::Fault::Locked { .. })) => return Err(fault),
        held => held.ok(),
    };
    let spinner = progress::spinner("reading the whole shard");
    let report = ledger::fsck(&station.reader()?.shard())?;
    drop(held);
    spinner.finish_and_clear();
    let steps: Vec<Value> = report
        .steps
        .iter()
        .map(|step| json!({ "name": step.name, "checked": step.checked, "passed": step.passed(), "faults": step.faults, "more_faults": step.more_faults }))
        .collect();
    let json = json!({ "clean": report.is_clean(), "steps": steps });
    Ok(if report.is_clean() { Answer::yes(report.to_string(), json) } else { Answer::no(report.to_string(), json) })
}

fn checkpoint(station: &Station) -> Result<Answer> {
    let collected = witnesses::checkpoint(station, &mut station.ledger()?)?;
    let (signed, has_quorum) = (&collected.signed, collected.has_quorum());
    let text = String::from_utf8(signed.to_bytes())?;
    let json = json!({
        "size": signed.checkpoint().size(), "root": signed.checkpoint().root().to_string(), "checkpoint": text,
        "witnesses": witnesses::to_json(&collected),
    });
    let text = format!("{text}{}", witnesses::describe(&collected));
    Ok(if has_quorum { Answer::yes(text, json) } else { Answer::no(text, json) })
}

fn close(station: &Station) -> Result<Answer> {
    let root = station.keys().root()?;
    let mut ledger = station.ledger()?;
    if ledger.is_closed() {
        bail!("the shard is closed already");
    }
    let acked = ledger.close(&root)?;
    let collected = witnesses::checkpoint(station, &mut ledger)?;
    let size = collected.signed.checkpoint().size();
    let said = witnesses::describe(&collected);
    let text = format!("entry {} closes the shard; its last checkpoint covers {size} entries\n{said}", acked.index);
    let json = json!({ "index": acked.index, "size": size, "witnesses": witnesses::to_json(&collected) });
    Ok(if collected.has_quorum() { Answer::yes(text, json) } else { Answer::no(text, json) })
}

fn reindex(station: &Station) -> Result<Answer> {
    let spinner = progress::spinner("rebuilding the index");
    let index = index::Index::rebuild(&station.index_path(), station.reader()?.entries()?)?;
    spinner.finish_and_clear();
    let (entries, digest) = (index.next_index()?, index.digest()?);
    Ok(Answer::yes(format!("{entries} entries indexed, digest {digest}"), json!({ "entries": entries, "digest": digest })))
}

fn anchor(station: &Station) -> Result<Answer> {
    let anchor = station.reader()?.anchor().to_string();
    let digest = sha256(anchor.as_bytes());
    let mut text = anchor.clone();
    writeln!(text, "\nSHA-256 {digest}")?;
    Ok(Answer::yes(text, json!({ "anchor": anchor, "sha256": digest })))
}
