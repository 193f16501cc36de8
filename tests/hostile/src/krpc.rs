//! Datagrams of the DHT, from anybody. BEP 5, 32, 42, 43, 51.

use std::net::SocketAddr;

use wire::infohash::InfoHashV1;
use wire::krpc::{
    Answer, Ask, Body, Limits, Message, Node, NodeId, Query, Reply, TOKEN_LENGTH_MAX, TRANSACTION_LENGTH_MAX, Want, encode_error,
    encode_query, encode_reply,
};

use crate::Seed;

/// Small, so that they are met.
const SMALL: Limits = Limits { bytes_max: 400, nodes_max: 4, values_max: 4, samples_max: 4 };

pub(crate) fn run(data: &[u8]) {
    for limits in [Limits::default(), SMALL] {
        match Message::parse(data, &limits) {
            Ok(message) => check(&message, data, &limits),
            Err(fault) => assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}"),
        }
    }
}

fn check(message: &Message<'_>, data: &[u8], limits: &Limits) {
    assert!(data.len() <= limits.bytes_max);
    assert!((1..=TRANSACTION_LENGTH_MAX).contains(&message.transaction.len()));
    match &message.body {
        Body::Query(query) => {
            let bytes = encode_query(message.transaction, query, message.read_only);
            let again = Message::parse(&bytes, &Limits::default()).expect("what we write can be read");
            assert_eq!(again.body, message.body, "a question is read as it was asked");
            assert_eq!((again.transaction, again.read_only), (message.transaction, message.read_only));
        }
        Body::Answer(answer) => check_answer(answer, data, limits),
        other => drop(format!("{other:?}")),
    }
}

fn check_answer(answer: &Answer<'_>, data: &[u8], limits: &Limits) {
    assert!(answer.nodes.len() <= 2 * limits.nodes_max, "each family has its limit");
    assert!(answer.values.as_ref().is_none_or(|values| values.len() <= limits.values_max));
    assert!(answer.samples.as_ref().is_none_or(|samples| samples.info_hashes.len() <= limits.samples_max));
    assert!(answer.token.is_none_or(|token| token.len() <= TOKEN_LENGTH_MAX));
    assert!(data.windows(answer.raw.len()).any(|part| part == answer.raw));
    let [v4, v6] = [true, false].map(|is_v4| {
        let nodes = answer.nodes.iter().filter(move |node| node.address.is_ipv4() == is_v4);
        nodes.copied().collect::<Vec<Node>>()
    });
    let reply = Reply { id: answer.id, nodes: Some(&v4), nodes6: Some(&v6) };
    let bytes = encode_reply(b"aaaa", &reply, "192.0.2.99:6881".parse().expect("an address"));
    let again = Message::parse(&bytes, &Limits::default()).expect("what we write can be read");
    let Body::Answer(again) = again.body else { panic!("an answer is read as one") };
    assert_eq!((again.id, again.nodes), (answer.id, [v4, v6].concat()), "nodes are read as they were named");
}

pub(crate) fn seeds() -> Vec<Seed> {
    let ask = |ask| encode_query(b"aa", &Query { id: NodeId([1; 20]), ask, want: Some(Want { v4: true, v6: true }) }, true);
    let hash = InfoHashV1([7; 20]);
    let nodes = [node(2, "192.0.2.1:6881"), node(3, "198.51.100.7:1"), node(4, "[2001:db8::7]:6881")];
    let reply = Reply { id: NodeId([2; 20]), nodes: Some(&nodes), nodes6: Some(&nodes) };
    let named = [
        ("ping", ask(Ask::Ping)),
        ("find-node", ask(Ask::FindNode { target: NodeId([7; 20]) })),
        ("get-peers", ask(Ask::GetPeers { info_hash: hash })),
        ("announce", ask(Ask::AnnouncePeer { info_hash: hash, port: Some(6881), token: b"token" })),
        ("announce-implied", ask(Ask::AnnouncePeer { info_hash: hash, port: None, token: b"token" })),
        ("samples-query", ask(Ask::SampleInfohashes { target: NodeId([7; 20]) })),
        ("nodes", encode_reply(b"aa", &reply, nodes[0].address)),
        ("error", encode_error(b"aa", 203, "protocol error")),
        (
            "peers",
            answer(b"5:token3:abc6:valuesl6:\xc0\x00\x02\x01\x1a\xe118:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x1a\xe1e"),
        ),
        ("peers-odd", answer(b"5:token3:abc6:valuesl6:\xc0\x00\x02\x01\x1a\xe13:\xc0\x00\x02i5eee")),
        ("samples", answer(&[&b"8:intervali300e3:numi2e7:samples40:"[..], &[7; 40]].concat())),
        ("samples-cut", answer(&[&b"7:samples39:"[..], &[7; 39]].concat())),
        ("nodes-cut", answer(&[&b"5:nodes25:"[..], &[7; 25]].concat())),
        ("unknown-query", b"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:vote1:t2:aa1:y1:qe".to_vec()),
        ("transaction-empty", b"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t0:1:y1:qe".to_vec()),
        ("error-without-number", b"d1:el5:oopsee1:t2:aa1:y1:ee".to_vec()),
        ("microtransport", b"\x41\x00\x12\x34\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00".to_vec()),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

/// An answer with these fields after its id.
fn answer(fields: &[u8]) -> Vec<u8> {
    [&b"d1:rd2:id20:"[..], &[2; 20], fields, b"e1:t2:aa1:y1:re"].concat()
}

fn node(id: u8, address: &str) -> Node {
    let address: SocketAddr = address.parse().expect("an address");
    Node { id: NodeId([id; 20]), address }
}
