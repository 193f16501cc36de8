//! `affiant init`

use anyhow::{Result, bail};
use clap::Args;
use evidence::sha256;
use ledger::{Founding, Keys, Ledger, Month};
use serde_json::json;

use crate::{
    answer::Answer,
    args::Affiant,
    clock,
    config::{Config, Laboratory, Monitor, Pace},
    station::Station,
};

/// How long the founding keys may sign: the month of the shard and time to close it.
const KEY_DAYS: i64 = 62;

/// Make a station: keys, log and configuration.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  affiant init --name log.example.org\n  affiant --station lab init --name lab.example.org --laboratory 127.0.0.0/8"
)]
pub struct Init {
    /// The log's name: a domain that you control. Fixed for ever.
    #[arg(long)]
    name: String,
    /// Only in a laboratory: a network that may be contacted, and no other. May be repeated.
    #[arg(long, value_name = "PREFIX")]
    laboratory: Vec<String>,
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
            laboratory,
        };
        let ledger = found(args, config)?;
        let digest = sha256(ledger.anchor().as_bytes());
        let text = format!(
            "station {} is in {}\nanchor.txt SHA-256 {digest}\ngive that digest to auditors and ISPs by a way of its own: it is the only thing they must get from elsewhere",
            ledger.name(),
            args.station.display(),
        );
        Ok(Answer::yes(text, json!({ "name": ledger.name(), "anchor_sha256": digest, "station": args.station })))
    }
}

/// Founds the log of a new station with new keys.
pub(crate) fn found(args: &Affiant, config: Config) -> Result<Ledger> {
    let now = clock::utc();
    let founding = Founding {
        name: config.name.clone(),
        month: Month::of(now),
        now,
        not_before: now.date().start(),
        not_after: now.date().start().plus_ms(KEY_DAYS * 86_400_000),
        keys: Keys::generate()?,
        witnesses: Vec::new(),
        quorum: 0,
    };
    let ledger = Ledger::create(&args.station, founding)?;
    Station::create(&args.station, config)?;
    Ok(ledger)
}
