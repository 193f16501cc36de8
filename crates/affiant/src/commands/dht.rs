//! `affiant dht`

mod compare;

use std::{collections::BTreeSet, fmt::Write as _, net::SocketAddr, time::Duration};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use crawler::{
    LookedUp,
    dht::{Asked, LookUpPlan, look_up},
};
use evidence::{InfoHashV1, run::LookUpEnding};
use serde_json::{Value, json};
use swarm::{
    Seed,
    dht::{Family, IdCheck},
};

use super::watch::parse_duration;
use crate::{answer::Answer, args::Affiant, clock, dht, fetch, plan, progress, station::Station};

/// Ask the Mainline DHT about a torrent, once and apart from any run.
#[derive(Debug, Subcommand)]
pub enum DhtCommand {
    /// Look a mandated torrent up: which nodes answered, and how many peers they name.
    Lookup(Lookup),
    /// The same by our engine and by somebody else's, and what each found that the other did not.
    Compare(compare::Compare),
}

impl DhtCommand {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        match self {
            Self::Lookup(command) => command.run(args),
            Self::Compare(command) => command.run(args),
        }
    }
}

/// Look a mandated torrent up: which nodes answered, and how many peers they name.
///
/// Nothing is logged, nobody is announced to, and no peer is contacted. Exit 0 if the look-up was complete: all of the
/// closest nodes that were heard of answered or are gone.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  affiant dht lookup 0123456789abcdef0123456789abcdef01234567\n  affiant dht lookup 0123456789abcdef0123456789abcdef01234567 --peers --json"
)]
pub struct Lookup {
    #[command(flatten)]
    question: Question,
    /// Print the addresses that were named. They are personal data, and hearsay: a node may name anybody.
    #[arg(long)]
    peers: bool,
}

/// What is asked, and whom first.
#[derive(Debug, Args)]
struct Question {
    /// The info-hash in 40 hex digits; of a version 2 torrent the first 40 of its 64.
    info_hash: String,
    /// Begin at this node, `host:port`, instead of those of the configuration; nodes kept of an earlier run are asked
    /// too. May be repeated.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Vec<String>,
    /// The longest look-up.
    #[arg(long = "for", value_name = "DURATION", default_value = "2m", value_parser = parse_duration)]
    patience: Duration,
}

impl Lookup {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let asked = self.question.ask(&Station::open(&args.place)?)?;
        let mut text = String::new();
        for (looked_up, network_size) in &asked.look_ups {
            describe(&mut text, looked_up, *network_size)?;
        }
        if asked.look_ups.is_empty() {
            writeln!(text, "the time was over before our node knew anybody to ask")?;
        }
        writeln!(text, "peers named: {}; what a node says is hearsay", asked.peers.len())?;
        let mut json = json!({
            "complete": asked.is_complete(),
            "look_ups": asked.look_ups.iter().map(|(looked_up, size)| to_json(looked_up, *size)).collect::<Vec<_>>(),
            "peers_named": asked.peers.len(),
            "naming_nodes": naming(&asked),
        });
        if self.peers {
            for peer in &asked.peers {
                writeln!(text, "  {peer}")?;
            }
            json["peers"] = json!(asked.peers);
        }
        Ok(if asked.is_complete() { Answer::yes(text, json) } else { Answer::no(text, json) })
    }
}

impl Question {
    fn hash(&self) -> Result<InfoHashV1> {
        match self.info_hash.to_ascii_lowercase().parse() {
            Ok(hash) => Ok(hash),
            Err(_) => bail!("'{}' is not an info-hash of 40 hex digits", self.info_hash),
        }
    }

    /// Looks it up with our engine.
    fn ask(&self, station: &Station) -> Result<Asked> {
        let (book, info_hash) = (station.book()?, self.hash()?);
        let in_force = book.mandates.iter().filter(|mandate| mandate.says.in_force(clock::utc()));
        if !in_force.into_iter().any(|mandate| mandate.says.targets.iter().any(|target| target.version_of(&info_hash).is_some()))
        {
            bail!("no mandate in force names {info_hash}; nobody is asked about a torrent without one");
        }
        let bootstrap = if self.bootstrap.is_empty() { &station.config.dht.bootstrap } else { &self.bootstrap };
        let dht = dht::with(station, bootstrap)?;
        if dht.bootstrap.is_empty() && dht.kept.is_none() {
            bail!("nobody is known to begin with: name a node with --bootstrap, or some in [dht] bootstrap of affiant.toml");
        }
        let mut seed = [0; 32];
        plan::fill(&mut seed)?;
        let plan = LookUpPlan {
            info_hash,
            dht,
            scope: plan::scope(&station.config, plan::owner_seeds(&book))?,
            bind: plan::bind(&station.config),
            patience: self.patience,
            seed: Seed::new(seed),
        };
        let spinner = progress::spinner("asking the DHT");
        let asked = fetch::until_stopped(|clock, stop| async move { Ok(look_up(plan, clock, stop).await?) });
        spinner.finish_and_clear();
        asked
    }
}

fn family(looked_up: &LookedUp) -> &'static str {
    match looked_up.finished.family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

fn describe(text: &mut String, looked_up: &LookedUp, network_size: Option<u64>) -> Result<()> {
    let finished = &looked_up.finished;
    let how = match looked_up.ending() {
        LookUpEnding::Complete => "complete: all of the closest nodes answered or are gone",
        LookUpEnding::Bounded => "not complete: the bound on queries or time came first",
        LookUpEnding::Silence => "nobody answered",
        LookUpEnding::Cancelled => "not complete: stopped, or out of time",
    };
    writeln!(text, "{}  {how}", family(looked_up))?;
    writeln!(text, "  nodes asked    {:>6} queries, {} answers", finished.queries, finished.answers)?;
    writeln!(text, "  closest nodes  {:>6}, {} of them named on two disjoint paths", finished.closest.len(), finished.agreed())?;
    writeln!(
        text,
        "  peers named    {:>6} by {} nodes, {} of them distinct",
        looked_up.named, looked_up.naming, looked_up.distinct
    )?;
    if finished.crowded {
        writeln!(text, "  more nodes were named near the info-hash than chance allows: somebody crowds it")?;
    }
    if let Some(size) = network_size {
        writeln!(text, "  nodes in all   {size:>6}, roughly")?;
    }
    Ok(())
}

fn to_json(looked_up: &LookedUp, network_size: Option<u64>) -> Value {
    let finished = &looked_up.finished;
    json!({
        "family": family(looked_up).to_ascii_lowercase(),
        "ending": looked_up.ending().word(),
        "queries": finished.queries,
        "answers": finished.answers,
        "closest": finished.closest.len(),
        "agreed": finished.agreed(),
        "crowded": finished.crowded,
        "naming": looked_up.naming,
        "named": looked_up.named,
        "distinct": looked_up.distinct,
        "network_size": network_size,
    })
}

/// The nodes that named peers, by id: without their addresses, which are personal data like any other.
fn naming(asked: &Asked) -> Vec<Value> {
    let word = |check| match check {
        IdCheck::Matches => "matches",
        IdCheck::Exempt => "exempt",
        IdCheck::Differs => "differs",
    };
    let answers = asked.answers.iter();
    let row = |answer: &crawler::dht::Naming| {
        json!({
            "id": answer.id.to_string(), "id_check": word(answer.check), "shared_bits": answer.shared_bits,
            "named": answer.named, "answer_sha256": answer.sha256,
        })
    };
    answers.map(row).collect()
}

/// The IPv4 peers of an answer, which are all that the second opinion knows of.
fn v4_peers(asked: &Asked) -> BTreeSet<SocketAddr> {
    asked.peers.iter().copied().filter(SocketAddr::is_ipv4).collect()
}
