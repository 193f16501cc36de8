//! `affiant init`

use anyhow::{Context, Result, bail};
use clap::Args;
use evidence::sha256;
use ledger::{Founding, Keys, Ledger, Month};
use serde_json::json;

use crate::{
    answer::Answer,
    args::Affiant,
    clock,
    config::{Config, Laboratory, Monitor, Pace, WitnessUrl},
    station::Station,
};

/// How long the founding keys may sign: the month of the shard and time to close it.
const KEY_DAYS: i64 = 62;

/// Make a station: keys, log and configuration.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  affiant init --name log.example.org\n  affiant --station lab init --name lab.example.org --laboratory 127.0.0.0/8\n  affiant init --name log.example.org --witness <vkey> https://witness.example --witness <vkey> https://w.example --quorum 2"
)]
pub struct Init {
    /// The log's name: a domain that you control. Fixed for ever.
    #[arg(long)]
    name: String,
    /// Only in a laboratory: a network that may be contacted, and no other. May be repeated.
    #[arg(long, value_name = "PREFIX")]
    laboratory: Vec<String>,
    /// A witness: its verifier key, as 'affiant witness key' prints it, and where it answers. May be repeated. None of
    /// them should be yours. Fixed for the shard; the address may change later, in affiant.toml.
    #[arg(long, num_args = 2, value_names = ["VKEY", "URL"], requires = "quorum")]
    witness: Vec<String>,
    /// How many witnesses must have cosigned a checkpoint before a verifier believes it.
    #[arg(long, value_name = "K", requires = "witness", value_parser = clap::value_parser!(u32).range(1..=64))]
    quorum: Option<u32>,
}

impl Init {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        if args.station.join("affiant.toml").exists() {
            bail!("there is a station in {} already", args.station.display());
        }
        let laboratory = (!self.laboratory.is_empty()).then(|| Laboratory { networks: self.laboratory.clone() });
        let config = Config {
            name: self.name.clone(),
            monitor: Monitor::default(),
            pace: Pace::default(),
            tables: Vec::new(),
            isp_registers: Vec::new(),
            witnesses: self.witness.chunks(2).map(|pair| WitnessUrl { vkey: pair[0].clone(), url: pair[1].clone() }).collect(),
            laboratory,
        };
        let ledger = found(args, config, self.quorum.unwrap_or(0) as usize)?;
        let digest = sha256(ledger.anchor().as_bytes());
        let text = format!(
            "station {} is in {}\nanchor.txt SHA-256 {digest}\ngive that digest to auditors and ISPs by a way of its own: it is the only thing they must get from elsewhere",
            ledger.name(),
            args.station.display(),
        );
        let log = Station::open(&args.station)?.reader()?.anchor().log.to_string();
        let text = if self.witness.is_empty() {
            text
        } else {
            format!("{text}\ngive the log's key to each witness, who runs 'affiant witness trust': {log}")
        };
        let json = json!({ "name": ledger.name(), "anchor_sha256": digest, "station": args.station, "log_vkey": log });
        Ok(Answer::yes(text, json))
    }
}

/// Founds the log of a new station with new keys.
pub(crate) fn found(args: &Affiant, config: Config, quorum: usize) -> Result<Ledger> {
    let now = clock::utc();
    let mut witnesses = Vec::new();
    for witness in &config.witnesses {
        witnesses
            .push(witness.vkey.parse().map_err(anyhow::Error::msg).with_context(|| format!("'{}' is refused", witness.vkey))?);
    }
    if let Some(fault) = config.fault() {
        bail!("the station is not founded: {fault}");
    }
    let founding = Founding {
        name: config.name.clone(),
        month: Month::of(now),
        now,
        not_before: now.date().start(),
        not_after: now.date().start().plus_ms(KEY_DAYS * 86_400_000),
        keys: Keys::generate()?,
        witnesses,
        quorum,
    };
    let ledger = Ledger::create(&args.station, founding)?;
    Station::create(&args.station, config)?;
    Ok(ledger)
}
