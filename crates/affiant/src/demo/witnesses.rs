//! Two witnesses of the demonstration, each a process of its own, as an auditor and a law firm would run them.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{Commands, path, say};
use crate::{config::Config, station::Station};

/// How many there are, and how many must cosign: all of them.
const NAMES: [&str; 2] = ["witness.auditor.example/w1", "witness.lawfirm.example/w1"];
/// Where a witness answers is known once it serves, which it does once it knows the log.
const NOWHERE: &str = "http://127.0.0.1:0";

/// Witnesses that were founded, and those that serve.
pub struct Witnesses {
    founded: Vec<(PathBuf, String)>,
    running: Vec<Child>,
}

impl Witnesses {
    /// Makes their keys, which the station's anchor will name.
    pub fn found(commands: &Commands, out: &Path) -> Result<Self> {
        let mut founded = Vec::new();
        for (number, name) in NAMES.iter().enumerate() {
            let dir = out.join(format!("witness-{}", number + 1));
            let made = commands.run(&["witness", "init", "--dir", path(&dir)?, "--name", name])?;
            founded.push((dir, made["vkey"].as_str().context("a witness has a key")?.to_string()));
        }
        Ok(Self { founded, running: Vec::new() })
    }

    /// What `init` is told of them.
    pub fn arguments(&self) -> Vec<&str> {
        let mut arguments: Vec<&str> = self.founded.iter().flat_map(|(_, vkey)| ["--witness", vkey, NOWHERE]).collect();
        arguments.extend(["--quorum", "2"]);
        arguments
    }

    /// Tells each of the log, starts it and writes where it answers into the station's configuration.
    pub fn start(&mut self, commands: &Commands, station: &Station, config: &mut Config) -> Result<()> {
        let log = station.reader()?.anchor().log.to_string();
        for ((dir, vkey), at) in self.founded.iter().zip(&mut config.witnesses) {
            commands.run(&["witness", "trust", "--dir", path(dir)?, &log])?;
            let (child, url) = serve(dir)?;
            self.running.push(child);
            if at.vkey != *vkey {
                bail!("affiant.toml lists the witnesses in another order");
            }
            at.url = url;
        }
        Ok(())
    }
}

/// Starts this program again as a witness, and reads where it listens.
fn serve(dir: &Path) -> Result<(Child, String)> {
    let words = ["witness", "serve", "--until-eof", "--listen", "127.0.0.1:0", "--dir", path(dir)?];
    say(&format!("$ affiant {} &", words.join(" ")));
    let program = std::env::current_exe().context("cannot find the running program")?;
    // Its stdin is closed when this process ends, also by a signal that runs no destructor.
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start a witness")?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.as_mut() {
        BufReader::new(stdout).read_line(&mut line).context("cannot hear from a witness")?;
    }
    match line.trim_end().strip_prefix("listening on ") {
        Some(url) => Ok((child, url.to_string())),
        None => {
            end(&mut child);
            bail!("the witness in {} did not start", dir.display())
        }
    }
}

/// It is killed, which it survives; a process that has ended already is only waited for.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

impl Drop for Witnesses {
    fn drop(&mut self) {
        self.running.iter_mut().for_each(end);
    }
}
