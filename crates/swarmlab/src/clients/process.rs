//! A program, and all that it starts, that lives no longer than its handle or this process.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::{ClientError, Found, Launch};

/// Runs the program in a process group of its own and kills that group when the program ends, or when standard
/// input does. Only this process holds the other end of standard input, so a lost handle, a panic and even a
/// killed test all end the client; a signal sent from here would miss the last case.
const GUARD: &str = r#"
{ "$@"; echo "ended with status $?"; kill -KILL 0; } </dev/null &
cat >/dev/null
kill -KILL 0
"#;

/// How much of each log is shown.
const LOG_TAIL_BYTES: u64 = 4096;

/// A running program under guard.
#[derive(Debug)]
pub(super) struct Guarded {
    guard: Child,
    logs: Vec<PathBuf>,
}

impl Guarded {
    /// Starts the program in `dir`, printing into `dir/<log>`, with an environment that names no proxy and no other home.
    pub(super) fn spawn(program: &Path, dir: &Path, log: &str, launch: Launch) -> Result<Self, ClientError> {
        let log = dir.join(log);
        let printed = File::create(&log).map_err(ClientError::environment("write", &log))?;
        let printed_too = printed.try_clone().map_err(ClientError::environment("write", &log))?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", GUARD, "guard"])
            .arg(program)
            .args(launch.arguments)
            .current_dir(dir)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", dir)
            .env("LANG", "C.UTF-8")
            .envs(launch.environment)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(printed)
            .stderr(printed_too);
        let guard = command.spawn().map_err(ClientError::environment("start", program))?;
        let mut logs = vec![log];
        logs.extend(launch.logs);
        Ok(Self { guard, logs })
    }

    /// Whether the program has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.guard.try_wait(), Ok(None))
    }

    /// Waits until the program ends by itself.
    pub(super) async fn ended(&mut self) {
        // `Child::wait` would close standard input, which is what keeps the program alive.
        while !self.has_ended() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the program's whole group and waits for the guard, which goes with it.
    pub(super) async fn kill(mut self) {
        drop(self.guard.stdin.take());
        // The guard dies of its own signal at once; a machine that is stuck must not hold a test up.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.guard.wait()).await;
    }

    /// The end of what the program printed and logged.
    pub(super) fn log_tail(&self) -> String {
        let tails: Vec<String> = self.logs.iter().filter_map(|log| tail(log).ok()).collect();
        tails.join("\n")
    }
}

fn tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length_bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(length_bytes.saturating_sub(LOG_TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

/// The first word with a digit that `program` prints when asked for its version.
pub(super) fn version(program: &Path, question: &str) -> Option<String> {
    let output = answer(program, &[question])?;
    // Transmission prints its version on standard error.
    let said = [output.stdout, output.stderr].concat();
    version_in(&String::from_utf8_lossy(&said))
}

/// The first word with a digit that `program` prints, if it does as it is told.
pub(super) fn ask(program: &Path, arguments: &[&str]) -> Option<String> {
    let output = answer(program, arguments).filter(|output| output.status.success())?;
    version_in(&String::from_utf8_lossy(&output.stdout))
}

fn answer(program: &Path, arguments: &[&str]) -> Option<std::process::Output> {
    std::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", std::env::temp_dir())
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .ok()
}

fn version_in(said: &str) -> Option<String> {
    said.split_whitespace()
        .map(|word| word.trim_start_matches('v').trim_end_matches('.'))
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .map(str::to_owned)
}

/// Starts a client as its file prepared it.
pub(super) fn launch(found: &Found, dir: &Path, launch: Launch) -> Result<Guarded, ClientError> {
    Guarded::spawn(&found.program, dir, "printed.log", launch)
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn versions_are_read_as_the_clients_print_them() {
        for (said, version) in [
            ("transmission-daemon 3.00 (bb6b5a062e)\n", "3.00"),
            ("qBittorrent v4.5.2\n", "4.5.2"),
            ("deluged 2.0.3\nlibtorrent: 2.0.8.0\n", "2.0.3"),
            ("Rakshasa's BitTorrent client version 0.9.8.\n\n", "0.9.8"),
            ("aria2 version 1.36.0\n", "1.36.0"),
        ] {
            assert_eq!(version_in(said).as_deref(), Some(version));
        }
        assert_eq!(version_in("no number here"), None);
    }
}
