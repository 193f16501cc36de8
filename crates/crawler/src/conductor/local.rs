//! Local discovery: what neighbours call out, on its way into the log and to the roster, and what we call out ourselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use evidence::observation::Source;
use evidence::{InfoHashV1, Mono, Version};
use swarm::local::{Local, Neighbour};
use swarm::{Seed, Vantages};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Conductor, TargetPlan, tasks};
use crate::local::{self, Voices, WHISPERS_MAX, Whisper};
use crate::plan::LocalDiscovery;
use crate::{Settings, WatchError};
use tasks::Naming;

/// The hashes by which neighbours may name a torrent: none of a private one (BEP 27).
pub(super) fn public_names(
    targets: &[Arc<TargetPlan>],
    by_hash: &BTreeMap<InfoHashV1, (usize, Version)>,
) -> BTreeMap<InfoHashV1, usize> {
    let public = by_hash.iter().filter(|(_, (number, _))| !targets[*number].is_private);
    public.map(|(info_hash, (number, _))| (*info_hash, *number)).collect()
}

/// What a run has of its own network. Nothing, unless the plan asks for it.
pub(super) struct Neighbourhood {
    engine: Option<Local>,
    voices: Voices,
    pub(super) whispers: mpsc::Receiver<Whisper>,
}

impl Neighbourhood {
    pub(super) fn open(
        wish: LocalDiscovery,
        torrents: BTreeMap<InfoHashV1, usize>,
        bind: &Vantages,
        settings: &Settings,
        seed: &Seed,
        now: Mono,
        acceptors: &mut JoinSet<()>,
    ) -> Result<Self, WatchError> {
        let (into, whispers) = mpsc::channel(WHISPERS_MAX);
        if wish == LocalDiscovery::Off {
            return Ok(Self { engine: None, voices: Voices::default(), whispers });
        }
        for socket in local::listen(bind)? {
            acceptors.spawn(local::hear(socket, into.clone()));
        }
        let announces = wish == LocalDiscovery::Announce;
        let voices = if announces { Voices::open(bind)? } else { Voices::default() };
        let engine = Some(Local::new(torrents, announces, settings.local, seed, now));
        Ok(Self { engine, voices, whispers })
    }

    pub(super) fn forget(&mut self, target: usize) {
        if let Some(engine) = &mut self.engine {
            engine.forget(target);
        }
    }

    /// Calls out what is due, and says when to look again.
    pub(super) fn speak(&mut self, now: Mono) -> Mono {
        let never = Mono::from_us(u64::MAX);
        let Some(engine) = &mut self.engine else { return never };
        while let Some(torrent) = engine.poll_due(now) {
            self.voices.say(|port, is_v6| engine.announcement(torrent, port, is_v6));
        }
        engine.next_due().unwrap_or(never)
    }

    fn heard(&mut self, now: Mono, whisper: &Whisper) -> Vec<Neighbour> {
        let engine = self.engine.as_mut();
        engine.map(|engine| engine.handle_datagram(now, whisper.from, &whisper.datagram)).unwrap_or_default()
    }
}

impl Conductor {
    /// Has every neighbour logged that shares one of our torrents. None is contacted before.
    pub(super) fn on_whisper(&mut self, whisper: &Whisper) -> Result<(), WatchError> {
        let now = self.now()?;
        for neighbour in self.neighbourhood.heard(now.mono, whisper) {
            let Neighbour { target, info_hash, peer, from, sha256 } = neighbour;
            if self.hunts[target].is_closed {
                continue;
            }
            let naming = Naming {
                at: now.stamp(),
                source: Source::Local,
                spoken: self.shared.by_hash.get(&info_hash).map(|(_, spoken)| *spoken),
                via: format!("local:{from}"),
                answer_sha256: sha256,
                peers: vec![peer],
                more: 0,
            };
            self.tasks.spawn(tasks::named(Arc::clone(&self.shared), target, naming));
        }
        Ok(())
    }
}
