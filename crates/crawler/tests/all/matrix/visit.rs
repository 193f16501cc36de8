//! One visit: a whole run of the crawler that may use one means, from an address of its own.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use crawler::Until;
use evidence::observation::Purpose;
use evidence::{Encryption, Grade, Observation, Outcome, Phase};
use swarm::ladder::{Allowed, Means};
use swarm::{Scope, Seed, Vantages};

use super::cell::Cell;
use super::due::Seen;
use crate::lab::station::{Log, Station};
use crate::lab::torrent::Torrent;
use crate::lab::{plan, target};

/// The last used one of the addresses that visits are made from.
static VISITORS: AtomicU16 = AtomicU16::new(0);

/// An address of each family that nobody has seen yet.
fn visitor() -> (Ipv4Addr, Ipv6Addr) {
    let [high, low] = (VISITORS.fetch_add(1, Ordering::Relaxed) + 1).to_be_bytes();
    assert!(high < 2, "there are two nets for visitors");
    let net = if high == 0 { [198, 51, 100] } else { [203, 0, 113] };
    (Ipv4Addr::new(net[0], net[1], net[2], low), Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, u16::from(high), u16::from(low)))
}

/// Visits these peers, each for one cell, by one means, with as many tries as are given to each.
pub async fn visit(torrent: Arc<Torrent>, means: Means, peers: BTreeMap<SocketAddr, Cell>, tries: u32) -> Vec<(Cell, Seen)> {
    let (four, six) = visitor();
    let mut target = target(&torrent, &[]);
    target.peers = peers.keys().copied().collect();
    let mut plan = plan(four.octets()[3], vec![target]);
    plan.scope =
        Scope::laboratory(vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()], vec![], vec![]).unwrap();
    plan.bind = Vantages::new([four.into(), six.into()]);
    plan.seed = Seed::new([four.octets()[3] ^ four.octets()[2]; 32]);
    plan.until = Until::Idle { quiet_ms: 300, at_most_ms: 120_000 };
    plan.settings.probe = swarm::probe::Limits::default();
    plan.settings.probe.choked_ms = 30_000;
    plan.settings.probe.choked_transmission_ms = 30_000;
    plan.settings.roster.allowed = Allowed::only(&[means]);
    plan.settings.roster.tries_max = tries;
    plan.settings.roster.retry_first_ms = 1_000;
    plan.settings.roster.control_ms = 1_000;
    let (summary, log) = Station::found().watch(plan).await;
    summary.unwrap();
    peers.into_iter().map(|(peer, cell)| (cell, seen(&log, peer, means))).collect()
}

/// What came of the contacts with one peer: it served if two blocks came of one, and it did not answer the control visit.
fn seen(log: &Log, peer: SocketAddr, means: Means) -> Seen {
    let contacts = log.of(peer);
    assert!(contacts.iter().all(|seen| seen.volume.piece_bytes_out == 0 && seen.transport == means.transport));
    let served = contacts.iter().find(|seen| seen.grade == Grade::Served);
    if let Some(served) = served {
        assert_eq!(served.outcome, Outcome::Served { blocks: 2, pieces: 2 }, "{served:#?}");
        assert_eq!(served.encryption != Encryption::None, means.is_covered, "{served:#?}");
        let is_cleared = contacts.iter().any(|seen| seen.outcome == Outcome::NoEcho);
        assert!(is_cleared, "{peer} served and was not cleared: {contacts:#?}");
    }
    let mut probes = contacts.iter().filter(|seen| seen.purpose == Purpose::Probe);
    let last = probes.next_back().unwrap_or_else(|| panic!("{peer} was listed and is not in the log"));
    Seen { is_served: served.is_some(), outcome: outcome(last) }
}

/// A contact's grade and outcome, without its durations, which are others each time.
pub fn outcome(seen: &Observation) -> String {
    let at = |phase: &Phase| format!("at {phase:?}").to_lowercase();
    let more = match &seen.outcome {
        Outcome::NoAnswer { phase, .. } | Outcome::Closed { phase } | Outcome::Reset { phase } => at(phase),
        Outcome::Garbage { rule, phase } => format!("({rule}) {}", at(phase)),
        Outcome::LocalFault { what } => format!("({what})"),
        _ => String::new(),
    };
    format!("{}, {} {more}", seen.grade, seen.outcome.word()).trim_end().to_owned()
}
