//! Reading a datagram.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::{Ask, Error, Limits, Node, NodeId, Query, Rule, TOKEN_LENGTH_MAX, TRANSACTION_LENGTH_MAX, Want};
use crate::Fault;
use crate::bencode::{self, Dict, Strictness, Value};
use crate::compact;
use crate::infohash::InfoHashV1;

const ID_LENGTH: usize = 20;
const METHOD_LENGTH_MAX: usize = 32;
const VERSION_LENGTH_MAX: usize = 32;

/// A datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What the asker chose, which the answer repeats.
    pub transaction: &'a [u8],
    /// Which program the sender claims to be, unverified. BEP 5, `v`.
    pub version: Option<&'a [u8]>,
    /// Whether the sender answers no queries, so that nobody should remember it. BEP 43.
    pub read_only: bool,
    /// Where the sender says that it sees us. Port 0 if it named none. BEP 42.
    pub seen_at: Option<SocketAddr>,
    /// What it says.
    pub body: Body<'a>,
    /// Keys whose values are not what they should be, and were left out above.
    pub odd: Vec<&'static str>,
}

/// What a datagram says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A question.
    Query(Query<'a>),
    /// A question by a method that we do not know.
    UnknownQuery {
        /// What the asker calls itself.
        id: NodeId,
        /// The method's name.
        method: &'a [u8],
    },
    /// An answer. Nothing in it tells to what question.
    Answer(Answer<'a>),
    /// A refusal.
    Error {
        /// 201 generic, 202 server, 203 protocol, 204 unknown method; or anything else.
        code: i64,
        /// In the node's own words, not necessarily UTF-8.
        text: &'a [u8],
    },
}

/// An answer. All of it is hearsay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// What the node calls itself.
    pub id: NodeId,
    /// IPv4 nodes it names, in its order.
    pub nodes: Vec<Node>,
    /// IPv6 nodes it names, in its order. BEP 32.
    pub nodes6: Vec<Node>,
    /// Peers it names, in its order, or nothing if it has no such list.
    pub values: Option<Vec<SocketAddr>>,
    /// Entries of that list that are no address of either family, and were left out.
    pub values_odd: u32,
    /// What to repeat in an announce.
    pub token: Option<&'a [u8]>,
    /// Torrents it knows of. BEP 51.
    pub samples: Option<Samples>,
    /// Exactly the bytes of the answer's own dictionary.
    pub raw: &'a [u8],
}

/// Torrents that a node knows of. BEP 51.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Samples {
    /// Some of them.
    pub info_hashes: Vec<InfoHashV1>,
    /// How long the node gives the same samples, in seconds.
    pub interval_s: Option<u32>,
    /// How many it knows of in all.
    pub count: Option<u64>,
}

impl<'a> Message<'a> {
    /// Reads one datagram.
    pub fn parse(datagram: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let bounds =
            bencode::Limits { bytes_max: limits.bytes_max, depth_max: 6, items_max: 2_048, strictness: Strictness::Peer };
        let value = bencode::parse(datagram, &bounds)?;
        let dict = value.as_dict().ok_or(Fault::at(0, Rule::NotADict))?;
        let transaction = bytes(dict, "t").filter(|bytes| (1..=TRANSACTION_LENGTH_MAX).contains(&bytes.len()));
        let transaction = transaction.ok_or(fault(dict, "t", Rule::Transaction))?;
        let mut odd = Vec::new();
        let body = match bytes(dict, "y") {
            Some(b"q") => query(dict, &mut odd)?,
            Some(b"r") => Body::Answer(answer(dict, limits, &mut odd)?),
            Some(b"e") => error(dict)?,
            _ => return Err(fault(dict, "y", Rule::Type)),
        };
        let version = extra(dict, "v", &mut odd, |value| value.as_bytes().filter(|bytes| bytes.len() <= VERSION_LENGTH_MAX));
        let read_only = extra(dict, "ro", &mut odd, flag).unwrap_or(false);
        let seen_at = extra(dict, "ip", &mut odd, |value| seen_at(value.as_bytes()?));
        Ok(Self { transaction, version, read_only, seen_at, body, odd })
    }
}

fn query<'a>(dict: &Dict<'a>, odd: &mut Vec<&'static str>) -> Result<Body<'a>, Error> {
    let method = bytes(dict, "q").filter(|method| (1..=METHOD_LENGTH_MAX).contains(&method.len()));
    let method = method.ok_or(fault(dict, "q", Rule::Method))?;
    let arguments = dict.get(b"a").and_then(Value::as_dict).ok_or(fault(dict, "a", Rule::Arguments))?;
    let id = NodeId(place(arguments, "id", Rule::Id)?);
    let target = || place(arguments, "target", Rule::Target).map(NodeId);
    let info_hash = || place(arguments, "info_hash", Rule::Target).map(InfoHashV1);
    let ask = match method {
        b"ping" => Ask::Ping,
        b"find_node" => Ask::FindNode { target: target()? },
        b"get_peers" => Ask::GetPeers { info_hash: info_hash()? },
        b"announce_peer" => Ask::AnnouncePeer {
            info_hash: info_hash()?,
            port: port(arguments)?,
            token: token(arguments)?.ok_or(fault(arguments, "token", Rule::Token))?,
        },
        b"sample_infohashes" => Ask::SampleInfohashes { target: target()? },
        _ => return Ok(Body::UnknownQuery { id, method }),
    };
    let want = extra(arguments, "want", odd, |value| {
        let has = |family: &[u8]| value.as_list().map(|list| list.iter().any(|item| item.as_bytes() == Some(family)));
        Some(Want { v4: has(b"n4")?, v6: has(b"n6")? })
    });
    Ok(Body::Query(Query { id, ask, want }))
}

fn answer<'a>(dict: &Dict<'a>, limits: &Limits, odd: &mut Vec<&'static str>) -> Result<Answer<'a>, Error> {
    let value = dict.get(b"r").ok_or(fault(dict, "r", Rule::Response))?;
    let fields = value.as_dict().ok_or(Fault::at(value.offset(), Rule::Response))?;
    let (values, values_odd) = values(fields, limits)?;
    Ok(Answer {
        id: NodeId(place(fields, "id", Rule::Id)?),
        nodes: nodes(fields, "nodes", compact::V4_LENGTH, limits)?,
        nodes6: nodes(fields, "nodes6", compact::V6_LENGTH, limits)?,
        values,
        values_odd,
        token: token(fields)?,
        samples: samples(fields, limits, odd)?,
        raw: value.raw(),
    })
}

fn error<'a>(dict: &Dict<'a>) -> Result<Body<'a>, Error> {
    let list = dict.get(b"e").and_then(Value::as_list);
    let code = list.and_then(|list| list.first()?.as_int()).ok_or(fault(dict, "e", Rule::Error))?;
    let text = list.and_then(|list| list.get(1)?.as_bytes()).unwrap_or_default();
    Ok(Body::Error { code, text })
}

fn nodes(fields: &Dict<'_>, key: &'static str, address_length: usize, limits: &Limits) -> Result<Vec<Node>, Error> {
    let Some(value) = fields.get(key.as_bytes()) else { return Ok(Vec::new()) };
    let length = ID_LENGTH + address_length;
    let packed = value.as_bytes().filter(|bytes| bytes.len() % length == 0);
    let packed = packed.ok_or(Fault::at(value.offset(), Rule::Nodes))?;
    if packed.len() / length > limits.nodes_max {
        return Err(Fault::at(value.offset(), Rule::TooMany));
    }
    let node = |bytes: &[u8]| {
        let (id, address) = bytes.split_first_chunk::<ID_LENGTH>()?;
        Some(Node { id: NodeId(*id), address: address_of(address)? })
    };
    Ok(packed.chunks_exact(length).filter_map(node).collect())
}

fn values(fields: &Dict<'_>, limits: &Limits) -> Result<(Option<Vec<SocketAddr>>, u32), Error> {
    let Some(value) = fields.get(b"values") else { return Ok((None, 0)) };
    let list = value.as_list().ok_or(Fault::at(value.offset(), Rule::Values))?;
    if list.len() > limits.values_max {
        return Err(Fault::at(value.offset(), Rule::TooMany));
    }
    // One odd entry must not hide the peers beside it.
    let peers: Vec<_> = list.iter().filter_map(|entry| address_of(entry.as_bytes()?)).collect();
    let odd = u32::try_from(list.len() - peers.len()).unwrap_or(u32::MAX);
    Ok((Some(peers), odd))
}

fn samples(fields: &Dict<'_>, limits: &Limits, odd: &mut Vec<&'static str>) -> Result<Option<Samples>, Error> {
    let Some(value) = fields.get(b"samples") else { return Ok(None) };
    let hashes = value.as_bytes().map(<[u8]>::as_chunks::<ID_LENGTH>).filter(|(_, rest)| rest.is_empty());
    let (hashes, _) = hashes.ok_or(Fault::at(value.offset(), Rule::Samples))?;
    if hashes.len() > limits.samples_max {
        return Err(Fault::at(value.offset(), Rule::TooMany));
    }
    Ok(Some(Samples {
        info_hashes: hashes.iter().copied().map(InfoHashV1).collect(),
        interval_s: extra(fields, "interval", odd, |value| u32::try_from(value.as_int()?).ok()),
        count: extra(fields, "num", odd, |value| u64::try_from(value.as_int()?).ok()),
    }))
}

fn token<'a>(fields: &Dict<'a>) -> Result<Option<&'a [u8]>, Error> {
    let Some(value) = fields.get(b"token") else { return Ok(None) };
    let token = value.as_bytes().filter(|token| token.len() <= TOKEN_LENGTH_MAX);
    token.map(Some).ok_or(Fault::at(value.offset(), Rule::Token))
}

fn port(arguments: &Dict<'_>) -> Result<Option<u16>, Error> {
    if arguments.get(b"implied_port").and_then(flag) == Some(true) {
        return Ok(None);
    }
    let port = arguments.get(b"port").and_then(|port| u16::try_from(port.as_int()?).ok());
    port.filter(|port| *port != 0).map(Some).ok_or(fault(arguments, "port", Rule::Port))
}

fn place(fields: &Dict<'_>, key: &'static str, rule: Rule) -> Result<[u8; ID_LENGTH], Error> {
    bytes(fields, key).and_then(|bytes| bytes.try_into().ok()).ok_or(fault(fields, key, rule))
}

fn bytes<'a>(dict: &Dict<'a>, key: &str) -> Option<&'a [u8]> {
    dict.get(key.as_bytes()).and_then(Value::as_bytes)
}

/// Where the culprit stands, or 0 if it is missing.
fn fault(dict: &Dict<'_>, key: &str, rule: Rule) -> Error {
    Fault::at(dict.get(key.as_bytes()).map_or(0, Value::offset), rule)
}

/// Reads a field that spoils nothing but itself.
fn extra<'a, T>(
    dict: &Dict<'a>,
    key: &'static str,
    odd: &mut Vec<&'static str>,
    read: impl FnOnce(&Value<'a>) -> Option<T>,
) -> Option<T> {
    let field = read(dict.get(key.as_bytes())?);
    if field.is_none() {
        odd.push(key);
    }
    field
}

fn flag(value: &Value<'_>) -> Option<bool> {
    value.as_int().map(|int| int != 0)
}

fn address_of(bytes: &[u8]) -> Option<SocketAddr> {
    match bytes.len() {
        compact::V4_LENGTH => compact::v4(bytes)?.next(),
        compact::V6_LENGTH => compact::v6(bytes)?.next(),
        _ => None,
    }
}

fn seen_at(bytes: &[u8]) -> Option<SocketAddr> {
    match bytes.len() {
        4 => Some(SocketAddr::new(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?), 0)),
        16 => Some(SocketAddr::new(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?), 0)),
        _ => address_of(bytes),
    }
}
