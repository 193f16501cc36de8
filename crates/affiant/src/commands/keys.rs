//! `affiant keys`

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use evidence::{
    KeyId, PublicKey,
    control::{Control, Revoke, Role},
};
use ledger::{
    NoteKey,
    keys::{Key, read_public},
};
use serde_json::{Value, json};

use crate::{answer::Answer, args::Affiant, book::DelegatedKey, secrets::Secrets, station::Station};

/// The keys of the station.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List root, the log key and every key that root delegated.
    List,
    /// Delegate a key that was made elsewhere: its private half never comes here.
    Delegate(Delegate),
    /// Exchange the worker's or the registrar's key for a new one, and revoke the old.
    Rotate(Rotate),
    /// Revoke a key from now on. What it signed before stays valid.
    #[command(name = "revoke")]
    Revocation(Revocation),
    /// Put a key file under a password, or under another.
    Protect(Protect),
    /// Make a key file anywhere, e.g. on the computer of the person who is to hold it.
    New(New),
}

/// Delegate a key that was made elsewhere.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  openssl pkey -in mine.pem -pubout > mine.pub\n  affiant keys delegate mine.pub --role analyst --holder 'A. Reviewer'"
)]
pub struct Delegate {
    /// The public key: PEM, as 'openssl pkey -pubout' writes it.
    file: PathBuf,
    /// What the key may sign.
    #[arg(long)]
    role: Delegable,
    /// Who holds it, as reports will show it.
    #[arg(long, value_name = "NAME")]
    holder: String,
}

/// The roles whose keys people hold.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Delegable {
    /// Decisions: mandates, dossiers, approvals, issues.
    Analyst,
    /// Erase notes.
    Erasure,
}

/// Exchange a key.
#[derive(Debug, Args)]
#[command(
    after_help = "If it is interrupted, run it again: it goes on where it stopped.\n\nExample:\n  affiant keys rotate worker --reason 'quarterly'"
)]
pub struct Rotate {
    /// Which.
    role: Rotatable,
    /// Why, in one line. It is logged.
    #[arg(long, default_value = "rotated")]
    reason: String,
}

/// The keys that the station itself signs leaves with.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Rotatable {
    /// Signs records.
    Worker,
    /// Signs the entries of control notes.
    Registrar,
}

/// Revoke a key.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  affiant keys revoke 1f0c2b7a9d3e4f50 --reason 'left the company'")]
pub struct Revocation {
    /// The key's id, as 'affiant keys list' shows it.
    kid: KeyId,
    /// Why, in one line. It is logged.
    #[arg(long)]
    reason: String,
}

/// Put a key file under a password.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  affiant keys protect station/keys/root.pem")]
pub struct Protect {
    /// The key file. It is exchanged as a whole or not at all.
    file: PathBuf,
}

/// Make a key file.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  affiant keys new mine.pem --protect > mine.pub")]
pub struct New {
    /// Where to. Nothing is written over.
    file: PathBuf,
    /// Put it under a password.
    #[arg(long)]
    protect: bool,
}

impl Keys {
    pub(crate) fn run(&self, args: &Affiant) -> Result<Answer> {
        match self {
            Self::List => list(args),
            Self::Delegate(order) => order.run(args),
            Self::Rotate(order) => order.run(args),
            Self::Revocation(order) => order.run(args),
            Self::Protect(order) => order.run(args),
            Self::New(order) => order.run(args),
        }
    }
}

fn list(args: &Affiant) -> Result<Answer> {
    let station = Station::open(&args.place)?;
    let (reader, book) = (station.reader()?, station.book()?);
    let anchor = reader.anchor();
    let log_place = station.config.log_key.as_ref().map_or("a file".to_string(), |key| format!("token {}", key.token));
    let (root, log) = (kid_of(anchor.root.public_key()), kid_of(anchor.log.public_key()));
    let mut text = format!("{root}  root\n{log}  log        in {log_place}\n");
    for key in &book.keys {
        let DelegatedKey { delegation, leaves, revoked_at, .. } = key;
        let holder = delegation.holder.as_deref().unwrap_or_default();
        let state = match revoked_at {
            Some(index) => format!("revoked by entry {index}"),
            None => format!("until {}", delegation.not_after.date()),
        };
        writeln!(text, "{}  {:<9}  {state}, {leaves} leaves  {holder}", delegation.kid(), delegation.role.word())?;
    }
    let json =
        json!({ "root": root, "log": log, "log_key_in": log_place, "delegated": book.keys.iter().map(row).collect::<Vec<_>>() });
    Ok(Answer::yes(text, json))
}

fn row(key: &DelegatedKey) -> Value {
    let delegation = &key.delegation;
    json!({
        "kid": delegation.kid(), "role": delegation.role.word(), "holder": delegation.holder, "serial": delegation.serial,
        "not_before": delegation.not_before, "not_after": delegation.not_after, "index": key.index, "leaves": key.leaves,
        "revoked_at": key.revoked_at,
    })
}

fn kid_of(public: &[u8; 32]) -> KeyId {
    KeyId::of(&PublicKey::from(*public))
}

impl Delegate {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let station = Station::open(&args.place)?;
        let public = read_public(&self.file)?;
        let role = match self.role {
            Delegable::Analyst => Role::Analyst,
            Delegable::Erasure => Role::Erasure,
        };
        let root = station.keys().root()?;
        let acked = station.ledger()?.delegate(&root, role, Some(&self.holder), &public)?;
        let kid = KeyId::of(&public);
        let text = format!("{} holds key {kid} as {role}, entry {} of the log", self.holder, acked.index);
        Ok(Answer::yes(text, json!({ "holder": self.holder, "role": role.word(), "kid": kid, "index": acked.index })))
    }
}

impl Rotate {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let station = Station::open(&args.place)?;
        let root = station.keys().root()?;
        let role = match self.role {
            Rotatable::Worker => Role::Worker,
            Rotatable::Registrar => Role::Registrar,
        };
        let book = station.book()?;
        let coming = station.keys().coming(role)?;
        // An earlier attempt may have delegated it before it was cut short.
        if !book.keys.iter().any(|key| key.delegation.key == coming) {
            station.ledger()?.delegate(&root, role, None, &coming)?;
        }
        station.keys().exchange(role)?;
        let mut ledger = station.ledger()?;
        let mut revoked = Vec::new();
        let left = book
            .keys
            .iter()
            .filter(|key| key.delegation.role == role && key.revoked_at.is_none() && key.delegation.key != coming);
        for key in left {
            let revoke = Revoke { kid: key.delegation.kid(), from_index: ledger.size(), reason: self.reason.clone() };
            let note = ledger.sign_note(&Control::Revoke(revoke), NoteKey::Root(&root))?;
            ledger.append_note(note)?;
            revoked.push(key.delegation.kid());
        }
        let kid = KeyId::of(&coming);
        let old: Vec<String> = revoked.iter().map(ToString::to_string).collect();
        let text = format!("the {role} signs with key {kid} from now on; revoked: {}", old.join(", "));
        Ok(Answer::yes(text, json!({ "role": role.word(), "kid": kid, "revoked": revoked })))
    }
}

impl Revocation {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let station = Station::open(&args.place)?;
        let book = station.book()?;
        let Some(key) = book.keys.iter().find(|key| key.delegation.kid() == self.kid) else {
            bail!("the log delegates no key {}; 'affiant keys list' shows them", self.kid);
        };
        if let Some(index) = key.revoked_at {
            bail!("the key {} is revoked already, by entry {index}", self.kid);
        }
        if matches!(key.delegation.role, Role::Worker | Role::Registrar) {
            bail!("the station signs with the key {}: exchange it with 'affiant keys rotate {}'", self.kid, key.delegation.role);
        }
        let root = station.keys().root()?;
        let mut ledger = station.ledger()?;
        let revoke = Revoke { kid: self.kid, from_index: ledger.size(), reason: self.reason.clone() };
        let note = ledger.sign_note(&Control::Revoke(revoke), NoteKey::Root(&root))?;
        let acked = ledger.append_note(note)?;
        let text = format!("the key {} does not count from entry {} on", self.kid, acked.index);
        Ok(Answer::yes(text, json!({ "kid": self.kid, "index": acked.index })))
    }
}

impl Protect {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let path = &self.file;
        let secrets = Secrets::of(&args.place);
        // The role is only a type: what is read is written back.
        let key = Key::<ledger::keys::Root>::load_asking(path, Some(&secrets))?;
        let password = secrets.new_password(&path.display().to_string())?;
        key.save_over(path, &password)?;
        let text = format!("{} holds key {} under a password", path.display(), key.kid());
        Ok(Answer::yes(text, json!({ "file": path, "kid": key.kid() })))
    }
}

impl New {
    fn run(&self, args: &Affiant) -> Result<Answer> {
        let path: &Path = &self.file;
        let password = match self.protect {
            true => Some(Secrets::of(&args.place).new_password(&path.display().to_string())?),
            false => None,
        };
        let key = Key::<ledger::keys::Analyst>::generate()?;
        key.save(path, password.as_ref()).with_context(|| format!("cannot make {}", path.display()))?;
        let pem = ledger::keys::public_pem(&key.public());
        Ok(Answer::yes(pem.clone(), json!({ "file": path, "kid": key.kid(), "public": pem })))
    }
}
