//! `affiant export`

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use casework::render::capture::capture;
use clap::{Args, Subcommand};
use evidence::{Content, Leaf, Numbered, Observation, Opening, Tag, sha256};
use serde_json::json;

use crate::{answer::Answer, args::Affiant, station::Station};

/// Evidence in the formats of other tools.
#[derive(Debug, Subcommand)]
pub enum Export {
    /// Write the transcript of one observation as a capture for Wireshark. Shows personal data.
    Pcapng(Pcapng),
}

/// Write the transcript of one observation as a capture.
#[derive(Debug, Args)]
#[command(
    after_help = "The bytes, their order and their times are the transcript's; the packets are made up, and the capture's comment says so.\n\nExamples:\n  affiant export pcapng 41 --out 41.pcapng\n  affiant export pcapng 41 --bundle bundles/audit --out 41.pcapng      from a bundle, without a station\n  wireshark 41.pcapng"
)]
pub struct Pcapng {
    /// The observation's index in the log.
    index: u64,
    /// Where to. Nothing is written over.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Take it from the folder of a bundle. Check the bundle first: here it is only read.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
}

impl Export {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        match self {
            Self::Pcapng(order) => order.run(args),
        }
    }
}

impl Pcapng {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let (line, transcripts) = match &self.bundle {
            Some(bundle) => (opening_in(bundle, self.index)?, Transcripts::Bundle(bundle.join("data/recipient/transcripts"))),
            None => {
                let station = Station::open(&args.place)?;
                (opening_of(&station, self.index)?, Transcripts::Station(Box::new(station)))
            }
        };
        let opening = Opening::parse(&line).with_context(|| format!("the opening of entry {} is refused", self.index))?;
        if opening.tag != Tag::Obs {
            bail!("entry {} is not an observation ({}): it has no transcript", self.index, opening.tag.word());
        }
        let observation = opening.decode::<Numbered<Observation>>()?.body;
        let digest = observation
            .transcript_sha256
            .with_context(|| format!("entry {} has no transcript: no bytes were exchanged", self.index))?;
        let transcript = transcripts.read(digest)?;
        let bytes = capture(&observation, &transcript)?;
        if self.out.exists() {
            bail!("{} exists and is not written over", self.out.display());
        }
        fs::write(&self.out, &bytes).with_context(|| format!("cannot write {}", self.out.display()))?;
        let text = format!("{} holds {} bytes, reconstructed from transcript {digest}", self.out.display(), bytes.len());
        let json = json!({ "file": self.out, "bytes": bytes.len(), "transcript_sha256": digest, "index": self.index });
        Ok(Answer::yes(text, json))
    }
}

enum Transcripts {
    Station(Box<Station>),
    Bundle(PathBuf),
}

impl Transcripts {
    fn read(&self, digest: evidence::Digest) -> Result<Vec<u8>> {
        match self {
            Self::Station(station) => {
                station.reader()?.transcript(digest)?.with_context(|| format!("the transcript {digest} is not in the log"))
            }
            Self::Bundle(folder) => {
                let path = folder.join(digest.to_string());
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
            }
        }
    }
}

fn opening_of(station: &Station, index: u64) -> Result<String> {
    let entry = station.reader()?.entries()?.nth(usize::try_from(index)?);
    match entry.with_context(|| format!("the log has no entry {index}"))??.content {
        Content::Opening(line) => Ok(line),
        Content::Note(_) => bail!("entry {index} is a control note: it has no transcript"),
        Content::Absent => bail!("the opening of entry {index} was erased, and its transcript with it"),
    }
}

/// The opening that the leaf on line `index + 1` commits to.
fn opening_in(bundle: &Path, index: u64) -> Result<String> {
    let read = |name: &str| {
        let path = bundle.join(name);
        fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}: is {} the folder of a bundle?", path.display(), bundle.display()))
    };
    let leaves = read("data/shard/leaves.txt")?;
    let leaf = leaves.split_inclusive('\n').nth(usize::try_from(index)?);
    let leaf = Leaf::parse(leaf.with_context(|| format!("the bundle has no leaf {index}"))?)?;
    let openings = read("data/recipient/openings.txt")?;
    let found = openings.split_inclusive('\n').find(|line| sha256(line.as_bytes()) == leaf.commitment);
    found.map(ToOwned::to_owned).with_context(|| format!("the bundle holds no opening for entry {index}"))
}
