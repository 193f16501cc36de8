//! `affiant mandate`

use std::{collections::BTreeMap, fmt::Write as _, net::IpAddr, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use evidence::{
    Date, InfoHashV1, InfoHashV2, TargetIds,
    control::Control,
    mandate::{Authority, Mandate as Given, Nature, Party, Work},
    sha256,
};
use serde::Deserialize;
use serde_json::json;

use super::inspect::read_torrent;
use crate::{answer::Answer, args::Affiant, clock, station::Station};

/// A mandate file to fill in.
const TEMPLATE: &str = r#"# Who mandated what. Every value is printed in reports as it stands here.
id = "film-2026"                    # names the mandate for ever: a-z, 0-9, -
from = "2026-01-01"                 # first and last day on which the work may be watched
to = "2026-12-31"
territory = ["GB"]                  # ISO 3166-1 alpha-2
targets = []                        # info-hashes (40 hex for v1, 64 for v2), or give --torrent
owner_seeds = []                    # addresses of the owner's own seeds and decoys: never contacted

[work]
title = "The Film"
nature = "film"                     # sound-recording musical-work film tv-programme software game book image
identifiers = { eidr = "10.5240/EXAMPLE" }

[owner]
name = "Example Pictures Limited"
[owner.address]
lines = ["1 Example Street"]
locality = "London"
postcode = "N1 1AA"
country = "GB"

# Only if an agent reports for the owner:
[agent]
name = "Example Trade Body"
[agent.address]
lines = ["2 Example Street"]
locality = "London"
postcode = "N1 1AB"
country = "GB"

[authority]
reference = "AUTH-2026-01"          # the document itself is given with --document
from = "2026-01-01"
to = "2026-12-31"
"#;

/// Authority to watch a work.
#[derive(Debug, Subcommand)]
pub enum Mandate {
    /// Log a mandate. Nothing is dialled for a torrent without one in force.
    Add(Add),
    /// List the mandates in the log.
    List,
    /// Print a mandate file to fill in.
    Template,
}

/// Log a mandate.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  affiant mandate template > film.toml\n  affiant mandate add film.toml --torrent film.torrent --document authority.pdf --by 'I. Investigator'"
)]
pub struct Add {
    /// The mandate file (see 'affiant mandate template').
    file: PathBuf,
    /// The document that grants the authority; its SHA-256 is logged.
    #[arg(long, value_name = "FILE")]
    document: PathBuf,
    /// A torrent of the work, in addition to the file's targets. May be repeated.
    #[arg(long, value_name = "FILE")]
    torrent: Vec<PathBuf>,
    /// The person who enters it.
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// The mandate file as people write it: an [`evidence::Mandate`] without what the program works out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MandateFile {
    id: String,
    from: Date,
    to: Date,
    territory: Vec<String>,
    targets: Vec<String>,
    #[serde(default)]
    owner_seeds: Vec<IpAddr>,
    work: WorkFile,
    owner: Party,
    agent: Option<Party>,
    authority: AuthorityFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkFile {
    title: String,
    nature: Nature,
    #[serde(default)]
    identifiers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorityFile {
    reference: String,
    from: Date,
    to: Date,
}

impl Mandate {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        match self {
            Self::Add(add) => add.run(args),
            Self::List => list(args),
            Self::Template => Ok(Answer::yes(TEMPLATE, json!({ "template": TEMPLATE }))),
        }
    }
}

impl Add {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let mandate = self.read()?;
        let station = Station::open(&args.place)?;
        let book = station.book()?;
        if book.mandates.iter().any(|filed| filed.says.id == mandate.id) {
            bail!("a mandate named '{}' is already in the log; ids are never reused", mandate.id);
        }
        let id = mandate.id.clone();
        let targets: Vec<String> = mandate.targets.iter().map(ToString::to_string).collect();
        let acked = station.decide(&book, &self.by, &Control::Mandate(mandate))?;
        let text = format!("mandate {id} is entry {} of the log, for {}", acked.index, targets.join(", "));
        Ok(Answer::yes(text, json!({ "mandate": id, "index": acked.index, "note_sha256": acked.commitment, "targets": targets })))
    }

    fn read(&self) -> Result<Given> {
        let path = self.file.display();
        let text = std::fs::read_to_string(&self.file).with_context(|| format!("cannot read {path}"))?;
        let file: MandateFile = toml::from_str(&text).map_err(|fault| anyhow::anyhow!("{path} is refused: {fault}"))?;
        let document = std::fs::read(&self.document).with_context(|| format!("cannot read {}", self.document.display()))?;
        let mut targets = Vec::new();
        for hash in &file.targets {
            targets.push(
                parse_target(hash)
                    .with_context(|| format!("{path} is refused: target '{hash}' is not 40 or 64 hexadecimal digits"))?,
            );
        }
        for torrent in &self.torrent {
            targets.push(super::target_of(&read_torrent(torrent)?.info));
        }
        targets.sort_unstable();
        targets.dedup();
        let mandate = Given {
            agent: file.agent,
            authority: Authority {
                document_sha256: sha256(&document),
                from: file.authority.from,
                reference: file.authority.reference,
                to: file.authority.to,
            },
            from: file.from,
            id: file.id,
            owner: file.owner,
            owner_seeds: file.owner_seeds,
            targets,
            territory: file.territory,
            to: file.to,
            work: Work { identifiers: file.work.identifiers, nature: file.work.nature, title: file.work.title },
        };
        let faults = mandate.faults();
        if !faults.is_empty() {
            bail!("{path} is refused: {}", faults.join("; "));
        }
        Ok(mandate)
    }
}

fn parse_target(hash: &str) -> Option<TargetIds> {
    if let Ok(v1) = hash.parse::<InfoHashV1>() {
        return Some(TargetIds::of_v1(v1));
    }
    hash.parse::<InfoHashV2>().ok().map(|v2| TargetIds { v1: None, v2: Some(v2) })
}

fn list(args: &Affiant) -> Result<Answer> {
    let book = Station::open(&args.place)?.book()?;
    let now = clock::utc();
    let mut text = String::new();
    let mut rows = Vec::new();
    for filed in &book.mandates {
        let mandate = &filed.says;
        let state = if mandate.in_force(now) { "in force" } else { "not in force" };
        writeln!(text, "{:<24} {} to {}  {state:<12}  {}", mandate.id, mandate.from, mandate.to, mandate.work.title)?;
        rows.push(json!({
            "id": mandate.id, "index": filed.index, "note_sha256": filed.note_sha256, "by": filed.by, "in_force": mandate.in_force(now),
            "mandate": mandate,
        }));
    }
    if rows.is_empty() {
        text.push_str("no mandate yet; 'affiant mandate template' prints a file to fill in");
    }
    Ok(Answer::yes(text, json!({ "mandates": rows })))
}
