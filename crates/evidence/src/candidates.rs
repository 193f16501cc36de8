//! A list of addresses that somebody named, logged before any of them is contacted (`affiant.cand/1`).

use alloc::{string::String, vec::Vec};
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Digest, RunId, Stamp, TargetIds, Version, observation::Source};

/// One answer of one source. Hearsay: it says nothing about the peers it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidates {
    /// SHA-256 of the answer's bytes.
    pub answer_sha256: Digest,
    /// When the answer arrived.
    pub at: Stamp,
    /// How many more addresses the answer named than are kept.
    pub dropped: u32,
    /// The addresses, in the order named.
    pub peers: Vec<SocketAddr>,
    /// The run in which it was asked.
    pub run: RunId,
    /// What kind of source.
    pub source: Source,
    /// Which version of the target the source was asked about, as the 20 bytes said; null if it was not asked by one.
    pub spoken: Option<Version>,
    /// What was asked about.
    pub target: TargetIds,
    /// Which source: the tracker's URL, `x.pe`, `pex:` and the peer's endpoint, `dht:`, the node's id, `@` and its
    /// endpoint, `local:` and where the datagram came from.
    pub via: String,
}
