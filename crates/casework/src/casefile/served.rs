//! What is kept of an observation that may be reported.

use std::net::SocketAddr;

use evidence::{
    Attribution, Check, Claimed, Digest, Direction, Encryption, Entry, Grade, Observation, Outcome, Part, PeerId, RunId,
    TargetIds, Transport, Utc, Verification, observation::Source,
};

use super::fault;
use crate::fault::Fault;

/// A probe of grade *served*.
#[derive(Debug, Clone)]
pub struct Served {
    /// The leaf's index.
    pub index: u64,
    /// The leaf's RFC 6962 hash.
    pub leaf: Digest,
    /// SHA-256 of the opening line.
    pub commitment: Digest,
    /// Who is owed the opening.
    pub part: Part,
    /// What the dated tables said of the address.
    pub attribution: Attribution,
    /// Challenges that were answered with the right bytes.
    pub verified: Vec<Verified>,
    /// The client's name as claimed.
    pub client: Option<Claimed>,
    /// SHA-256 of the configuration.
    pub config_sha256: Digest,
    /// SHA-256 of the release.
    pub release_sha256: Digest,
    /// SHA-256 of the dossier's note.
    pub dossier_sha256: Option<Digest>,
    /// SHA-256 of the mandates' notes.
    pub mandates_sha256: Vec<Digest>,
    /// Who dialled.
    pub direction: Direction,
    /// Obscuring of the stream.
    pub encryption: Encryption,
    /// How the address was found.
    pub source: Option<Source>,
    /// Our end.
    pub observer: SocketAddr,
    /// The peer's end.
    pub peer: SocketAddr,
    /// The peer id sent in the handshake.
    pub peer_id: Option<PeerId>,
    /// Whether the run was in a laboratory.
    pub laboratory: bool,
    /// Whether nothing wrong was sent: the contact's outcome is *served*.
    pub is_clean: bool,
    /// Whether the wall clock went back between the first and the last verified block.
    pub clock_went_back: bool,
    /// What carried the stream.
    pub transport: Transport,
    /// The torrent.
    pub target: TargetIds,
    /// The run.
    pub run: RunId,
    /// First byte of the first work block; of the first verified block if no block lies in a work.
    pub first: Utc,
    /// Last byte of the last one.
    pub last: Utc,
    /// The bound on the clock's error.
    pub error_ms: Option<u32>,
    /// Application bytes received.
    pub bytes_in: u64,
    /// Content bytes sent.
    pub piece_bytes_out: u64,
}

/// A block that was received and is the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Index of the piece.
    pub piece: u32,
    /// Offset in the piece.
    pub offset: u32,
    /// Length.
    pub length: u32,
    /// The mandate whose work wholly holds it.
    pub work: Option<String>,
    /// How it is known to be the content.
    pub check: Check,
    /// When its first byte arrived.
    pub first_byte: Utc,
    /// When its last byte arrived.
    pub answered: Utc,
}

/// A visit with an info-hash that does not exist.
#[derive(Debug, Clone)]
pub struct ControlVisit {
    /// The leaf's index.
    pub index: u64,
    /// The leaf's RFC 6962 hash.
    pub leaf: Digest,
    /// SHA-256 of the opening line.
    pub commitment: Digest,
    /// Which observation it checks.
    pub about: Digest,
    /// Who was visited.
    pub peer: SocketAddr,
    /// What came of it.
    pub finding: ControlFinding,
}

/// What a control visit found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlFinding {
    /// The peer answers what does not exist.
    Echo,
    /// It does not, as it should not.
    NoEcho,
    /// The visit decided nothing.
    Undecided,
}

pub(crate) fn leaf_hash(entry: &Entry) -> Digest {
    Digest::from(tlog::merkle::leaf_hash(entry.leaf.line().as_bytes()).0)
}

impl ControlVisit {
    pub(super) fn of(entry: &Entry, observation: &Observation, about: Digest) -> Self {
        let finding = match observation.outcome {
            Outcome::Echo => ControlFinding::Echo,
            Outcome::NoEcho => ControlFinding::NoEcho,
            _ => ControlFinding::Undecided,
        };
        Self {
            index: entry.index,
            leaf: leaf_hash(entry),
            commitment: entry.leaf.commitment,
            about,
            peer: observation.peer,
            finding,
        }
    }
}

impl Served {
    /// Nothing for a probe of a lower grade; a fault for a record that contradicts itself.
    pub(super) fn of(entry: &Entry, observation: Observation) -> Result<Option<Self>, Fault> {
        if observation.grade != Grade::Served {
            return Ok(None);
        }
        if Part::of(observation.grade, &observation.attribution) != entry.leaf.part {
            return Err(fault(entry.index, "the leaf's part is not that of the observation"));
        }
        let mut verified: Vec<Verified> = Vec::new();
        for challenge in &observation.challenges {
            let Verification::Match { check } = challenge.verification else { continue };
            let (Some(first_byte), Some(answered)) = (challenge.first_byte, challenge.answered) else {
                return Err(fault(entry.index, "a verified block has no time of its first or last byte"));
            };
            verified.push(Verified {
                piece: challenge.piece,
                offset: challenge.offset,
                length: challenge.length,
                work: challenge.work.clone(),
                check,
                first_byte: first_byte.utc,
                answered: answered.utc,
            });
        }
        let verified_bytes: u64 = verified.iter().map(|block| u64::from(block.length)).sum();
        let (Some(first), Some(last)) = (observation.times.first_block, observation.times.last_block) else {
            return Err(fault(entry.index, "a served observation has no time of its first or last verified block"));
        };
        if verified.is_empty() || verified_bytes != observation.volume.verified_bytes {
            return Err(fault(entry.index, "a served observation's verified blocks and bytes contradict one another"));
        }
        // What it says of a session's time comes from its work blocks alone.
        let of_works = || verified.iter().filter(|block| block.work.is_some());
        let began = of_works().map(|block| block.first_byte).min().unwrap_or(first.utc);
        let ended = of_works().map(|block| block.answered).max().unwrap_or(last.utc);
        let client = observation.client().cloned();
        Ok(Some(Self {
            index: entry.index,
            leaf: leaf_hash(entry),
            commitment: entry.leaf.commitment,
            part: entry.leaf.part,
            attribution: observation.attribution,
            verified,
            client,
            config_sha256: observation.config_sha256,
            release_sha256: observation.release_sha256,
            dossier_sha256: observation.dossier_sha256,
            mandates_sha256: observation.mandates_sha256,
            direction: observation.direction,
            encryption: observation.encryption,
            source: observation.found.map(|found| found.source),
            observer: observation.observer,
            peer: observation.peer,
            peer_id: observation.peer_id,
            laboratory: observation.laboratory,
            is_clean: matches!(observation.outcome, Outcome::Served { .. }),
            clock_went_back: first.utc > last.utc || began > ended,
            transport: observation.transport,
            target: observation.target,
            run: observation.run,
            first: began,
            last: ended,
            error_ms: observation.times.error_ms,
            bytes_in: observation.volume.bytes_in,
            piece_bytes_out: observation.volume.piece_bytes_out,
        }))
    }

    /// The verified blocks that lie inside a mandated work: all that a report counts.
    pub fn work_blocks(&self) -> impl Iterator<Item = &Verified> {
        self.verified.iter().filter(|block| block.work.is_some())
    }

    /// What tells one client from another for as long as it runs: the family and version in the peer id.
    pub fn client_prefix(&self) -> Option<[u8; 8]> {
        self.peer_id?.as_bytes().first_chunk().copied()
    }
}
