//! One look-up outside any run: for an operator who asks, and for the metadata of a magnet.
//!
//! Nothing is recorded, and nothing is announced.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evidence::{Digest, InfoHashV1};
use swarm::dht::{Ending, Family, IdCheck, NodeId};
use swarm::{Scope, Seed, Vantages};

use super::{DhtPlan, LookedUp, Making, Said, Sockets, Stage};
use crate::{Clock, Stop, WatchError, stopper};

/// What is looked up, and how.
#[derive(Clone, Debug)]
pub struct LookUpPlan {
    /// The info-hash: for a version 2 torrent the truncated one (BEP 52).
    pub info_hash: InfoHashV1,
    /// How we take part in the DHT.
    pub dht: DhtPlan,
    /// Who may be contacted.
    pub scope: Scope,
    /// Our addresses.
    pub bind: Vantages,
    /// The longest look-up.
    pub patience: Duration,
    /// Chance.
    pub seed: Seed,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Asked {
    /// How it went in each family, and how many nodes that family's DHT has, roughly, if that is known.
    pub look_ups: Vec<(LookedUp, Option<u64>)>,
    /// The answers that named peers not named before.
    pub answers: Vec<Naming>,
    /// The peers named, each once. Hearsay.
    pub peers: BTreeSet<SocketAddr>,
}

/// An answer that named peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Which node: the id it gave.
    pub id: NodeId,
    /// Where it is.
    pub address: SocketAddr,
    /// Whether its address may have its id (BEP 42).
    pub check: IdCheck,
    /// Leading bits that its id shares with the info-hash.
    pub shared_bits: u8,
    /// How many it named.
    pub named: usize,
    /// SHA-256 of its answer.
    pub sha256: Digest,
}

impl Asked {
    /// Whether all of the closest nodes answered, in each family where anybody answered at all, and somebody did.
    pub fn is_complete(&self) -> bool {
        let endings = || self.look_ups.iter().map(|(looked_up, _)| looked_up.finished.ending);
        let is_fine = |ending| matches!(ending, Ending::Complete | Ending::Silence);
        endings().any(|ending| ending == Ending::Complete) && endings().all(is_fine)
    }

    /// How it went in one family.
    pub fn of(&self, family: Family) -> Option<&LookedUp> {
        self.look_ups.iter().map(|(looked_up, _)| looked_up).find(|looked_up| looked_up.finished.family == family)
    }
}

/// Looks an info-hash up, in each family that we have an address of.
///
/// # Errors
/// If a socket cannot be opened.
pub async fn look_up(plan: LookUpPlan, clock: Arc<dyn Clock>, mut stop: Stop) -> Result<Asked, WatchError> {
    let sockets = Sockets::open(&plan.bind, plan.dht.port)?;
    let mut scope = plan.scope;
    sockets.addresses().for_each(|address| scope.add_own(address));
    let (stopper, inner) = stopper();
    let mut stage = Stage::begin(
        Making { plan: plan.dht, sockets, scope, hashes: vec![plan.info_hash], announce: [None, None], seed: plan.seed },
        clock,
        inner,
    );
    let deadline = tokio::time::sleep(plan.patience);
    tokio::pin!(deadline);
    let (mut asked, mut is_stopped) = (Asked::default(), false);
    loop {
        tokio::select! {
            said = stage.said() => match said {
                None => return Ok(asked),
                Some(Said::FirstRound) => stopper.stop(),
                Some(Said::LookedUp { looked_up, network_size, .. }) => asked.look_ups.push((*looked_up, network_size)),
                Some(Said::Peers { hearsay, .. }) => {
                    asked.answers.push(Naming {
                        id: hearsay.node.id,
                        address: hearsay.node.address,
                        check: hearsay.check,
                        shared_bits: hearsay.shared_bits,
                        named: hearsay.peers.len(),
                        sha256: hearsay.sha256,
                    });
                    asked.peers.extend(hearsay.peers);
                }
            },
            () = &mut deadline, if !is_stopped => { is_stopped = true; stopper.stop() }
            () = stop.stopped(), if !is_stopped => { is_stopped = true; stopper.stop() }
        }
    }
}

/// The peers that the DHT names, for whoever needs no more than that.
pub(crate) async fn peers(plan: LookUpPlan, clock: &Arc<dyn Clock>, stop: &Stop) -> Vec<SocketAddr> {
    match look_up(plan, Arc::clone(clock), stop.clone()).await {
        Ok(asked) => asked.peers.into_iter().collect(),
        Err(_) => {
            // The error names an address of ours, which the operator has in the configuration.
            tracing::warn!("our DHT node cannot be opened: the DHT is not asked");
            Vec::new()
        }
    }
}
