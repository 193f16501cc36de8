//! One file a command.

pub mod completions;
pub mod demo;
pub mod dht;
pub mod dossier;
pub mod export;
pub mod init;
pub mod inspect;
pub mod issue;
pub mod keys;
pub mod log;
pub mod mandate;
pub mod people;
pub mod status;
pub mod tables;
pub mod verify;
pub mod watch;
pub mod witness;

use std::sync::OnceLock;

use anyhow::{Context, Result};
use evidence::{Digest, InfoHashV1, InfoHashV2, TargetIds, sha256};

use crate::{
    answer::Answer,
    args::{Affiant, Command},
};

/// Carries out what the command line asks for.
pub fn run(args: &Affiant) -> Result<Answer> {
    match &args.command {
        Command::Init(command) => command.run(args),
        Command::People(command) => command.run(args),
        Command::Keys(command) => command.run(args),
        Command::Mandate(command) => command.run(args),
        Command::Dossier(command) => command.run(args),
        Command::Tables(command) => command.run(args),
        Command::Watch(command) => command.run(args),
        Command::Dht(command) => command.run(args),
        Command::Status(command) => command.run(args),
        Command::Issue(command) => command.run(args),
        Command::Verify(command) => command.run(),
        Command::Export(command) => command.run(args),
        Command::Inspect(command) => command.run(),
        Command::Log(command) => command.run(args),
        Command::Witness(command) => command.run(args),
        Command::Demo(command) => command.run(),
        Command::Completions(command) => command.run(),
    }
}

/// The info-hashes of a torrent as the record names them.
pub(crate) fn target_of(info: &wire::metainfo::Info) -> TargetIds {
    TargetIds { v1: info.v1().map(|hash| InfoHashV1::from(hash.0)), v2: info.v2().map(|hash| InfoHashV2::from(hash.0)) }
}

/// SHA-256 of the running program, which every record names.
pub(crate) fn release_sha256() -> Result<Digest> {
    static RELEASE: OnceLock<Digest> = OnceLock::new();
    if let Some(digest) = RELEASE.get() {
        return Ok(*digest);
    }
    // The file that runs, even if another has taken its name since: an upgrade must not change what a record says.
    let bytes = std::fs::read("/proc/self/exe").context("cannot read the running program at /proc/self/exe")?;
    Ok(*RELEASE.get_or_init(|| sha256(&bytes)))
}
