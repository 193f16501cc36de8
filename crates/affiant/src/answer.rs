//! What a command answers: text for a person, JSON for a program, and an exit code for both.

use std::{io::Write, process::ExitCode};

use serde_json::Value;

/// The result of a command that could be carried out.
pub struct Answer {
    text: String,
    json: Value,
    is_yes: bool,
}

impl Answer {
    /// It is done, or the answer is yes: exit 0.
    pub fn yes(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, is_yes: true }
    }

    /// The answer is no: exit 1.
    pub fn no(text: impl Into<String>, json: Value) -> Self {
        Self { is_yes: false, ..Self::yes(text, json) }
    }

    /// The answer for a program.
    pub fn into_json(self) -> Value {
        self.json
    }

    /// Prints the answer on stdout.
    pub fn print(&self, as_json: bool) -> ExitCode {
        let mut text = if as_json { format!("{:#}", self.json) } else { self.text.clone() };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        // A reader that closed the pipe has what it wanted.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
        if self.is_yes { ExitCode::SUCCESS } else { ExitCode::from(1) }
    }
}
