//! A node of the DHT among nodes that answer what they like, and strangers who send datagrams from anywhere.

mod network;

use evidence::InfoHashV1;
use swarm::dht::{Config, Family, NodeId};
use wire::bencode::Item;
use wire::krpc::{Ask, Query, encode_query};

use crate::Seed;
use crate::scene;
use crate::script::{Script, chunk};
use network::Network;

pub(crate) fn run(data: &[u8]) {
    play_all(data);
}

/// Plays a script to its end: how often nodes named peers, and announces were answered.
fn play_all(data: &[u8]) -> (u32, u32) {
    let mut script = Script::new(data);
    let head = script.byte();
    let mut config = Config {
        v6: head & 1 != 0,
        read_only: head & 2 == 0,
        announce: if head & 4 == 0 { [None; 2] } else { [6881, 6882].map(std::num::NonZeroU16::new) },
        exempt_local: head & 8 == 0,
        bootstrap: vec![scene::address("127.0.0.2:6881"), scene::address("[2001:db8::2]:6881")],
        ..Config::default()
    };
    if head & 16 != 0 {
        config.limits.queries_max = 12;
        config.limits.look_ups_max = 2;
        config.limits.candidates_max = 16;
    }
    let mut network = Network::new(config);
    while !script.is_over() {
        play(&mut network, &mut script);
    }
    network.end()
}

/// One thing that happens.
fn play(network: &mut Network, script: &mut Script<'_>) {
    match script.byte() % 10 {
        0 => {
            let from = network::address(script);
            network.deliver(from, script.chunk());
        }
        1 | 2 => {
            let Some((to, transaction)) = network.open_query(script.byte()) else { return };
            network.deliver(to, &answer(&transaction, script));
        }
        3 => {
            let Some((to, transaction)) = network.open_query(script.byte()) else { return };
            let error = Item::dict([
                ("e", Item::List(vec![Item::Int(i64::from(script.word())), Item::from(script.chunk())])),
                ("t", Item::from(&transaction[..])),
                ("y", Item::from("e")),
            ]);
            network.deliver(to, &error.encode());
        }
        4 => network.wait(u64::from(script.short())),
        5 => {
            let family = if script.byte() & 1 == 0 { Family::V4 } else { Family::V6 };
            let hash = InfoHashV1::from([script.byte(); 20]);
            match script.byte() % 5 {
                0 | 1 => network.find_peers(hash, family),
                2 => network.announce(hash, family),
                3 => network.survey(NodeId([script.byte(); 20]), family),
                _ => network.cancel(script.byte()),
            }
        }
        6 => network.bootstrap(),
        7 => {
            let from = network::address(script);
            network.deliver(from, &query(script));
        }
        8 => network.wake(),
        // A right answer from somebody who was not asked.
        _ => {
            let Some((_, transaction)) = network.open_query(script.byte()) else { return };
            let from = network::address(script);
            network.deliver(from, &answer(&transaction, script));
        }
    }
}

/// An answer in which everything is the script's.
fn answer(transaction: &[u8], script: &mut Script<'_>) -> Vec<u8> {
    let shape = script.byte();
    let mut fields = vec![("id", Item::Bytes(vec![script.byte(); 20]))];
    if shape & 1 != 0 {
        let nodes: Vec<u8> = (0..script.byte() % 24).flat_map(|_| network::node(script, 4)).collect();
        fields.push(("nodes", Item::Bytes(nodes)));
    }
    if shape & 2 != 0 {
        let nodes: Vec<u8> = (0..script.byte() % 12).flat_map(|_| network::node(script, 16)).collect();
        fields.push(("nodes6", Item::Bytes(nodes)));
    }
    if shape & 4 != 0 {
        fields.push(("token", Item::from(script.chunk())));
    }
    if shape & 8 != 0 {
        let values = (0..script.byte() % 20).map(|_| Item::Bytes(network::peer(script))).collect();
        fields.push(("values", Item::List(values)));
    }
    if shape & 16 != 0 {
        fields.push(("samples", Item::Bytes(vec![script.byte(); usize::from(script.byte() % 8) * 20])));
        fields.push(("interval", Item::Int(script.word().into())));
        fields.push(("num", Item::Int(script.word().into())));
    }
    let fields = Item::Dict(fields.into_iter().map(|(key, item)| (key.as_bytes().to_vec(), item)).collect());
    let mut message = vec![("t", Item::from(transaction)), ("y", Item::from("r")), ("r", fields)];
    if shape & 32 != 0 {
        message.push(("ip", Item::Bytes(network::peer(script))));
    }
    Item::Dict(message.into_iter().map(|(key, item)| (key.as_bytes().to_vec(), item)).collect()).encode()
}

/// A question for us.
fn query(script: &mut Script<'_>) -> Vec<u8> {
    let hash = wire::infohash::InfoHashV1([script.byte(); 20]);
    let ask = match script.byte() % 5 {
        0 => Ask::Ping,
        1 => Ask::FindNode { target: hash.into() },
        2 => Ask::GetPeers { info_hash: hash },
        3 => Ask::AnnouncePeer { info_hash: hash, port: Some(script.short()), token: script.chunk() },
        _ => Ask::SampleInfohashes { target: hash.into() },
    };
    let transaction = [&[1][..], script.chunk()].concat();
    encode_query(&transaction, &Query { id: NodeId([script.byte(); 20]), ask, want: None }, false)
}

pub(crate) fn seeds() -> Vec<Seed> {
    let begin: &[u8] = &[5, 0, 7, 0];
    let nodes = |ids: &[u8]| ids.iter().flat_map(|id| [*id, 1, 0, *id]).collect::<Vec<u8>>();
    let named_nodes = [&[1, 0, 1, 9, 6][..], &nodes(&[1, 2, 3, 4, 5, 6])].concat();
    // The closest to the torrent are asked first.
    let peers = [6, 5].map(|id| [&[1, 0, 12, id][..], &chunk(b"token"), &[2, 0, 1, 0, 9, 0, 1, 0, 10]].concat()).concat();
    let asked = [&[7, 0, 1, 0, 9, 7, 1][..], &chunk(b"aa"), &[3]].concat();
    let script = |head: u8, parts: &[&[u8]]| [&[head][..], &parts.concat()].concat();
    let named = [
        ("peers", script(0, &[begin, &named_nodes, &peers])),
        ("announce", script(6, &[&[5, 0, 7, 2], &named_nodes, &peers, &[4, 0x40, 0]])),
        ("silence", script(0, &[begin, &[4, 0xff, 0xff]])),
        ("both-families", script(1, &[begin, &[5, 1, 7, 0], &named_nodes, &named_nodes])),
        ("survey", script(0, &[&[5, 0, 7, 3, 7], &[1, 0, 16, 9, 7, 3, 0, 0, 1, 0, 0, 0, 0, 9]])),
        ("bootstrap", script(0, &[&[6], &named_nodes, &[4, 0xff, 0xff]])),
        ("asked", script(2, &[&asked.repeat(12)])),
        ("asked-while-silent", script(0, &[&asked])),
        ("regression-asked-from-port-zero", script(0x9e, &[&[0; 13], &[0x89, 0xa8, 0, 5]])),
        ("error", script(0, &[begin, &[3, 0, 0, 0, 0, 203], &chunk(b"no")])),
        ("from-elsewhere", script(0, &[begin, &[9, 0, 0, 1, 0, 200, 1, 9, 1, 7, 1, 0, 7]])),
        ("tight", script(16, &[begin, begin, begin, &named_nodes, &named_nodes, &named_nodes])),
        ("cancel", script(0, &[begin, &[5, 0, 0, 4, 0]])),
        ("noise", script(2, &[&[0, 0, 1, 0, 9], &chunk(b"d1:ad2:id20:aaaa")])),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script that never gets anywhere would check nothing.
    #[test]
    fn seeds_come_as_far_as_their_names_say() {
        let reached: Vec<_> = seeds().into_iter().map(|(name, bytes)| (name, play_all(&bytes))).collect();
        let of = |name: &str| reached.iter().find(|(other, _)| other == name).map(|(_, reached)| *reached).expect("a seed");
        assert!(of("peers").0 > 0 && of("announce").0 > 0 && of("announce").1 > 0, "{reached:?}");
        assert_eq!((of("silence"), of("asked-while-silent")), ((0, 0), (0, 0)));
    }
}
