//! What peers say of others, on its way into the log and to the roster.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use evidence::endpoint;
use evidence::observation::Source;
use wire::pex::{PexFlags, PexPeer};

use super::{Conductor, tasks};
use crate::WatchError;
use crate::ear::Rumour;
use tasks::Naming;

impl Conductor {
    /// Decides how much of it is taken, and has that logged. Nobody is contacted for it before.
    pub(super) fn heard(&mut self, rumour: Rumour) -> Result<(), WatchError> {
        let now = self.now()?;
        let Rumour { target, teller, hearsay } = rumour;
        let hunt = &mut self.hunts[target];
        if hunt.plan.is_private || hunt.plan.mandates_in_force(now.utc).is_empty() {
            return Ok(());
        }
        let teller = endpoint::canonical(teller);
        let named: Vec<SocketAddr> = hearsay.peers.iter().map(|peer| peer.address).collect();
        let count = named.len();
        let peers = hunt.take_gossip(teller.ip(), hearsay.grade, named);
        self.progress.gossip_refused += (count - peers.len()) as u64;
        if peers.is_empty() {
            return Ok(());
        }
        let speaks = |peer: &&PexPeer| peer.flags.is_some_and(PexFlags::holepunch);
        let speaking: BTreeSet<SocketAddr> = hearsay.peers.iter().filter(speaks).map(|peer| peer.address).collect();
        for peer in &peers {
            hunt.punch.named(teller, *peer, speaking.contains(peer));
        }
        let more = u32::try_from(count - peers.len()).unwrap_or(u32::MAX).saturating_add(hearsay.passed_over);
        let naming = Naming {
            spoken: None,
            at: hearsay.at,
            source: Source::Pex,
            via: format!("pex:{teller}"),
            answer_sha256: hearsay.sha256,
            peers,
            more,
        };
        self.tasks.spawn(tasks::named(Arc::clone(&self.shared), target, naming));
        Ok(())
    }
}
