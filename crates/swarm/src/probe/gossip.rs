//! What a peer says of others (BEP 11). Received only: no message of ours names anybody.
//!
//! It is hearsay, and cheap to make up. What one contact brings is bounded here; what one peer may bring to a torrent,
//! and where to, is bounded by [`crate::gossip`].

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeSet;

use evidence::{Digest, Grade, Mono, Now, Stamp, endpoint, sha256};
use wire::extension::{ExtensionHandshake, UT_PEX};
use wire::pex::{PexMessage, PexPeer};

/// The number we want peer exchange messages addressed by. The transcript knows them by it.
pub(crate) const OUR_ID: u8 = 2;

/// How much of what a peer says of others is listened to in one contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wait for the first message once nothing else is left to do, in milliseconds. Transmission sends it within 3
    /// seconds, libtorrent after one. That none came says nothing: many clients have nobody to name.
    pub wait_ms: u64,
    /// Messages read. Clients send one a minute.
    pub messages_max: u32,
    /// Gap between two messages that are read, in milliseconds; what comes sooner is passed over.
    pub gap_ms: u64,
    /// Addresses taken from one contact.
    pub peers_max: usize,
}

impl Limits {
    /// Nothing is listened to, and peers are told so. Torrents that are private (BEP 27) are watched like that.
    pub const NONE: Self = Self { wait_ms: 0, messages_max: 0, gap_ms: 0, peers_max: 0 };
}

impl Default for Limits {
    fn default() -> Self {
        Self { wait_ms: 5_000, messages_max: 8, gap_ms: 5_000, peers_max: 1_000 }
    }
}

/// One message. It says nothing about the peers it names.
#[derive(Clone, PartialEq, Eq)]
pub struct Hearsay {
    /// When it arrived.
    pub at: Stamp,
    /// SHA-256 of its payload, as the transcript has it.
    pub sha256: Digest,
    /// Whom it named as known, in the order named and each once in a contact, without ourselves.
    pub peers: Vec<PexPeer>,
    /// Addresses named and not in `peers`: our own, named before, or beyond the limit.
    pub passed_over: u32,
    /// Addresses that it no longer knows. Nothing follows from them.
    pub gone: u32,
    /// What whoever says so had shown of itself by then.
    pub grade: Grade,
}

impl fmt::Debug for Hearsay {
    /// Without addresses, so that none gets into a log of ours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hearsay({} peers of a {} one)", self.peers.len(), self.grade.word())
    }
}

/// What one contact has brought so far.
#[derive(Debug)]
pub(crate) struct Gossip {
    limits: Limits,
    /// Whether the peer says that it sends such messages.
    is_offered: bool,
    messages: u32,
    last: Option<Mono>,
    named: BTreeSet<SocketAddr>,
    /// The address at which the peer says it sees us.
    yourip: Option<IpAddr>,
}

impl Gossip {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, is_offered: false, messages: 0, last: None, named: BTreeSet::new(), yourip: None }
    }

    /// What our extension handshake says.
    pub(crate) fn our_id(&self) -> Option<u8> {
        (self.limits.messages_max > 0).then_some(OUR_ID)
    }

    /// The peer's extension handshake is there. A later one may take the offer back.
    pub(crate) fn is_offered_by(&mut self, theirs: &ExtensionHandshake<'_>) {
        self.is_offered = theirs.message_id(UT_PEX).is_some();
        self.yourip = theirs.yourip.map(|address| address.to_canonical()).or(self.yourip);
    }

    /// Until when a first message is waited for, should nothing else be left to do.
    pub(crate) fn awaited_until(&self, now: Mono) -> Option<Mono> {
        let is_awaited = self.is_offered && self.messages == 0 && self.limits.messages_max > 0;
        is_awaited.then(|| now.plus_ms(self.limits.wait_ms))
    }

    /// Reads one message. A malformed one counts, and spoils nothing else.
    pub(crate) fn read(&mut self, now: Now, payload: &[u8], ours: Option<SocketAddr>, grade: Grade) -> Option<Hearsay> {
        let is_hasty = self.last.is_some_and(|last| now.mono < last.plus_ms(self.limits.gap_ms));
        if is_hasty || self.messages >= self.limits.messages_max {
            return None;
        }
        self.messages += 1;
        self.last = Some(now.mono);
        let message = PexMessage::parse(payload).ok()?;
        let own = [ours.map(|address| address.ip().to_canonical()), self.yourip];
        let count = message.added.len();
        let mut peers = message.added;
        peers.retain_mut(|peer| {
            peer.address = endpoint::canonical(peer.address);
            let is_own = own.contains(&Some(peer.address.ip()));
            !is_own && self.named.len() < self.limits.peers_max && self.named.insert(peer.address)
        });
        let passed_over = u32::try_from(count - peers.len()).unwrap_or(u32::MAX);
        let gone = u32::try_from(message.dropped.len()).unwrap_or(u32::MAX);
        let is_news = !peers.is_empty();
        is_news.then(|| Hearsay { at: now.stamp(), sha256: sha256(payload), peers, passed_over, gone, grade })
    }
}
