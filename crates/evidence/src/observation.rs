//! What the monitor saw of one address and port in one contact (`affiant.obs/1`).

use alloc::{string::String, vec::Vec};
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub use crate::version::TargetIds;
use crate::{
    Attribution, Challenge, Claimed, Digest, Direction, Encryption, Extension, Grade, InfoHashV1, MseSecret, Outcome, PeerId,
    PortRole, Reserved, RunId, Software, Stamp, Transport, Version,
};

/// The record of one contact, from dial or accept to close.
///
/// Times that are absent did not happen. Texts and identifiers sent by the peer are claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// What the dated tables said of the peer's address.
    pub attribution: Attribution,
    /// Blocks asked for, in order.
    pub challenges: Vec<Challenge>,
    /// Every change of the peer's choke state towards us, in order.
    pub choke: Vec<ChokeChange>,
    /// What the peer claims to have.
    pub claim: Option<PieceClaim>,
    /// SHA-256 of the configuration in use.
    pub config_sha256: Digest,
    /// Who dialled.
    pub direction: Direction,
    /// SHA-256 of the note of the dossier that challenges were checked against.
    pub dossier_sha256: Option<Digest>,
    /// Obscuring of the stream.
    pub encryption: Encryption,
    /// What the peer's extension handshake said (BEP 10), if a readable one came.
    pub extension: Option<Extension>,
    /// How the address was found. Absent for an incoming contact.
    pub found: Option<Found>,
    /// The highest grade reached.
    pub grade: Grade,
    /// Whether the run's configuration names a laboratory: simulated peers and synthetic content.
    pub laboratory: bool,
    /// SHA-256 of the notes of the mandates in force for the target, in the order logged.
    pub mandates_sha256: Vec<Digest>,
    /// The secret of the stream's MSE handshake, present exactly if `encryption` is not none.
    pub mse_secret: Option<MseSecret>,
    /// The monitor's own end.
    pub observer: SocketAddr,
    /// How the contact ended.
    pub outcome: Outcome,
    /// The peer's end.
    pub peer: SocketAddr,
    /// The peer id sent in the handshake.
    pub peer_id: Option<PeerId>,
    /// What the peer's port is.
    pub port_role: PortRole,
    /// Why the contact was made.
    pub purpose: Purpose,
    /// SHA-256 of the software release.
    pub release_sha256: Digest,
    /// The commitment of the rendezvous by which both sides were told to dial, where the peer could not be dialled before.
    pub rendezvous: Option<Digest>,
    /// The reserved bytes sent in the handshake.
    pub reserved: Option<Reserved>,
    /// The run in which it was made.
    pub run: RunId,
    /// Which software the peer says it is, if its handshake came.
    pub software: Option<Software>,
    /// Which version of the target the contact was about: its 20 bytes stood in the handshake of whoever dialled (or would
    /// have), and keyed the MSE handshake if there was one. A control visit's handshake names the random info-hash instead.
    pub spoken: Version,
    /// What was asked for.
    pub target: TargetIds,
    /// The moments that matter.
    pub times: Times,
    /// SHA-256 of the transcript attachment, if bytes were exchanged.
    pub transcript_sha256: Option<Digest>,
    /// What carried the stream.
    pub transport: Transport,
    /// Byte counts.
    pub volume: Volume,
}

/// Why a contact was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Purpose {
    /// To learn what the peer makes available of the target.
    Probe,
    /// To see whether the peer answers an info-hash that does not exist.
    Control {
        /// The commitment of the *served* observation that the visit checks.
        about: Digest,
        /// The random info-hash.
        info_hash: InfoHashV1,
    },
    /// To ask the peer to introduce us to others that cannot be dialled (BEP 55). Nothing else is asked of it.
    Rendezvous,
}

/// How an address came to be known. Hearsay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// When the list that named it arrived.
    pub at: Stamp,
    /// Its position in that list, from 0.
    pub index: u32,
    /// The commitment of that list (`affiant.cand/1`), logged before the contact.
    pub list: Digest,
    /// What kind of source.
    pub source: Source,
    /// Which one, e.g. the tracker's URL; never somebody's address ([`Source::as_found_via`]).
    pub via: String,
}

/// What kind of source named an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A tracker's answer (BEP 3, 7, 15, 23).
    Tracker,
    /// A DHT node's answer (BEP 5).
    Dht,
    /// A peer's exchange message (BEP 11).
    Pex,
    /// The `x.pe` parameter of a magnet link (BEP 9).
    Magnet,
    /// A neighbour's announcement on the monitor's own network (BEP 14).
    Local,
}

impl Source {
    /// The word used in the record and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tracker => "tracker",
            Self::Dht => "dht",
            Self::Pex => "pex",
            Self::Magnet => "magnet",
            Self::Local => "local",
        }
    }

    /// What an observation says of which source named its peer, given what the list says. A list may say which peer or
    /// node of a network it came from; the observation may be handed to people whom that one does not concern.
    pub fn as_found_via(self, list_via: &str) -> &str {
        match self {
            Self::Tracker | Self::Magnet => list_via,
            Self::Dht | Self::Pex | Self::Local => self.word(),
        }
    }
}

/// The peer started or stopped choking us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChokeChange {
    /// When.
    pub at: Stamp,
    /// Whether it chokes us from then on.
    pub choked: bool,
}

/// What a peer says it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PieceClaim {
    /// When it was last said or changed.
    pub at: Stamp,
    /// How it was said.
    pub by: ClaimForm,
    /// How many pieces the torrent has.
    pub of: u32,
    /// How many it claims.
    pub pieces: u32,
    /// How many claims to single pieces it took back (BEP 54).
    pub withdrawn: u32,
}

/// The message that made a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimForm {
    /// A bitfield (BEP 3).
    Bitfield,
    /// Only single haves (BEP 3), after nothing or the word that it has none: each piece was revealed to us by itself, as by a
    /// super-seeder (BEP 16) or a peer that has only begun.
    Have,
    /// Have All (BEP 6).
    HaveAll,
    /// Have None (BEP 6).
    HaveNone,
}

/// The moments of a contact, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// The dial, or the accept; for a contact never made, when that was decided.
    pub began: Stamp,
    /// The transport was established.
    pub connected: Option<Stamp>,
    /// The end.
    pub ended: Stamp,
    /// The bound on the wall clock's error in milliseconds, where one was known.
    pub error_ms: Option<u32>,
    /// First byte of the first verified block.
    pub first_block: Option<Stamp>,
    /// The peer's whole handshake had arrived.
    pub handshake: Option<Stamp>,
    /// Last byte of the last verified block.
    pub last_block: Option<Stamp>,
    /// Last byte received at all.
    pub last_byte: Option<Stamp>,
}

/// Byte counts of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// Application bytes received.
    pub bytes_in: u64,
    /// Application bytes sent.
    pub bytes_out: u64,
    /// Bytes of content in verified blocks.
    pub verified_bytes: u64,
    /// Bytes of content sent. Always 0: there is no code that could send any.
    pub piece_bytes_out: u64,
}

impl Observation {
    /// The client's name as the peer claims it.
    pub fn client(&self) -> Option<&Claimed> {
        self.extension.as_ref()?.client.as_ref()
    }

    /// The claimed pieces that were proved: challenges answered with the right bytes.
    pub fn verified(&self) -> impl Iterator<Item = &Challenge> {
        self.challenges.iter().filter(|challenge| challenge.is_verified())
    }
}
