//! Hours of virtual time with peers that always serve and peers that never answer.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BinaryHeap};

use evidence::observation::{Found, Source};
use evidence::{Mono, Outcome, Stamp, Utc, sha256};

use super::*;
use crate::ladder::Allowed;
use crate::pace::{Pace, Part, Throttled};
use crate::roster::{End, Errand, Limits, Roster};

const REVISIT: Revisit = Revisit { after_ms: 1_200_000, within_ms: 1_800_000 };
const CONTACT_MS: u64 = 3_000;

/// A swarm of two torrents whose peers have these addresses, and what happened in it.
struct World {
    rosters: [Roster; 2],
    pace: Pace,
    keeper: Keeper,
    budgets: Budgets,
    /// Open contacts by their end.
    open: BinaryHeap<core::cmp::Reverse<(Mono, usize, SocketAddr)>>,
    errands: BTreeMap<(usize, SocketAddr), Errand>,
    /// Moments at which each peer served.
    served: BTreeMap<(usize, SocketAddr), Vec<Mono>>,
    /// Moments at which an address was dialled, and whether to keep a session going.
    dials: BTreeMap<IpAddr, Vec<(Mono, bool)>>,
}

fn found() -> Found {
    let at = Stamp { mono_us: 0, utc: Utc::from_ms(0) };
    Found { at, index: 0, list: sha256(b"list"), source: Source::Tracker, via: "udp://tracker.example/".into() }
}

fn peer(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}

/// Ports below this one serve; nobody is behind the others.
const SERVES: u16 = 10_000;

impl World {
    fn new(budgets: Budgets) -> Self {
        let limits = Limits { tries_max: 1_000, allowed: Allowed::PLAIN_TCP, ..Limits::default() };
        Self {
            rosters: [Roster::new(limits), Roster::new(limits)],
            pace: Pace::new(budgets, Mono::from_us(0)),
            keeper: Keeper::new(Some(REVISIT), 1, &budgets),
            budgets,
            open: BinaryHeap::new(),
            errands: BTreeMap::new(),
            served: BTreeMap::new(),
            dials: BTreeMap::new(),
        }
    }

    fn name(&mut self, now: Mono, torrent: usize, peers: impl IntoIterator<Item = SocketAddr>) {
        peers.into_iter().for_each(|peer| _ = self.rosters[torrent].offer(now, peer, found()));
    }

    /// The conductor's rule: each torrent in its turn, as far as the budgets go.
    fn dial(&mut self, now: Mono) {
        let mut idle = 0;
        for turn in 0.. {
            let torrent = turn % 2;
            let Some(job) = self.rosters[torrent].take_due(now, &mut self.keeper) else {
                idle += 1;
                if idle == 2 {
                    return;
                }
                continue;
            };
            idle = 0;
            let reserved = self.keeper.reserved(job.peer.ip());
            let part = if job.is_kept { Part::Kept } else { Part::Rest { reserved } };
            match self.pace.admit_within(now, job.peer, part) {
                Ok(()) => {
                    self.dials.entry(job.peer.ip()).or_default().push((now, job.is_kept));
                    self.errands.insert((torrent, job.peer), job.errand);
                    self.open.push(core::cmp::Reverse((now.plus_ms(CONTACT_MS), torrent, job.peer)));
                }
                Err(Throttled::Total) => return self.rosters[torrent].put_back(job.peer, now),
                Err(Throttled::Rate(_)) => return self.rosters[torrent].put_back(job.peer, now),
                Err(Throttled::Address | Throttled::Network) => self.rosters[torrent].put_back(job.peer, now.plus_ms(250)),
                Err(Throttled::Hour(until) | Throttled::BackOff(until)) => self.rosters[torrent].put_back(job.peer, until),
            }
        }
    }

    fn run(&mut self, until_ms: u64) {
        for ms in (0..until_ms).step_by(250) {
            let now = Mono::from_us(ms * 1_000);
            while let Some(core::cmp::Reverse((end, torrent, peer))) = self.open.peek().copied().filter(|open| open.0.0 <= now) {
                self.open.pop();
                self.end(end, torrent, peer);
            }
            self.dial(now);
        }
    }

    fn end(&mut self, now: Mono, torrent: usize, peer: SocketAddr) {
        let is_probe = self.errands[&(torrent, peer)] == Errand::Probe;
        let serves = peer.port() < SERVES;
        let outcome = match (serves, is_probe) {
            (false, _) => Outcome::Refused,
            (true, true) => Outcome::Served { blocks: 2, pieces: 2 },
            (true, false) => Outcome::NoEcho,
        };
        let served = (serves && is_probe).then_some(now);
        if served.is_some() {
            self.served.entry((torrent, peer)).or_default().push(now);
        }
        let end = End { outcome: &outcome, served, met: None, commitment: sha256(b"c") };
        self.rosters[torrent].finish(now, peer, &end, &mut self.keeper);
        self.pace.release(now, peer, serves);
    }

    /// How many of those that serve were seen in one session to the end, and how many in more than one.
    fn continuous(&self, until_ms: u64) -> (usize, usize) {
        let is_one = |moments: &Vec<Mono>| {
            let ends = moments.iter().skip(1).copied().chain([Mono::from_us(until_ms * 1_000)]);
            moments.iter().zip(ends).all(|(before, after)| after.since_ms(*before) <= REVISIT.within_ms)
        };
        let whole = self.served.values().filter(|moments| is_one(moments)).count();
        (whole, self.served.len() - whole)
    }

    /// The dials of each hour of an address: an hour begins with the first dial after the last one.
    fn hours(&self, address: IpAddr) -> Vec<(u32, u32)> {
        let mut hours: Vec<(Mono, u32, u32)> = Vec::new();
        for (at, is_kept) in &self.dials[&address] {
            if hours.last().is_none_or(|(begin, ..)| at.since_ms(*begin) >= HOUR_MS) {
                hours.push((*at, 0, 0));
            }
            let (_, kept, rest) = hours.last_mut().unwrap();
            *if *is_kept { kept } else { rest } += 1;
        }
        assert!(hours.iter().all(|(_, kept, rest)| kept + rest <= self.budgets.per_address_hour), "{hours:?}");
        hours.into_iter().map(|(_, kept, rest)| (kept, rest)).collect()
    }
}

const HOURS_6: u64 = 6 * HOUR_MS;

fn budgets(change: impl FnOnce(&mut Budgets)) -> Budgets {
    let mut budgets = Budgets { per_address: 64, ..Budgets::default() };
    change(&mut budgets);
    budgets
}

#[test]
fn where_the_budget_suffices_every_session_is_kept_going() {
    // Eight contacts an hour each: eleven sessions fit into three quarters of 120.
    let mut world = World::new(budgets(|_| {}));
    for host in 1..=20 {
        world.name(Mono::from_us(0), 0, (1..=6).map(|port| peer(host, port)));
        world.name(Mono::from_us(0), 1, (1..=5).map(|port| peer(host, port)));
        // They knock on the same addresses all the time, and may not crowd the others out.
        world.name(Mono::from_us(0), 0, (0..60).map(|port| peer(host, SERVES + port)));
    }
    world.run(HOURS_6);
    assert_eq!((world.keeper.kept(), world.keeper.lost()), (220, 0));
    assert_eq!(world.continuous(HOURS_6), (220, 0));
    for host in 1..=20 {
        world.hours(peer(host, 1).ip());
    }
}

#[test]
fn where_it_does_not_those_that_came_first_are_kept_and_the_others_counted_and_seen_again() {
    let mut world = World::new(budgets(|_| {}));
    world.name(Mono::from_us(0), 0, (1..=40).map(|port| peer(1, port)));
    world.name(Mono::from_us(0), 0, (0..40).map(|port| peer(1, SERVES + port)));
    world.run(HOURS_6);
    assert_eq!(world.keeper.kept(), 11);
    let (whole, broken) = world.continuous(HOURS_6);
    assert_eq!(whole, 11, "those that are kept are kept to the end");
    assert!(broken > 0 && world.keeper.lost() >= broken as u64, "{broken} of {}", world.keeper.lost());
    // Every hour but the last, which is cut off, leaves a quarter for the others, and they take it.
    let hours = world.hours(peer(1, 1).ip());
    let whole_hours = &hours[..hours.len() - 1];
    assert!(whole_hours.len() >= 5 && whole_hours.iter().all(|(kept, rest)| *kept <= 90 && *rest >= 30), "{hours:?}");
}

#[test]
fn a_flood_of_names_does_not_break_sessions_and_sessions_do_not_hold_up_the_flood() {
    let mut world = World::new(budgets(|budgets| (budgets.per_second, budgets.per_network, budgets.total) = (4, 5_000, 50)));
    world.name(Mono::from_us(0), 0, (1..=200).map(|host| peer(host, 1)));
    // It would take more than two hours to dial them all once, at this rate.
    for host in 1..=250 {
        world.name(Mono::from_us(1), 0, (0..60).map(|port| SocketAddr::from(([198, 51, 100, host], SERVES + port))));
        world.name(Mono::from_us(1), 0, (0..60).map(|port| SocketAddr::from(([203, 0, 113, host], SERVES + port))));
    }
    world.run(HOURS_6 / 2);
    assert_eq!(world.keeper.lost(), 0);
    assert_eq!(world.continuous(HOURS_6 / 2), (200, 0));
    let others: usize =
        (1..=250).map(|host| world.dials.get(&SocketAddr::from(([198, 51, 100, host], 1)).ip()).map_or(0, Vec::len)).sum();
    assert!(others > 7_500, "{others}");
}

#[test]
fn all_sessions_together_are_bounded_by_the_rate() {
    let mut keeper = Keeper::new(Some(REVISIT), 2, &Budgets { per_second: 1, ..Budgets::default() });
    let address = |n: u32| IpAddr::from(core::net::Ipv4Addr::from_bits(0xc000_0200 + n));
    // 2,700 contacts an hour, and 16 for each session from two addresses of ours.
    let kept = (0..400).filter(|n| keeper.keep(address(*n))).count();
    assert_eq!((kept, keeper.kept(), keeper.lost()), (168, 168, 232));
    assert_eq!((keeper.reserved(address(0)), keeper.reserved(address(300))), (16, 0));
    keeper.let_go(address(0));
    keeper.let_go(address(300));
    assert!(keeper.keep(address(300)) && !keeper.keep(address(0)));
    assert!(!Keeper::new(None, 1, &Budgets::default()).keep(address(0)));
}
