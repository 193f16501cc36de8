//! `affiant tables`

use std::{fmt::Write as _, path::PathBuf};

use anyhow::{Context, Result, bail};
use casework::{register::Register, tables::Table};
use clap::{Args, Subcommand};
use evidence::{Date, Digest, sha256};
use serde_json::json;

use crate::{
    answer::Answer,
    args::Affiant,
    config::{RegisterFile, TableFile, TableKind},
    station::{Station, replace},
    tables::REGISTER_NAME,
};

/// Dated tables that map addresses to networks and ISPs.
#[derive(Debug, Subcommand)]
pub enum Tables {
    /// Take a prefix table (iptoasn TSV or MaxMind-format MMDB) into use.
    Add(Add),
    /// Replace the shipped ISP register.
    Register(ReplaceRegister),
    /// List the tables in use.
    List,
}

/// Take a prefix table into use.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  affiant tables add ip2asn-combined.tsv --kind iptoasn --name iptoasn --built 2026-11-01\n  affiant tables add GeoLite2-ASN.mmdb --kind mmdb --name geolite2"
)]
pub struct Add {
    /// The table, decompressed.
    file: PathBuf,
    /// Its form.
    #[arg(long)]
    kind: TableKind,
    /// What the source is called. Tables of one name are dated versions of one source; different sources must agree.
    #[arg(long)]
    name: String,
    /// When its publisher built it (YYYY-MM-DD). An MMDB says so itself.
    #[arg(long, value_name = "DATE")]
    built: Option<Date>,
}

/// Replace the shipped ISP register.
#[derive(Debug, Args)]
pub struct ReplaceRegister {
    /// The register.
    file: PathBuf,
}

impl Tables {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        match self {
            Self::Add(add) => add.run(args),
            Self::Register(register) => register.run(args),
            Self::List => list(args),
        }
    }
}

impl Add {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let mut station = Station::open(&args.place)?;
        let path = self.file.display();
        let content = std::fs::read(&self.file).with_context(|| format!("cannot read {path}"))?;
        let built = match (self.kind, self.built) {
            (TableKind::Iptoasn, Some(built)) => built,
            (TableKind::Iptoasn, None) => bail!("an iptoasn table does not say when it was built; give --built YYYY-MM-DD"),
            (TableKind::Mmdb, _) => Table::mmdb(&self.name, &content).with_context(|| format!("{path} is refused"))?.info().built,
        };
        let digest = sha256(&content);
        let file = TableFile {
            name: self.name.clone(),
            file: format!("{}-{built}-{:.8}", self.name, digest.to_string()),
            kind: self.kind,
            built,
            sha256: digest,
        };
        crate::tables::parse(&file, &content).with_context(|| format!("{path} is refused"))?;
        station.keep_table(&file.file, &content)?;
        let answer = json!({ "table": file });
        let text = format!("{} of {built} is in use, SHA-256 {digest}", self.name);
        station.config.tables.push(file);
        station.save_config()?;
        Ok(Answer::yes(text, answer))
    }
}

impl ReplaceRegister {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let mut station = Station::open(&args.place)?;
        let path = self.file.display();
        let text = std::fs::read_to_string(&self.file).with_context(|| format!("cannot read {path}"))?;
        let register = Register::parse(REGISTER_NAME, &text).map_err(|fault| anyhow::anyhow!("{path} is refused: {fault}"))?;
        let digest = register.sha256();
        let file = register_file(digest);
        station.keep_table(&file, text.as_bytes())?;
        let registers = &mut station.config.isp_registers;
        if registers.is_empty() {
            let (shipped, sha256) = (casework::register::SHIPPED.as_bytes(), sha256(casework::register::SHIPPED.as_bytes()));
            registers.push(RegisterFile { file: register_file(sha256), sha256 });
            replace(&station.dir.join("tables").join(register_file(sha256)), shipped)?;
        }
        registers.push(RegisterFile { file, sha256: digest });
        station.save_config()?;
        let entries = register.entries().len();
        Ok(Answer::yes(
            format!("a register of {entries} entries is in use, SHA-256 {digest}"),
            json!({ "register_sha256": digest, "entries": entries }),
        ))
    }
}

fn register_file(digest: Digest) -> String {
    format!("isp-register-{:.8}.toml", digest.to_string())
}

fn list(args: &Affiant) -> Result<Answer> {
    let station = Station::open(&args.place)?;
    let mut text = String::new();
    for table in &station.config.tables {
        writeln!(text, "{}  {}  {}", table.built, table.sha256, table.name)?;
    }
    match station.config.isp_registers.last() {
        Some(register) => writeln!(text, "register    {}  {}", register.sha256, register.file)?,
        None => writeln!(text, "register    {}  as shipped", sha256(casework::register::SHIPPED.as_bytes()))?,
    }
    Ok(Answer::yes(text, json!({ "tables": station.config.tables, "isp_registers": station.config.isp_registers })))
}
