//! The conductor and our node of the DHT: what is looked for, and what follows from what it says.

use std::num::NonZeroU16;
use std::sync::Arc;

use evidence::candidates::Candidates;
use evidence::run::RunFact;
use evidence::{InfoHashV1, Stamp, Version};
use ledger::Record;
use swarm::Vantages;

use super::Conductor;
use super::tasks::{self, Event, Logged, Naming, Shared};
use crate::TargetPlan;
use crate::dht::{LookedUp, Said, Sockets};

/// Whose peers the DHT is asked for: the number of each torrent that is not private, and its info-hashes.
pub(super) fn looked_for(targets: &[Arc<TargetPlan>]) -> Vec<(usize, InfoHashV1)> {
    let public = targets.iter().enumerate().filter(|(_, target)| !target.is_private);
    public.flat_map(|(number, target)| target.places().map(move |place| (number, place))).collect()
}

/// The port to announce in each family, if any is: the one at which the address can be called that our node has there.
pub(super) fn announced(nodes: &Sockets, ours: &Vantages, is_wished: bool) -> [Option<NonZeroU16>; 2] {
    let mut announced = [None, None];
    for address in nodes.addresses().filter(|_| is_wished) {
        announced[usize::from(address.is_ipv6())] = ours.port_at(address.ip()).and_then(NonZeroU16::new);
    }
    announced
}

impl Conductor {
    /// Logs what our node of the DHT says.
    pub(super) fn on_said(&mut self, said: Option<Said>) {
        match said {
            Some(Said::Peers { number, hearsay }) => {
                let (target, hash) = self.looked_for[number];
                let ids = self.shared.targets[target].ids;
                // Both info-hashes of a hybrid are places of their own.
                let spoken = ids.version_of(&hash).unwrap_or(Version::V1);
                let list = hearsay.candidates(self.shared.recorder.run, ids, spoken);
                let Candidates { answer_sha256, at, dropped, peers, source, spoken, via, .. } = list;
                let naming = Naming { at, source, spoken, via, answer_sha256, peers, more: dropped };
                self.tasks.spawn(tasks::named(Arc::clone(&self.shared), target, naming));
            }
            Some(Said::LookedUp { number, at, looked_up, .. }) => {
                self.progress.count_look_up(&looked_up);
                let target = self.looked_for[number].0;
                self.tasks.spawn(tell(Arc::clone(&self.shared), target, at, *looked_up));
            }
            Some(Said::FirstRound) | None => {}
        }
    }

    /// Nobody looks for this torrent's peers any more.
    pub(super) fn close_places(&self, target: usize) {
        let places = self.looked_for.iter().enumerate().filter(|(_, (of, _))| *of == target);
        places.for_each(|(number, _)| self.dht.close(number));
    }
}

/// Logs how a look-up went.
async fn tell(shared: Arc<Shared>, target: usize, at: Stamp, looked_up: LookedUp) -> Logged {
    let (fact, run) = (looked_up.fact(shared.targets[target].ids), shared.recorder.run);
    match shared.recorder.appender.append(Record::Run(RunFact { at, fact, run })).await {
        Ok(_) => Ok(Event::Told),
        Err(error) => {
            tasks::refused(&shared, "how a look-up in the DHT went", error).await?;
            Ok(Event::Untold)
        }
    }
}
