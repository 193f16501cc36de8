//! What a contact leaves behind is what a verifier accepts: sealed, read again, and checked by its own code.

use evidence::observation::{Found, Purpose, Source, Times};
use evidence::{
    Attribution, Blind, Class, Digest, Direction, KeyId, Numbered, Observation, Opening, RunId, Tag, TargetIds, Transport,
    opening, sha256,
};
use swarm::probe::{Aim, Visit};
use swarm::transcript::{self, Record};

use super::contact::Way;
use crate::scene;

/// More than any transcript has: its records, each with its head, its bytes and a digest.
const TRANSCRIPT_MAX: usize = 300 << 10;

pub(super) fn check(visit: Visit, way: &Way) {
    assert_eq!(visit.volume.piece_bytes_out, 0, "content was sent");
    if let Some(bytes) = &visit.transcript {
        check_transcript(bytes, way);
    }
    let observation = observation(visit, way);
    let record = Numbered { body: observation, kid: KeyId::from([1; 8]), seq: 3 };
    let line = opening::seal(Tag::Obs, &Blind::from([2; 32]), &record).expect("no peer can make a record that cannot be kept");
    let read = Opening::parse(&line).and_then(|opening| opening.decode::<Numbered<Observation>>());
    assert_eq!(read.as_ref(), Ok(&record), "a record is read as it was written");
    if let Err(fault) = verify::single::opening(&line) {
        panic!("a verifier refuses the record: {fault}: {line}");
    }
}

fn check_transcript(bytes: &[u8], way: &Way) {
    assert!(bytes.len() <= TRANSCRIPT_MAX);
    let records = transcript::parse(bytes).expect("a transcript can be read");
    assert!(records.len() <= way.limits.transcript.records_max as usize + 1);
    for record in records {
        if let Record::Digested { length, prefix, .. } = record {
            assert!(prefix.len() < length as usize);
        }
    }
}

/// The observation, as the shell would make it.
fn observation(visit: Visit, way: &Way) -> Observation {
    let digest = sha256(b"synthetic");
    let purpose = match way.aim {
        Aim::Probe => Purpose::Probe,
        Aim::Rendezvous => Purpose::Rendezvous,
        Aim::Control => Purpose::Control { about: digest, info_hash: scene::hash() },
    };
    let found = Found { at: visit.times.began, index: 0, list: digest, source: Source::Tracker, via: "synthetic".into() };
    Observation {
        attribution: Attribution { asn: None, class: Class::Unknown, isp: None, prefix: None, tables: vec![] },
        challenges: visit.challenges,
        choke: visit.choke,
        claim: visit.claim,
        config_sha256: digest,
        direction: visit.direction,
        dossier_sha256: way.has_content.then(|| scene::content().dossier_sha256()),
        encryption: visit.encryption,
        extension: visit.extension,
        found: (visit.direction == Direction::Outgoing).then_some(found),
        grade: visit.grade,
        laboratory: true,
        mandates_sha256: vec![digest],
        mse_secret: visit.mse_secret,
        observer: visit.observer.unwrap_or(scene::address(scene::OURS)),
        outcome: visit.outcome,
        peer: visit.peer.unwrap_or(scene::address(scene::THEIRS)),
        peer_id: visit.peer_id,
        port_role: visit.direction.port_role(),
        purpose,
        release_sha256: digest,
        rendezvous: None,
        reserved: visit.reserved,
        software: visit.software,
        run: RunId::from([4; 8]),
        spoken: evidence::Version::V1,
        target: TargetIds::of_v1(scene::hash()),
        times: Times { error_ms: Some(0), ..visit.times },
        transcript_sha256: visit.transcript.as_deref().map(|bytes| -> Digest { sha256(bytes) }),
        transport: Transport::Tcp,
        volume: visit.volume,
    }
}
