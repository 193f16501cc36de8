//! `affiant init`

use anyhow::{Context, Result, bail};
use clap::Args;
use evidence::sha256;
use ledger::{Founding, Keys, Ledger, Month, keys::Password};
use serde_json::json;

use crate::{
    answer::Answer,
    args::Affiant,
    clock,
    config::{Config, Dht, Laboratory, LogKey, Monitor, Pace, WitnessUrl},
    secrets::{self, Secrets},
    station::Station,
};

/// How long the founding keys may sign: the month of the shard and time to close it.
const KEY_DAYS: i64 = 62;

/// Make a station: keys, log and configuration.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  affiant init --name log.example.org\n  affiant --station lab init --name lab.example.org --laboratory 127.0.0.0/8\n  affiant --root-key /mnt/stick/root.pem init --name log.example.org --protect-root\n  affiant init --name log.example.org --log-key-token /usr/lib/softhsm/libsofthsm2.so affiant log\n  affiant init --name log.example.org --witness <vkey> https://witness.example --witness <vkey> https://w.example --quorum 2"
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
    /// Put the root key's file under a password.
    #[arg(long)]
    protect_root: bool,
    /// Make the log key in a token that it never leaves: the PKCS#11 module, the token's label, and a label for the key.
    #[arg(long, num_args = 3, value_names = ["MODULE", "TOKEN", "LABEL"])]
    log_key_token: Vec<String>,
    /// How many witnesses must have cosigned a checkpoint before a verifier believes it.
    #[arg(long, value_name = "K", requires = "witness", value_parser = clap::value_parser!(u32).range(1..=64))]
    quorum: Option<u32>,
}

impl Init {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        if args.place.station.join("affiant.toml").exists() {
            bail!("there is a station in {} already", args.place.station.display());
        }
        let laboratory = (!self.laboratory.is_empty()).then(|| Laboratory { networks: self.laboratory.clone() });
        let config = Config {
            name: self.name.clone(),
            monitor: Monitor::default(),
            pace: Pace::default(),
            // The well-known routers are outside any laboratory.
            dht: if laboratory.is_some() { Dht { bootstrap: vec![], ..Dht::default() } } else { Dht::default() },
            tables: Vec::new(),
            isp_registers: Vec::new(),
            witnesses: self.witness.chunks(2).map(|pair| WitnessUrl { vkey: pair[0].clone(), url: pair[1].clone() }).collect(),
            log_key: match &self.log_key_token[..] {
                [module, token, label] => Some(LogKey { module: module.into(), token: token.clone(), label: label.clone() }),
                _ => None,
            },
            laboratory,
        };
        let root_password = match self.protect_root {
            true => Some(Secrets::of(&args.place).new_password("the root key")?),
            false => None,
        };
        let ledger = found(args, config, self.quorum.unwrap_or(0) as usize, root_password.as_ref())?;
        let digest = sha256(ledger.anchor().as_bytes());
        let text = format!(
            "station {} is in {}\nanchor.txt SHA-256 {digest}\ngive that digest to auditors and ISPs by a way of its own: it is the only thing they must get from elsewhere",
            ledger.name(),
            args.place.station.display(),
        );
        let log = Station::open(&args.place)?.reader()?.anchor().log.to_string();
        let text = if self.witness.is_empty() {
            text
        } else {
            format!("{text}\ngive the log's key to each witness, who runs 'affiant witness trust': {log}")
        };
        let json = json!({ "name": ledger.name(), "anchor_sha256": digest, "station": args.place.station, "log_vkey": log });
        Ok(Answer::yes(text, json))
    }
}

/// Founds the log of a new station with new keys.
fn found(args: &Affiant, config: Config, quorum: usize, root_password: Option<&Password>) -> Result<Ledger> {
    let now = clock::utc();
    let mut witnesses = Vec::new();
    for witness in &config.witnesses {
        witnesses
            .push(witness.vkey.parse().map_err(anyhow::Error::msg).with_context(|| format!("'{}' is refused", witness.vkey))?);
    }
    if let Some(fault) = config.fault() {
        bail!("the station is not founded: {fault}");
    }
    let store = secrets::store(&args.place, &config);
    let founding = Founding {
        name: config.name.clone(),
        month: Month::of(now),
        now,
        not_before: now.date().start(),
        not_after: now.date().start().plus_ms(KEY_DAYS * 86_400_000),
        keys: Keys { log: store.generate_log()?, ..Keys::generate()? },
        witnesses,
        quorum,
    };
    let ledger = Ledger::create_by(&args.place.station, &store, root_password, founding)?;
    Station::create(&args.place, config)?;
    Ok(ledger)
}
