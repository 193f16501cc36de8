//! `affiant people`

use std::fmt::Write as _;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use evidence::control::Role;
use ledger::keys::AnalystKey;
use serde_json::json;

use crate::{
    answer::Answer,
    args::Affiant,
    secrets::Secrets,
    station::{Station, slug},
};

/// Keys of the people who decide: investigators, reviewers, approvers.
#[derive(Debug, Subcommand)]
pub enum People {
    /// Make a key for a person and delegate it.
    Add(Add),
    /// List the people whose keys the log delegates.
    List,
}

/// Make a key for a person and delegate it.
#[derive(Debug, Args)]
pub struct Add {
    /// The person's name, as reports will show it.
    name: String,
    /// Put the key file under a password.
    #[arg(long)]
    protect: bool,
}

impl People {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        match self {
            Self::Add(add) => add.run(args),
            Self::List => list(args),
        }
    }
}

impl Add {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let station = Station::open(&args.place)?;
        let file = slug(&self.name);
        if file.is_empty() {
            bail!("'{}' is not a name: it has no letter or digit", self.name);
        }
        let book = station.book()?;
        if let Some(other) =
            book.people().filter_map(|person| person.delegation.holder.as_deref()).find(|holder| slug(holder) == file)
        {
            bail!("{other} holds a key already");
        }
        let password = match self.protect {
            true => Some(Secrets::of(&args.place).new_password(&format!("the key of {}", self.name))?),
            false => None,
        };
        let root = station.keys().root()?;
        let mut ledger = station.ledger()?;
        let key = AnalystKey::generate()?;
        station.keys().save_person(&file, &key, password.as_ref())?;
        let acked = ledger.delegate(&root, Role::Analyst, Some(&self.name), &key.public())?;
        let text = format!("{} holds key {}, entry {} of the log", self.name, key.kid(), acked.index);
        Ok(Answer::yes(text, json!({ "holder": self.name, "kid": key.kid(), "index": acked.index })))
    }
}

fn list(args: &Affiant) -> Result<Answer> {
    let book = Station::open(&args.place)?.book()?;
    let mut text = String::new();
    let mut rows = Vec::new();
    for person in book.people() {
        let delegation = &person.delegation;
        let holder = delegation.holder.as_deref().unwrap_or_default();
        writeln!(text, "{}  {:<9} until {}  {holder}", delegation.kid(), delegation.role, delegation.not_after.date())?;
        rows.push(json!({
            "holder": holder, "kid": delegation.kid(), "role": delegation.role.word(), "index": person.index,
            "not_before": delegation.not_before, "not_after": delegation.not_after,
        }));
    }
    if rows.is_empty() {
        text.push_str("nobody holds a key yet; add people with 'affiant people add'");
    }
    Ok(Answer::yes(text, json!({ "people": rows })))
}
