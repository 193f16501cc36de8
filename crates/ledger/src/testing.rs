//! What the tests of this crate share: keys from known seeds, records of made-up peers, stations in passing folders.

use std::path::Path;

use evidence::clock::ClockReading;
use evidence::observation::{Purpose, Times, Volume};
use evidence::run::{Fact, RunFact};
use evidence::{
    Attribution, Class, Digest, Direction, Encryption, Grade, InfoHashV1, Mono, Now, Observation, Outcome, PortRole, RunId,
    Stamp, TargetIds, Transport, Utc, Version, sha256,
};

use crate::keys::{Key, Keys};
use crate::{Founding, FsckReport, Ledger, Record, fsck};

/// 2026-09-01T12:00:00.000Z, the noon of the worked example.
pub(crate) const NOON: Utc = Utc::from_ms(1_788_264_000_000);

/// The seed of a key that only tests use.
pub(crate) fn seed(name: &str) -> [u8; 32] {
    *sha256(format!("affiant test key {name}").as_bytes()).as_bytes()
}

pub(crate) fn key<Role>(name: &str) -> Key<Role> {
    Key::from_seed(&seed(name)).unwrap()
}

/// The keys and the window of the worked example, `evidence-format.md` section 11.
pub(crate) fn founding() -> Founding {
    Founding {
        name: "log.example.org".into(),
        month: "2026-09".parse().unwrap(),
        now: NOON,
        not_before: "2026-09-01T00:00:00.000Z".parse().unwrap(),
        not_after: "2026-09-09T00:00:00.000Z".parse().unwrap(),
        keys: Keys { root: key("root"), log: key("log"), registrar: key("reg"), worker: key("w1") },
        witnesses: Vec::new(),
        quorum: 0,
    }
}

/// A passing folder, in memory where the system has one: a test of what is written need not wait for a disk.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) fn station() -> (tempfile::TempDir, Ledger) {
    let folder = folder();
    let ledger = Ledger::create(folder.path(), founding()).unwrap();
    (folder, ledger)
}

pub(crate) fn reopen(station: &Path) -> Ledger {
    Ledger::open(station, NOON.plus_ms(60_000)).unwrap()
}

/// Checks the shard from outside.
pub(crate) fn check(station: &Path) -> FsckReport {
    fsck(&station.join("log/2026-09")).unwrap()
}

pub(crate) fn stamp(ms: i64) -> Stamp {
    Now { mono: Mono::from_us(0), utc: NOON.plus_ms(ms) }.stamp()
}

fn run() -> RunId {
    RunId::from([7; 8])
}

pub(crate) fn clock(n: i64) -> Record {
    Record::Clock(ClockReading { at: stamp(n), error_ms: Some(4), run: run(), source: "adjtimex".into(), synchronised: true })
}

pub(crate) fn fact(n: i64) -> Record {
    let fact = Fact::Ended { observations: 3, piece_bytes_out: 0, reason: "stopped".into() };
    Record::Run(RunFact { at: stamp(n), fact, run: run() })
}

/// What a made-up peer served, with its transcript.
pub(crate) fn served(n: u16) -> Record {
    let transcript = format!("bytes of contact {n}").into_bytes();
    let mut body = contact(n, Outcome::Served { blocks: 1, pieces: 1 }, Grade::Served);
    body.transcript_sha256 = Some(sha256(&transcript));
    Record::Observation { body: Box::new(body), transcript: Some(transcript) }
}

/// A made-up peer that refused.
pub(crate) fn refused(n: u16) -> Record {
    Record::Observation { body: Box::new(contact(n, Outcome::Refused, Grade::Listed)), transcript: None }
}

pub(crate) fn contact(n: u16, outcome: Outcome, grade: Grade) -> Observation {
    let digest = Digest::from([1; 32]);
    Observation {
        attribution: Attribution {
            asn: Some(2856),
            class: Class::Fixed,
            isp: None,
            prefix: Some("203.0.113.0/24".into()),
            tables: vec![digest],
        },
        challenges: Vec::new(),
        choke: Vec::new(),
        claim: None,
        config_sha256: digest,
        direction: Direction::Outgoing,
        dossier_sha256: None,
        encryption: Encryption::None,
        extension: None,
        found: None,
        grade,
        laboratory: false,
        mandates_sha256: vec![digest],
        mse_secret: None,
        observer: "192.0.2.1:40000".parse().unwrap(),
        outcome,
        peer: format!("203.0.113.{}:{}", n % 250 + 1, 10_000 + n % 50_000).parse().unwrap(),
        peer_id: None,
        port_role: PortRole::Listening,
        purpose: Purpose::Probe,
        rendezvous: None,
        release_sha256: digest,
        reserved: None,
        run: run(),
        software: None,
        spoken: Version::V1,
        target: TargetIds::of_v1(InfoHashV1::from([3; 20])),
        times: Times {
            began: stamp(0),
            connected: None,
            ended: stamp(i64::from(n)),
            error_ms: None,
            first_block: None,
            handshake: None,
            last_block: None,
            last_byte: None,
        },
        transcript_sha256: None,
        transport: Transport::Tcp,
        volume: Volume::default(),
    }
}

/// Answers every question with one password, and refuses if it is empty.
#[derive(Debug)]
pub(crate) struct Says(pub(crate) &'static str);

impl crate::keys::AskPassword for Says {
    fn password(&self, _of: &str) -> Result<crate::keys::Password, String> {
        match self.0 {
            "" => Err("no password in a test".into()),
            text => Ok(crate::keys::Password::new(text.into())),
        }
    }
}
