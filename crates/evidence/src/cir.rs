//! The Copyright Infringement Report (`cir.json`): one address and port, one torrent, one session.
//!
//! Fields 1–16 are those of the draft Initial Obligations Code; the rest says how each of them is known.
//! A report says what was received from a connection. It names no person, and its words never accuse one.

use alloc::{string::String, vec::Vec};
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{
    Attribution, Claimed, Date, Digest, Direction, Encryption, PortRole, RunId, TargetIds, Transport, Utc,
    mandate::{Authority, Party, Work},
    observation::Source,
};

/// One report. Every field is required; a report that lacks one is never issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cir {
    /// Field 3: the agent who reports for the owner, if one does.
    pub agent: Option<Party>,
    /// Who approved the report.
    pub approver: String,
    /// How the address was attributed, from which dated tables.
    pub attribution: Attribution,
    /// Field 4: evidence of authority.
    pub authority: Authority,
    /// The client's name as the peer claimed it; not verified.
    pub client: Option<Claimed>,
    /// SHA-256 of the configuration in use at the time.
    pub config_sha256: Digest,
    /// Field 9: the fixed statement on consent.
    pub consent_statement: String,
    /// The dates by which the report must be sent.
    pub deadlines: Deadlines,
    /// Field 8: the description in plain English.
    pub description: String,
    /// The entries of the log that the report rests on, in order.
    pub evidence: Vec<EvidenceRef>,
    /// Field 8 a–c: the files that the session's verified blocks came from.
    pub files: Vec<CirFile>,
    /// Field 7: the fixed statement.
    pub infringement_statement: String,
    /// Who launched the job.
    pub investigator: String,
    /// The recipient.
    pub isp: Recipient,
    /// Field 16: when it was issued.
    pub issued_at: Utc,
    /// The log that holds the evidence: its origin.
    pub log: String,
    /// Fields 1–2: the copyright owner.
    pub owner: Party,
    /// Fields 12–13: the connection.
    pub peer: Connection,
    /// The version of the rules it was issued under.
    pub profile: String,
    /// Field 14: `BitTorrent`.
    pub protocol: String,
    /// SHA-256 of the software release that observed.
    pub release_sha256: Digest,
    /// Fields 10–11: the session.
    pub session: CirSession,
    /// Field 14: how the address was found.
    pub sources: Vec<Source>,
    /// Field 8 c: the torrent.
    pub target: TargetIds,
    /// Field 15: unique for ever, never reused.
    pub uin: String,
    /// Fields 5–6: the works, one for each mandate.
    pub works: Vec<CirWork>,
}

/// The ISP that receives the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The ISP register's identifier.
    pub id: String,
    /// Its legal or trading name.
    pub name: String,
    /// SHA-256 of the register.
    pub register_sha256: Digest,
}

/// Both ends of the observed connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Field 12–13: the peer's address and port.
    pub address: SocketAddr,
    /// Who dialled.
    pub direction: Direction,
    /// Obscuring of the stream.
    pub encryption: Encryption,
    /// The monitor's address and port in the session's first observation.
    pub observer: SocketAddr,
    /// What the peer's port is.
    pub port_role: PortRole,
    /// What carried the stream.
    pub transport: Transport,
}

/// The session: from the first byte of the first verified block to the last byte of the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CirSession {
    /// Blocks verified.
    pub blocks_verified: u32,
    /// Content bytes verified.
    pub bytes_verified: u64,
    /// Application bytes received.
    pub bytes_received: u64,
    /// Whether a second session or vantage saw the same. Stated, never required.
    pub corroborated: bool,
    /// Field 11.
    pub end: Utc,
    /// The bound on the clock's error in milliseconds; absent only in a laboratory.
    pub error_ms: Option<u32>,
    /// How many *served* observations it holds.
    pub observations: u32,
    /// Content bytes sent: 0.
    pub piece_bytes_sent: u64,
    /// Distinct pieces that the verified blocks came from.
    pub pieces_verified: u32,
    /// The runs in which it was observed.
    pub runs: Vec<RunId>,
    /// Field 10.
    pub start: Utc,
}

/// A work and the mandate that covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CirWork {
    /// The mandate.
    pub mandate: String,
    /// SHA-256 of the mandate note.
    pub mandate_sha256: Digest,
    /// The work.
    pub work: Work,
}

/// A file that verified blocks came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CirFile {
    /// Length in bytes.
    pub bytes: u64,
    /// Field 8 b: what it was found to contain.
    pub contains: String,
    /// Field 8 a: its path as the torrent claims it.
    pub path: Claimed,
    /// Field 8 c: SHA-256 of its bytes.
    pub sha256: Digest,
    /// The mandate whose work it holds.
    pub work: String,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRef {
    /// SHA-256 of the opening line.
    pub commitment: Digest,
    /// The leaf's index.
    pub index: u64,
    /// The leaf's RFC 6962 hash.
    pub leaf: Digest,
    /// Whether it is the control visit and not the observation itself.
    pub control: bool,
}

/// When a report must be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadlines {
    /// The hard stop: one month beginning with the day of gathering (2012 draft, s.124A).
    pub last: Date,
    /// The target: ten working days (2010 draft).
    pub target: Date,
}
