//! Peers behind routers that translate addresses, in network namespaces of the tests' own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crawler::{Stopper, Summary, Until, WatchPlan};
use evidence::{Direction, Grade, Observation, PeerId, PortRole, Transport};
use librqbit_utp::UtpSocket;
use swarm::ladder::Allowed;
use swarm::{Scope, Vantages};
use swarmlab::nat::{Home, Internet, Nat, inside};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

use crate::lab::peer::{self, Kind};
use crate::lab::station::{Log, Station};
use crate::lab::torrent::Torrent;
use crate::lab::{plan, target, tracker};

mod callers;
mod clients;
mod forwarded;
mod punched;

/// Where the monitor is.
const MONITOR: &str = "192.0.2.1:6881";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

/// A plan of a monitor on the public network of the laboratory that runs until it is stopped.
fn public(torrent: &Torrent, trackers: &[&str]) -> WatchPlan {
    let mut plan = plan(1, vec![target(torrent, trackers)]);
    let networks = ["192.0.2.0/24", "203.0.113.0/24"].map(|network| network.parse().unwrap());
    plan.scope = Scope::laboratory(networks.to_vec(), vec![], vec![]).unwrap();
    plan.bind = Vantages::new([at(MONITOR).ip()]);
    plan.listen = vec![at(MONITOR)];
    plan.announce_port = None;
    plan.settings.roster.allowed = Allowed::ALL;
    plan.until = Until::Duration(60_000);
    plan
}

/// A run that goes on beside the test, until the test has seen what it waits for.
struct Watch {
    stopper: Stopper,
    run: tokio::task::JoinHandle<Summary>,
    station: Station,
    served: tokio::sync::watch::Receiver<u64>,
}

impl Watch {
    fn begin(plan: WatchPlan) -> Self {
        let station = Station::found();
        let (stopper, stop) = crawler::stopper();
        let (sender, served) = tokio::sync::watch::channel(0);
        let (appender, clock) = (station.appender.clone(), Arc::clone(&station.clock));
        let run = tokio::spawn(async move {
            let note = move |progress: &crawler::Progress| {
                sender.send_replace(progress.grades.get(&Grade::Served).copied().unwrap_or(0));
            };
            crawler::watch(plan, appender, crate::lab::nowhere, clock, stop, note).await.unwrap()
        });
        Self { stopper, run, station, served }
    }

    /// Ends the run once so many contacts have served.
    async fn until_served(mut self, contacts: u64) -> Log {
        tokio::select! {
            Ok(_) = self.served.wait_for(|served| *served >= contacts) => {}
            _ = &mut self.run => panic!("the run ended first"),
        }
        self.end().await
    }

    /// Ends the run once the log has it, or at its own end.
    async fn until(self, is_enough: impl Fn(&Log) -> bool) -> Log {
        while !self.run.is_finished() && !is_enough(&Log::read(self.station.folder.path())) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        self.end().await
    }

    async fn end(self) -> Log {
        self.stopper.stop();
        self.run.await.unwrap();
        self.station.close().await
    }
}

fn served(log: &Log) -> Vec<&Observation> {
    log.observations.iter().map(|(_, observation)| observation).filter(|observation| observation.grade == Grade::Served).collect()
}
