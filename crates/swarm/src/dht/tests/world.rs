//! A DHT in one process with virtual time: honest nodes with tables as real ones have, liars of several kinds, loss and
//! latency, all from one seed.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::BTreeMap;

use evidence::{InfoHashV1, Mono, Now, Utc};
use wire::bencode::Item;
use wire::krpc::{Ask, Body, Limits, Message, Node, NodeId, encode_error};

use super::super::id::{Distance, id_for};
use super::super::{CLOSEST, Config, Dht, Event, Family, Input, Output, SearchId, Snapshot};
use crate::chance::Chance;
use crate::{Scope, Seed};

pub(super) const OWN_V4: &str = "127.0.0.1:6881";
pub(super) const OWN_V6: &str = "[2001:db8:ffff::1]:6881";

/// How a world is made.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) seed: u8,
    pub(super) family: Family,
    pub(super) nodes: usize,
    pub(super) poisoned_percent: usize,
    pub(super) lies: Vec<Lie>,
    /// Addresses that the liars have beside their nodes, 256 in a network.
    pub(super) sybils: u64,
    /// Nodes whose id fits their address.
    pub(super) matching_percent: usize,
    pub(super) loss_percent: u64,
    pub(super) latency_ms: (u64, u64),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            family: Family::V4,
            nodes: 256,
            poisoned_percent: 0,
            lies: Lie::ALL.to_vec(),
            sybils: 65_536,
            matching_percent: 100,
            loss_percent: 0,
            latency_ms: (10, 100),
        }
    }
}

/// What a poisoned node does. All of them name victims as peers and give tokens that they do not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// It names nodes right at the target that do not exist.
    Inventions,
    /// It names nodes right at the target that do exist, and lie the same.
    Sybils,
    /// The same, but they stand where nodes might be.
    Spread,
    /// It names the ids that are really closest, at addresses where nobody is.
    Forged,
    /// It names one victim again and again, under ids right at the target.
    Victim,
    /// It names nodes that nobody may contact.
    Forbidden,
    /// It answers under other ids.
    OtherId,
    /// It answers nothing.
    Silence,
}

impl Lie {
    pub(super) const ALL: [Self; 8] =
        [Self::Inventions, Self::Sybils, Self::Spread, Self::Forged, Self::Victim, Self::Forbidden, Self::OtherId, Self::Silence];
}

#[derive(Debug)]
struct Simulated {
    node: Node,
    lie: Option<Lie>,
    table: Vec<Node>,
    kept: BTreeMap<InfoHashV1, Vec<SocketAddr>>,
}

pub(super) struct World {
    pub(super) options: Options,
    pub(super) dht: Dht,
    pub(super) events: Vec<Event>,
    /// Where the engine has sent, and how often.
    pub(super) sent: BTreeMap<SocketAddr, u32>,
    pub(super) accepted_announces: usize,
    nodes: Vec<Simulated>,
    by_address: BTreeMap<SocketAddr, usize>,
    wire: BTreeMap<(Mono, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    sent_ever: u64,
    chance: Chance,
    now: Mono,
}

impl World {
    pub(super) fn new(options: Options, change: impl FnOnce(&mut Config), kept: Option<&Snapshot>) -> Self {
        let seed = Seed::new([options.seed; 32]);
        let mut chance = Chance::new(seed.split("world", &[]));
        let mut nodes: Vec<Simulated> = (0..options.nodes).map(|at| simulate(&options, at, &mut chance)).collect();
        let all: Vec<Node> = nodes.iter().map(|simulated| simulated.node).collect();
        for simulated in &mut nodes {
            simulated.table = table(&simulated.node.id, &all, &mut chance);
        }
        let by_address = all.iter().enumerate().map(|(at, node)| (node.address, at)).collect();
        let entry = nodes.iter().find(|simulated| simulated.lie.is_none()).unwrap().node.address;
        let mut config = Config { bootstrap: vec![entry], exempt_local: false, ..Config::default() };
        (config.v4, config.v6) = (options.family == Family::V4, options.family == Family::V6);
        change(&mut config);
        let own = vec![OWN_V4.parse().unwrap(), OWN_V6.parse().unwrap()];
        let prefixes = vec!["127.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let scope = Scope::laboratory(prefixes, own, vec![]).unwrap();
        let now = Mono::from_us(1);
        let dht = Dht::new(config, scope, kept, seed.split("dht", &[]), moment(now));
        Self {
            options,
            dht,
            events: Vec::new(),
            sent: BTreeMap::new(),
            accepted_announces: 0,
            nodes,
            by_address,
            wire: BTreeMap::new(),
            sent_ever: 0,
            chance,
            now,
        }
    }

    pub(super) fn now(&self) -> Now {
        moment(self.now)
    }

    /// The nodes closest to a place, liars included.
    pub(super) fn closest(&self, target: &NodeId) -> Vec<Node> {
        let mut all: Vec<_> = self.nodes.iter().map(|simulated| simulated.node).collect();
        all.sort_by_key(|node| Distance::between(&node.id, target));
        all.truncate(CLOSEST);
        all
    }

    /// Lets peers announce to the nodes closest to a torrent. Liars keep nothing.
    pub(super) fn share(&mut self, info_hash: InfoHashV1, peers: &[SocketAddr]) {
        for node in self.closest(&place(info_hash)) {
            let at = self.by_address[&node.address];
            self.nodes[at].kept.insert(info_hash, peers.to_vec());
        }
    }

    pub(super) fn is_honest(&self, address: SocketAddr) -> bool {
        self.by_address.get(&address).is_some_and(|at| self.nodes[*at].lie.is_none())
    }

    pub(super) fn victim(&self) -> SocketAddr {
        sybil_address(self.options.family, 0x55, 7)
    }

    pub(super) fn random_hash(&mut self) -> InfoHashV1 {
        InfoHashV1::from(random_bytes(&mut self.chance))
    }

    /// Runs until the look-up is over.
    pub(super) fn run_search(&mut self, search: SearchId) -> super::super::Finished {
        for _ in 0..100_000 {
            let found = self.events.iter().find_map(|event| match event {
                Event::Finished(report) if report.search == search => Some((**report).clone()),
                _ => None,
            });
            if let Some(report) = found {
                return report;
            }
            self.step();
        }
        panic!("the look-up does not end");
    }

    pub(super) fn run_ms(&mut self, ms: u64) {
        let end = self.now.plus_ms(ms);
        while self.now < end {
            self.step();
        }
    }

    /// To the next thing that happens.
    fn step(&mut self) {
        let wake = loop {
            match self.dht.poll_output() {
                Output::Send { to, datagram } => self.on_sent(to, datagram),
                Output::Event(event) => self.events.push(event),
                Output::Wait(until) => break until,
            }
        };
        let next = self.wire.first_key_value().map(|((at, _), _)| *at);
        // Idle worlds go on by the second, so that nothing waits for ever.
        let next = next.unwrap_or(self.now.plus_ms(1_000)).min(wake.max(self.now));
        self.now = next.max(self.now);
        if wake <= self.now {
            self.dht.handle_input(moment(self.now), Input::Timeout);
        }
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (from, to, datagram) = entry.remove();
            if to == self.own() {
                self.dht.handle_input(moment(self.now), Input::Received { from, datagram: &datagram });
            } else {
                self.on_arrived(from, to, &datagram);
            }
        }
    }

    pub(super) fn own(&self) -> SocketAddr {
        if self.options.family == Family::V4 { OWN_V4 } else { OWN_V6 }.parse().unwrap()
    }

    fn on_sent(&mut self, to: SocketAddr, datagram: Vec<u8>) {
        // Written apart from `scope`, so that it is a check of it.
        let is_laboratory = match to.ip() {
            IpAddr::V4(four) => four.is_loopback(),
            IpAddr::V6(six) => six.segments()[..2] == [0x2001, 0x0db8],
        };
        assert!(is_laboratory && to.port() >= 1024 && to != self.own(), "sent to an excluded address");
        assert_eq!(Family::of(to), self.options.family);
        *self.sent.entry(to).or_default() += 1;
        self.post(self.own(), to, datagram);
    }

    pub(super) fn post(&mut self, from: SocketAddr, to: SocketAddr, datagram: Vec<u8>) {
        if self.chance.below(100) < self.options.loss_percent {
            return;
        }
        let (least, most) = self.options.latency_ms;
        let at = self.now.plus_ms(least + self.chance.below(most - least + 1));
        self.sent_ever += 1;
        self.wire.insert((at, self.sent_ever), (from, to, datagram));
    }

    fn on_arrived(&mut self, from: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        let message = Message::parse(datagram, &Limits::default()).unwrap();
        let Body::Query(query) = message.body else { return };
        let (target, info_hash) = match query.ask {
            Ask::FindNode { target } | Ask::SampleInfohashes { target } => (target, None),
            Ask::GetPeers { info_hash } => (info_hash.into(), Some(InfoHashV1::from(info_hash.0))),
            Ask::Ping => (query.id, None),
            Ask::AnnouncePeer { info_hash, port, token } => {
                return self.on_announce(from, to, &message, info_hash.0, port, token);
            }
        };
        let is_sampling = matches!(query.ask, Ask::SampleInfohashes { .. });
        let Some(at) = self.by_address.get(&to).copied() else {
            if let Some(lie) = sybils_lie(to) {
                let answer = self.lie(message.transaction, sybil(to, &target).id, lie, &target, from);
                self.post(to, from, answer);
            }
            return;
        };
        let simulated = &self.nodes[at];
        let answer = match simulated.lie {
            Some(Lie::Silence) => return,
            Some(Lie::OtherId) => {
                let id = NodeId(random_bytes(&mut self.chance));
                self.lie(message.transaction, id, Lie::OtherId, &target, from)
            }
            Some(lie) => self.lie(message.transaction, simulated.node.id, lie, &target, from),
            None => {
                let mut nodes = simulated.table.clone();
                nodes.sort_by_key(|node| Distance::between(&node.id, &target));
                nodes.truncate(CLOSEST);
                let peers = info_hash.and_then(|hash| simulated.kept.get(&hash)).cloned().unwrap_or_default();
                let samples = is_sampling.then(|| simulated.kept.keys().flat_map(|hash| *hash.as_bytes()).collect());
                answer(message.transaction, &simulated.node.id, &nodes, &peers, &token(from, to), samples)
            }
        };
        self.post(to, from, answer);
    }

    fn on_announce(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        query: &Message<'_>,
        hash: [u8; 20],
        port: Option<u16>,
        given: &[u8],
    ) {
        let Some(at) = self.by_address.get(&to).copied() else { return };
        if given != token(from, to) || self.nodes[at].lie.is_some() {
            return self.post(to, from, encode_error(query.transaction, 203, "bad token"));
        }
        self.accepted_announces += 1;
        let peer = SocketAddr::new(from.ip(), port.unwrap_or(from.port()));
        self.nodes[at].kept.entry(InfoHashV1::from(hash)).or_default().push(peer);
        let accepted = answer(query.transaction, &self.nodes[at].node.id, &[], &[], b"", None);
        self.post(to, from, accepted);
    }

    fn lie(&mut self, transaction: &[u8], id: NodeId, lie: Lie, target: &NodeId, asker: SocketAddr) -> Vec<u8> {
        let (family, sybils) = (self.options.family, self.options.sybils);
        let really = if lie == Lie::Forged { self.closest(target) } else { Vec::new() };
        let named: Vec<Node> = (0..CLOSEST as u64)
            .map(|at| match lie {
                Lie::Sybils => sybil(sybil_address(family, 0x66, self.chance.below(sybils)), target),
                Lie::Spread => sybil(sybil_address(family, 0x77, self.chance.below(sybils)), target),
                Lie::Forged => {
                    let address = sybil_address(family, 0x99, self.chance.below(65_536));
                    Node { id: really[at as usize].id, address }
                }
                Lie::Victim => Node { id: near(target, &mut self.chance), address: sybil_address(family, 0x55, 7) },
                Lie::Forbidden => Node { id: near(target, &mut self.chance), address: forbidden(family, at) },
                _ => {
                    let address = sybil_address(family, 0x99, self.chance.below(65_536));
                    Node { id: near(target, &mut self.chance), address }
                }
            })
            .collect();
        let victims: Vec<_> = (0..50).map(|port| SocketAddr::new([203, 0, 113, 9].into(), 2_000 + port)).collect();
        // A token that we refuse ourselves.
        answer(transaction, &id, &named, &victims, &token(asker, asker), None)
    }
}

fn answer(
    transaction: &[u8],
    id: &NodeId,
    nodes: &[Node],
    peers: &[SocketAddr],
    token: &[u8],
    samples: Option<Vec<u8>>,
) -> Vec<u8> {
    let pack = |address: &SocketAddr| match address.ip() {
        IpAddr::V4(four) => [&four.octets()[..], &address.port().to_be_bytes()].concat(),
        IpAddr::V6(six) => [&six.octets()[..], &address.port().to_be_bytes()].concat(),
    };
    let list = |v4: bool| {
        let nodes = nodes.iter().filter(|node| node.address.is_ipv4() == v4);
        nodes.flat_map(|node| [&node.id.0[..], &pack(&node.address)].concat()).collect::<Vec<u8>>()
    };
    let mut fields = BTreeMap::from([(b"id".to_vec(), Item::from(&id.0[..]))]);
    let mut put = |key: &str, item: Item| fields.insert(key.as_bytes().to_vec(), item);
    put("nodes", Item::Bytes(list(true)));
    put("nodes6", Item::Bytes(list(false)));
    put("token", Item::from(token));
    if !peers.is_empty() {
        put("values", Item::List(peers.iter().map(|peer| Item::Bytes(pack(peer))).collect()));
    }
    if let Some(samples) = samples {
        put("samples", Item::Bytes(samples));
        put("interval", Item::Int(600));
        put("num", Item::Int(1));
    }
    Item::dict([("t", Item::from(transaction)), ("y", Item::from("r")), ("r", Item::Dict(fields))]).encode()
}

pub(super) fn place(info_hash: InfoHashV1) -> NodeId {
    NodeId(*info_hash.as_bytes())
}

fn simulate(options: &Options, at: usize, chance: &mut Chance) -> Simulated {
    let number = at as u16;
    let address: IpAddr = match options.family {
        Family::V4 => Ipv4Addr::new(127, 10 + (number >> 8) as u8, number as u8, 1 + (number % 250) as u8).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0x0db8, number, 0, 0, 0, 0, 1).into(),
    };
    let random = Seed::new(core::array::from_fn(|_| chance.below(256) as u8));
    let matches = chance.below(100) < options.matching_percent as u64;
    let id = if matches { id_for(address, random) } else { NodeId(random_bytes(chance)) };
    // Liars are spread evenly, and so are their kinds.
    let before = at * options.poisoned_percent / 100;
    let lie = ((at + 1) * options.poisoned_percent / 100 > before).then(|| options.lies[before % options.lies.len()]);
    Simulated { node: Node { id, address: SocketAddr::new(address, 6881) }, lie, table: Vec::new(), kept: BTreeMap::new() }
}

/// Up to eight nodes for each number of shared bits, as a node that has run for a while knows them.
fn table(own: &NodeId, all: &[Node], chance: &mut Chance) -> Vec<Node> {
    let mut buckets: BTreeMap<u8, Vec<Node>> = BTreeMap::new();
    for node in all.iter().filter(|node| node.id != *own) {
        buckets.entry(Distance::between(own, &node.id).shared_bits()).or_default().push(*node);
    }
    for bucket in buckets.values_mut() {
        while bucket.len() > CLOSEST {
            bucket.swap_remove(chance.below(bucket.len() as u64) as usize);
        }
    }
    buckets.into_values().flatten().collect()
}

fn token(asker: SocketAddr, node: SocketAddr) -> Vec<u8> {
    evidence::sha256(format!("{asker} {node}").as_bytes()).as_bytes()[..8].to_vec()
}

fn random_bytes(chance: &mut Chance) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&evidence::sha256(&chance.below(u64::MAX).to_be_bytes()).as_bytes()[..20]);
    bytes
}

/// Closer to the target than chance would ever put a node.
fn near(target: &NodeId, chance: &mut Chance) -> NodeId {
    let mut id = NodeId(random_bytes(chance));
    id.0[..8].copy_from_slice(&target.0[..8]);
    id
}

fn sybil(address: SocketAddr, target: &NodeId) -> Node {
    let digest = evidence::sha256(address.to_string().as_bytes());
    let mut id = *target;
    match sybils_lie(address) {
        // Where eight of 256 nodes are due, but not at the very centre.
        Some(Lie::Spread) => {
            id.0[0] ^= digest.as_bytes()[0] % 8;
            id.0[1] ^= digest.as_bytes()[1] | 0x40;
        }
        _ => id.0[10..].copy_from_slice(&digest.as_bytes()[..10]),
    }
    Node { id, address }
}

fn sybil_address(family: Family, kind: u8, number: u64) -> SocketAddr {
    let [high, low] = (number as u16).to_be_bytes();
    let ip = match family {
        Family::V4 => Ipv4Addr::new(127, kind, high, low.max(1)).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0x0db8, u16::from_be_bytes([kind, high]), 0, 0, 0, 0, low.into()).into(),
    };
    SocketAddr::new(ip, 6_881)
}

/// What a node at this address does, if it is one of the liars' own.
fn sybils_lie(address: SocketAddr) -> Option<Lie> {
    let kind = match address.ip() {
        IpAddr::V4(four) => four.octets()[1],
        IpAddr::V6(six) => six.octets()[4],
    };
    match kind {
        0x66 => Some(Lie::Sybils),
        0x77 => Some(Lie::Spread),
        _ => None,
    }
}

fn forbidden(family: Family, at: u64) -> SocketAddr {
    let text = match (family, at) {
        (Family::V4, 0) => OWN_V4,
        (Family::V4, 1) => "10.0.0.1:6881",
        (Family::V4, 2) => "127.0.0.9:25",
        (Family::V4, 3) => "127.0.0.9:0",
        (Family::V4, 4) => "203.0.113.9:6881",
        (Family::V4, _) => "192.0.2.9:6881",
        (Family::V6, 0) => OWN_V6,
        (Family::V6, 1) => "[fc00::1]:6881",
        (Family::V6, 2) => "[2001:db8::9]:25",
        (Family::V6, 3) => "[2001:db8::9]:0",
        (Family::V6, 4) => "[::ffff:127.0.0.9]:6881",
        (Family::V6, _) => "[3fff::1]:6881",
    };
    text.parse().unwrap()
}

fn moment(mono: Mono) -> Now {
    Now { mono, utc: Utc::from_ms(1_788_264_000_000 + (mono.us() / 1000) as i64) }
}
