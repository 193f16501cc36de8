//! What the index knows of an entry, and how it gets from the log into a row and back.

use std::net::{IpAddr, SocketAddr};

use evidence::candidates::Candidates;
use evidence::observation::Purpose;
use evidence::run::{Fact, RunFact};
use evidence::{
    Digest, Direction, Encryption, Grade, KeyId, Leaf, Numbered, Observation, Opening, Outcome, RunId, Tag, Transport, Utc,
    sha256,
};
use rusqlite::Row;
use rusqlite::types::Type;

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Position in the log, from 0.
    pub index: u64,
    /// The key that signed.
    pub kid: KeyId,
    /// Its number under that key.
    pub seq: u64,
    /// Who is owed the opening.
    pub part: String,
    /// What the leaf commits to.
    pub commitment: Digest,
    /// The RFC 6962 hash of the leaf.
    pub leaf: Digest,
    /// Tag and version of the opening or note; absent if it is not held.
    pub tag: Option<String>,
}

/// An observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservationRow {
    /// Position in the log, from 0.
    pub index: u64,
    /// When the last verified block had arrived; without one, when the contact began.
    pub at: Utc,
    /// The peer's end.
    pub peer: SocketAddr,
    /// `tcp` or `utp`.
    pub transport: String,
    /// What was asked for, as [`evidence::TargetIds`] writes it.
    pub target: String,
    /// The run in which it was made.
    pub run: RunId,
    /// The highest grade reached.
    pub grade: Grade,
    /// The word of the outcome.
    pub outcome: String,
    /// The origin AS.
    pub asn: Option<u32>,
    /// The ISP register's identifier.
    pub isp: Option<String>,
    /// `probe` or `control`.
    pub purpose: String,
    /// What kind of source named the address.
    pub source: Option<String>,
    /// When the contact began.
    pub began: Utc,
    /// Who dialled.
    pub direction: Direction,
    /// Whether the stream was under Message Stream Encryption.
    pub is_covered: bool,
    /// The word of the rule, where policy forbade the contact.
    pub rule: Option<String>,
    /// The port on which the peer says that it listens.
    pub listening_port: Option<u16>,
}

/// An address and port that a list of candidates named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SightingRow {
    /// Position of the list in the log, from 0.
    pub index: u64,
    /// Position in the list, from 0.
    pub place: u64,
    /// When the list arrived.
    pub at: Utc,
    /// Who.
    pub peer: SocketAddr,
    /// What was asked about, as [`evidence::TargetIds`] writes it.
    pub target: String,
    /// The run in which it was asked.
    pub run: RunId,
    /// What kind of source.
    pub source: String,
}

/// A control note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRow {
    /// Position in the log, from 0.
    pub index: u64,
    /// Tag and version.
    pub tag: String,
}

/// A fact about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Position in the log, from 0.
    pub index: u64,
    /// The run.
    pub run: RunId,
    /// When.
    pub at: Utc,
    /// `started`, `announced`, `scraped`, `looked-up` or `ended`.
    pub kind: String,
}

/// What an opening adds to the index beside its entry.
#[derive(Debug)]
pub(crate) enum Opened {
    Observation(ObservationRow),
    Run(RunRow),
    List(Vec<SightingRow>),
    Nothing,
}

/// The RFC 6962 hash of a leaf.
pub(crate) fn leaf_hash(leaf: &Leaf) -> Digest {
    sha256(&[b"\0", leaf.line().as_bytes()].concat())
}

/// Reads an opening into the columns.
pub(crate) fn open(index: u64, opening: &Opening<'_>) -> Result<Opened, evidence::opening::Fault> {
    match opening.tag {
        Tag::Obs => Ok(Opened::Observation(observation(index, &opening.decode::<Numbered<Observation>>()?.body))),
        Tag::Run => Ok(Opened::Run(run(index, &opening.decode::<Numbered<RunFact>>()?.body))),
        Tag::Cand => Ok(Opened::List(sightings(index, &opening.decode::<Numbered<Candidates>>()?.body))),
        Tag::Clock => Ok(Opened::Nothing),
    }
}

fn observation(index: u64, body: &Observation) -> ObservationRow {
    ObservationRow {
        index,
        at: body.times.last_block.unwrap_or(body.times.began).utc,
        peer: evidence::endpoint::canonical(body.peer),
        transport: match body.transport {
            Transport::Tcp => "tcp".into(),
            Transport::Utp => "utp".into(),
        },
        target: body.target.to_string(),
        run: body.run,
        grade: body.grade,
        outcome: body.outcome.word().into(),
        asn: body.attribution.asn,
        isp: body.attribution.isp.clone(),
        purpose: match body.purpose {
            Purpose::Probe => "probe".into(),
            Purpose::Control { .. } => "control".into(),
            Purpose::Rendezvous => "rendezvous".into(),
        },
        source: body.found.as_ref().map(|found| found.source.word().into()),
        began: body.times.began.utc,
        direction: body.direction,
        is_covered: body.encryption != Encryption::None,
        rule: if let Outcome::Excluded { rule } = &body.outcome { Some(rule.word().into()) } else { None },
        listening_port: body.extension.as_ref().and_then(|said| said.listening_port),
    }
}

fn sightings(index: u64, body: &Candidates) -> Vec<SightingRow> {
    let row = |(place, peer): (u64, &SocketAddr)| SightingRow {
        index,
        place,
        at: body.at.utc,
        peer: evidence::endpoint::canonical(*peer),
        target: body.target.to_string(),
        run: body.run,
        source: body.source.word().into(),
    };
    (0..).zip(&body.peers).map(row).collect()
}

/// As the column `direction` holds it.
pub(crate) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Outgoing => "outgoing",
        Direction::Incoming => "incoming",
    }
}

fn run(index: u64, body: &RunFact) -> RunRow {
    let kind = match body.fact {
        Fact::Started { .. } => "started",
        Fact::Announced { .. } => "announced",
        Fact::Scraped { .. } => "scraped",
        Fact::LookedUp { .. } => "looked-up",
        Fact::Ended { .. } => "ended",
    };
    RunRow { index, run: body.run, at: body.at.utc, kind: kind.into() }
}

/// SQLite counts to 2^63 − 1, and so does the log.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A grade's rank, so that "at least" is a comparison.
pub(crate) fn rank(grade: Grade) -> i64 {
    Grade::ALL.into_iter().take_while(|lower| *lower < grade).count() as i64
}

/// The grade of a rank.
pub(crate) fn grade(rank: i64) -> Option<Grade> {
    usize::try_from(rank).ok().and_then(|rank| Grade::ALL.get(rank).copied())
}

/// A column that holds what this program would not have written.
fn foreign(column: usize, kind: Type) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, "not a value of this column".into())
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| foreign(column, Type::Integer))
}

fn text<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    row.get::<_, String>(column)?.parse().map_err(|_| foreign(column, Type::Text))
}

fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    row.get::<_, [u8; 32]>(column).map(Digest::from)
}

impl EntryRow {
    pub(crate) const COLUMNS: &str = "idx, kid, seq, part, commitment, leaf, tag";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            index: number(row, 0)?,
            kid: text(row, 1)?,
            seq: number(row, 2)?,
            part: row.get(3)?,
            commitment: digest(row, 4)?,
            leaf: digest(row, 5)?,
            tag: row.get(6)?,
        })
    }
}

impl ObservationRow {
    pub(crate) const COLUMNS: &str = "idx, at_ms, ip, port, transport, target, run, grade, outcome, asn, isp, purpose, source, \
                                      began_ms, direction, covered, rule, listening_port";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            index: number(row, 0)?,
            at: Utc::from_ms(row.get(1)?),
            peer: SocketAddr::new(text::<IpAddr>(row, 2)?, row.get(3)?),
            transport: row.get(4)?,
            target: row.get(5)?,
            run: text(row, 6)?,
            grade: grade(row.get(7)?).ok_or_else(|| foreign(7, Type::Integer))?,
            outcome: row.get(8)?,
            asn: row.get(9)?,
            isp: row.get(10)?,
            purpose: row.get(11)?,
            source: row.get(12)?,
            began: Utc::from_ms(row.get(13)?),
            direction: [Direction::Outgoing, Direction::Incoming]
                .into_iter()
                .find(|side| row.get_ref(14).is_ok_and(|word| word.as_str() == Ok(direction_word(*side))))
                .ok_or_else(|| foreign(14, Type::Text))?,
            is_covered: row.get(15)?,
            rule: row.get(16)?,
            listening_port: row.get(17)?,
        })
    }
}

impl SightingRow {
    pub(crate) const COLUMNS: &str = "idx, place, at_ms, ip, port, target, run, source";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            index: number(row, 0)?,
            place: number(row, 1)?,
            at: Utc::from_ms(row.get(2)?),
            peer: SocketAddr::new(text::<IpAddr>(row, 3)?, row.get(4)?),
            target: row.get(5)?,
            run: text(row, 6)?,
            source: row.get(7)?,
        })
    }
}

impl NoteRow {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { index: number(row, 0)?, tag: row.get(1)? })
    }
}

impl RunRow {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { index: number(row, 0)?, run: text(row, 1)?, at: Utc::from_ms(row.get(2)?), kind: row.get(3)? })
    }
}
