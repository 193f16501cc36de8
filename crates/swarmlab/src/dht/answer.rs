//! What nodes say, written: `wire` has no encoder for peers in an answer, on purpose.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use wire::bencode::Item;
use wire::krpc::{Node, NodeId};

/// An answer to any query.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) id: NodeId,
    /// `nodes` or `nodes6`, if nodes were asked for.
    pub(super) nodes: Option<Vec<Node>>,
    /// `values`, unless there are none.
    pub(super) peers: Vec<SocketAddr>,
    pub(super) token: Option<Vec<u8>>,
}

impl Answer {
    pub(super) fn encode(&self, transaction: &[u8], asker: SocketAddr) -> Vec<u8> {
        let mut fields = BTreeMap::from([(b"id".to_vec(), Item::from(&self.id.0[..]))]);
        let mut put = |key: &str, item: Item| fields.insert(key.as_bytes().to_vec(), item);
        if let Some(nodes) = &self.nodes {
            for (key, v4) in [("nodes", true), ("nodes6", false)] {
                let of_family = nodes.iter().filter(|node| node.address.is_ipv4() == v4);
                let packed: Vec<u8> = of_family.flat_map(|node| [&node.id.0[..], &pack(node.address)].concat()).collect();
                if v4 || !packed.is_empty() {
                    put(key, Item::Bytes(packed));
                }
            }
        }
        if !self.peers.is_empty() {
            put("values", Item::List(self.peers.iter().map(|peer| Item::Bytes(pack(*peer))).collect()));
        }
        if let Some(token) = &self.token {
            put("token", Item::from(&token[..]));
        }
        let ends = [("ip", Item::Bytes(pack(asker))), ("t", Item::from(transaction)), ("y", Item::from("r"))];
        let mut message = BTreeMap::from(ends.map(|(key, item)| (key.as_bytes().to_vec(), item)));
        message.insert(b"r".to_vec(), Item::Dict(fields));
        Item::Dict(message).encode()
    }
}

fn pack(address: SocketAddr) -> Vec<u8> {
    let port = address.port().to_be_bytes();
    match address.ip() {
        IpAddr::V4(four) => [&four.octets()[..], &port].concat(),
        IpAddr::V6(six) => [&six.octets()[..], &port].concat(),
    }
}

#[cfg(test)]
mod tests {
    use wire::krpc::{Body, Limits, Message};

    use super::*;

    #[test]
    fn an_answer_reads_back() {
        let node = |text: &str| Node { id: NodeId([3; 20]), address: text.parse().unwrap() };
        let peers: Vec<SocketAddr> = ["192.0.2.1:6881", "[2001:db8::1]:6882"].map(|text| text.parse().unwrap()).into();
        let (nodes, asker) = (vec![node("192.0.2.9:1"), node("[2001:db8::9]:2")], "198.51.100.7:9".parse().unwrap());
        let answer = Answer { id: NodeId([1; 20]), nodes: Some(nodes.clone()), peers: peers.clone(), token: Some(b"tok".into()) };
        let bytes = answer.encode(b"ab", asker);
        let message = Message::parse(&bytes, &Limits::default()).unwrap();
        let Body::Answer(read) = message.body else { panic!("an answer") };
        assert_eq!((read.nodes, read.nodes6), (vec![nodes[0]], vec![nodes[1]]));
        assert_eq!((read.values, read.token, message.seen_at), (Some(peers), Some(&b"tok"[..]), Some(asker)));
    }
}
