//! The records of the small shard: one mandate, one dossier and a handful of observations. Documentation addresses only.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use evidence::{
    Attribution, Challenge, Check, Chooser, Claimed, Class, Digest, Direction, Dossier, Encryption, Extension, Grade, InfoHashV1,
    Mandate, Observation, Outcome, PortRole, RunId, Stamp, TargetIds, Transport, Utc, Verification, Version,
    candidates::Candidates,
    clock::ClockReading,
    dossier::{File, Origin},
    mandate::{Authority, Nature, Party, PostalAddress, Work},
    observation::{Found, Purpose, Source, Times, Volume},
    run::{Fact, RunFact},
    sha256,
    software::{Family, Software},
};

pub const PEER: &str = "203.0.113.7:51413";
pub const OTHER: &str = "203.0.113.9:6881";
pub const OBSERVER: &str = "198.51.100.1:6881";
pub const WORK: &str = "lab-2026-0001";
pub const PREFIXES: &[u8] = b"203.0.113.0\t203.0.113.255\t64496\tGB\tLAB-ISP\n";
pub const REGISTER: &[u8] = b"# a register of one laboratory ISP\n";

pub fn run() -> RunId {
    RunId::from([7; 8])
}

pub fn target() -> TargetIds {
    TargetIds::of_v1(InfoHashV1::from([0x11; 20]))
}

/// 12:00:00 UTC on 1 September 2026 and so many milliseconds, a day and a second into the run.
pub fn stamp(ms: i64) -> Stamp {
    let noon: Utc = "2026-09-01T12:00:00.000Z".parse().unwrap();
    Stamp { mono_us: u64::try_from(86_401_000 + ms).unwrap() * 1000, utc: noon.plus_ms(ms) }
}

pub fn party(name: &str) -> Party {
    let address = PostalAddress {
        country: "GB".into(),
        lines: vec!["1 Example Street".into()],
        locality: "London".into(),
        postcode: "EC1A 1AA".into(),
    };
    Party { address, name: name.into() }
}

pub fn mandate() -> Mandate {
    let day = |text: &str| text.parse().unwrap();
    Mandate {
        agent: Some(party("Example Agents Ltd")),
        authority: Authority {
            document_sha256: sha256(b"authority"),
            from: day("2026-01-01"),
            reference: "EA/2026/1".into(),
            to: day("2026-12-31"),
        },
        from: day("2026-08-01"),
        id: WORK.into(),
        owner: party("Example Records Ltd"),
        owner_seeds: vec!["192.0.2.200".parse().unwrap()],
        targets: vec![target()],
        territory: vec!["GB".into()],
        to: day("2026-10-31"),
        work: Work { identifiers: BTreeMap::new(), nature: Nature::SoundRecording, title: "A Synthetic Song".into() },
    }
}

/// The file of block digests: all four blocks have the same.
pub fn blocks() -> Vec<u8> {
    sha256(b"block").as_bytes().repeat(4)
}

/// Two files: one piece and a half of the song, then a text that belongs to no work.
pub fn dossier() -> Dossier {
    let file = |bytes, offset, path: &str, work: Option<&str>| File {
        bytes,
        contains: "synthetic noise".into(),
        offset,
        padding: false,
        path: Claimed::new(path),
        pieces_root: None,
        sha256: sha256(path.as_bytes()),
        work: work.map(Into::into),
    };
    Dossier {
        blocks_sha256: sha256(&blocks()),
        built_at: "2026-08-30T10:00:00.000Z".parse().unwrap(),
        files: vec![file(49_152, 0, "song.flac", Some(WORK)), file(16_384, 49_152, "info.txt", None)],
        name: Claimed::new("song"),
        origin: Origin::LocalCopy,
        piece_bytes: 32_768,
        release_sha256: sha256(b"release"),
        target: target(),
        info_sha256: sha256(b"info"),
        total_bytes: 65_536,
        unfit_blocks: vec![2],
        versions: vec![Version::V1],
    }
}

pub fn attribution() -> Attribution {
    Attribution {
        asn: Some(64_496),
        class: Class::Fixed,
        isp: Some("lab-isp".into()),
        prefix: Some("203.0.113.0/24".into()),
        tables: vec![sha256(PREFIXES), sha256(REGISTER)],
    }
}

pub fn candidates() -> Candidates {
    let peer = |text: &str| text.parse::<SocketAddr>().unwrap();
    Candidates {
        answer_sha256: sha256(b"answer"),
        at: stamp(-2000),
        dropped: 0,
        peers: vec![peer(PEER), peer(OTHER), peer("203.0.113.10:6881"), peer("203.0.113.11:6881")],
        run: run(),
        source: Source::Tracker,
        spoken: Some(Version::V1),
        target: target(),
        via: "http://tracker.example/announce".into(),
    }
}

pub fn started() -> RunFact {
    let fact = Fact::Started {
        config_sha256: sha256(b"config"),
        laboratory: false,
        observers: vec![OBSERVER.parse().unwrap()],
        release_sha256: sha256(b"release"),
        tables_sha256: attribution().tables,
        targets: vec![target()],
        version: "0.1.0".into(),
    };
    RunFact { at: stamp(-3000), fact, run: run() }
}

pub fn reading() -> ClockReading {
    ClockReading { at: stamp(-2500), error_ms: Some(12), run: run(), source: "adjtimex".into(), synchronised: true }
}

/// One verified block of the song, `piece` 0 or 1, answered `at_ms` after noon.
pub fn challenge(piece: u32, at_ms: i64) -> Challenge {
    Challenge {
        among: 2,
        answered: Some(stamp(at_ms + 50)),
        asked: stamp(at_ms - 100),
        choked: false,
        chosen_by: Chooser::Monitor,
        first_byte: Some(stamp(at_ms)),
        length: 16_384,
        offset: 0,
        piece,
        proof: None,
        sha256: Some(sha256(b"block")),
        verification: Verification::Match { check: Check::DossierBlock },
        work: Some(WORK.into()),
    }
}

/// A peer that served one block.
pub fn served(peer: &str, position: u32, list: Digest, mandate: Digest, dossier: Digest, at_ms: i64) -> Observation {
    let mut observation = refused(peer, position, list, mandate, at_ms);
    observation.challenges = vec![challenge(0, at_ms)];
    observation.extension = Some(Extension { client: Some(Claimed::new("Transmission 4.0.6")), ..Extension::default() });
    observation.software =
        Some(Software { by_client: Some(Family::Transmission), by_peer_id: Family::Transmission, disagreements: vec![] });
    observation.dossier_sha256 = Some(dossier);
    observation.grade = Grade::Served;
    observation.outcome = Outcome::Served { blocks: 1, pieces: 1 };
    observation.times.first_block = Some(stamp(at_ms));
    observation.times.last_block = Some(stamp(at_ms + 50));
    observation.peer_id = Some((*b"-TR4060-abcdefghijkl").into());
    observation.times.connected = Some(stamp(at_ms - 400));
    observation.transcript_sha256 = Some(sha256(transcript(at_ms).as_bytes()));
    observation.volume = Volume { bytes_in: 17_000, bytes_out: 200, verified_bytes: 16_384, piece_bytes_out: 0 };
    observation
}

pub fn transcript(at_ms: i64) -> String {
    format!("transcript of the contact at {at_ms}\n")
}

/// Moves a contact in time, on both clocks.
pub fn shift(observation: &mut Observation, ms: i64) {
    let move_by = |stamp: &mut Stamp| {
        stamp.mono_us = stamp.mono_us.checked_add_signed(ms * 1000).unwrap();
        stamp.utc = stamp.utc.plus_ms(ms);
    };
    let times = &mut observation.times;
    [&mut times.began, &mut times.ended].into_iter().for_each(move_by);
    let some = [&mut times.connected, &mut times.first_block, &mut times.handshake, &mut times.last_block, &mut times.last_byte];
    some.into_iter().flatten().for_each(move_by);
    for challenge in &mut observation.challenges {
        move_by(&mut challenge.asked);
        [&mut challenge.first_byte, &mut challenge.answered].into_iter().flatten().for_each(move_by);
    }
}

/// A peer that refused the connection.
pub fn refused(peer: &str, position: u32, list: Digest, mandate: Digest, at_ms: i64) -> Observation {
    Observation {
        attribution: attribution(),
        challenges: vec![],
        choke: vec![],
        claim: None,
        config_sha256: sha256(b"config"),
        direction: Direction::Outgoing,
        dossier_sha256: None,
        encryption: Encryption::None,
        extension: None,
        found: Some(Found {
            at: stamp(-2000),
            index: position,
            list,
            source: Source::Tracker,
            via: "http://tracker.example/announce".into(),
        }),
        grade: Grade::Listed,
        laboratory: false,
        mandates_sha256: vec![mandate],
        mse_secret: None,
        observer: OBSERVER.parse().unwrap(),
        outcome: Outcome::Refused,
        peer: peer.parse().unwrap(),
        peer_id: None,
        port_role: PortRole::Listening,
        purpose: Purpose::Probe,
        release_sha256: sha256(b"release"),
        rendezvous: None,
        reserved: None,
        run: run(),
        software: None,
        spoken: Version::V1,
        target: target(),
        times: Times {
            began: stamp(at_ms - 500),
            connected: None,
            ended: stamp(at_ms + 100),
            error_ms: Some(12),
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

/// A control visit that the peer did not answer.
pub fn control(peer: &str, list: Digest, mandate: Digest, about: Digest, at_ms: i64) -> Observation {
    let mut visit = refused(peer, 0, list, mandate, at_ms);
    visit.purpose = Purpose::Control { about, info_hash: InfoHashV1::from([0x99; 20]) };
    visit.grade = Grade::Connected;
    visit.outcome = Outcome::NoEcho;
    visit
}
