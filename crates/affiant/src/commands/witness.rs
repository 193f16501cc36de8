//! `affiant witness`

use std::{io::Write as _, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tlog::{KeyName, VerifierKey};
use tokio::{net::TcpListener, sync::oneshot};
use witness::{
    alarm::Alarm,
    monitor::{Monitor, Seen},
    place::Place,
    server,
};

use super::watch::{parse_duration, wait_for_signal};
use crate::{answer::Answer, args::Affiant, clock};

/// Watch somebody else's log: cosign what extends it, raise an alarm on a fork.
///
/// For an auditor, a law firm, an ISP: anybody but the log's operator. A witness answers the log over HTTP and cosigns
/// every checkpoint that extends the last one, so that nothing can be taken back unseen. A monitor reads what the log
/// serves and signs an alarm when two heads contradict each other.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  affiant witness init --dir w1 --name witness.example/w1      prints the key that the log's operator needs
  affiant witness trust --dir w1 <the log's vkey>
  affiant witness serve --dir w1 --listen 127.0.0.1:8080       behind a reverse proxy that does TLS
  affiant witness monitor --dir m1 --name monitor.example --log <vkey> https://log.example.org/2026-09")]
pub enum Witness {
    /// Make a witness: its key and an empty list of logs.
    Init(Init),
    /// Take on a log, from its empty tree. The witness must not be serving meanwhile.
    Trust(Trust),
    /// Answer the logs that it knows, until stopped.
    Serve(Serve),
    /// Print the witness's verifier key, and with --logs where it stands with each log.
    Key(Key),
    /// Follow a log and compare every head with those seen before. Exit code 1 once there was an alarm.
    Monitor(Watching),
    /// Check an alarm that a monitor signed: whether the log's own signatures prove a fork.
    Alarm(Checking),
}

/// Make a witness.
#[derive(Debug, Args)]
pub struct Init {
    /// The witness's folder.
    #[arg(long, default_value = "witness", value_name = "DIR")]
    dir: PathBuf,
    /// The witness's name: a domain that you control and a path, e.g. witness.example/w1. Fixed for ever.
    #[arg(long, value_parser = key_name)]
    name: KeyName,
}

/// Take on a log.
#[derive(Debug, Args)]
pub struct Trust {
    /// The witness's folder.
    #[arg(long, default_value = "witness", value_name = "DIR")]
    dir: PathBuf,
    /// The log's verifier key, from the line 'log' of its anchor.txt.
    #[arg(value_parser = verifier_key)]
    vkey: VerifierKey,
}

/// Answer logs.
#[derive(Debug, Args)]
pub struct Serve {
    /// The witness's folder.
    #[arg(long, default_value = "witness", value_name = "DIR")]
    dir: PathBuf,
    /// Where to listen, in plain HTTP. Port 0 takes any free one; the first line on stdout says which.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// End when stdin is closed, so that a program that starts a witness takes it along however it ends.
    #[arg(long)]
    until_eof: bool,
}

/// Print the key.
#[derive(Debug, Args)]
pub struct Key {
    /// The witness's folder.
    #[arg(long, default_value = "witness", value_name = "DIR")]
    dir: PathBuf,
    /// Also say what was cosigned last for each log. The witness must not be serving meanwhile.
    #[arg(long)]
    logs: bool,
}

/// Follow a log.
#[derive(Debug, Args)]
pub struct Watching {
    /// The monitor's folder, made with a key of its own if it is new.
    #[arg(long, default_value = "monitor", value_name = "DIR")]
    dir: PathBuf,
    /// The monitor's name, needed once.
    #[arg(long, value_parser = key_name)]
    name: Option<KeyName>,
    /// The log's verifier key.
    #[arg(long, value_name = "VKEY", value_parser = verifier_key)]
    log: VerifierKey,
    /// How often to look.
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = parse_duration)]
    every: Duration,
    /// Look once at each place and end.
    #[arg(long)]
    once: bool,
    /// Where the log is served: a folder, or the address below which `checkpoint` and `tile/` are. More than one place
    /// shows whether they tell the same.
    #[arg(required = true, value_name = "PLACE")]
    places: Vec<String>,
}

/// Check an alarm.
#[derive(Debug, Args)]
pub struct Checking {
    /// The alarm file.
    file: PathBuf,
    /// The log's verifier key.
    #[arg(long, value_name = "VKEY", value_parser = verifier_key)]
    log: VerifierKey,
}

fn key_name(text: &str) -> Result<KeyName, String> {
    KeyName::new(text).map_err(|fault| fault.to_string())
}

fn verifier_key(text: &str) -> Result<VerifierKey, String> {
    text.parse().map_err(|fault: tlog::note::BadKey| fault.to_string())
}

impl Witness {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        match self {
            Self::Init(command) => command.run(),
            Self::Trust(command) => command.run(),
            Self::Serve(command) => command.run(args),
            Self::Key(command) => command.run(),
            Self::Monitor(command) => command.run(args),
            Self::Alarm(command) => command.run(),
        }
    }
}

impl Init {
    fn run(&self) -> Result<Answer> {
        let witness = witness::Witness::create(&self.dir, &self.name)?;
        let vkey = witness.verifier().to_string();
        let text = format!(
            "a witness is in {}\n{vkey}\ngive that key to the operators of logs, and take on theirs with 'affiant witness trust'",
            self.dir.display()
        );
        Ok(Answer::yes(text, json!({ "dir": self.dir, "vkey": vkey })))
    }
}

impl Trust {
    fn run(&self) -> Result<Answer> {
        witness::Witness::open(&self.dir)?.trust(self.vkey.clone())?;
        let origin = self.vkey.name().as_str();
        Ok(Answer::yes(format!("the log {origin} is followed from its empty tree"), json!({ "origin": origin })))
    }
}

impl Serve {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let witness = witness::Witness::open(&self.dir)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
        runtime.block_on(async {
            let listener = TcpListener::bind(self.listen).await.with_context(|| format!("cannot listen on {}", self.listen))?;
            let url = format!("http://{}", listener.local_addr()?);
            say(args, &format!("listening on {url}"), &json!({ "listening": url }));
            let closed = self.until_eof.then(stdin_closed);
            // Without signals it serves until it is killed, which it survives.
            let stop = async {
                match closed {
                    Some(closed) => tokio::select! { _ = wait_for_signal() => {}, _ = closed => {} },
                    None => drop(wait_for_signal().await),
                }
            };
            server::serve(witness, listener, clock::utc, stop).await.context("the witness cannot serve")
        })?;
        Ok(Answer::yes("stopped", json!({ "stopped": true })))
    }
}

/// Is answered once stdin has ended. A thread of its own waits, because nothing can wake a reader of stdin.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (closed, answered) = oneshot::channel();
    std::thread::spawn(move || {
        // An error is an end too.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = closed.send(());
    });
    answered
}

impl Key {
    fn run(&self) -> Result<Answer> {
        let vkey = witness::Witness::read_key(&self.dir)?.to_string();
        let mut text = format!("{vkey}\n");
        let mut logs = Vec::new();
        if self.logs {
            for kept in witness::Witness::open(&self.dir)?.logs()? {
                let (origin, size) = (kept.last.origin().as_str(), kept.last.size());
                text.push_str(&format!("{origin}: {size} entries\n"));
                logs.push(json!({ "origin": origin, "size": size, "root": kept.last.root().to_string(), "time_unix_s": kept.time_unix_s }));
            }
        }
        Ok(Answer::yes(text, json!({ "vkey": vkey, "logs": logs })))
    }
}

impl Watching {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        if !Monitor::exists(&self.dir) {
            let Some(name) = &self.name else {
                bail!("there is no monitor in {}; name it with --name to make one", self.dir.display());
            };
            Monitor::create(&self.dir, name)?;
        }
        let mut monitor = Monitor::open(&self.dir, self.log.clone())?;
        let places: Vec<Place> = self.places.iter().map(|place| Place::of(place)).collect::<Result<_, _>>()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
        let looks = runtime.block_on(async {
            let mut looks = Looks::default();
            loop {
                for place in &places {
                    looks.look(&mut monitor, place, &places, args).await?;
                }
                if self.once {
                    return anyhow::Ok(looks);
                }
                tokio::select! {
                    () = tokio::time::sleep(self.every) => {}
                    _ = wait_for_signal() => return Ok(looks),
                }
            }
        })?;
        looks.answer(&monitor)
    }
}

/// What a monitor has seen since it was started.
#[derive(Default)]
struct Looks {
    alarms: Vec<Value>,
    unread: u64,
    last: Vec<Value>,
}

impl Looks {
    async fn look(&mut self, monitor: &mut Monitor, place: &Place, places: &[Place], args: &Affiant) -> Result<()> {
        let (text, seen) = match monitor.look(place, places, clock::utc()).await {
            Ok(Seen::Same(size)) => (None, json!({ "seen": "same", "size": size })),
            Ok(Seen::First(size)) => {
                (Some(format!("the first head, of {size} entries")), json!({ "seen": "first", "size": size }))
            }
            Ok(Seen::Extended { from, to }) => {
                (Some(format!("{from} entries have become {to}")), json!({ "seen": "extended", "from": from, "size": to }))
            }
            Ok(Seen::Behind { size, seen, is_part }) => {
                let part = if is_part { "a part of the same tree" } else { "not shown to be a part of the same tree" };
                let text = format!("only {size} entries, where {seen} were seen before; {part}");
                (Some(text), json!({ "seen": "behind", "size": size, "largest": seen, "is_part": is_part }))
            }
            Ok(Seen::Alarm { path, kind }) => {
                let alarm = json!({ "kind": kind, "file": path });
                if !self.alarms.contains(&alarm) {
                    self.alarms.push(alarm);
                }
                (Some(format!("ALARM, {kind}: {}", path.display())), json!({ "seen": "alarm", "kind": kind, "file": path }))
            }
            Err(witness::Fault::Place(fault)) => {
                self.unread += 1;
                (Some(fault.to_string()), json!({ "seen": "nothing", "why": fault.to_string() }))
            }
            Err(fault) => return Err(fault.into()),
        };
        let mut line = seen;
        line["place"] = json!(place.to_string());
        if let (Some(text), false) = (&text, args.json) {
            say(args, &format!("{place}: {text}"), &line);
        }
        self.last.retain(|other| other["place"] != line["place"]);
        self.last.push(line);
        Ok(())
    }

    fn answer(self, monitor: &Monitor) -> Result<Answer> {
        let json = json!({
            "monitor_vkey": monitor.verifier().to_string(), "alarms": self.alarms, "unread": self.unread, "places": self.last,
        });
        if self.alarms.is_empty() && self.unread > 0 && self.last.iter().all(|place| place["seen"] == "nothing") {
            bail!("no place could be read");
        }
        let text = match self.alarms.len() {
            0 => "no head contradicts another".to_string(),
            count => format!("{count} alarms, signed by {}", monitor.verifier()),
        };
        Ok(if self.alarms.is_empty() { Answer::yes(text, json) } else { Answer::no(text, json) })
    }
}

impl Checking {
    fn run(&self) -> Result<Answer> {
        let bytes = std::fs::read(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        let (alarm, _) = Alarm::parse(&bytes).with_context(|| format!("{} is refused", self.file.display()))?;
        let (older, newer) = (alarm.older.checkpoint().size(), alarm.newer.checkpoint().size());
        let checked = alarm.check(&self.log);
        let json = json!({
            "proven": checked.is_ok(), "kind": alarm.kind(), "at": alarm.at, "older": older, "newer": newer,
            "why": checked.err().map(|fault| fault.to_string()),
        });
        Ok(match checked {
            Ok(()) => Answer::yes(
                format!(
                    "the log {} has forked: it signed heads of {older} and {newer} entries that contradict each other",
                    self.log.name()
                ),
                json,
            ),
            Err(fault) => Answer::no(format!("no fork is proven: {fault}"), json),
        })
    }
}

/// A line at once, for whoever waits for it; a reader that closed the pipe has what it wanted.
fn say(args: &Affiant, text: &str, json: &Value) {
    let mut stdout = std::io::stdout().lock();
    let line = if args.json { json.to_string() } else { text.to_string() };
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
