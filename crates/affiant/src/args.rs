//! The command line, parsed without I/O.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;

const EXAMPLES: &str = "\
Examples:
  affiant demo                                    the whole line on a laboratory swarm, nothing installed
  affiant init --name log.example.org             make a station in ./station
  affiant people add 'A. Reviewer'                a key for a person who decides
  affiant mandate add film.toml --document authority.pdf --by 'I. Investigator'
  affiant dossier build film.torrent --content ./film --work film-2026 --by 'I. Investigator'
  affiant dossier approve 3f9a --by 'A. Reviewer' --statement 'watched in full, it is the film'
  affiant watch --for 2h
  affiant issue --by 'I. Investigator' --approver 'B. Approver' --out bundles
  affiant verify bundles/example-isp --anchor-sha256 <64 hex>

Exit codes: 0 done, 1 the answer is no, 2 could not try.";

/// A rights-holder evidence crawler for BitTorrent swarms.
///
/// Watches swarms for works that a rights holder has mandated, signs and logs what each peer itself sent, and
/// issues per-ISP bundles of Copyright Infringement Reports that anybody can check. An address and a port are
/// not a person.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Affiant {
    /// Which station, and its secrets.
    #[command(flatten)]
    pub place: Place,

    /// Answer in JSON on stdout.
    #[arg(long, global = true)]
    pub json: bool,

    /// Log more to stderr: -v info, -vv debug, -vvv trace. Never a peer's address.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Log as JSON lines.
    #[arg(long, global = true)]
    pub log_json: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Which station, and where its secrets are.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// The station's folder.
    #[arg(long, global = true, env = "AFFIANT_STATION", default_value = "station", value_name = "DIR")]
    pub station: PathBuf,

    /// The root key, where it is not keys/root.pem of the station: it is best kept on a medium that is in a safe.
    #[arg(long, global = true, env = "AFFIANT_ROOT_KEY", value_name = "FILE")]
    pub root_key: Option<PathBuf>,

    /// A file whose first line opens keys that are under a password, and is the PIN of a token. Without it, the
    /// credential 'affiant.password' of systemd does, or the terminal is asked.
    #[arg(long, global = true, env = "AFFIANT_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a station: keys, log and configuration.
    Init(commands::init::Init),
    /// Keys of the people who decide.
    #[command(subcommand)]
    People(commands::people::People),
    /// The keys of the station: list, delegate, rotate, revoke, put under a password.
    #[command(subcommand)]
    Keys(commands::keys::Keys),
    /// Authority to watch a work.
    #[command(subcommand)]
    Mandate(commands::mandate::Mandate),
    /// Proof of what a torrent contains.
    #[command(subcommand)]
    Dossier(commands::dossier::Dossier),
    /// Dated tables that map addresses to networks and ISPs.
    #[command(subcommand)]
    Tables(commands::tables::Tables),
    /// Watch the swarms of all mandates in force.
    Watch(commands::watch::Watch),
    /// Ask the Mainline DHT about a torrent, once and apart from any run.
    #[command(subcommand)]
    Dht(commands::dht::DhtCommand),
    /// What was seen, what can be issued, what falls due.
    Status(commands::status::Status),
    /// Issue reports: a bundle for each ISP and one for the auditor.
    Issue(commands::issue::Issue),
    /// Check a bundle against a trust anchor.
    Verify(commands::verify::Verify),
    /// Write evidence in the formats of other tools.
    #[command(subcommand)]
    Export(commands::export::Export),
    /// Say what a torrent file or magnet link is.
    Inspect(commands::inspect::Inspect),
    /// The log itself.
    #[command(subcommand)]
    Log(commands::log::Log),
    /// Watch somebody else's log: cosign what extends it, raise an alarm on a fork.
    #[command(subcommand)]
    Witness(commands::witness::Witness),
    /// The whole line on a laboratory swarm: watch, issue, verify, tamper.
    Demo(commands::demo::Demo),
    /// Print a completion script for a shell.
    Completions(commands::completions::Completions),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Affiant::command().debug_assert();
    }
}
