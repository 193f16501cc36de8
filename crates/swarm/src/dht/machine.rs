//! The engine: datagrams and timers in, datagrams and events out.

mod answers;
mod turns;

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};

use evidence::{InfoHashV1, Mono, Now};
use wire::krpc::{Node, NodeId};

use super::exchange::{Due, Errand, Exchanges, Open};
use super::id::{self, IdCheck, check_id};
use super::lookup::Lookup;
use super::record::{Ending, Event, SearchId};
use super::search::Search;
use super::server::Throttle;
use super::snapshot::Snapshot;
use super::table::{Standing, Table};
use super::votes::Votes;
use super::{Aim, Config, Family, Input, NotBegun, Output};
use crate::chance::Chance;
use crate::convert::wire_hash;
use crate::pace::Pace;
use crate::timer::Timers;
use crate::{Scope, Seed};
use turns::Turn;

/// Nodes that wait to be asked whether they are there.
const PINGS_MAX: usize = 64;
/// Nodes of the other family that one answer may have us ask.
const HINTS_PER_ANSWER: usize = 4;
/// Nodes of our table with which a path of a look-up starts: enough that some of them are there and honest.
const STARTS_PER_PATH: usize = 4;
/// Pause before an address or a network is tried again that has enough queries open, in milliseconds.
const PARKED_MS: u64 = 50;
/// Pause between looks at the table for a bucket that wants refreshing, in milliseconds.
const REFRESH_MS: u64 = 30_000;
/// The same while there are some, as at the start: one look-up a second.
const REFRESH_SOON_MS: u64 = 1_000;
/// Nodes remembered that want no more questions for samples for a while.
const SAMPLED_MAX: usize = 10_000;
/// The longest such while, by BEP 51, in seconds.
const SAMPLED_MAX_S: u32 = 21_600;

/// A node of the DHT. Feed it with [`Self::handle_input`], give it commands, then drain [`Self::poll_output`] until it
/// says to wait.
#[derive(Debug)]
pub struct Dht {
    config: Config,
    scope: Scope,
    chance: Chance,
    /// By family; `None` where there is no socket.
    tables: [Option<Table>; 2],
    searches: BTreeMap<SearchId, Search>,
    searches_begun: u64,
    exchanges: Exchanges,
    pace: Pace,
    timers: Timers<TIMERS>,
    outbox: VecDeque<Output>,
    queue: VecDeque<Turn>,
    parked: BTreeMap<(Mono, u64), Turn>,
    parked_ever: u64,
    pings_waiting: usize,
    throttle: Throttle,
    votes: [Votes; 2],
    sampled: BTreeMap<SocketAddr, Mono>,
    ignored: u64,
}

/// Why the engine would wake up, beside answers that do not come.
#[derive(Clone, Copy, Debug)]
enum Timer {
    /// The budget of queries allows the next one.
    Pace,
    /// A bucket of the table may want refreshing.
    Refresh,
}

const TIMERS: usize = 2;

impl From<Timer> for usize {
    fn from(timer: Timer) -> Self {
        timer as Self
    }
}

impl Dht {
    /// A node that knows nobody. `kept` is what an earlier run knew.
    pub fn new(config: Config, scope: Scope, kept: Option<&Snapshot>, seed: Seed, now: Now) -> Self {
        let mut tables = [None, None];
        for (at, family) in Family::ALL.into_iter().enumerate() {
            let is_open = if family == Family::V4 { config.v4 } else { config.v6 };
            let kept_id = kept.map(|kept| if family == Family::V4 { kept.id4 } else { kept.id6 });
            let own = kept_id.unwrap_or_else(|| id::random_id(seed.split("dht-own-id", &[at as u8])));
            tables[at] = is_open.then(|| Table::new(own, config.caps, config.limits.fresh_ms));
        }
        let mut dht = Self {
            chance: Chance::new(seed.split("dht", &[])),
            pace: Pace::new(config.budgets, now.mono),
            config,
            scope,
            tables,
            searches: BTreeMap::new(),
            searches_begun: 0,
            exchanges: Exchanges::default(),
            timers: Timers::new(),
            outbox: VecDeque::new(),
            queue: VecDeque::new(),
            parked: BTreeMap::new(),
            parked_ever: 0,
            pings_waiting: 0,
            throttle: Throttle::default(),
            votes: [Votes::default(), Votes::default()],
            sampled: BTreeMap::new(),
            ignored: 0,
        };
        for (node, utc) in kept.iter().flat_map(|kept| &kept.nodes) {
            let check = dht.check(node);
            if dht.scope.check(node.address).is_ok()
                && let Some(table) = dht.table_mut(Family::of(node.address))
            {
                table.remembered(now.mono, *utc, *node, check);
            }
        }
        dht
    }

    /// Changes the addresses to begin with, as their names may come to mean others.
    pub fn set_bootstrap(&mut self, bootstrap: Vec<SocketAddr>) {
        self.config.bootstrap = bootstrap;
    }

    /// What to keep for the next run.
    pub fn snapshot(&self) -> Snapshot {
        let own = |family: Family| self.table(family).map_or(NodeId([0; 20]), |table| *table.own());
        let entries = self.tables.iter().flatten().flat_map(Table::entries);
        let nodes = entries.map(|entry| (entry.node, entry.answered_utc())).collect();
        Snapshot { id4: own(Family::V4), id6: own(Family::V6), nodes }
    }

    /// Our id in a family, if there is a socket.
    pub fn own_id(&self, family: Family) -> Option<NodeId> {
        self.table(family).map(|table| *table.own())
    }

    /// How many nodes of a family have answered lately.
    pub fn good_nodes(&self, now: Now, family: Family) -> usize {
        self.table(family).map_or(0, |table| table.count(now.mono, Standing::Good))
    }

    /// How many nodes the DHT of a family has, roughly, once enough of them are known.
    pub fn network_size(&self, now: Now, family: Family) -> Option<u64> {
        self.table(family)?.network_size(now.mono)
    }

    /// Our address, if enough nodes of distinct networks agree on one.
    pub fn seen_at(&self, family: Family) -> Option<IpAddr> {
        self.votes[family as usize].winner()
    }

    /// Datagrams that were no answer to an open query, no query that we answer, or not readable at all.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Queries that await an answer.
    pub fn open_queries(&self) -> usize {
        self.exchanges.count()
    }

    /// Fills the tables: looks up ourselves. From then on they are kept fresh.
    pub fn bootstrap(&mut self, now: Now) {
        for family in Family::ALL {
            if let Some(own) = self.own_id(family) {
                self.begin(now, own, Aim::Nodes, family);
            }
        }
        self.timers.set(Timer::Refresh, now.mono.plus_ms(REFRESH_SOON_MS));
        self.drain_queue(now);
    }

    /// Looks up the peers of a torrent. For a version 2 torrent the hash is the truncated one (BEP 52).
    pub fn find_peers(&mut self, now: Now, info_hash: InfoHashV1, family: Family) -> Result<SearchId, NotBegun> {
        self.command(now, wire_hash(info_hash).into(), Aim::Peers(info_hash), family)
    }

    /// Does the same, and then announces us, at the configured port, to the closest nodes.
    pub fn announce(&mut self, now: Now, info_hash: InfoHashV1, family: Family) -> Result<SearchId, NotBegun> {
        self.config.announce[family as usize].ok_or(NotBegun::AnnounceOff)?;
        self.command(now, wire_hash(info_hash).into(), Aim::Announce(info_hash), family)
    }

    /// Walks towards a place and asks everybody on the way for samples of what torrents they know (BEP 51).
    pub fn survey(&mut self, now: Now, target: NodeId, family: Family) -> Result<SearchId, NotBegun> {
        self.command(now, target, Aim::Survey, family)
    }

    /// Calls a look-up off. Its report follows; answers still on their way are ignored.
    pub fn cancel(&mut self, now: Now, search: SearchId) {
        self.finish(now, search, Ending::Cancelled);
        self.drain_queue(now);
    }

    fn command(&mut self, now: Now, target: NodeId, aim: Aim, family: Family) -> Result<SearchId, NotBegun> {
        let ours = self.searches.values().filter(|search| search.aim != Aim::Nodes).count();
        if ours >= self.config.limits.look_ups_max {
            return Err(NotBegun::Busy);
        }
        let search = self.begin(now, target, aim, family).ok_or(NotBegun::NoSocket)?;
        self.drain_queue(now);
        Ok(search)
    }

    fn begin(&mut self, now: Now, target: NodeId, aim: Aim, family: Family) -> Option<SearchId> {
        let limits = self.config.limits;
        let table = self.table(family)?;
        let mut lookup = Lookup::new(target, limits, self.config.caps, table.network_size(now.mono), now.mono);
        let starts = table.closest(now.mono, &target, STARTS_PER_PATH * usize::from(limits.paths));
        let starts: Vec<_> = starts.into_iter().map(|entry| (entry.node, entry.check)).collect();
        lookup.start(&starts);
        let entries = self.config.bootstrap.iter().filter(|address| Family::of(**address) == family);
        entries.filter(|address| self.scope.check_service(**address).is_ok()).for_each(|address| lookup.start_at(*address));
        self.searches_begun += 1;
        let id = SearchId(self.searches_begun);
        let search = Search { id, aim, family, lookup, began: now.stamp(), is_queued: false };
        self.searches.insert(id, search);
        self.enqueue(id);
        Some(id)
    }

    /// Takes in what happened.
    pub fn handle_input(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Received { from, datagram } => self.on_received(now, evidence::endpoint::canonical(from), datagram),
            Input::Timeout => self.on_timeout(now),
        }
        self.drain_queue(now);
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Output {
        if let Some(output) = self.outbox.pop_front() {
            return output;
        }
        let parked = self.parked.first_key_value().map(|((at, _), _)| *at);
        let next = [self.exchanges.next(), self.timers.next(), parked].into_iter().flatten().min();
        Output::Wait(next.unwrap_or(Mono::from_us(u64::MAX)))
    }

    fn on_timeout(&mut self, now: Now) {
        while let Some((due, open)) = self.exchanges.expired(now.mono) {
            match due {
                Due::Slow => self.on_slow(open),
                Due::Silent => self.on_silent(now, open),
            }
        }
        self.unpark(now.mono);
        while let Some(timer) = self.timers.expired(now.mono) {
            if timer == usize::from(Timer::Refresh) {
                self.refresh(now);
            }
        }
    }

    fn on_slow(&mut self, open: Open) {
        if let Errand::Search { search, place, .. } = open.errand {
            self.with_lookup(search, |lookup| lookup.slow(place));
        }
    }

    fn on_silent(&mut self, now: Now, open: Open) {
        self.pace.release(now.mono, open.to, false);
        if let Some(table) = self.table_mut(Family::of(open.to)) {
            table.silent(now.mono, open.to);
        }
        match open.errand {
            Errand::Search { search, place, .. } => self.with_lookup(search, |lookup| lookup.silent(place)),
            Errand::Announce { search, node } => self.event(Event::Announced { search, node, answer: None }),
            Errand::Ping { .. } => {}
        }
    }

    /// Changes a look-up and gives it a turn.
    fn with_lookup(&mut self, search: SearchId, change: impl FnOnce(&mut Lookup)) {
        self.change_lookup(search, change);
        self.enqueue(search);
    }

    fn change_lookup(&mut self, search: SearchId, change: impl FnOnce(&mut Lookup)) {
        if let Some(found) = self.searches.get_mut(&search) {
            change(&mut found.lookup);
        }
    }

    fn event(&mut self, event: Event) {
        self.outbox.push_back(Output::Event(event));
    }

    fn check(&self, node: &Node) -> IdCheck {
        check_id(&node.id, node.address.ip(), self.config.exempt_local)
    }

    fn table(&self, family: Family) -> Option<&Table> {
        self.tables[family as usize].as_ref()
    }

    fn table_mut(&mut self, family: Family) -> Option<&mut Table> {
        self.tables[family as usize].as_mut()
    }

    fn refresh(&mut self, now: Now) {
        let mut pause_ms = REFRESH_MS;
        for family in Family::ALL {
            let Some(table) = self.table(family) else { continue };
            let own = *table.own();
            let target = match table.stale_bucket(now.mono) {
                None if table.entries().next().is_none() => own,
                None => continue,
                Some(bucket) => {
                    let mut entropy = [0; 32];
                    entropy[..8].copy_from_slice(&self.chance.below(u64::MAX).to_be_bytes());
                    if let Some(table) = self.table_mut(family) {
                        table.touch(now.mono, bucket);
                    }
                    id::random_in_bucket(&own, bucket, Seed::new(entropy))
                }
            };
            if self.begin(now, target, Aim::Nodes, family).is_some() && target != own {
                pause_ms = REFRESH_SOON_MS;
            }
        }
        self.timers.set(Timer::Refresh, now.mono.plus_ms(pause_ms));
    }
}
