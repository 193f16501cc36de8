//! Facts about a run that are not about a peer (`affiant.run/1`). The process report is derived from them.

use alloc::{string::String, vec::Vec};
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Digest, InfoHashV1, RunId, Stamp, TargetIds, Version};

/// One fact and its moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFact {
    /// When.
    pub at: Stamp,
    /// What.
    pub fact: Fact,
    /// Of which run.
    pub run: RunId,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fact {
    /// A run began.
    Started {
        /// SHA-256 of the configuration.
        config_sha256: Digest,
        /// Whether the configuration names a laboratory.
        laboratory: bool,
        /// The monitor's own addresses.
        observers: Vec<SocketAddr>,
        /// SHA-256 of the running program.
        release_sha256: Digest,
        /// Tables in use, in the order consulted.
        tables_sha256: Vec<Digest>,
        /// What is watched.
        targets: Vec<TargetIds>,
        /// The program's version.
        version: String,
    },
    /// A tracker was asked.
    Announced {
        /// The event sent: `started`, `stopped`, `completed` or `none` (BEP 3).
        event: String,
        /// Seconds until it may be asked again, if it said so.
        interval_s: Option<u32>,
        /// How many addresses it named, or why it named none.
        result: AnnounceResult,
        /// Which version of the target the tracker was asked about, as the 20 bytes said.
        spoken: Version,
        /// What was asked about.
        target: TargetIds,
        /// The tracker's URL.
        tracker: String,
    },
    /// A tracker was asked for counts (BEP 48, 15).
    Scraped {
        /// Peers that it says have everything.
        complete: u32,
        /// How often it says the torrent was completed.
        downloaded: u32,
        /// Peers that it says lack something.
        incomplete: u32,
        /// Which version of the target the tracker was asked about, as the 20 bytes said.
        spoken: Version,
        /// What was asked about.
        target: TargetIds,
        /// The tracker's URL.
        tracker: String,
    },
    /// A look-up of a torrent's peers in the DHT ended (BEP 5).
    LookedUp {
        /// Of `closest`, nodes that were named on two disjoint paths or more.
        agreed: u32,
        /// What came of our own announce to the closest nodes; nothing where none was made.
        announced: Option<DhtAnnounce>,
        /// Queries that were answered.
        answered: u32,
        /// Queries sent, repeats included.
        asked: u32,
        /// When it began.
        began: Stamp,
        /// Nodes closest to the info-hash that answered.
        closest: u32,
        /// Whether more nodes were named near the info-hash than chance allows.
        crowded: bool,
        /// Distinct addresses of peers among those named.
        distinct: u32,
        /// How it ended.
        ending: LookUpEnding,
        /// Among which nodes.
        family: NodeFamily,
        /// What was asked for: the version 1 info-hash, or the first 20 bytes of the version 2 one (BEP 52).
        info_hash: InfoHashV1,
        /// Addresses of peers named in all answers, repeats included.
        named: u32,
        /// Answers that named peers.
        naming: u32,
        /// The torrent.
        target: TargetIds,
    },
    /// The run ended in order.
    Ended {
        /// Contacts recorded.
        observations: u64,
        /// Content bytes sent: 0.
        piece_bytes_out: u64,
        /// `stopped`, `idle` or `duration`.
        reason: String,
    },
}

/// What a tracker answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AnnounceResult {
    /// A list.
    Peers {
        /// How many addresses it named.
        named: u32,
    },
    /// A refusal in the tracker's own words.
    Failure {
        /// Those words, shown inert.
        reason: String,
    },
    /// An answer that breaks a rule of the protocol.
    Malformed {
        /// Which rule.
        rule: String,
    },
    /// No answer.
    NoAnswer {
        /// What went wrong, without an address.
        why: String,
    },
    /// Policy forbids asking it.
    Excluded {
        /// Which rule.
        why: String,
    },
}

/// Among which nodes of the DHT a look-up was made: those of IPv4 and of IPv6 are two networks (BEP 32).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeFamily {
    /// IPv4 nodes.
    Ipv4,
    /// IPv6 nodes.
    Ipv6,
}

/// How a look-up in the DHT ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookUpEnding {
    /// All of the closest nodes that were heard of answered, or are gone.
    Complete,
    /// The bound on queries or on time came first.
    Bounded,
    /// Nobody answered.
    Silence,
    /// The run ended first.
    Cancelled,
}

impl LookUpEnding {
    /// The word used in the record and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Bounded => "bounded",
            Self::Silence => "silence",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What the nodes said to which we announced ourselves in the DHT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DhtAnnounce {
    /// Nodes that accepted it.
    pub accepted: u32,
    /// The port announced.
    pub port: u16,
    /// Nodes that refused it.
    pub refused: u32,
    /// Nodes that did not answer.
    pub silent: u32,
}
