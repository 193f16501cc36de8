//! From what a contact left behind to a record in the log.

use std::net::{IpAddr, SocketAddr};

use evidence::observation::{Found, Observation, Purpose, Times, Volume};
use evidence::{
    Attribution, Digest, Direction, Encryption, Grade, Outcome, RunId, Stamp, TargetIds, Transport, Utc, Version, sha256,
};
use ledger::{Acked, AppendError, Appender, Record};
use swarm::probe::Visit;

/// Says which network an address belonged to at a moment.
pub(crate) type Attribute = Box<dyn Fn(IpAddr, Utc) -> Attribution + Send + Sync>;

/// What all records of a run share, and the way into the log.
pub(crate) struct Recorder {
    pub(crate) appender: Appender,
    pub(crate) attribute: Attribute,
    pub(crate) run: RunId,
    pub(crate) laboratory: bool,
    pub(crate) config_sha256: Digest,
    pub(crate) release_sha256: Digest,
}

/// What the shell knows of a contact and the engine does not.
pub(crate) struct Context {
    pub(crate) peer: SocketAddr,
    /// Our end, should the connection never have been established.
    pub(crate) observer: SocketAddr,
    pub(crate) found: Option<Found>,
    pub(crate) purpose: Purpose,
    /// Which version of the target it was about.
    pub(crate) spoken: Version,
    pub(crate) target: TargetIds,
    pub(crate) mandates_sha256: Vec<Digest>,
    pub(crate) dossier_sha256: Option<Digest>,
    pub(crate) error_ms: Option<u32>,
    /// What carried the stream, or was to.
    pub(crate) transport: Transport,
    /// The rendezvous by which the peer was told to dial us.
    pub(crate) rendezvous: Option<Digest>,
}

impl Recorder {
    /// Logs a contact.
    pub(crate) async fn visit(&self, context: Context, visit: Visit) -> Result<Acked, AppendError> {
        let peer = visit.peer.unwrap_or(context.peer);
        // Addresses move between networks; the proof counts, and without one the attempt.
        let at = visit.times.first_block.unwrap_or(visit.times.began).utc;
        let body = Observation {
            attribution: (self.attribute)(peer.ip(), at),
            challenges: visit.challenges,
            choke: visit.choke,
            claim: visit.claim,
            config_sha256: self.config_sha256,
            direction: visit.direction,
            dossier_sha256: context.dossier_sha256,
            encryption: visit.encryption,
            extension: visit.extension,
            found: context.found,
            grade: visit.grade,
            laboratory: self.laboratory,
            mandates_sha256: context.mandates_sha256,
            mse_secret: visit.mse_secret,
            observer: visit.observer.unwrap_or(context.observer),
            outcome: visit.outcome,
            peer,
            peer_id: visit.peer_id,
            port_role: visit.direction.port_role(),
            purpose: context.purpose,
            release_sha256: self.release_sha256,
            rendezvous: context.rendezvous,
            reserved: visit.reserved,
            run: self.run,
            software: visit.software,
            spoken: context.spoken,
            target: context.target,
            times: Times { error_ms: context.error_ms, ..visit.times },
            transcript_sha256: visit.transcript.as_deref().map(sha256),
            transport: context.transport,
            volume: visit.volume,
        };
        self.appender.append(Record::Observation { body: Box::new(body), transcript: visit.transcript }).await
    }

    /// Logs that no contact was made, and why.
    pub(crate) async fn paper(&self, context: Context, outcome: Outcome, at: Stamp) -> Result<Acked, AppendError> {
        let times = Times {
            began: at,
            connected: None,
            ended: at,
            error_ms: None,
            first_block: None,
            handshake: None,
            last_block: None,
            last_byte: None,
        };
        let visit = Visit {
            challenges: vec![],
            choke: vec![],
            claim: None,
            connects: vec![],
            direction: Direction::Outgoing,
            encryption: Encryption::None,
            extension: None,
            grade: Grade::Listed,
            mse_secret: None,
            observer: None,
            outcome,
            peer: None,
            peer_id: None,
            reserved: None,
            software: None,
            introduces: None,
            times,
            transcript: None,
            volume: Volume::default(),
        };
        self.visit(context, visit).await
    }
}
