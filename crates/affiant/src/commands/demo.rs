//! `affiant demo`

use anyhow::{Result, bail};
use clap::Args;

use crate::{answer::Answer, args::Affiant};

/// Demo placeholder.
#[derive(Debug, Args)]
pub struct Demo {}

impl Demo {
    pub(crate) fn run(&self, _: &Affiant) -> Result<Answer> {
        bail!("x")
    }
}
