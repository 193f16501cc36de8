//! Records on their way into the log.

use evidence::candidates::Candidates;
use evidence::clock::ClockReading;
use evidence::observation::Purpose;
use evidence::run::RunFact;
use evidence::{Blind, Digest, KeyId, Numbered, Observation, Opening, Part, Tag, Utc, opening, sha256};
use serde::Serialize;

use crate::Fault;
use crate::pack::MAX_TRANSCRIPT_BYTES;

/// A record to be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// What the monitor saw of a peer.
    Observation {
        /// The observation.
        body: Box<Observation>,
        /// The bytes exchanged, whose SHA-256 the observation names; absent exactly if it names none.
        transcript: Option<Vec<u8>>,
    },
    /// A list of candidates.
    Candidates(Candidates),
    /// A reading of the clock.
    Clock(ClockReading),
    /// A fact about a run.
    Run(RunFact),
}

/// The proof that a record is durable and in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acked {
    /// Its position in the log, from 0.
    pub index: u64,
    /// SHA-256 of its opening or control note.
    pub commitment: Digest,
    /// The RFC 6962 hash of its leaf.
    pub leaf: Digest,
}

/// A record sealed under its number.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) line: String,
    pub(crate) commitment: Digest,
    pub(crate) part: Part,
    pub(crate) transcript: Option<(Digest, Vec<u8>)>,
}

impl Record {
    /// When the record was complete, by the clock it was made with.
    pub fn at(&self) -> Utc {
        match self {
            Self::Observation { body, .. } => body.times.ended.utc,
            Self::Candidates(list) => list.at.utc,
            Self::Clock(reading) => reading.at.utc,
            Self::Run(fact) => fact.at.utc,
        }
    }

    /// Who is owed the opening: the ISP for what a peer served of a target, the auditor for everything else.
    pub fn part(&self) -> Part {
        match self {
            Self::Observation { body, .. } => part_of(body),
            Self::Candidates(_) | Self::Clock(_) | Self::Run(_) => Part::Audit,
        }
    }

    /// Refuses what can never be logged, before it has a number.
    pub(crate) fn check_transcript(&self) -> Result<(), Fault> {
        let Self::Observation { body, transcript } = self else {
            return Ok(());
        };
        if transcript.as_ref().is_some_and(|bytes| bytes.len() > MAX_TRANSCRIPT_BYTES) {
            return Err(Fault::refused(format!("a transcript is longer than {MAX_TRANSCRIPT_BYTES} bytes")));
        }
        if transcript.as_deref().map(sha256) == body.transcript_sha256 {
            Ok(())
        } else {
            Err(Fault::refused("an observation does not name the SHA-256 of exactly the transcript that comes with it"))
        }
    }

    pub(crate) fn seal(self, kid: KeyId, seq: u64, blind: &Blind) -> Result<Sealed, Fault> {
        let part = self.part();
        let (line, transcript) = match self {
            Self::Observation { body, transcript } => {
                let digest = body.transcript_sha256;
                (line(Tag::Obs, blind, *body, kid, seq)?, digest.zip(transcript))
            }
            Self::Candidates(list) => (line(Tag::Cand, blind, list, kid, seq)?, None),
            Self::Clock(reading) => (line(Tag::Clock, blind, reading, kid, seq)?, None),
            Self::Run(fact) => (line(Tag::Run, blind, fact, kid, seq)?, None),
        };
        Ok(Sealed { commitment: opening::commitment(&line), line, part, transcript })
    }
}

fn part_of(observation: &Observation) -> Part {
    match observation.purpose {
        Purpose::Probe => Part::of(observation.grade, &observation.attribution),
        // A control visit names an info-hash that nobody owns; no ISP is owed it.
        Purpose::Control { .. } => Part::Audit,
        // What a rendezvous says is about others.
        Purpose::Rendezvous => Part::Audit,
    }
}

fn line<T: Serialize>(tag: Tag, blind: &Blind, body: T, kid: KeyId, seq: u64) -> Result<String, Fault> {
    opening::seal(tag, blind, &Numbered { body, kid, seq }).map_err(Fault::refused)
}

/// What the ledger needs to know of an opening that it reads back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) kid: KeyId,
    pub(crate) seq: u64,
    pub(crate) part: Part,
    pub(crate) at: Utc,
    pub(crate) transcript: Option<Digest>,
}

/// Reads an opening line in full.
pub(crate) fn facts(line: &str) -> Result<Facts, opening::Fault> {
    let opening = Opening::parse(line)?;
    let audit = |kid, seq, at| Facts { kid, seq, part: Part::Audit, at, transcript: None };
    Ok(match opening.tag {
        Tag::Obs => {
            let Numbered { body, kid, seq } = opening.decode::<Numbered<Observation>>()?;
            Facts { kid, seq, part: part_of(&body), at: body.times.ended.utc, transcript: body.transcript_sha256 }
        }
        Tag::Cand => {
            let Numbered { body, kid, seq } = opening.decode::<Numbered<Candidates>>()?;
            audit(kid, seq, body.at.utc)
        }
        Tag::Clock => {
            let Numbered { body, kid, seq } = opening.decode::<Numbered<ClockReading>>()?;
            audit(kid, seq, body.at.utc)
        }
        Tag::Run => {
            let Numbered { body, kid, seq } = opening.decode::<Numbered<RunFact>>()?;
            audit(kid, seq, body.at.utc)
        }
    })
}
