//! `affiant completions`

use anyhow::Result;
use clap::{Args, CommandFactory};
use serde_json::json;

use crate::{answer::Answer, args::Affiant};

/// Print a completion script for a shell.
#[derive(Debug, Args)]
pub struct Completions {
    /// Which shell.
    shell: clap_complete::Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> Result<Answer> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Affiant::command(), "affiant", &mut script);
        let script = String::from_utf8(script)?;
        let json = json!({ "script": script });
        Ok(Answer::yes(script, json))
    }
}
