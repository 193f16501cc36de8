//! `evidence-schema/verify.py`, kept running, because to start it takes longer than to check a small bundle.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

/// Reads `folder digest` a line, answers with the verdict a line. What it calls is what the command line calls.
const LOOP: &str = "
import json, sys, verify
for line in sys.stdin:
    bundle, anchor = line.rstrip('\\n').rsplit(' ', 1)
    print(json.dumps(verify.verdict(bundle, anchor, None)), flush=True)
";

pub struct Python {
    child: Child,
    answers: BufReader<ChildStdout>,
}

pub fn command() -> Command {
    let mut command = Command::new("python3");
    // No folder of compiled files is left in the tree.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", super::SCHEMA);
    command
}

impl Python {
    /// `None`, loudly, if there is no Python; in CI that is a failure.
    pub fn start() -> Option<Self> {
        let spawned = command().args(["-c", LOOP]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = spawned else {
            assert!(std::env::var_os("CI").is_none(), "python3 is not installed");
            eprintln!("!!! SKIPPED !!! the verifiers cannot be compared without python3");
            return None;
        };
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, answers })
    }

    pub fn verdict(&mut self, bundle: &Path, anchor_sha256: &str) -> Value {
        writeln!(self.child.stdin.as_mut().unwrap(), "{} {anchor_sha256}", bundle.display()).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line)
            .unwrap_or_else(|fault| panic!("{}: verify.py ended with a traceback ({fault})", bundle.display()))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
