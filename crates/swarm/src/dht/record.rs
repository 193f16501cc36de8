//! What the engine reports: who said what, and how a look-up went. All of it is hearsay.

use core::fmt;
use core::net::SocketAddr;

use evidence::candidates::Candidates;
use evidence::observation::Source;
use evidence::{Digest, InfoHashV1, RunId, Stamp, TargetIds, Version};
use wire::krpc::{Node, NodeId};

use super::id::IdCheck;
use super::{Aim, Family};

/// One look-up, as its events name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchId(pub u64);

/// Something to be recorded or acted upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A node named peers of the torrent.
    Peers(Box<Hearsay>),
    /// A node named torrents. BEP 51.
    Sampled(Box<Sampled>),
    /// A node accepted our announce, or did not.
    Announced {
        /// The announce.
        search: SearchId,
        /// The node.
        node: Node,
        /// What it said, if anything: the code of its error, or nothing for yes.
        answer: Option<Result<(), i64>>,
    },
    /// A look-up is over. Its announces, if any, follow.
    Finished(Box<Finished>),
}

/// One node's answer that names peers.
#[derive(Clone, PartialEq, Eq)]
pub struct Hearsay {
    /// The look-up that asked.
    pub search: SearchId,
    /// The torrent.
    pub info_hash: InfoHashV1,
    /// When the answer arrived.
    pub at: Stamp,
    /// Who answered: the address that we asked, and the id it gave.
    pub node: Node,
    /// Whether its address may have that id.
    pub check: IdCheck,
    /// Whether it was named to us under that id. One that answers as somebody else is worth little.
    pub is_whom_we_asked: bool,
    /// Leading bits that its id shares with the info-hash. Peers are kept by the closest nodes; from one far off they
    /// are a sign of a liar.
    pub shared_bits: u8,
    /// The path on which it was asked, from 0.
    pub path: u8,
    /// The whole datagram.
    pub datagram: Vec<u8>,
    /// Its SHA-256.
    pub sha256: Digest,
    /// The peers, in the order named.
    pub peers: Vec<SocketAddr>,
    /// Entries that were no address.
    pub dropped: u32,
}

impl Hearsay {
    /// The list as it is logged before anybody on it is contacted.
    ///
    /// `spoken` is the version that the search's 20 bytes name.
    pub fn candidates(&self, run: RunId, target: TargetIds, spoken: Version) -> Candidates {
        Candidates {
            answer_sha256: self.sha256,
            at: self.at,
            dropped: self.dropped,
            peers: self.peers.clone(),
            run,
            source: Source::Dht,
            spoken: Some(spoken),
            target,
            via: format!("dht:{}@{}", self.node.id, self.node.address),
        }
    }
}

impl fmt::Debug for Hearsay {
    /// Without addresses, so that none gets into a log of ours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hearsay({:?}, {} peers, {} bits)", self.search, self.peers.len(), self.shared_bits)
    }
}

/// One node's answer that names torrents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// The look-up that asked.
    pub search: SearchId,
    /// When the answer arrived.
    pub at: Stamp,
    /// Who answered.
    pub node: Node,
    /// Whether its address may have its id.
    pub check: IdCheck,
    /// SHA-256 of the datagram.
    pub sha256: Digest,
    /// Some of the torrents that it knows of.
    pub info_hashes: Vec<InfoHashV1>,
    /// How many it says it knows of in all.
    pub count: Option<u64>,
    /// How long it gives the same samples, in seconds. It is not asked for samples again before.
    pub interval_s: Option<u32>,
}

/// One of the closest nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The node.
    pub node: Node,
    /// Whether its address may have its id.
    pub check: IdCheck,
    /// Leading bits that its id shares with the target.
    pub shared_bits: u8,
    /// On how many paths it was named.
    pub paths: u32,
}

/// How a look-up ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All of the closest nodes that were heard of have answered, or are gone.
    Complete,
    /// The bound on queries or on time came first.
    Bounded,
    /// Nobody answered at all.
    Silence,
    /// It was called off.
    Cancelled,
}

/// How a look-up went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Which.
    pub search: SearchId,
    /// What for.
    pub aim: Aim,
    /// The place looked for.
    pub target: NodeId,
    /// Among whom.
    pub family: Family,
    /// How it ended.
    pub ending: Ending,
    /// When it was begun.
    pub began: Stamp,
    /// When it ended.
    pub ended: Stamp,
    /// Queries sent, repeats included.
    pub queries: u32,
    /// Queries sent again after a silence.
    pub repeats: u32,
    /// Answers received.
    pub answers: u32,
    /// Nodes named that the scope does not let us contact.
    pub excluded: u32,
    /// Nodes left aside because only somebody named them whose other nodes failed.
    pub left_aside: usize,
    /// The closest nodes that answered, the closest first: at least eight of all, and eight whose id fits their
    /// address, where there are so many.
    pub closest: Vec<Settled>,
    /// Announces that follow: an [`Event::Announced`] tells what came of each.
    pub announces: u32,
    /// Whether the closest nodes stood closer together than chance allows: a sign of inventions around the target.
    pub crowded: bool,
}

impl Finished {
    /// How many of the closest nodes were named on two paths or more, that is by nodes that had nothing to do with
    /// each other. In an honest network nearly all are.
    pub fn agreed(&self) -> usize {
        self.closest.iter().filter(|settled| settled.paths > 1).count()
    }
}
