//! How a station takes part in the Mainline DHT: its configuration, and what it keeps from run to run.

use std::{fs, path::PathBuf};

use anyhow::Result;
use crawler::{DhtPlan, Entrance, Keep};
use swarm::{
    dht::{BUDGETS, Caps, Limits, Snapshot, rounds},
    pace::Budgets,
};

use crate::station::Station;

/// How often the nodes are kept, in milliseconds.
const KEEP_GAP_MS: u64 = 600_000;

/// What a laboratory on one machine bears: few nodes, which are asked about every torrent.
const LABORATORY_BUDGETS: Budgets =
    Budgets { total: 1_000, per_address: 32, per_network: 1_000, per_second: 1_000, per_address_hour: 100_000, ..BUDGETS };

/// How a run takes part; nothing if the configuration says that it does not, or if nobody is known to begin with.
pub fn plan(station: &Station) -> Result<Option<DhtPlan>> {
    if !station.config.dht.enabled {
        return Ok(None);
    }
    let plan = with(station, &station.config.dht.bootstrap)?;
    if plan.bootstrap.is_empty() && plan.kept.is_none() {
        tracing::info!("dht.bootstrap names nobody to begin with: the DHT is not asked");
        return Ok(None);
    }
    Ok(Some(plan))
}

/// How a look-up takes part that begins at these entrances.
pub fn with(station: &Station, bootstrap: &[String]) -> Result<DhtPlan> {
    let config = &station.config;
    let is_laboratory = config.laboratory.is_some();
    let entrances: Vec<Entrance> = bootstrap.iter().map(|entrance| entrance.parse()).collect::<Result<_, _>>()?;
    let may_be_asked = |entrance: &Entrance| !is_laboratory || matches!(entrance, Entrance::Address(_));
    let path = path(station);
    Ok(DhtPlan {
        bootstrap: entrances.into_iter().filter(may_be_asked).collect(),
        port: config.dht.port,
        announce: config.dht.announce,
        kept: kept(station),
        keep: Keep::new(move |text| {
            if let Err(fault) = ledger::durable::replace(&path, text.as_bytes()) {
                tracing::warn!(%fault, "the DHT nodes that answered could not be kept for the next run");
            }
        }),
        keep_gap_ms: KEEP_GAP_MS,
        exempt_local: true,
        limits: Limits::default(),
        caps: if is_laboratory { Caps::LABORATORY } else { Caps::default() },
        budgets: if is_laboratory { LABORATORY_BUDGETS } else { BUDGETS },
        rounds: rounds::Limits::default(),
    })
}

fn path(station: &Station) -> PathBuf {
    station.dir.join("dht.txt")
}

/// What an earlier run kept. It only saves time, so a file that cannot be read is no reason to stop.
fn kept(station: &Station) -> Option<Snapshot> {
    let path = path(station);
    let text = fs::read_to_string(&path).ok()?;
    match Snapshot::parse(&text) {
        Ok(snapshot) => Some(snapshot).filter(|snapshot| !snapshot.nodes.is_empty()),
        Err(fault) => {
            tracing::warn!(path = %path.display(), %fault, "what an earlier run kept of the DHT is left aside");
            None
        }
    }
}
