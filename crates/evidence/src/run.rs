//! Facts about a run that are not about a peer (`affiant.run/1`). The process report is derived from them.

use alloc::{string::String, vec::Vec};
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Digest, RunId, Stamp, TargetIds};

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
        /// What was asked about.
        target: TargetIds,
        /// The tracker's URL.
        tracker: String,
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
