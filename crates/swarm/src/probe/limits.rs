//! The numbers of a contact, each with its reason.

use wire::peer_id::Family;

use crate::transcript;

/// How long, how much and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wait for the transport, in milliseconds. A round trip around the world takes 400; one lost packet costs 1,000.
    pub connect_ms: u64,
    /// Wait for the peer's handshake, in milliseconds. It costs the peer nothing.
    pub handshake_ms: u64,
    /// Wait for a claim to a piece, in milliseconds. Transmission decides every 10 seconds.
    pub claims_ms: u64,
    /// Stay with a peer that chokes us, in milliseconds. aria2 hangs up after 60 seconds.
    pub choked_ms: u64,
    /// The same for Transmission, which unchokes strangers rarely and hangs up after 109 to 135 seconds.
    pub choked_transmission_ms: u64,
    /// Wait for a choking peer's offer of pieces (BEP 6), in milliseconds, before those that the rule gives us are asked for
    /// unbidden. Whoever offers any does so at once.
    pub unbidden_ms: u64,
    /// How many are asked for then. A client that thinks otherwise has only to reject them.
    pub unbidden: u32,
    /// Wait for a block after its request, in milliseconds; doubled once its first byte is there.
    pub answer_ms: u64,
    /// Wait for another piece that may be asked for once one block is proved, in milliseconds.
    pub settle_ms: u64,
    /// The longest contact, in milliseconds, whatever the peer does.
    pub contact_ms: u64,
    /// Silence of ours after which a keep-alive is sent, in milliseconds. Clients hang up after 120 seconds.
    pub keep_alive_ms: u64,
    /// Blocks asked for, from distinct pieces. Two: an answer that a cheat had ready by chance for one piece it must
    /// have had for another too, and the price is still 32 KiB. Casework counts them over contacts.
    pub blocks: u32,
    /// Wrong blocks after which the contact ends: one may be an accident.
    pub wrong_max: u32,
    /// Requests that a peer may reject while it chokes us, and as many again while it does not.
    pub rejected_max: u32,
    /// Bytes received.
    pub bytes_max: u64,
    /// Messages received. A busy leecher sends a hundred haves a second.
    pub messages_max: u32,
    /// Messages of unknown type that are passed over.
    pub unknown_max: u32,
    /// Blocks received that were not asked for.
    pub unsolicited_max: u32,
    /// Changes of choke state kept.
    pub choke_changes_max: usize,
    /// Requests of the peer's that are answered with a reject (BEP 6); later ones with silence.
    pub rejects_max: u32,
    /// What is taken of what the peer says of others.
    pub gossip: super::gossip::Limits,
    /// Whether peers are told that we can be introduced to others (BEP 55). It takes µTP.
    pub is_introducible: bool,
    /// Wait for the answers to a rendezvous, in milliseconds. A relay answers at once.
    pub rendezvous_ms: u64,
    /// What is kept of the bytes.
    pub transcript: transcript::Policy,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_ms: 4_000,
            handshake_ms: 10_000,
            claims_ms: 12_000,
            choked_ms: 60_000,
            choked_transmission_ms: 130_000,
            unbidden_ms: 3_000,
            unbidden: 2,
            answer_ms: 30_000,
            settle_ms: 1_500,
            contact_ms: 240_000,
            keep_alive_ms: 100_000,
            blocks: 2,
            wrong_max: 2,
            rejected_max: 3,
            bytes_max: 4 << 20,
            messages_max: 50_000,
            unknown_max: 100,
            unsolicited_max: 8,
            choke_changes_max: 64,
            rejects_max: 64,
            gossip: super::gossip::Limits::default(),
            is_introducible: true,
            rendezvous_ms: 3_000,
            transcript: transcript::Policy::default(),
        }
    }
}

impl Limits {
    /// How long to stay with a peer of this family that chokes us, in milliseconds.
    pub(crate) fn patience_ms(&self, family: Family) -> u64 {
        if family == Family::Transmission { self.choked_transmission_ms } else { self.choked_ms }
    }
}
