//! What surrounds the engine: addresses, a clock, and a record of all that was asked and said.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use evidence::{Blind, Digest, InfoHashV1, KeyId, Numbered, RunId, Tag, TargetIds, opening, sha256};
use swarm::dht::{BUDGETS, Config, Dht, Event, Family, Input, NodeId, Output, SearchId, Snapshot};
use swarm::{Scope, Seed as Chance};
use wire::krpc::{Ask, Body, Limits, Message};

use crate::scene;
use crate::script::Script;

/// A datagram that fits every network.
const DATAGRAM_MAX: usize = 1_400;
/// Wakes that one stretch of time may need: each query has two moments, and there is a second between refreshes.
const WAKES_MAX: usize = 20_000;

pub(super) struct Network {
    dht: Dht,
    config: Config,
    scope: Scope,
    clock_us: u64,
    /// Queries of ours that were not answered: to whom, under which transaction.
    open: Vec<(SocketAddr, Vec<u8>)>,
    searches: BTreeSet<SearchId>,
    finished: BTreeMap<SearchId, u32>,
    delivered: BTreeSet<Digest>,
    asked_us: u32,
    answered: u32,
    /// How often nodes named peers, and announces came to an end.
    named: (u32, u32),
}

impl Network {
    pub(super) fn new(config: Config) -> Self {
        let prefixes = ["127.0.0.0/8", "2001:db8::/32"].map(|prefix| prefix.parse().expect("a prefix"));
        let own = vec![scene::address("127.0.0.1:6881"), scene::address("[2001:db8::1]:6881")];
        let scope = Scope::laboratory(prefixes.to_vec(), own, vec![]).expect("prefixes of a laboratory");
        let clock_us = 1;
        let dht = Dht::new(config.clone(), scope.clone(), None, Chance::new([8; 32]), scene::now(clock_us));
        Self {
            dht,
            config,
            scope,
            clock_us,
            open: vec![],
            searches: BTreeSet::new(),
            finished: BTreeMap::new(),
            delivered: BTreeSet::new(),
            asked_us: 0,
            answered: 0,
            named: (0, 0),
        }
    }

    pub(super) fn deliver(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.delivered.insert(sha256(datagram));
        if let Ok(message) = Message::parse(datagram, &Limits::default()) {
            match message.body {
                Body::Query(_) | Body::UnknownQuery { .. } => self.asked_us += 1,
                _ => self.open.retain(|(to, transaction)| *to != from || transaction != message.transaction),
            }
        }
        self.put(Input::Received { from, datagram });
    }

    /// One of the queries that are open: to whom, under which transaction.
    pub(super) fn open_query(&self, number: u8) -> Option<(SocketAddr, Vec<u8>)> {
        self.open.get(usize::from(number) % self.open.len().max(1)).cloned()
    }

    pub(super) fn find_peers(&mut self, hash: InfoHashV1, family: Family) {
        let begun = self.dht.find_peers(scene::now(self.clock_us), hash, family);
        self.began(begun.ok());
    }

    pub(super) fn announce(&mut self, hash: InfoHashV1, family: Family) {
        let begun = self.dht.announce(scene::now(self.clock_us), hash, family);
        assert!(begun.is_err() || self.config.announce[family as usize].is_some(), "announced though it is off");
        self.began(begun.ok());
    }

    pub(super) fn survey(&mut self, target: NodeId, family: Family) {
        let begun = self.dht.survey(scene::now(self.clock_us), target, family);
        self.began(begun.ok());
    }

    fn began(&mut self, search: Option<SearchId>) {
        self.searches.extend(search);
        self.drain();
    }

    pub(super) fn cancel(&mut self, number: u8) {
        let search = self.searches.iter().nth(usize::from(number) % self.searches.len().max(1)).copied();
        if let Some(search) = search {
            self.dht.cancel(scene::now(self.clock_us), search);
            self.drain();
        }
    }

    pub(super) fn bootstrap(&mut self) {
        self.dht.bootstrap(scene::now(self.clock_us));
        self.drain();
    }

    /// Wakes the engine though no moment has come.
    pub(super) fn wake(&mut self) {
        self.put(Input::Timeout);
    }

    pub(super) fn wait(&mut self, ms: u64) {
        let end = self.clock_us + ms * 1_000;
        for _ in 0..WAKES_MAX {
            let until = self.drain();
            if until > end {
                self.clock_us = end;
                return;
            }
            self.clock_us = self.clock_us.max(until);
            self.dht.handle_input(scene::now(self.clock_us), Input::Timeout);
        }
        panic!("the engine wants to be woken again and again");
    }

    /// Nobody says anything any more: every look-up ends, and the table can be kept.
    pub(super) fn end(mut self) -> (u32, u32) {
        self.wait(self.config.limits.look_up_ms + 4 * self.config.limits.answer_ms);
        for search in &self.searches {
            assert_eq!(self.finished.get(search), Some(&1), "a look-up ends once");
        }
        let snapshot = self.dht.snapshot();
        let text = snapshot.to_text();
        let read = Snapshot::parse(&text).expect("what was kept can be read");
        assert_eq!(read.to_text(), text);
        let now = scene::now(self.clock_us);
        let again = Dht::new(self.config.clone(), self.scope.clone(), Some(&read), Chance::new([9; 32]), now);
        assert!(again.snapshot().nodes.len() <= read.nodes.len());
        for family in Family::ALL {
            let _ = (self.dht.good_nodes(now, family), self.dht.network_size(now, family), self.dht.seen_at(family));
        }
        self.named
    }

    fn put(&mut self, input: Input<'_>) {
        self.clock_us += 1_000;
        self.dht.handle_input(scene::now(self.clock_us), input);
        self.drain();
    }

    fn drain(&mut self) -> u64 {
        for _ in 0..10_000 {
            match self.dht.poll_output() {
                Output::Send { to, datagram } => self.check_sent(to, &datagram),
                Output::Event(event) => self.check_event(event),
                Output::Wait(until) => {
                    assert!(self.dht.open_queries() <= BUDGETS.total as usize, "more queries are open than allowed");
                    return until.us();
                }
            }
        }
        panic!("the engine never comes to rest");
    }

    fn check_sent(&mut self, to: SocketAddr, datagram: &[u8]) {
        assert!(datagram.len() <= DATAGRAM_MAX, "a datagram of {} bytes", datagram.len());
        assert!(to.is_ipv4() || self.config.v6, "there is no socket for it");
        assert_ne!(to.port(), 0);
        let message = Message::parse(datagram, &Limits::default()).expect("what we say can be read");
        match message.body {
            Body::Query(query) => {
                assert!(self.scope.check(to).is_ok() || self.config.bootstrap.contains(&to), "{to} may not be asked");
                assert_eq!(message.read_only, self.config.read_only, "we say whether we answer");
                if let Ask::AnnouncePeer { port, .. } = query.ask {
                    assert_eq!(
                        port,
                        self.config.announce[Family::of(to) as usize].map(Into::into),
                        "the port that the operator names"
                    );
                }
                self.open.push((to, message.transaction.to_vec()));
            }
            Body::UnknownQuery { .. } => panic!("a question that nobody knows"),
            Body::Answer(answer) => {
                assert!(answer.values.is_none() && answer.token.is_none() && answer.samples.is_none(), "no peers are named");
                self.count_answer();
            }
            Body::Error { .. } => self.count_answer(),
        }
    }

    fn count_answer(&mut self) {
        self.answered += 1;
        assert!(!self.config.read_only, "whoever is read-only answers nobody");
        assert!(self.answered <= self.asked_us, "an answer to nobody");
    }

    fn check_event(&mut self, event: Event) {
        match event {
            Event::Peers(hearsay) => {
                self.named.0 += 1;
                assert!(self.delivered.contains(&hearsay.sha256) && sha256(&hearsay.datagram) == hearsay.sha256);
                let body = hearsay.candidates(RunId::from([4; 8]), TargetIds::of_v1(hearsay.info_hash), evidence::Version::V1);
                let record = Numbered { body, kid: KeyId::from([1; 8]), seq: 3 };
                let line = opening::seal(Tag::Cand, &Blind::from([2; 32]), &record).expect("a list that can be kept");
                if let Err(fault) = verify::single::opening(&line) {
                    panic!("a verifier refuses the list: {fault}: {line}");
                }
            }
            Event::Finished(finished) => {
                *self.finished.entry(finished.search).or_default() += 1;
                assert!(finished.queries <= self.config.limits.queries_max, "{} queries for one look-up", finished.queries);
                assert!(finished.repeats <= self.config.limits.repeats_max);
                assert!(finished.agreed() <= finished.closest.len());
            }
            Event::Announced { node, .. } => {
                assert!(self.config.announce[Family::of(node.address) as usize].is_some());
                self.named.1 += 1;
            }
            Event::Sampled(_) => {}
        }
    }
}

/// An address that a datagram may come from: of the laboratory, elsewhere, ours.
pub(super) fn address(script: &mut Script<'_>) -> SocketAddr {
    let kind = script.byte();
    let [network, host] = [script.byte(), script.byte()];
    let port = if kind & 0x80 == 0 { 6881 } else { script.short() };
    SocketAddr::new(ip(kind, network, host), port)
}

fn ip(kind: u8, network: u8, host: u8) -> IpAddr {
    match kind & 3 {
        0 | 1 => Ipv4Addr::new(127, 0, network, host).into(),
        2 => Ipv6Addr::new(0x2001, 0xdb8, network.into(), 0, 0, 0, 0, host.into()).into(),
        _ => Ipv4Addr::new(192, 0, 2, host).into(),
    }
}

/// A packed node: an id of one byte's repetition, mostly of the family that belongs there.
pub(super) fn node(script: &mut Script<'_>, octets: usize) -> Vec<u8> {
    let id = script.byte();
    [&[id; 20][..], &packed(script, octets)].concat()
}

/// A packed peer of either family.
pub(super) fn peer(script: &mut Script<'_>) -> Vec<u8> {
    let octets = if script.byte() & 1 == 0 { 4 } else { 16 };
    packed(script, octets)
}

fn packed(script: &mut Script<'_>, octets: usize) -> Vec<u8> {
    let kind = script.byte();
    let [network, host] = [script.byte(), script.byte()];
    let ip = ip(if octets == 4 { kind & 0xfd } else { 2 }, network, host);
    let octets = match ip {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    let port = if kind & 0x40 == 0 { 6881_u16 } else { kind.into() };
    [&octets[..], &port.to_be_bytes()].concat()
}
