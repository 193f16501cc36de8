//! What is answered to whom, where we answer at all.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use evidence::Mono;
use wire::krpc::{self, Ask, Node, NodeId, Query, Reply};

use super::limits::{CLOSEST, Limits};

/// How many queries have been answered in this second.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    second: u64,
    total: u32,
    by_address: BTreeMap<IpAddr, u32>,
}

impl Throttle {
    /// Whether one more may be answered.
    pub(super) fn admit(&mut self, now: Mono, asker: IpAddr, limits: &Limits) -> bool {
        let second = now.us() / 1_000_000;
        if second != self.second {
            *self = Self { second, ..Self::default() };
        }
        let of_address = self.by_address.get(&asker).copied().unwrap_or(0);
        if self.total >= limits.answers_per_second || of_address >= limits.answers_per_address_second {
            return false;
        }
        self.total += 1;
        self.by_address.insert(asker, of_address + 1);
        true
    }
}

/// The answer to a query. `own` is our id, and `closest` finds the nodes of a family (whether it is IPv4) that are
/// closest to a place.
pub(super) fn reply(
    transaction: &[u8],
    query: &Query<'_>,
    asker: SocketAddr,
    own: NodeId,
    closest: impl Fn(bool, &NodeId, usize) -> Vec<Node>,
) -> Vec<u8> {
    let target = match query.ask {
        Ask::Ping => return krpc::encode_reply(transaction, &Reply { id: own, nodes: None, nodes6: None }, asker),
        Ask::FindNode { target } => target,
        // We keep no peers, so all that we can say is who may.
        Ask::GetPeers { info_hash } => NodeId::from(info_hash),
        // We give no tokens, so this one is not ours.
        Ask::AnnouncePeer { .. } => return krpc::encode_error(transaction, 203, "this token is not ours: we keep no peers"),
        Ask::SampleInfohashes { .. } => return unknown(transaction),
    };
    let (v4, v6) = query.want.map_or((asker.is_ipv4(), asker.is_ipv6()), |want| (want.v4, want.v6));
    let nodes = v4.then(|| closest(true, &target, CLOSEST));
    let nodes6 = v6.then(|| closest(false, &target, CLOSEST));
    krpc::encode_reply(transaction, &Reply { id: own, nodes: nodes.as_deref(), nodes6: nodes6.as_deref() }, asker)
}

/// The answer to a method that we do not know.
pub(super) fn unknown(transaction: &[u8]) -> Vec<u8> {
    krpc::encode_error(transaction, 204, "method unknown")
}
