//! Peers that cannot be dialled: who is asked to introduce us, and what follows.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use evidence::observation::Purpose;
use evidence::{Digest, Mono, Now, Outcome, Transport};
use swarm::roster::{End, Summons};

use super::{Conductor, tasks};
use crate::hunt::Hunt;
use crate::link::Link;

/// A contact that came to nothing, and that nothing follows from.
pub(super) fn nothing() -> End<'static> {
    End { outcome: &Outcome::NotTried, served: None, met: None, commitment: Digest::from([0; 32]) }
}

impl Conductor {
    /// Has the relays contacted that are due to be asked, and says when to look again.
    pub(super) fn summon_relays(&mut self, now: Now) -> Mono {
        let mut wake = Mono::from_us(u64::MAX);
        for hunt in self.hunts.iter_mut().filter(|hunt| !hunt.is_closed) {
            while let Some(relay) = hunt.punch.poll(now.mono) {
                match hunt.roster.summon(now.mono, relay) {
                    Summons::Due => hunt.punch.hold(relay),
                    Summons::Busy => hunt.punch.postpone(now.mono, relay),
                    Summons::Never => hunt.punch.speaks(relay, false),
                }
            }
            wake = wake.min(hunt.punch.next_due().unwrap_or(wake));
        }
        wake
    }

    /// A relay is being contacted: whom it is to be asked for. Nobody any more, and it is left in peace.
    pub(super) fn wishes(&mut self, now: Now, target: usize, relay: SocketAddr) -> Option<Vec<SocketAddr>> {
        let hunt = &mut self.hunts[target];
        let wishes = hunt.punch.begin(relay);
        if !wishes.is_empty() {
            return Some(wishes);
        }
        self.pace.release_undecided(relay);
        hunt.roster.finish(now.mono, relay, &nothing(), &mut self.keeper);
        hunt.punch.finish(now.mono, relay, &[]);
        None
    }

    /// By which rendezvous a caller may have been told to dial us, for each torrent: both sides dial, and either may be first.
    pub(super) fn rendezvous(&self, link: &Link) -> BTreeMap<usize, Digest> {
        let of = |(target, hunt): (usize, &Hunt)| Some((target, hunt.roster.rendezvous(link.peer)?));
        match link.transport {
            Transport::Utp => self.hunts.iter().enumerate().filter_map(of).collect(),
            Transport::Tcp => BTreeMap::new(),
        }
    }

    /// What a contact that we dialled says of who can be dialled, and by whose help. `is_final` is whether the peer is tried
    /// by no other means.
    pub(super) fn learn(&mut self, now: Now, ended: &tasks::Ended, is_final: bool) {
        let hunt = &mut self.hunts[ended.target];
        if let Some(introduces) = ended.introduces {
            hunt.punch.speaks(ended.peer, introduces);
        }
        match ended.purpose {
            Purpose::Rendezvous => {
                let introduced = hunt.punch.finish(now.mono, ended.peer, &ended.connects);
                for peer in introduced {
                    self.pace.forgive(peer);
                    self.hunts[ended.target].roster.introduced(now.mono, peer, ended.commitment);
                }
            }
            _ if ended.was_reached => hunt.punch.reached(ended.peer),
            _ if is_final => hunt.punch.unreached(ended.peer),
            _ => {}
        }
    }
}

/// Whether nobody is to be asked for introductions any more, for all that is known.
pub(super) fn is_settled(hunt: &Hunt) -> bool {
    hunt.punch.next_due().is_none()
}
