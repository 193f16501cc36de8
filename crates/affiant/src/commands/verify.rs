//! `affiant verify`

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use evidence::Digest;

use crate::answer::Answer;

/// Check a bundle against a trust anchor.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  affiant verify bundles/example-isp --anchor-sha256 <64 hex>
  affiant verify example-isp.zip --anchor-sha256 <64 hex> --newer-checkpoint 90210.txt --json

Without --anchor-sha256 the bundle's own anchor is used, which anybody could have made: the verdict says so.")]
pub struct Verify {
    /// The bundle: a folder or a .zip.
    bundle: PathBuf,
    /// SHA-256 of anchor.txt, had from the operator by another way than the bundle.
    #[arg(long, value_name = "HEX")]
    anchor_sha256: Option<Digest>,
    /// A checkpoint of the same log, newer than the bundle, had from elsewhere.
    #[arg(long, value_name = "FILE")]
    newer_checkpoint: Option<PathBuf>,
}

impl Verify {
    pub(crate) fn run(&self) -> Result<Answer> {
        let newer_checkpoint = match &self.newer_checkpoint {
            Some(path) => Some(std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?),
            None => None,
        };
        let expectations = verify::Expectations { anchor_sha256: self.anchor_sha256, newer_checkpoint };
        let mut source = verify::source::open(&self.bundle).with_context(|| format!("cannot open {}", self.bundle.display()))?;
        let verdict = verify::bundle(source.as_mut(), &expectations);
        let json = serde_json::to_value(&verdict)?;
        let text = verdict.to_string();
        Ok(if verdict.valid { Answer::yes(text, json) } else { Answer::no(text, json) })
    }
}
