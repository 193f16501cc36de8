//! Our node: carries datagrams between the engine and the sockets, and tells the run what it heard.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use evidence::run::DhtAnnounce;
use evidence::{InfoHashV1, Mono, Now};
use swarm::dht::rounds::{Rounds, Step, Turn};
use swarm::dht::{Aim, Config, Dht, Ending, Event, Family, Finished, Heard, Input, NotBegun, Output, SearchId};
use tokio::sync::mpsc;

use super::entrance::{self, Entrance};
use super::sockets::{DATAGRAM_MAX, Sockets};
use super::stage::{Making, Said};
use super::{Keep, LookedUp};
use crate::prober::sleep_until;
use crate::{Clock, Stop};

pub(super) struct Node {
    dht: Dht,
    rounds: Rounds,
    sockets: Sockets,
    clock: Arc<dyn Clock>,
    hashes: Vec<InfoHashV1>,
    announce: [Option<NonZeroU16>; 2],
    open: BTreeMap<SearchId, Open>,
    entrances: Vec<Entrance>,
    is_laboratory: bool,
    /// Whether nobody answered of late, so that the names to begin with are resolved again.
    is_lost: bool,
    keep: Keep,
    keep_gap_ms: u64,
    keep_at: Mono,
    said: mpsc::Sender<Said>,
    has_said_first: bool,
}

/// A look-up under way, or one whose announces are.
struct Open {
    turn: Turn,
    heard: Heard,
    /// How it ended, once it has; what follows are announces.
    ended: Option<Box<Finished>>,
    announced: DhtAnnounce,
}

/// Pause before a look-up that could not be begun, in milliseconds.
const BUSY_MS: u64 = 1_000;

impl Node {
    pub(super) async fn new(part: Making, clock: Arc<dyn Clock>, said: mpsc::Sender<Said>) -> Self {
        let Making { plan, sockets, scope, hashes, announce, seed } = part;
        let is_laboratory = scope.is_laboratory();
        let bootstrap = entrance::resolve(&plan.bootstrap, is_laboratory).await;
        let (v4, v6) = sockets.families();
        let families: Vec<Family> =
            [(v4, Family::V4), (v6, Family::V6)].iter().filter(|(is, _)| *is).map(|(_, of)| *of).collect();
        let (exempt_local, limits, caps, budgets) = (plan.exempt_local, plan.limits, plan.caps, plan.budgets);
        let config = Config { v4, v6, bootstrap, read_only: true, announce, exempt_local, limits, caps, budgets };
        let now = clock.now();
        Self {
            dht: Dht::new(config, scope, plan.kept.as_ref(), seed.split("node", &[]), now),
            rounds: Rounds::new(hashes.len(), &families, plan.rounds, seed.split("rounds", &[]), now.mono),
            sockets,
            clock,
            hashes,
            announce,
            open: BTreeMap::new(),
            entrances: plan.bootstrap,
            is_laboratory,
            is_lost: false,
            keep: plan.keep,
            keep_gap_ms: plan.keep_gap_ms,
            keep_at: now.mono.plus_ms(plan.keep_gap_ms),
            said,
            has_said_first: false,
        }
    }

    /// Takes part until the run is stopped, or nobody listens any more. `closed` names what is no longer looked for.
    pub(super) async fn run(mut self, mut closed: mpsc::Receiver<usize>, mut stop: Stop) {
        self.dht.bootstrap(self.clock.now());
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            let Some(wake) = self.go_on().await else { break };
            let (sockets, clock) = (&self.sockets, &self.clock);
            tokio::select! {
                biased;
                () = stop.stopped() => break,
                Some(number) = closed.recv() => self.rounds.close(number),
                (length, from) = sockets.receive(&mut buffer) => {
                    let datagram = &buffer[..length];
                    self.dht.handle_input(clock.now(), Input::Received { from, datagram });
                }
                () = sleep_until(wake, clock) => self.dht.handle_input(clock.now(), Input::Timeout),
            }
        }
        self.finish().await;
    }

    /// Carries out all that is due. Returns when to look again, or nothing if nobody listens any more.
    async fn go_on(&mut self) -> Option<Mono> {
        loop {
            let until = self.drain().await?;
            let now = self.clock.now();
            if now.mono >= self.keep_at {
                self.keep.keep(&self.dht.snapshot()).await;
                self.keep_at = self.clock.now().mono.plus_ms(self.keep_gap_ms);
            }
            if self.rounds.is_first_over() && !self.has_said_first {
                self.has_said_first = true;
                self.said.send(Said::FirstRound).await.ok()?;
            }
            match self.rounds.poll(now.mono) {
                Step::Begin(turn) => self.begin(turn).await,
                Step::Wait(round) => return Some(until.min(round).min(self.keep_at)),
            }
        }
    }

    async fn begin(&mut self, turn: Turn) {
        if self.is_lost {
            self.is_lost = false;
            let bootstrap = entrance::resolve(&self.entrances, self.is_laboratory).await;
            self.dht.set_bootstrap(bootstrap);
        }
        let (now, hash) = (self.clock.now(), self.hashes[turn.number]);
        let port = self.announce[turn.family as usize];
        let begun = match port {
            Some(_) => self.dht.announce(now, hash, turn.family),
            None => self.dht.find_peers(now, hash, turn.family),
        };
        match begun {
            Ok(search) => {
                let port = port.map_or(0, NonZeroU16::get);
                let announced = DhtAnnounce { accepted: 0, port, refused: 0, silent: 0 };
                self.open.insert(search, Open { turn, heard: Heard::default(), ended: None, announced });
            }
            Err(NotBegun::Busy | NotBegun::NoSocket | NotBegun::AnnounceOff) => {
                self.rounds.put_back(turn, now.mono.plus_ms(BUSY_MS));
            }
        }
    }

    /// Sends and tells all that the engine has. Returns when it wants to be woken.
    async fn drain(&mut self) -> Option<Mono> {
        loop {
            match self.dht.poll_output() {
                Output::Send { to, datagram } => self.sockets.send(to, &datagram).await,
                Output::Event(event) => self.on_event(event).await?,
                Output::Wait(until) => return Some(until),
            }
        }
    }

    async fn on_event(&mut self, event: Event) -> Option<()> {
        match event {
            Event::Peers(hearsay) => {
                let Some(open) = self.open.get_mut(&hearsay.search) else { return Some(()) };
                if open.heard.take(&hearsay) {
                    let number = open.turn.number;
                    self.said.send(Said::Peers { number, hearsay }).await.ok()?;
                }
            }
            Event::Finished(finished) => {
                if finished.aim == Aim::Nodes {
                    self.rounds.open(finished.family);
                }
                self.is_lost |= finished.ending == Ending::Silence;
                if let Some(open) = self.open.get_mut(&finished.search) {
                    let (search, turn) = (finished.search, open.turn);
                    self.rounds.finished(self.clock.now().mono, turn, finished.ending);
                    open.ended = Some(finished);
                    self.tell(search).await?;
                }
            }
            Event::Announced { search, answer, .. } => {
                if let Some(open) = self.open.get_mut(&search) {
                    let announced = &mut open.announced;
                    match answer {
                        Some(Ok(())) => announced.accepted += 1,
                        Some(Err(_)) => announced.refused += 1,
                        None => announced.silent += 1,
                    }
                    self.tell(search).await?;
                }
            }
            Event::Sampled(_) => {}
        }
        Some(())
    }

    /// Tells how a look-up went, once its announces are settled too.
    async fn tell(&mut self, search: SearchId) -> Option<()> {
        let is_settled = |open: &Open| {
            let DhtAnnounce { accepted, refused, silent, .. } = open.announced;
            open.ended.as_ref().is_some_and(|finished| accepted + refused + silent >= finished.announces)
        };
        if self.open.get(&search).is_some_and(is_settled)
            && let Some(open) = self.open.remove(&search)
        {
            self.say(open).await?;
        }
        Some(())
    }

    async fn say(&mut self, open: Open) -> Option<()> {
        let Some(finished) = open.ended else { return Some(()) };
        let now: Now = self.clock.now();
        let network_size = self.dht.network_size(now, finished.family);
        let announced = (finished.announces > 0).then_some(open.announced);
        let heard = &open.heard;
        let looked_up =
            LookedUp { finished: *finished, naming: heard.naming(), named: heard.named(), distinct: heard.distinct(), announced };
        let said = Said::LookedUp { number: open.turn.number, at: now.stamp(), looked_up: Box::new(looked_up), network_size };
        self.said.send(said).await.ok()
    }

    /// Calls everything off, tells how far it came, and keeps the table.
    async fn finish(mut self) {
        let now = self.clock.now();
        let searches: Vec<SearchId> = self.open.keys().copied().collect();
        searches.into_iter().for_each(|search| self.dht.cancel(now, search));
        // Whoever does not listen any more needs no farewell; the table is kept all the same.
        let _ = self.drain().await;
        for (_, mut open) in std::mem::take(&mut self.open) {
            if let Some(finished) = &open.ended {
                let DhtAnnounce { accepted, refused, .. } = open.announced;
                open.announced.silent = finished.announces.saturating_sub(accepted + refused);
            }
            let _ = self.say(open).await;
        }
        self.keep.keep(&self.dht.snapshot()).await;
    }
}
