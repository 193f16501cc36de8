//! A small log for tests: keys, notes and observations of a laboratory that never was.

use std::{collections::BTreeMap, net::SocketAddr};

use ed25519_dalek::{Signer as _, SigningKey};
use evidence::{
    Attribution, Blind, Challenge, Check, Chooser, Claimed, Class, Content, Digest, Direction, Encryption, Entry, Extension,
    Grade, InfoHashV1, KeyId, Leaf, Observation, Outcome, Part, PeerId, PublicKey, RunId, Signature, Stamp, Tag, TargetIds,
    Transport, Utc, Verification, Version,
    control::{Approval, Control, Delegation, Role},
    dossier::{Dossier, File, Origin},
    leaf,
    mandate::{Authority, Mandate, Nature, Party, PostalAddress, Work},
    observation::{Found, Purpose, Source, Times, Volume},
    opening,
    run::{Fact, LookUpEnding, NodeFamily, RunFact},
    sha256,
    software::{Family, Software},
};
use tlog::{Checkpoint, KeyKind, KeyName, Note, SignedCheckpoint, VerifierKey, merkle};

use crate::{fault::BoxError, plan::PlanInput, register::Register};

pub const ORIGIN: &str = "log.example.org/2026-09";
pub const MANDATE: &str = "example-2026-0001";
pub const DAY: &str = "2026-09-01T12:00:00.000Z";

pub const REGISTER: &str = r#"
format = "affiant.isp-register/1"
dated = "2026-09-01"

[[entry]]
id = "example"
name = "Example Broadband"
asns = [64496, 64497]
contact = ""
delivery = "none"
kind = "fixed"
qualifying = true
subscribers = "over-400000"
from = "2026-01-01"
source = "test"

[[entry]]
id = "other"
name = "Other Broadband"
asns = [64500]
contact = ""
delivery = "none"
kind = "fixed"
qualifying = true
subscribers = "over-400000"
from = "2026-01-01"
source = "test"
"#;

/// A log under construction.
pub struct TestLog {
    pub entries: Vec<Entry>,
    /// Next number and previous leaf of each key.
    chains: BTreeMap<KeyId, (u64, Digest)>,
    pub transcripts: BTreeMap<Digest, Vec<u8>>,
    pub mandate: Digest,
    pub dossier: Digest,
    serial: u64,
}

pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(sha256(format!("affiant test key {name}").as_bytes()).as_bytes())
}

fn public(name: &str) -> PublicKey {
    PublicKey::from(key(name).verifying_key().to_bytes())
}

fn verifier(name: &str, holder: &str) -> VerifierKey {
    VerifierKey::new(KeyName::new(name).unwrap(), KeyKind::Note, *public(holder).as_bytes()).unwrap()
}

pub fn utc(text: &str) -> Utc {
    text.parse().unwrap()
}

pub fn target() -> TargetIds {
    TargetIds::of_v1(InfoHashV1::from([0x11; 20]))
}

pub fn register() -> Register {
    Register::parse("isp-register.toml", REGISTER).unwrap()
}

/// What a plan needs, with `register`, `holidays` and `estimates` from outside.
pub fn input<'a>(
    register: &'a Register,
    holidays: &'a crate::deadlines::Holidays,
    estimates: &'a BTreeMap<String, u64>,
) -> PlanInput<'a> {
    PlanInput {
        origin: ORIGIN,
        issued_at: utc("2026-09-02T09:00:00.000Z"),
        investigator: "I. Investigator",
        approver: "C. Approver",
        profile: "uk-draft-2012/1",
        register,
        holidays,
        estimates,
    }
}

/// One observation to be logged.
#[derive(Clone)]
pub struct Sight {
    pub peer: SocketAddr,
    pub first: Utc,
    pub last: Utc,
    pub direction: Direction,
    pub asn: Option<u32>,
    pub class: Class,
    pub isp: Option<String>,
    pub error_ms: Option<u32>,
    pub work: Option<String>,
    pub dossier: Option<Digest>,
    pub mandates: Option<Vec<Digest>>,
    pub client: Claimed,
    pub transcript: bool,
    pub offset: u32,
    /// Length of each of the two blocks.
    pub length: u32,
    pub peer_id: PeerId,
    pub laboratory: bool,
    pub observer: SocketAddr,
    pub outcome: Outcome,
    pub target: TargetIds,
    /// A verified block before the others that lies in no work, so long before the first.
    pub other_block_ms: Option<i64>,
}

impl Sight {
    pub fn at(peer: &str, first: &str, seconds: i64) -> Self {
        Self {
            peer: peer.parse().unwrap(),
            first: utc(first),
            last: utc(first).plus_ms(seconds * 1000),
            direction: Direction::Outgoing,
            asn: Some(64496),
            class: Class::Fixed,
            isp: Some("example".into()),
            error_ms: Some(4),
            work: Some(MANDATE.into()),
            dossier: None,
            mandates: None,
            client: Claimed::new("Example 1.0"),
            transcript: true,
            offset: 0,
            length: 16384,
            peer_id: PeerId::from(*b"-EX1000-abcdefghijkl"),
            laboratory: false,
            observer: "198.51.100.1:6881".parse().unwrap(),
            outcome: Outcome::Served { blocks: 2, pieces: 2 },
            target: target(),
            other_block_ms: None,
        }
    }
}

impl TestLog {
    /// Keys, a mandate and a dossier that two people approved.
    pub fn new() -> Self {
        let mut log = Self::bare();
        log.mandate = log.note("a", &Control::Mandate(mandate()));
        log.dossier = log.note("a", &Control::Dossier(dossier("film.mkv")));
        log.approve("a");
        log.approve("b");
        log
    }

    /// Keys only.
    pub fn bare() -> Self {
        let none = sha256(b"");
        let mut log = Self {
            entries: Vec::new(),
            chains: BTreeMap::new(),
            transcripts: BTreeMap::new(),
            mandate: none,
            dossier: none,
            serial: 0,
        };
        log.delegate("registrar", Role::Registrar, None);
        log.delegate("worker", Role::Worker, None);
        for (key, holder) in [("a", "A. Reviewer"), ("b", "B. Reviewer"), ("c", "C. Approver"), ("i", "I. Investigator")] {
            log.delegate(key, Role::Analyst, Some(holder));
        }
        log.delegate("e", Role::Erasure, Some("E. Eraser"));
        log
    }

    pub fn delegate(&mut self, name: &str, role: Role, holder: Option<&str>) {
        self.serial += 1;
        let delegation = Delegation {
            role,
            holder: holder.map(Into::into),
            key: public(name),
            serial: self.serial,
            not_before: utc("2026-09-01T00:00:00.000Z"),
            not_after: utc("2026-10-01T00:00:00.000Z"),
        };
        let kid = delegation.kid();
        let digest = self.signed("log.example.org/root", "root", &Control::Delegation(delegation), Some(kid));
        self.chains.entry(kid).or_insert((0, digest));
    }

    /// Logs a note of an analyst.
    pub fn note(&mut self, analyst: &str, control: &Control) -> Digest {
        let name = format!("log.example.org/{}/{}", control.signer().unwrap(), KeyId::of(&public(analyst)));
        self.signed(&name, analyst, control, None)
    }

    /// Logs a note of root.
    pub fn root_note(&mut self, control: &Control) -> Digest {
        self.signed("log.example.org/root", "root", control, None)
    }

    fn signed(&mut self, name: &str, signer: &str, control: &Control, founding: Option<KeyId>) -> Digest {
        let text = control.text().unwrap();
        let note = Note::sign(&text, &verifier(name, signer), |bytes| key(signer).sign(bytes).to_bytes()).unwrap();
        let text = String::from_utf8(note.to_bytes()).unwrap();
        let digest = sha256(text.as_bytes());
        // Leaf 0 is the registrar's own delegation.
        if let Some(kid) = founding.filter(|_| self.entries.is_empty()) {
            self.chains.insert(kid, (0, digest));
        }
        self.append("registrar", Part::Ctl, digest, Content::Note(text));
        digest
    }

    pub fn approve(&mut self, analyst: &str) {
        let approval = Approval { at: utc(DAY), dossier_note_sha256: self.dossier, statement: "watched it".into() };
        self.note(analyst, &Control::Approval(approval));
    }

    fn append(&mut self, signer: &str, part: Part, commitment: Digest, content: Content) -> u64 {
        let kid = KeyId::of(&public(signer));
        let (seq, prev) = self.chains[&kid];
        let message = leaf::message(kid, seq, prev, part, commitment);
        let signature = Signature::from(key(signer).sign(message.as_bytes()).to_bytes());
        let leaf = Leaf { kid, seq, prev, part, commitment, signature };
        let hash = Digest::from(merkle::leaf_hash(leaf.line().as_bytes()).0);
        self.chains.insert(kid, (seq + 1, hash));
        let index = self.entries.len() as u64;
        self.entries.push(Entry { index, leaf, content });
        index
    }

    fn seal<T: serde::Serialize>(&mut self, tag: Tag, part: Part, body: &T) -> u64 {
        #[derive(serde::Serialize)]
        struct Record<'a, T> {
            body: &'a T,
            kid: KeyId,
            seq: u64,
        }
        let kid = KeyId::of(&public("worker"));
        let (seq, _) = self.chains[&kid];
        let blind = Blind::from(*sha256(format!("affiant test blind {seq}").as_bytes()).as_bytes());
        let line = opening::seal(tag, &blind, &Record { body, kid, seq }).unwrap();
        self.append("worker", part, opening::commitment(&line), Content::Opening(line))
    }

    pub fn started(&mut self, laboratory: bool) {
        let fact = Fact::Started {
            config_sha256: sha256(b"config"),
            laboratory,
            observers: vec!["198.51.100.1:6881".parse().unwrap()],
            release_sha256: sha256(b"release"),
            tables_sha256: vec![],
            targets: vec![target()],
            version: "0.1.0".into(),
        };
        self.fact(fact);
    }

    pub fn fact(&mut self, fact: Fact) {
        self.seal(Tag::Run, Part::Audit, &RunFact { at: stamp(utc(DAY)), fact, run: run() });
    }

    pub fn looked_up(&mut self, family: NodeFamily, ending: LookUpEnding, asked: u32, named: u32) {
        self.fact(Fact::LookedUp {
            agreed: 0,
            announced: None,
            answered: asked,
            asked,
            began: stamp(utc(DAY)),
            closest: 0,
            crowded: false,
            distinct: named,
            ending,
            family,
            info_hash: target().v1.unwrap(),
            named,
            naming: 0,
            target: target(),
        });
    }

    pub fn clock(&mut self, at: &str, error_ms: Option<u32>) {
        let reading = evidence::clock::ClockReading {
            at: stamp(utc(at)),
            error_ms,
            run: run(),
            source: "adjtimex".into(),
            synchronised: error_ms.is_some(),
        };
        self.seal(Tag::Clock, Part::Audit, &reading);
    }

    /// Logs a list of candidates.
    pub fn list(&mut self, source: Source, at: &str, peers: &[&str]) {
        let list = evidence::candidates::Candidates {
            answer_sha256: sha256(b"answer"),
            at: stamp(utc(at)),
            dropped: 0,
            peers: peers.iter().map(|peer| peer.parse().unwrap()).collect(),
            run: run(),
            source,
            spoken: Some(Version::V1),
            target: target(),
            via: "example".into(),
        };
        self.seal(Tag::Cand, Part::Audit, &list);
    }

    /// Logs a probe that came to no handshake.
    pub fn fail(&mut self, peer: &str, at: &str, outcome: Outcome) {
        let mut probe = self.observation(&Sight { outcome, ..Sight::at(peer, at, 1) });
        probe.grade = Grade::Listed;
        probe.challenges.clear();
        (probe.times.connected, probe.times.handshake) = (None, None);
        (probe.times.first_block, probe.times.last_block, probe.times.last_byte) = (None, None, None);
        (probe.dossier_sha256, probe.transcript_sha256, probe.peer_id) = (None, None, None);
        probe.volume = Volume::default();
        self.seal(Tag::Obs, Part::Audit, &probe);
    }

    /// Logs an observation; returns its index.
    pub fn see(&mut self, sight: &Sight) -> u64 {
        let observation = self.observation(sight);
        let part = Part::of(observation.grade, &observation.attribution);
        self.seal(Tag::Obs, part, &observation)
    }

    /// Logs an observation and the control visit that clears it; returns the index of the former.
    pub fn see_cleared(&mut self, sight: &Sight) -> u64 {
        let index = self.see(sight);
        self.control(index, sight, Outcome::NoEcho);
        index
    }

    pub fn control(&mut self, about: u64, sight: &Sight, outcome: Outcome) -> u64 {
        let mut visit = self.observation(sight);
        visit.purpose =
            Purpose::Control { about: self.entries[about as usize].leaf.commitment, info_hash: InfoHashV1::from([9; 20]) };
        visit.grade = Grade::Connected;
        visit.outcome = outcome;
        visit.challenges.clear();
        visit.times.first_block = None;
        visit.times.last_block = None;
        visit.volume = Volume::default();
        self.seal(Tag::Obs, Part::Audit, &visit)
    }

    fn observation(&mut self, sight: &Sight) -> Observation {
        let transcript_sha256 = sight.transcript.then(|| {
            let bytes = format!("transcript {}", self.entries.len()).into_bytes();
            let digest = sha256(&bytes);
            self.transcripts.insert(digest, bytes);
            digest
        });
        let challenge = |piece, first: Utc, last: Utc| Challenge {
            among: 4,
            answered: Some(stamp(last)),
            asked: stamp(first),
            choked: false,
            chosen_by: Chooser::Monitor,
            first_byte: Some(stamp(first)),
            length: sight.length,
            offset: sight.offset,
            piece,
            proof: None,
            sha256: Some(sha256(b"block")),
            verification: Verification::Match { check: Check::DossierBlock },
            work: sight.work.clone(),
        };
        let mut challenges = vec![challenge(0, sight.first, sight.first), challenge(1, sight.last, sight.last)];
        let mut first_block = sight.first;
        if let Some(before_ms) = sight.other_block_ms {
            first_block = sight.first.plus_ms(-before_ms);
            challenges.push(Challenge { work: None, ..challenge(3, first_block, first_block) });
        }
        let verified_bytes = challenges.iter().map(|challenge| u64::from(challenge.length)).sum();
        Observation {
            attribution: Attribution {
                asn: sight.asn,
                class: sight.class,
                isp: sight.isp.clone(),
                prefix: Some("192.0.2.0/24".into()),
                tables: vec![register().sha256()],
            },
            challenges,
            choke: vec![],
            claim: None,
            config_sha256: sha256(b"config"),
            direction: sight.direction,
            dossier_sha256: Some(sight.dossier.unwrap_or(self.dossier)),
            encryption: Encryption::None,
            extension: Some(Extension { client: Some(sight.client.clone()), ..Extension::default() }),
            found: (sight.direction == Direction::Outgoing).then(|| Found {
                at: stamp(utc(DAY)),
                index: 0,
                list: sha256(b"list"),
                source: Source::Tracker,
                via: "http://tracker.example/announce".into(),
            }),
            grade: Grade::Served,
            laboratory: sight.laboratory,
            mandates_sha256: sight.mandates.clone().unwrap_or_else(|| vec![self.mandate]),
            mse_secret: None,
            observer: sight.observer,
            outcome: sight.outcome.clone(),
            peer: sight.peer,
            peer_id: Some(sight.peer_id),
            port_role: sight.direction.port_role(),
            purpose: Purpose::Probe,
            release_sha256: sha256(b"release"),
            rendezvous: None,
            reserved: None,
            run: run(),
            software: Some(Software { by_client: Some(Family::Other), by_peer_id: Family::Other, disagreements: vec![] }),
            spoken: Version::V1,
            target: sight.target,
            times: Times {
                began: stamp(first_block),
                connected: Some(stamp(first_block)),
                ended: stamp(sight.last),
                error_ms: sight.error_ms,
                first_block: Some(stamp(first_block)),
                handshake: Some(stamp(first_block)),
                last_block: Some(stamp(sight.last)),
                last_byte: Some(stamp(sight.last)),
            },
            transcript_sha256,
            transport: Transport::Tcp,
            volume: Volume { bytes_in: verified_bytes + 232, bytes_out: 500, verified_bytes, piece_bytes_out: 0 },
        }
    }

    /// Reads it.
    pub fn read(&self) -> impl Iterator<Item = Result<Entry, BoxError>> {
        self.entries.clone().into_iter().map(Ok)
    }

    /// A signed checkpoint of the whole log.
    pub fn checkpoint(&self) -> (u64, Vec<u8>) {
        let size = self.entries.len() as u64;
        let root = merkle::root_of(self.entries.iter().map(|entry| merkle::leaf_hash(entry.leaf.line().as_bytes())));
        let checkpoint = Checkpoint::new(KeyName::new(ORIGIN).unwrap(), size, root).unwrap();
        let signed =
            SignedCheckpoint::sign(checkpoint, &verifier(ORIGIN, "log"), |bytes| key("log").sign(bytes).to_bytes()).unwrap();
        (size, signed.to_bytes())
    }

    pub fn anchor() -> String {
        format!(
            "affiant.anchor/1\nroot {}\nlog {}\nquorum 0\n",
            verifier("log.example.org/root", "root"),
            verifier(ORIGIN, "log")
        )
    }
}

fn stamp(at: Utc) -> Stamp {
    Stamp { mono_us: u64::try_from(at.since_ms(utc("2026-08-01T00:00:00.000Z"))).unwrap() * 1000, utc: at }
}

fn run() -> RunId {
    RunId::from([5; 8])
}

fn party(name: &str) -> Party {
    let address = PostalAddress {
        country: "GB".into(),
        lines: vec!["1 Example Street".into()],
        locality: "London".into(),
        postcode: "EX1 1EX".into(),
    };
    Party { address, name: name.into() }
}

pub fn mandate() -> Mandate {
    let (from, to) = ("2026-09-01".parse().unwrap(), "2026-09-30".parse().unwrap());
    Mandate {
        agent: Some(party("Example Agents Ltd")),
        authority: Authority { document_sha256: sha256(b"authority"), from, reference: "EX/1".into(), to },
        from,
        id: MANDATE.into(),
        owner: party("Example Films Ltd"),
        owner_seeds: vec!["192.0.2.200".parse().unwrap()],
        targets: vec![target()],
        territory: vec!["GB".into()],
        to,
        work: Work {
            identifiers: BTreeMap::from([("eidr".into(), "10.5240/EXAMPLE".into())]),
            nature: Nature::Film,
            title: "An Example".into(),
        },
    }
}

/// The file of block digests: every block has the same one, which is nobody's business here.
pub fn blocks() -> Vec<u8> {
    sha256(b"block").as_bytes().repeat(64)
}

pub fn dossier(path: &str) -> Dossier {
    Dossier {
        blocks_sha256: sha256(&blocks()),
        built_at: utc(DAY),
        files: vec![File {
            bytes: 1 << 20,
            contains: "the whole film, in English.".into(),
            offset: 0,
            padding: false,
            path: Claimed::new(path),
            pieces_root: None,
            sha256: sha256(b"film"),
            work: Some(MANDATE.into()),
        }],
        name: Claimed::new("Example"),
        origin: Origin::LocalCopy,
        piece_bytes: 1 << 18,
        release_sha256: sha256(b"release"),
        target: target(),
        info_sha256: sha256(b"info"),
        total_bytes: 1 << 20,
        unfit_blocks: vec![1],
        versions: vec![Version::V1],
    }
}
