//! One node: its id, what it knows, and what it answers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use wire::infohash::InfoHashV1;
use wire::krpc::{Ask, Body, Limits, Message, Node, NodeId, Query, encode_error};

use super::answer::Answer;
use super::lie::{self, Lie, Lied};
use super::{CLOSEST, DhtConfig, Kind, Shared, place};
use crate::chance;

#[derive(Debug)]
pub(super) struct Member {
    pub(super) node: Node,
    pub(super) lie: Option<Lie>,
    /// Whom it knows.
    pub(super) table: Vec<Node>,
}

/// All nodes, sybils last.
pub(super) fn all(config: &DhtConfig) -> Vec<Member> {
    let mut members: Vec<Member> = (0..config.nodes).map(|number| member(config, number)).collect();
    let nodes: Vec<Node> = members.iter().map(|member| member.node).collect();
    for member in &mut members {
        member.table = table(config.seed, &member.node, &nodes);
    }
    members.extend((0..config.sybils).map(|number| {
        let address = SocketAddr::new(config.place.address(Kind::Sybil, number), config.port);
        Member { node: Node { id: NodeId([0; 20]), address }, lie: Some(Lie::Sybils), table: vec![] }
    }));
    members
}

fn member(config: &DhtConfig, number: usize) -> Member {
    let address = config.place.address(Kind::Member, number);
    // Liars are spread evenly, and so are their kinds.
    let before = number * config.poisoned_percent / 100;
    let is_liar = (number + 1) * config.poisoned_percent / 100 > before && !config.lies.is_empty();
    let lie = is_liar.then(|| config.lies[before % config.lies.len()]);
    let random = random(config.seed, "dht-id", address);
    let id = if lie == Some(Lie::WrongId) { NodeId(random) } else { place::id_of(address, random) };
    Member { node: Node { id, address: SocketAddr::new(address, config.port) }, lie, table: vec![] }
}

fn random(seed: u64, purpose: &str, address: IpAddr) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&chance::bytes(seed, purpose, address)[..20]);
    bytes
}

/// Up to eight nodes for each number of shared bits.
fn table(seed: u64, own: &Node, all: &[Node]) -> Vec<Node> {
    let mut buckets: BTreeMap<u32, Vec<Node>> = BTreeMap::new();
    for node in all.iter().filter(|node| node.address != own.address) {
        buckets.entry(place::shared_bits(&own.id, &node.id)).or_default().push(*node);
    }
    let mut turn = 0;
    for bucket in buckets.values_mut() {
        while bucket.len() > CLOSEST {
            turn += 1;
            bucket.swap_remove(chance::number(seed ^ turn << 20, "dht-table", own.address.ip()) as usize % bucket.len());
        }
    }
    buckets.into_values().flatten().collect()
}

/// A queried place and torrent.
struct Asked {
    target: NodeId,
    info_hash: Option<InfoHashV1>,
}

/// Answers until it is dropped.
pub(super) async fn serve(socket: UdpSocket, number: usize, shared: Arc<Shared>) {
    let mut buffer = vec![0; 4_096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        for datagram in answers(&shared, number, from, &buffer[..length]) {
            // Whoever asked may be gone.
            let _ = socket.send_to(&datagram, from).await;
        }
    }
}

fn answers(shared: &Shared, number: usize, from: SocketAddr, datagram: &[u8]) -> Vec<Vec<u8>> {
    let Ok(message) = Message::parse(datagram, &Limits::default()) else { return vec![] };
    let member = &shared.members[number];
    let turn = {
        let mut state = shared.state();
        *state.asked.entry(member.node.address).or_default() += 1;
        state.turn += 1;
        state.turn
    };
    let query = match &message.body {
        Body::Query(query) => query,
        Body::UnknownQuery { .. } => return vec![encode_error(message.transaction, 204, "method unknown")],
        Body::Answer(_) | Body::Error { .. } => return vec![],
    };
    let asked = match query.ask {
        Ask::Ping => Asked { target: query.id, info_hash: None },
        Ask::FindNode { target } | Ask::SampleInfohashes { target } => Asked { target, info_hash: None },
        Ask::GetPeers { info_hash } | Ask::AnnouncePeer { info_hash, .. } => {
            Asked { target: info_hash.into(), info_hash: Some(info_hash) }
        }
    };
    let honest = place::closest(member.table.iter().copied(), &asked.target, |node| node.id);
    if let Some(lie) = member.lie {
        let own = match lie {
            Lie::Sybils if number >= shared.config.nodes => {
                Node { id: lie::sybil_id(member.node.address, &asked.target), ..member.node }
            }
            _ => member.node,
        };
        let lied = Lied { shared, lie, own, target: asked.target, turn, honest };
        return lied.datagrams(message.transaction, from);
    }
    let answer = match (query, asked.info_hash) {
        (Query { ask: Ask::Ping, .. }, _) => Answer { id: member.node.id, nodes: None, peers: vec![], token: None },
        (Query { ask: Ask::AnnouncePeer { port, token: given, .. }, .. }, Some(info_hash)) => {
            if *given != token(shared, number, from) {
                return vec![encode_error(message.transaction, 203, "bad token")];
            }
            let peer = SocketAddr::new(from.ip(), port.unwrap_or(from.port()));
            let mut state = shared.state();
            state.announced.push((info_hash, peer));
            let kept = state.kept.entry((number, info_hash)).or_default();
            kept.retain(|known| *known != peer);
            kept.push(peer);
            Answer { id: member.node.id, nodes: None, peers: vec![], token: None }
        }
        (_, Some(info_hash)) => {
            let peers = shared.sample(&shared.state(), number, info_hash);
            let token = Some(token(shared, number, from));
            Answer { id: member.node.id, nodes: Some(honest), peers, token }
        }
        _ => Answer { id: member.node.id, nodes: Some(honest), peers: vec![], token: None },
    };
    vec![answer.encode(message.transaction, from)]
}

/// Only who asked from an address can announce from it.
fn token(shared: &Shared, number: usize, asker: SocketAddr) -> Vec<u8> {
    chance::bytes(shared.config.seed ^ (number as u64) << 32, "dht-token", asker.ip())[..8].to_vec()
}
