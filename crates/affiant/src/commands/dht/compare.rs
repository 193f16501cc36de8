//! `affiant dht compare`

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use crawler::Entrance;
use serde_json::{Value, json};
use swarm::dht::Family;

use super::{Question, v4_peers};
use crate::{answer::Answer, args::Affiant, plan, station::Station};

/// The same by our engine and by somebody else's, and what each found that the other did not.
///
/// The other is `bip_dht`, in the program `second-opinion`: it is not installed with affiant, knows no IPv6, needs some
/// thirty nodes to begin, and asks whatever node anybody names, reserved space included. Exit 0 if our engine missed
/// nobody whom the other found.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  affiant dht compare 0123456789abcdef0123456789abcdef01234567 --program target/debug/second-opinion"
)]
pub struct Compare {
    #[command(flatten)]
    question: Question,
    /// The program to compare with.
    #[arg(long, value_name = "FILE", default_value = "second-opinion")]
    program: PathBuf,
}

/// What the other found.
struct Opinion {
    peers: BTreeSet<SocketAddr>,
    has_begun: bool,
    is_complete: bool,
}

impl Compare {
    pub(super) fn run(&self, args: &Affiant) -> Result<Answer> {
        let station = Station::open(&args.place)?;
        let asked = self.question.ask(&station)?;
        let ours = v4_peers(&asked);
        let is_complete = asked.is_complete();
        let queries = asked.of(Family::V4).map_or(0, |looked_up| looked_up.finished.queries);
        let other = self.second_opinion(&station)?;
        let both = ours.intersection(&other.peers).count();
        let (only_ours, only_other) = (ours.len() - both, other.peers.len() - both);
        let text = format!(
            "our engine: {} peers by {queries} queries, {}\nbip_dht:    {} peers, {}\nboth {both}, ours alone {only_ours}, bip_dht alone {only_other}",
            ours.len(),
            if is_complete { "complete" } else { "not complete" },
            other.peers.len(),
            if other.is_complete {
                "complete"
            } else if other.has_begun {
                "not complete"
            } else {
                "found too few nodes to begin"
            },
        );
        let json = json!({
            "ours": { "peers": ours.len(), "complete": is_complete, "queries": queries },
            "bip_dht": { "peers": other.peers.len(), "complete": other.is_complete, "bootstrapped": other.has_begun },
            "both": both, "only_ours": only_ours, "only_bip_dht": only_other,
        });
        Ok(if only_other == 0 { Answer::yes(text, json) } else { Answer::no(text, json) })
    }

    fn second_opinion(&self, station: &Station) -> Result<Opinion> {
        let bind = plan::bind(&station.config).first(Ipv4Addr::UNSPECIFIED.into());
        let Some(bind @ IpAddr::V4(_)) = bind else { bail!("bip_dht knows no IPv6, and the monitor has no IPv4 address") };
        let mut command = Command::new(&self.program);
        command.args([SocketAddr::new(bind, 0).to_string(), self.question.hash()?.to_string()]);
        command.arg(self.question.patience.as_secs().max(1).to_string());
        command.args(self.entrances(station)?);
        let output = command.output().with_context(|| {
            format!("cannot start {}; 'cargo build -p second-opinion' makes it, and --program names it", self.program.display())
        })?;
        if !output.status.success() {
            bail!("{} failed: {}", self.program.display(), String::from_utf8_lossy(&output.stderr).trim());
        }
        let mut opinion = Opinion { peers: BTreeSet::new(), has_begun: false, is_complete: false };
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let said: Value =
                serde_json::from_str(line).with_context(|| format!("{} did not print JSON", self.program.display()))?;
            opinion.has_begun |= said["bootstrapped"] == true;
            opinion.is_complete |= said["ended"] == "complete";
            opinion.peers.extend(said["peer"].as_str().and_then(|peer| peer.parse::<SocketAddr>().ok()));
        }
        Ok(opinion)
    }

    /// Where it begins: where we do. Names are its own affair in no laboratory, so they are resolved here.
    fn entrances(&self, station: &Station) -> Result<Vec<String>> {
        let named = if self.question.bootstrap.is_empty() { &station.config.dht.bootstrap } else { &self.question.bootstrap };
        let is_laboratory = station.config.laboratory.is_some();
        let mut addresses = Vec::new();
        for entrance in named {
            match entrance.parse()? {
                Entrance::Address(address) => addresses.push(address),
                Entrance::Name { .. } if is_laboratory => {}
                Entrance::Name { host, port } => {
                    let found = std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), port));
                    addresses.extend(found.with_context(|| format!("'{host}' cannot be resolved"))?);
                }
            }
        }
        let scope = plan::scope(&station.config, plan::owner_seeds(&station.book()?))?;
        addresses.retain(|address| address.is_ipv4() && scope.check_service(*address).is_ok());
        if addresses.is_empty() {
            bail!("bip_dht needs an IPv4 node to begin with that may be contacted: name one with --bootstrap");
        }
        Ok(addresses.iter().map(SocketAddr::to_string).collect())
    }
}
