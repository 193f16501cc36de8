//! Writing a datagram.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::{Ask, Node, NodeId, Query};
use crate::bencode::Item;

/// Who writes: four bytes that name the program, as `v`. BEP 5.
const VERSION: &[u8] = b"AF\x00\x01";

/// An answer to a ping, or to a question for nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// What the one who answers calls itself.
    pub id: NodeId,
    /// The IPv4 nodes to name, if they were asked for. Those of the other family are left out.
    pub nodes: Option<&'a [Node]>,
    /// The IPv6 nodes to name, if they were asked for. Those of the other family are left out.
    pub nodes6: Option<&'a [Node]>,
}

/// A question. `read_only` says that the asker answers none (BEP 43).
pub fn encode_query(transaction: &[u8], query: &Query<'_>, read_only: bool) -> Vec<u8> {
    let mut arguments = BTreeMap::from([(b"id".to_vec(), place(&query.id.0))]);
    let mut put = |key: &str, item: Item| arguments.insert(key.as_bytes().to_vec(), item);
    match query.ask {
        Ask::Ping => {}
        Ask::FindNode { target } | Ask::SampleInfohashes { target } => {
            put("target", place(&target.0));
        }
        Ask::GetPeers { info_hash } => {
            put("info_hash", place(&info_hash.0));
        }
        Ask::AnnouncePeer { info_hash, port, token } => {
            put("info_hash", place(&info_hash.0));
            put("implied_port", Item::Int(port.is_none().into()));
            // Nodes older than the implied port refuse an announce without any.
            put("port", Item::Int(port.unwrap_or(1).into()));
            put("token", Item::from(token));
        }
    }
    if let Some(want) = query.want {
        let families = [(want.v4, "n4"), (want.v6, "n6")];
        let families = families.into_iter().filter(|(wanted, _)| *wanted).map(|(_, name)| Item::from(name));
        put("want", Item::List(families.collect()));
    }
    let mut message = envelope(transaction, "q");
    message.insert(b"q".to_vec(), Item::from(query.ask.method()));
    message.insert(b"a".to_vec(), Item::Dict(arguments));
    if read_only {
        message.insert(b"ro".to_vec(), Item::Int(1));
    }
    Item::Dict(message).encode()
}

/// An answer to somebody at `asker`, who is told so (BEP 42).
pub fn encode_reply(transaction: &[u8], reply: &Reply<'_>, asker: SocketAddr) -> Vec<u8> {
    let mut fields = BTreeMap::from([(b"id".to_vec(), place(&reply.id.0))]);
    for (key, nodes, v4) in [("nodes", reply.nodes, true), ("nodes6", reply.nodes6, false)] {
        if let Some(nodes) = nodes {
            let mut packed = Vec::new();
            for node in nodes.iter().filter(|node| node.address.is_ipv4() == v4) {
                packed.extend_from_slice(&node.id.0);
                put_address(node.address, &mut packed);
            }
            fields.insert(key.as_bytes().to_vec(), Item::Bytes(packed));
        }
    }
    let mut seen_at = Vec::new();
    put_address(asker, &mut seen_at);
    let mut message = envelope(transaction, "r");
    message.insert(b"ip".to_vec(), Item::Bytes(seen_at));
    message.insert(b"r".to_vec(), Item::Dict(fields));
    Item::Dict(message).encode()
}

/// A refusal: 201 generic, 202 server, 203 protocol, 204 unknown method. BEP 5.
pub fn encode_error(transaction: &[u8], code: u16, text: &str) -> Vec<u8> {
    let mut message = envelope(transaction, "e");
    message.insert(b"e".to_vec(), Item::List([Item::Int(code.into()), Item::from(text)].into()));
    Item::Dict(message).encode()
}

fn envelope(transaction: &[u8], kind: &str) -> BTreeMap<Vec<u8>, Item> {
    BTreeMap::from([
        (b"t".to_vec(), Item::from(transaction)),
        (b"v".to_vec(), Item::from(VERSION)),
        (b"y".to_vec(), Item::from(kind)),
    ])
}

fn place(bytes: &[u8; 20]) -> Item {
    Item::from(&bytes[..])
}

fn put_address(address: SocketAddr, out: &mut Vec<u8>) {
    match address.ip() {
        IpAddr::V4(four) => out.extend_from_slice(&four.octets()),
        IpAddr::V6(six) => out.extend_from_slice(&six.octets()),
    }
    out.extend_from_slice(&address.port().to_be_bytes());
}
