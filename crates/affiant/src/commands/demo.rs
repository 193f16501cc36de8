//! `affiant demo`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{answer::Answer, demo};

/// The whole line on a laboratory swarm: watch, issue, verify, tamper.
///
/// Starts a few hundred simulated peers, two librqbit seeders and whichever real clients are installed, all on
/// loopback with synthetic content; runs the commands that a user would; and compares what was reported with the
/// truth. Exit code 0 only if every peer that really shared was proved, nobody else was named, no content was sent, and
/// every verdict was as expected.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where the station and the bundles go. Default: a new folder among the temporary files.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many simulated peers.
    #[arg(long, default_value_t = 320, value_parser = clap::value_parser!(u32).range(20..=20_000))]
    peers: u32,
    /// Deals out the peers' behaviour; the same seed gives the same swarm.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leave out the real clients.
    #[arg(long)]
    no_clients: bool,
}

impl Demo {
    pub(crate) fn run(&self) -> Result<Answer> {
        let out = self.out.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("affiant-demo-{}", std::process::id())));
        demo::run(&demo::Wish { out, peers: self.peers as usize, seed: self.seed, with_clients: !self.no_clients })
    }
}
