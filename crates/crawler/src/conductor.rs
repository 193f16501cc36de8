//! The run: one task that decides, and many that wait for a tracker, a peer or the log.
//!
//! The conductor never waits for anything but the next event. What it starts is bounded: contacts by the pace,
//! questions to trackers and records of contacts never made by the settings, callers by a queue.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evidence::observation::{Found, Purpose, Source};
use evidence::run::{Fact, RunFact};
use evidence::{Attribution, Direction, Grade, InfoHashV1, Mono, Now, Outcome, Utc, Version};
use ledger::{Appender, Record};
use swarm::announce::{Ask, Event as Announce, Step};
use swarm::continuity::Keeper;
use swarm::ladder::Means;
use swarm::pace::{Pace, Part, Throttled};
use swarm::probe::Identity;
use swarm::roster::Errand;
use swarm::{Scope, Seed, Vantages, roster};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

mod end;
mod gossip;
mod local;
mod nodes;
mod punch;
mod tasks;

use crate::dht::{Making, Sockets, Stage};
use crate::ear::{RUMOURS_MAX, Rumour};
use crate::hunt::{Fate, Hunt, spoken_names};
use crate::listener::{self, Caller};
use crate::prober::sleep_until;
use crate::recorder::{Attribute, Context, Recorder};
use crate::trackers::{Question, Reach};
use crate::utp::{self, Ports};
use crate::{Clock, Progress, Reason, Stop, Stopper, Summary, TargetPlan, Until, WatchError, WatchPlan, stopper};
use local::Neighbourhood;
use tasks::{Event, Listed, Shared};

/// Watches until the plan's end or until stopped, whichever comes first. Everything recorded is durable when it
/// returns, also with an error.
///
/// `attribute` says which network an address belonged to at the moment of the first verified block, or without one when
/// the contact began. `progress` is called now and then with counts.
///
/// # Errors
/// If the plan names a torrent that may not be watched, a listener cannot be opened, or the log takes no more records.
pub async fn watch(
    plan: WatchPlan,
    appender: Appender,
    attribute: impl Fn(IpAddr, Utc) -> Attribution + Send + Sync + 'static,
    clock: Arc<dyn Clock>,
    mut stop: Stop,
    mut progress: impl FnMut(&Progress) + Send,
) -> Result<Summary, WatchError> {
    let mut conductor = Conductor::begin(plan, appender, Box::new(attribute), clock).await?;
    let mut reported = conductor.started;
    loop {
        let now = conductor.now()?;
        let wake = conductor.decide(now);
        if now.mono >= reported {
            progress(&conductor.progress);
            reported = now.mono.plus_ms(conductor.shared.settings.progress_gap_ms);
        }
        if conductor.is_over() {
            break;
        }
        let clock = Arc::clone(&conductor.shared.clock);
        let is_running = conductor.ending.is_none();
        tokio::select! {
            biased;
            () = stop.stopped(), if is_running => conductor.end(Reason::Stopped),
            Some(joined) = conductor.tasks.join_next(), if !conductor.tasks.is_empty() => conductor.joined(joined)?,
            Some(caller) = conductor.callers.recv(), if is_running => conductor.on_caller(caller)?,
            Some(rumour) = conductor.rumours.recv() => conductor.heard(rumour)?,
            said = conductor.dht.said(), if !conductor.dht.is_over() => conductor.on_said(said),
            Some(whisper) = conductor.neighbourhood.whispers.recv(), if is_running => conductor.on_whisper(&whisper)?,
            () = sleep_until(wake.min(reported), &clock) => {}
        }
        // Much may have ended at once: all of it is taken in before anything is decided.
        while let Some(joined) = conductor.tasks.try_join_next() {
            conductor.joined(joined)?;
        }
        // A contact hands on what it heard before it ends, so nothing is left behind once the last one has.
        while let Ok(rumour) = conductor.rumours.try_recv() {
            conductor.heard(rumour)?;
        }
    }
    let summary = conductor.finish().await?;
    progress(&summary.progress);
    Ok(summary)
}

struct Conductor {
    shared: Arc<Shared>,
    until: Until,
    hunts: Vec<Hunt>,
    pace: Pace,
    keeper: Keeper,
    scope: Scope,
    bind: Vantages,
    tasks: JoinSet<Result<Event, ledger::AppendError>>,
    callers: mpsc::Receiver<Caller>,
    rumours: mpsc::Receiver<Rumour>,
    neighbourhood: Neighbourhood,
    acceptors: JoinSet<()>,
    dht: Stage,
    /// Whose peers the DHT is asked for: the number of the torrent and one of its info-hashes.
    looked_for: Vec<(usize, InfoHashV1)>,
    papers: VecDeque<Paper>,
    papers_open: usize,
    asks: VecDeque<(usize, Version, Ask)>,
    asks_open: usize,
    contacts: u64,
    stopper: Stopper,
    stop: Stop,
    started: Mono,
    seen: Mono,
    clock_due: Mono,
    quiet_since: Option<Mono>,
    ending: Option<Reason>,
    /// Whether the farewells are under way: nothing but records and they may follow.
    is_closing: bool,
    next_hunt: usize,
    progress: Progress,
}

/// A contact that was not made, to be recorded.
struct Paper {
    target: usize,
    peer: SocketAddr,
    found: Found,
    outcome: Outcome,
}

/// How long a peer waits whose address or network is busy, in milliseconds.
const BUSY_MS: u64 = 250;

/// The longest farewell to a tracker.
const FAREWELL: Duration = Duration::from_secs(5);

impl Conductor {
    async fn begin(
        mut plan: WatchPlan,
        appender: Appender,
        attribute: Attribute,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, WatchError> {
        let now = clock.now();
        plan.check(now.utc)?;
        let mut scope = plan.scope;
        let (sender, callers) = mpsc::channel(listener::CALLERS_MAX);
        let (into, rumours) = mpsc::channel(RUMOURS_MAX);
        let mut acceptors = JoinSet::new();
        let mut observers = Vec::new();
        for address in &plan.listen {
            let listener = listener::listen(*address)?;
            let address = listener.local_addr().map_err(|source| WatchError::Listen { address: *address, source })?;
            scope.add_own(address);
            observers.push(address);
            acceptors.spawn(listener::accept(listener, sender.clone(), Arc::clone(&clock)));
        }
        let allowed = plan.settings.roster.allowed;
        let has_utp = allowed.allows(Means::UTP) || allowed.allows(Means::UTP_MSE);
        plan.settings.probe.is_introducible &= has_utp;
        let ports = if has_utp { Ports::open(&observers, &plan.bind, plan.settings.pace.total).await? } else { Ports::none() };
        ports.addresses().for_each(|address| scope.add_own(address));
        for socket in ports.sockets() {
            acceptors.spawn(utp::accept(socket, sender.clone(), Arc::clone(&clock)));
        }
        observers.iter().for_each(|listener| plan.bind.listen(*listener));
        if let Some(port) = plan.announce_port {
            plan.bind.name_port(port);
        }
        let identity = Identity::new(plan.client.clone(), None, plan.seed).with_vantages(plan.bind.clone());
        // From one address a peer is not proved twice in a row.
        let vantages = |family: IpAddr| u32::try_from(plan.bind.family(family).count()).unwrap_or(u32::MAX).max(1);
        let roster = &mut plan.settings.roster;
        roster.vantages_v4 = roster.vantages_v4.min(vantages(Ipv4Addr::UNSPECIFIED.into()));
        roster.vantages_v6 = roster.vantages_v6.min(vantages(Ipv6Addr::UNSPECIFIED.into()));
        let vantages_max = roster.vantages_v4.max(roster.vantages_v6);
        let nodes = plan.dht.as_ref().map(|dht| Sockets::open(&plan.bind, dht.port)).transpose()?;
        nodes.iter().flat_map(Sockets::addresses).for_each(|address| scope.add_own(address));
        let targets: Vec<Arc<TargetPlan>> = plan.targets.into_iter().map(Arc::new).collect();
        let by_hash: BTreeMap<InfoHashV1, (usize, Version)> = targets.iter().enumerate().flat_map(spoken_names).collect();
        let names = local::public_names(&targets, &by_hash);
        let neighbourhood =
            Neighbourhood::open(plan.local, names, &plan.bind, &plan.settings, &plan.seed, now.mono, &mut acceptors)?;
        let hunts = targets.iter().map(|target| {
            let seed = plan.seed.split("target", target.ids.to_string().as_bytes());
            Hunt::new(Arc::clone(target), &plan.settings, seed, now.mono)
        });
        let hunts = hunts.collect();
        let named = plan.bind.iter().map(|vantage| vantage.address).filter(|address| !address.is_unspecified());
        observers.extend(named.map(|address| SocketAddr::new(address, 0)));
        let (stopper, stop) = stopper();
        let looked_for = nodes::looked_for(&targets);
        let dht = plan.dht.zip(nodes).map(|(dht, sockets)| {
            let announce = nodes::announced(&sockets, &plan.bind, dht.announce);
            let hashes = looked_for.iter().map(|(_, hash)| *hash).collect();
            let making = Making { plan: dht, sockets, scope: scope.clone(), hashes, announce, seed: plan.seed.split("dht", &[]) };
            Stage::begin(making, Arc::clone(&clock), stop.clone())
        });
        let shared = Arc::new(Shared {
            recorder: Recorder {
                appender,
                attribute,
                run: plan.run,
                laboratory: scope.is_laboratory(),
                config_sha256: plan.config_sha256,
                release_sha256: plan.release_sha256,
            },
            reach: Reach {
                bind: plan.bind.clone(),
                scope: scope.clone(),
                client: plan.client,
                patience: Duration::from_millis(plan.settings.tracker_ms),
                seed: plan.seed.split("trackers", &[]),
            },
            ports,
            torrents: by_hash.keys().copied().collect(),
            by_hash,
            clock,
            identity,
            targets,
            settings: plan.settings,
            seed: plan.seed,
            rumours: into,
        });
        let mut conductor = Self {
            until: plan.until,
            hunts,
            pace: Pace::new(plan.settings.pace, now.mono),
            keeper: Keeper::new(plan.settings.revisit, vantages_max, &plan.settings.pace),
            scope,
            bind: plan.bind,
            tasks: JoinSet::new(),
            callers,
            rumours,
            neighbourhood,
            acceptors,
            dht: dht.unwrap_or_else(Stage::none),
            looked_for,
            papers: VecDeque::new(),
            papers_open: 0,
            asks: VecDeque::new(),
            asks_open: 0,
            contacts: 0,
            stopper,
            stop,
            started: now.mono,
            seen: now.mono,
            clock_due: now.mono,
            quiet_since: None,
            ending: None,
            is_closing: false,
            next_hunt: 0,
            progress: Progress::default(),
            shared,
        };
        let started = Fact::Started {
            config_sha256: plan.config_sha256,
            laboratory: conductor.scope.is_laboratory(),
            observers,
            release_sha256: plan.release_sha256,
            tables_sha256: plan.tables_sha256,
            targets: conductor.hunts.iter().map(|hunt| hunt.plan.ids).collect(),
            version: plan.version,
        };
        conductor.state(started).await?;
        for target in 0..conductor.hunts.len() {
            let plan = &conductor.hunts[target].plan;
            if !plan.peers.is_empty() && !plan.is_private {
                let naming = tasks::magnet_peers(&conductor.shared, target);
                conductor.tasks.spawn(tasks::named(Arc::clone(&conductor.shared), target, naming));
            }
        }
        tracing::info!(run = %plan.run, targets = conductor.hunts.len(), "the run begins");
        Ok(conductor)
    }

    /// Both clocks. A monotonic clock that goes back is a broken one: nothing may be built on it.
    fn now(&mut self) -> Result<Now, WatchError> {
        let now = self.shared.clock.now();
        if now.mono < self.seen {
            return Err(WatchError::ClockWentBack { from: self.seen, to: now.mono });
        }
        self.seen = now.mono;
        Ok(now)
    }

    /// Starts whatever is due, and says when to look again.
    fn decide(&mut self, now: Now) -> Mono {
        let mut wake = Mono::from_us(u64::MAX);
        if now.mono >= self.clock_due {
            self.tasks.spawn(tasks::clock_reading(Arc::clone(&self.shared)));
            self.clock_due = now.mono.plus_ms(self.shared.settings.clock_gap_ms);
        }
        wake = wake.min(self.clock_due);
        if self.ending.is_none() {
            self.close_lapsed(now);
            wake = wake.min(self.ask_trackers(now)).min(self.summon_relays(now)).min(self.dial(now));
            wake = wake.min(self.neighbourhood.speak(now.mono));
            wake = wake.min(self.look_at_end(now));
        }
        if self.ending.is_some() && !self.is_closing && self.tasks.is_empty() && self.dht.is_over() {
            self.close();
        }
        self.start_asks();
        self.file_papers();
        self.progress.open = u64::from(self.pace.open());
        (self.progress.kept, self.progress.continuity_lost) = (self.keeper.kept(), self.keeper.lost());
        wake
    }

    fn ask_trackers(&mut self, now: Now) -> Mono {
        let mut wake = Mono::from_us(u64::MAX);
        for (target, hunt) in self.hunts.iter_mut().enumerate() {
            if hunt.is_closed {
                continue;
            }
            for voice in &mut hunt.voices {
                loop {
                    match voice.announcer.poll(now.mono) {
                        Step::Ask(ask) => self.asks.push_back((target, voice.spoken, ask)),
                        Step::Wait(until) => {
                            wake = wake.min(until);
                            break;
                        }
                    }
                }
            }
        }
        wake
    }

    fn start_asks(&mut self) {
        while self.asks_open < self.shared.settings.tracker_asks_max {
            let Some((target, spoken, ask)) = self.asks.pop_front() else { return };
            let hunt = &self.hunts[target];
            // A voice speaks by a hash that there is.
            let Some(info_hash) = hunt.plan.ids.spoken(spoken) else { continue };
            self.contacts += 1;
            let (peer_id, key) = hunt.known_as(&self.shared.identity, &ask.url);
            let question = Question {
                url: ask.url.clone(),
                info_hash,
                peer_id,
                event: ask.event,
                downloaded: hunt.downloaded,
                // Before the metadata is known, what is left is known only not to be nothing.
                left: hunt.plan.total_bytes.unwrap_or(1),
                numwant: self.shared.settings.numwant,
                key,
                scrape: ask.scrape,
            };
            let mut reach = self.shared.reach.clone();
            reach.seed = reach.seed.split("question", &self.contacts.to_be_bytes());
            if ask.event == Announce::Stopped {
                reach.patience = reach.patience.min(FAREWELL);
            }
            self.asks_open += 1;
            self.tasks.spawn(tasks::ask(Arc::clone(&self.shared), (target, spoken), ask, question, reach, self.stop.clone()));
        }
    }

    /// Dials whoever is due, each torrent in its turn, as far as the budgets go.
    fn dial(&mut self, now: Now) -> Mono {
        let mut idle = 0;
        while idle < self.hunts.len() {
            if self.pace.open() >= self.shared.settings.pace.total {
                return Mono::from_us(u64::MAX);
            }
            let target = self.next_hunt % self.hunts.len();
            self.next_hunt = target + 1;
            let hunt = &mut self.hunts[target];
            let Some(job) = (if hunt.is_closed { None } else { hunt.roster.take_due(now.mono, &mut self.keeper) }) else {
                idle += 1;
                continue;
            };
            idle = 0;
            let reserved = self.keeper.reserved(job.peer.ip());
            let part = if job.is_kept { Part::Kept } else { Part::Rest { reserved } };
            match self.pace.admit_within(now.mono, job.peer, part) {
                Ok(()) => {
                    let wishes = match job.errand {
                        Errand::Rendezvous => self.wishes(now, target, job.peer),
                        Errand::Probe | Errand::Control { .. } => Some(vec![]),
                    };
                    let Some(wishes) = wishes else { continue };
                    self.contacts += 1;
                    let hunt = &self.hunts[target];
                    let mandates = hunt.plan.mandates_in_force(now.utc);
                    let named = (target, hunt.spoken_to(job.peer));
                    let seed = self.contact_seed(job.peer);
                    let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
                    self.tasks.spawn(tasks::contact(shared, named, job, wishes, mandates, seed, stop));
                }
                Err(Throttled::Total) => {
                    hunt.roster.put_back(job.peer, now.mono);
                    return Mono::from_us(u64::MAX);
                }
                Err(Throttled::Rate(until)) => {
                    hunt.roster.put_back(job.peer, now.mono);
                    return until;
                }
                Err(Throttled::Address | Throttled::Network) => hunt.roster.put_back(job.peer, now.mono.plus_ms(BUSY_MS)),
                Err(Throttled::Hour(until) | Throttled::BackOff(until)) => hunt.roster.put_back(job.peer, until),
            }
        }
        let open = self.hunts.iter().filter(|hunt| !hunt.is_closed);
        open.filter_map(|hunt| hunt.roster.next_due()).min().unwrap_or(Mono::from_us(u64::MAX))
    }

    fn contact_seed(&self, peer: SocketAddr) -> Seed {
        self.shared.seed.split("contact", format!("{} {peer}", self.contacts).as_bytes())
    }

    /// Closes every torrent that is not closed yet.
    fn close(&mut self) {
        self.is_closing = true;
        (0..self.hunts.len()).for_each(|target| self.close_hunt(target));
    }

    /// Closes the torrents whose mandates are no longer in force. A contact that is under way ends as it would.
    fn close_lapsed(&mut self, now: Now) {
        for target in 0..self.hunts.len() {
            let hunt = &self.hunts[target];
            if !hunt.is_closed && hunt.plan.mandates_in_force(now.utc).is_empty() {
                tracing::warn!(target = %hunt.plan.ids, "its mandates are no longer in force: its peers are contacted no more");
                self.asks.retain(|(asking, ..)| *asking != target);
                self.close_hunt(target);
            }
        }
    }

    /// Says farewell to a torrent's trackers and accounts for every peer that was never contacted.
    fn close_hunt(&mut self, target: usize) {
        self.close_places(target);
        let hunt = &mut self.hunts[target];
        self.neighbourhood.forget(target);
        let untried = hunt.close(&mut self.keeper).into_iter();
        self.asks.extend(hunt.farewells().into_iter().map(|(spoken, ask)| (target, spoken, ask)));
        self.papers.extend(untried.map(|(peer, found)| Paper { target, peer, found, outcome: Outcome::NotTried }));
    }

    fn file_papers(&mut self) {
        while self.papers_open < self.shared.settings.paper_max {
            let Some(Paper { target, peer, found, outcome }) = self.papers.pop_front() else { return };
            self.papers_open += 1;
            let named = (target, self.hunts[target].spoken_to(peer));
            self.tasks.spawn(tasks::paper(Arc::clone(&self.shared), named, peer, found, outcome));
        }
    }

    fn joined(&mut self, joined: Result<Result<Event, ledger::AppendError>, tokio::task::JoinError>) -> Result<(), WatchError> {
        let event = match joined {
            Ok(event) => event?,
            // A task that panics is our own mistake, and never caught.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => return Ok(()),
            },
        };
        let now = self.now()?;
        match event {
            Event::Asked { target, spoken, tracker, event, answer, lists, refused } => {
                self.asks_open -= 1;
                self.progress.refused_records += refused;
                if event != Announce::Stopped {
                    let hunt = &mut self.hunts[target];
                    if let Some(announcer) = hunt.announcer(spoken) {
                        announcer.handle_answer(now.mono, tracker, answer);
                    }
                    if hunt.is_closed {
                        // It has heard of us only now.
                        self.asks.extend(hunt.farewells().into_iter().map(|(spoken, ask)| (target, spoken, ask)));
                    }
                }
                if lists.is_empty() && !matches!(answer, swarm::announce::Answer::Peers { .. }) {
                    self.progress.tracker_failures += 1;
                }
                lists.into_iter().for_each(|list| self.take_in(now, target, list));
            }
            Event::Listed { target, list } => self.take_in(now, target, list),
            Event::ClockRead => {}
            Event::Ended(ended) => self.on_ended(now, ended),
            Event::Filed { outcome } => {
                self.papers_open -= 1;
                self.progress.count(&outcome, None);
            }
            Event::Unfiled => {
                self.papers_open -= 1;
                self.progress.refused_records += 1;
            }
            Event::Unlisted | Event::Untold => self.progress.refused_records += 1,
            Event::Told => {}
            Event::Unlogged { target, peer, direction, was_reached } => {
                self.progress.refused_records += 1;
                self.pace.release(now.mono, peer, was_reached);
                if direction == Direction::Outgoing {
                    // What cannot be recorded is not tried again, and nothing follows from it.
                    self.hunts[target].roster.finish(now.mono, peer, &punch::nothing(), &mut self.keeper);
                    self.hunts[target].punch.finish(now.mono, peer, &[]);
                }
            }
            Event::TurnedAway { peer } => {
                self.pace.release(now.mono, peer, true);
                self.progress.callers_turned_away += 1;
            }
        }
        Ok(())
    }

    /// Decides about every peer of a list, which is in the log already.
    fn take_in(&mut self, now: Now, target: usize, list: Listed) {
        self.progress.lists += 1;
        let hunt = &mut self.hunts[target];
        for (index, peer) in list.peers.into_iter().enumerate() {
            let via = list.source.as_found_via(&list.via).into();
            let found = Found { at: list.at, index: index as u32, list: list.commitment, source: list.source, via };
            let outcome = match hunt.offer(now.mono, peer, found.clone(), list.spoken, (&self.scope, &self.bind)) {
                Fate::Known => continue,
                Fate::Contact => {
                    self.progress.peers += 1;
                    continue;
                }
                Fate::TooLate => Outcome::NotTried,
                Fate::Excluded(rule) => Outcome::Excluded { rule },
                Fate::NoFamily => Outcome::LocalFault { what: "the monitor has no address of this family".into() },
            };
            self.papers.push_back(Paper { target, peer, found, outcome });
        }
    }

    fn on_ended(&mut self, now: Now, ended: tasks::Ended) {
        let hunt = &mut self.hunts[ended.target];
        hunt.downloaded += ended.verified_bytes;
        self.progress.verified_bytes += ended.verified_bytes;
        self.progress.count_sight(ended.sees_observer);
        let is_probe = ended.purpose == Purpose::Probe;
        self.progress.count(&ended.outcome, is_probe.then_some(ended.grade));
        let mut is_climbing = false;
        if ended.direction == Direction::Outgoing {
            let served = ended.last_block.filter(|_| is_probe && ended.grade == Grade::Served);
            let end = roster::End { outcome: &ended.outcome, served, met: ended.met, commitment: ended.commitment };
            is_climbing = hunt.roster.finish(now.mono, ended.peer, &end, &mut self.keeper);
            // It was reached and said nothing by any means: it may know the other version of the torrent alone.
            if !is_climbing && is_probe && ended.was_reached && ended.met.is_none() {
                hunt.speak_otherwise(ended.peer);
            }
        }
        // A peer has failed to answer once it has failed by all means.
        match is_climbing {
            true => self.pace.release_undecided(ended.peer),
            false => self.pace.release(now.mono, ended.peer, ended.was_reached),
        }
        if ended.direction == Direction::Outgoing {
            self.learn(now, &ended, !is_climbing);
        }
    }

    fn on_caller(&mut self, caller: Caller) -> Result<(), WatchError> {
        let now = self.now()?;
        let is_welcome =
            self.scope.check_incoming(caller.link.peer).is_ok() && self.pace.admit_incoming(now.mono, caller.link.peer).is_ok();
        if !is_welcome {
            self.progress.callers_turned_away += 1;
            return Ok(());
        }
        self.progress.callers += 1;
        self.contacts += 1;
        let seed = self.contact_seed(caller.link.peer);
        let rendezvous = self.rendezvous(&caller.link);
        self.tasks.spawn(tasks::receive(Arc::clone(&self.shared), caller, rendezvous, seed, self.stop.clone()));
        Ok(())
    }

    async fn finish(mut self) -> Result<Summary, WatchError> {
        tasks::clock_reading(Arc::clone(&self.shared)).await?;
        let reason = self.ending.unwrap_or(Reason::Stopped);
        let observations = self.progress.observations;
        self.state(Fact::Ended { observations, piece_bytes_out: 0, reason: reason.word().into() }).await?;
        self.progress.open = 0;
        tracing::info!(run = %self.shared.recorder.run, observations, reason = reason.word(), "the run ends");
        Ok(Summary { progress: self.progress, reason })
    }

    async fn state(&self, fact: Fact) -> Result<(), WatchError> {
        let (at, run) = (self.shared.clock.now().stamp(), self.shared.recorder.run);
        self.shared.recorder.appender.append(Record::Run(RunFact { at, fact, run })).await?;
        Ok(())
    }
}
