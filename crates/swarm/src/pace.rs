//! How often anybody is contacted: budgets, and a table of addresses that have lately not answered.
//!
//! A list of peers may be an attempt to turn the monitor against somebody, so what one address and one network
//! receives from us is bounded whatever the lists say. Memory is bounded too: the oldest knowledge goes first.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use evidence::Mono;

use crate::continuity::share;
use crate::prefix::Prefix;

/// The numbers of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// Contacts at a time, in all. Each holds a descriptor and about 20 kB.
    pub total: u32,
    /// Contacts at a time with one address: several torrents, or several subscribers behind one NAT.
    pub per_address: u32,
    /// Contacts at a time with one /24 (IPv4) or /48 (IPv6).
    pub per_network: u32,
    /// New contacts a second that we dial, in all. Home routers between us and the network fail on bursts. As many
    /// again may come in.
    pub per_second: u32,
    /// Contacts an hour that we dial with one address, so that no list can make us hammer it. As many again may come
    /// in from it.
    pub per_address_hour: u32,
    /// Wait after the first failure of an endpoint in milliseconds, doubled with each further one.
    pub back_off_first_ms: u64,
    /// The longest such wait in milliseconds.
    pub back_off_max_ms: u64,
    /// Addresses remembered in each table.
    pub remembered_max: usize,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            total: 2_000,
            per_address: 8,
            per_network: 64,
            per_second: 200,
            per_address_hour: 120,
            back_off_first_ms: 30_000,
            back_off_max_ms: 3_600_000,
            remembered_max: 200_000,
        }
    }
}

/// Of which part of an address's hour a contact takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of what keeps sessions going: three quarters at most.
    Kept,
    /// Of the rest.
    Rest {
        /// How much sessions that are kept going may still need.
        reserved: u32,
    },
}

/// A budget is used up for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// No further contact at all until one ends.
    Total,
    /// No further contact at all before this moment.
    Rate(Mono),
    /// Not this address until one of its contacts ends.
    Address,
    /// Not this network until one of its contacts ends.
    Network,
    /// Not this address before this moment: it has had its hour's contacts.
    Hour(Mono),
    /// Not this endpoint before this moment: it did not answer lately.
    BackOff(Mono),
}

/// Who is in contact now, and who was lately.
#[derive(Debug)]
pub struct Pace {
    budgets: Budgets,
    total: u32,
    addresses: BTreeMap<IpAddr, u32>,
    networks: BTreeMap<Prefix, u32>,
    /// For what we dial, and for what comes in: whoever calls must not be able to keep us from dialling.
    dials: Allowance,
    calls: Allowance,
    failures: Remembered<SocketAddr>,
}

const SECOND_US: u64 = 1_000_000;
const HOUR_MS: u64 = 3_600_000;

impl Pace {
    /// Nobody is in contact, and a second's worth of contacts may begin at once.
    pub fn new(budgets: Budgets, now: Mono) -> Self {
        Self {
            budgets,
            total: 0,
            addresses: BTreeMap::new(),
            networks: BTreeMap::new(),
            dials: Allowance::new(&budgets, now),
            calls: Allowance::new(&budgets, now),
            failures: Remembered::new(budgets.remembered_max),
        }
    }

    /// Begins a contact that we dial, if every budget allows it. End it with [`Self::release`].
    pub fn admit(&mut self, now: Mono, peer: SocketAddr) -> Result<(), Throttled> {
        self.admit_within(now, peer, Part::Rest { reserved: 0 })
    }

    /// The same, for a contact that takes of this part of the address's hour.
    pub fn admit_within(&mut self, now: Mono, peer: SocketAddr, part: Part) -> Result<(), Throttled> {
        if let Some(entry) = self.failures.get(&peer).filter(|entry| entry.until > now) {
            return Err(Throttled::BackOff(entry.until));
        }
        let budgets = self.budgets;
        self.dials.check_hour(&budgets, now, peer.ip(), part)?;
        self.check_places(peer)?;
        self.dials.spend(&budgets, now, peer.ip(), part)?;
        self.take_place(peer);
        Ok(())
    }

    /// Begins a contact that the peer dialled. It was not our doing, so no back-off applies, and it takes nothing of what
    /// we may dial but the place.
    pub fn admit_incoming(&mut self, now: Mono, peer: SocketAddr) -> Result<(), Throttled> {
        let budgets = self.budgets;
        let part = Part::Rest { reserved: 0 };
        self.calls.check_hour(&budgets, now, peer.ip(), part)?;
        self.check_places(peer)?;
        self.calls.spend(&budgets, now, peer.ip(), part)?;
        self.take_place(peer);
        Ok(())
    }

    fn check_places(&self, peer: SocketAddr) -> Result<(), Throttled> {
        if self.total >= self.budgets.total {
            return Err(Throttled::Total);
        }
        if self.addresses.get(&peer.ip()).is_some_and(|count| *count >= self.budgets.per_address) {
            return Err(Throttled::Address);
        }
        if self.networks.get(&network(peer.ip())).is_some_and(|count| *count >= self.budgets.per_network) {
            return Err(Throttled::Network);
        }
        Ok(())
    }

    fn take_place(&mut self, peer: SocketAddr) {
        self.total += 1;
        *self.addresses.entry(peer.ip()).or_default() += 1;
        *self.networks.entry(network(peer.ip())).or_default() += 1;
    }

    /// Ends a contact. `answered` is false if the endpoint could not be reached at all: it is then left alone for a
    /// time that doubles with each failure.
    pub fn release(&mut self, now: Mono, peer: SocketAddr, answered: bool) {
        self.release_undecided(peer);
        if answered {
            self.failures.forget(&peer);
        } else {
            let count = self.failures.get(&peer).map_or(0, |entry| entry.count).saturating_add(1);
            let wait_ms = self.budgets.back_off_first_ms.saturating_mul(1 << (count - 1).min(20));
            self.failures.put(peer, Entry { count, kept: 0, until: now.plus_ms(wait_ms.min(self.budgets.back_off_max_ms)) });
        }
    }

    /// Lets an endpoint that did not answer lately be dialled again at once: it has been told to dial us.
    pub fn forgive(&mut self, peer: SocketAddr) {
        self.failures.forget(&peer);
    }

    /// Ends a contact that decides nothing about its endpoint, for it is tried by other means next.
    pub fn release_undecided(&mut self, peer: SocketAddr) {
        self.total = self.total.saturating_sub(1);
        decrement(&mut self.addresses, peer.ip());
        decrement(&mut self.networks, network(peer.ip()));
    }

    /// How many contacts are open.
    pub fn open(&self) -> u32 {
        self.total
    }
}

/// What is left of a second's and of an hour's contacts, for one direction.
#[derive(Debug)]
struct Allowance {
    /// Microseconds of credit: a second's worth buys `per_second` contacts.
    credit_us: u64,
    credited: Mono,
    hours: Remembered<IpAddr>,
}

impl Allowance {
    fn new(budgets: &Budgets, now: Mono) -> Self {
        Self { credit_us: SECOND_US, credited: now, hours: Remembered::new(budgets.remembered_max) }
    }

    fn hour(&self, now: Mono, address: IpAddr) -> Option<Entry> {
        self.hours.get(&address).filter(|entry| entry.until > now)
    }

    fn check_hour(&self, budgets: &Budgets, now: Mono, address: IpAddr, part: Part) -> Result<(), Throttled> {
        let Some(Entry { count, kept, until }) = self.hour(now, address) else { return Ok(()) };
        let budget = budgets.per_address_hour;
        let is_used_up = match part {
            Part::Kept => u64::from(kept) >= share(budget.into()),
            Part::Rest { reserved } => count - kept >= budget.saturating_sub(reserved),
        };
        if count >= budget || is_used_up { Err(Throttled::Hour(until)) } else { Ok(()) }
    }

    fn spend(&mut self, budgets: &Budgets, now: Mono, address: IpAddr, part: Part) -> Result<(), Throttled> {
        let price_us = SECOND_US / u64::from(budgets.per_second.max(1));
        let earned_us = now.us().saturating_sub(self.credited.us());
        self.credit_us = self.credit_us.saturating_add(earned_us).min(SECOND_US);
        self.credited = self.credited.max(now);
        if self.credit_us < price_us {
            return Err(Throttled::Rate(Mono::from_us(now.us() + price_us - self.credit_us)));
        }
        self.credit_us -= price_us;
        let Entry { count, kept, until } =
            self.hour(now, address).unwrap_or(Entry { count: 0, kept: 0, until: now.plus_ms(HOUR_MS) });
        self.hours.put(address, Entry { count: count + 1, kept: kept + u32::from(part == Part::Kept), until });
        Ok(())
    }
}

fn network(address: IpAddr) -> Prefix {
    Prefix::of(address, if address.is_ipv4() { 24 } else { 48 })
}

fn decrement<K: Ord>(counts: &mut BTreeMap<K, u32>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    count: u32,
    /// How many of them went to sessions that are kept going.
    kept: u32,
    until: Mono,
}

/// A bounded table; whatever ends soonest is forgotten first.
#[derive(Debug)]
struct Remembered<K> {
    entries: BTreeMap<K, Entry>,
    by_end: BTreeSet<(Mono, K)>,
    max: usize,
}

impl<K: Ord + Copy> Remembered<K> {
    fn new(max: usize) -> Self {
        Self { entries: BTreeMap::new(), by_end: BTreeSet::new(), max: max.max(1) }
    }

    fn get(&self, key: &K) -> Option<Entry> {
        self.entries.get(key).copied()
    }

    fn put(&mut self, key: K, entry: Entry) {
        self.forget(&key);
        while self.entries.len() >= self.max {
            let Some((_, oldest)) = self.by_end.pop_first() else { break };
            self.entries.remove(&oldest);
        }
        self.entries.insert(key, entry);
        self.by_end.insert((entry.until, key));
    }

    fn forget(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_end.remove(&(entry.until, *key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono::from_us(5);

    fn pace(change: impl FnOnce(&mut Budgets)) -> Pace {
        let mut budgets = Budgets { per_second: 1_000, ..Budgets::default() };
        change(&mut budgets);
        Pace::new(budgets, START)
    }

    fn peer(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_bounded_by_address_network_and_in_all() {
        let mut pace = pace(|budgets| (budgets.total, budgets.per_network, budgets.per_address) = (4, 3, 2));
        for port in [1, 2] {
            assert_eq!(pace.admit(START, peer(&format!("192.0.2.1:{port}"))), Ok(()));
        }
        assert_eq!(pace.admit(START, peer("192.0.2.1:3")), Err(Throttled::Address));
        assert_eq!(pace.admit(START, peer("192.0.2.2:1")), Ok(()));
        assert_eq!(pace.admit(START, peer("192.0.2.3:1")), Err(Throttled::Network));
        assert_eq!(pace.admit(START, peer("198.51.100.1:1")), Ok(()));
        assert_eq!(pace.admit(START, peer("203.0.113.1:1")), Err(Throttled::Total));
        assert_eq!(pace.open(), 4);
        pace.release(START, peer("192.0.2.1:1"), true);
        assert_eq!(pace.admit(START, peer("192.0.2.1:3")), Ok(()));
        for open in ["192.0.2.1:2", "192.0.2.1:3", "192.0.2.2:1", "198.51.100.1:1"] {
            pace.release(START, peer(open), true);
        }
        assert_eq!((pace.open(), pace.addresses.len(), pace.networks.len()), (0, 0, 0));
    }

    #[test]
    fn the_rate_is_bounded_and_says_when() {
        let mut pace = pace(|budgets| budgets.per_second = 10);
        let mut admitted = 0;
        let until = loop {
            match pace.admit(START, peer(&format!("192.0.2.{}:7", admitted + 1))) {
                Ok(()) => admitted += 1,
                Err(throttled) => break throttled,
            }
        };
        assert_eq!((admitted, until), (10, Throttled::Rate(START.plus_ms(100))));
        assert_eq!(pace.admit(START.plus_ms(99), peer("198.51.100.1:7")), Err(Throttled::Rate(START.plus_ms(100))));
        assert_eq!(pace.admit(START.plus_ms(100), peer("198.51.100.1:7")), Ok(()));
    }

    #[test]
    fn an_endpoint_that_fails_is_left_alone_for_longer_and_longer() {
        let mut pace = pace(|budgets| (budgets.back_off_first_ms, budgets.back_off_max_ms) = (1_000, 3_000));
        let (dead, mut now) = (peer("192.0.2.1:7"), START);
        for wait_ms in [1_000, 2_000, 3_000, 3_000] {
            pace.admit(now, dead).unwrap();
            pace.release_undecided(dead);
            pace.admit(now, dead).expect("other means are tried at once, and do not start the count anew");
            pace.release(now, dead, false);
            assert_eq!(pace.admit(now, dead), Err(Throttled::BackOff(now.plus_ms(wait_ms))));
            now = now.plus_ms(wait_ms);
        }
        pace.admit(now, dead).unwrap();
        pace.release(now, dead, true);
        assert_eq!(pace.admit(now, dead), Ok(()));
    }

    #[test]
    fn a_flood_of_ports_reaches_one_address_a_bounded_number_of_times_an_hour() {
        let mut pace = pace(|budgets| budgets.per_address_hour = 5);
        let (mut dials, mut now) = (0, START);
        for port in 1..2_000 {
            now = now.plus_ms(1_000);
            if pace.admit(now, peer(&format!("192.0.2.1:{port}"))).is_ok() {
                dials += 1;
                pace.release(now, peer(&format!("192.0.2.1:{port}")), true);
            }
        }
        assert_eq!(dials, 5);
        assert_eq!(pace.admit(START.plus_ms(1_000 + HOUR_MS), peer("192.0.2.1:1")), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let mut pace = pace(|budgets| (budgets.remembered_max, budgets.total) = (10, 1));
        let mut now = START;
        for n in 0..500u32 {
            now = now.plus_ms(10);
            let peer = SocketAddr::new(std::net::Ipv4Addr::from_bits(0xc000_0200 + n).into(), 7);
            pace.admit(now, peer).unwrap();
            pace.release(now, peer, false);
        }
        assert_eq!((pace.dials.hours.entries.len(), pace.failures.entries.len()), (10, 10));
        assert_eq!((pace.dials.hours.by_end.len(), pace.failures.by_end.len()), (10, 10));
    }

    #[test]
    fn whoever_dials_us_takes_a_place_and_nothing_else_of_what_we_may_dial() {
        let mut pace = pace(|budgets| (budgets.per_address, budgets.per_second, budgets.per_address_hour) = (1, 4, 3));
        let caller = peer("192.0.2.1:7");
        pace.admit(START, caller).unwrap();
        assert_eq!(pace.admit_incoming(START, caller), Err(Throttled::Address));
        pace.release(START, caller, false);
        // Neither the back-off nor the dial's own hour holds against a caller; its own hour does.
        for _ in 0..3 {
            assert_eq!(pace.admit_incoming(START, caller), Ok(()));
            pace.release(START, caller, true);
        }
        assert_eq!(pace.admit_incoming(START, caller), Err(Throttled::Hour(START.plus_ms(HOUR_MS))));
        // Callers have used up their second, and not ours.
        assert_eq!(pace.admit_incoming(START, peer("192.0.2.2:7")), Ok(()));
        assert_eq!(pace.admit_incoming(START, peer("192.0.2.3:7")), Err(Throttled::Rate(START.plus_ms(250))));
        for dialled in ["192.0.2.1:7", "192.0.2.3:7", "192.0.2.4:7"] {
            assert_eq!(pace.admit(START, peer(dialled)), Ok(()));
        }
        assert_eq!(pace.admit(START, peer("192.0.2.5:7")), Err(Throttled::Rate(START.plus_ms(250))));
        assert_eq!(pace.admit_incoming(START.plus_ms(HOUR_MS), peer("192.0.2.1:8")), Err(Throttled::Address));
        pace.release(START, peer("192.0.2.1:7"), true);
        assert_eq!(pace.admit_incoming(START.plus_ms(HOUR_MS), peer("192.0.2.1:8")), Ok(()));
    }
}
