//! Step 8.4: the digests of the reference copies, against which the auditor compares every block that a report rests on.

use std::{collections::BTreeMap, io::Read};

use evidence::{Cir, Digest, Dossier};

use crate::{
    bag::Bag, findings::Findings, log::Log, observation::matching, openings::Openings, place::Place, recipient::Recipient,
    reports::authority::number_of, source::Source, steps::Check,
};

/// What the files are compared with.
pub(crate) struct Given<'a> {
    pub(crate) bag: &'a Bag,
    pub(crate) log: &'a Log,
    pub(crate) recipient: &'a Recipient,
    pub(crate) openings: &'a Openings,
}

/// A dossier that reports rest on.
struct Needed<'a> {
    dossier: &'a Dossier,
    /// By the number of the block: each digest received, and the observation that says so.
    received: BTreeMap<u32, Vec<(Digest, u64)>>,
}

pub(crate) fn check(source: &mut dyn Source, given: &Given<'_>, cirs: &[Cir], findings: &mut Findings) {
    let mut needed = if given.recipient.is_audit() { needed(given, cirs) } else { BTreeMap::new() };
    if !given.recipient.is_audit() {
        findings.skip(Check::BlockDigests, "the digests of the reference copies are in the audit bundle");
    }
    for (path, place) in given.bag.places() {
        let Place::Blocks(note) = place else { continue };
        findings.count(Check::BlockDigests);
        let Some(needed) = needed.remove(&note) else {
            findings.fail(Check::BlockDigests, || format!("'{path}' is of no dossier that a report of this bundle rests on"));
            continue;
        };
        if given.bag.payload.get(path) != Some(&needed.dossier.blocks_sha256) {
            findings.fail(Check::BlockDigests, || format!("'{path}' does not have the SHA-256 that the dossier's note gives"));
            continue;
        }
        if let Err(fault) = compare(source, path, &needed, findings) {
            findings.fail(Check::BlockDigests, || format!("'{path}' {fault}"));
        }
    }
    for note in needed.keys() {
        findings.fail(Check::BlockDigests, || {
            format!("the block digests of the dossier {note}, on which a report rests, are missing")
        });
    }
}

fn needed<'a>(given: &Given<'a>, cirs: &[Cir]) -> BTreeMap<Digest, Needed<'a>> {
    let mut needed: BTreeMap<Digest, Needed<'a>> = BTreeMap::new();
    for entry in cirs.iter().flat_map(|cir| &cir.evidence).filter(|entry| !entry.control) {
        let Some(observation) = given.openings.named.get(&entry.index) else { continue };
        let logged = given.log.decisions.dossiers.iter().find(|logged| Some(logged.digest) == observation.dossier_sha256);
        let Some(logged) = logged else { continue };
        let dossier = &logged.value;
        let needed = needed.entry(logged.digest).or_insert_with(|| Needed { dossier, received: BTreeMap::new() });
        for challenge in matching(observation) {
            if let (Some(number), Some(digest)) = (number_of(dossier, challenge), challenge.sha256) {
                needed.received.entry(number).or_default().push((digest, entry.index));
            }
        }
    }
    needed
}

/// Reads the file once from end to end.
fn compare(source: &mut dyn Source, path: &str, needed: &Needed<'_>, findings: &mut Findings) -> Result<(), String> {
    let mut reader = std::io::BufReader::new(source.open(path).map_err(|fault| format!("cannot be read: {fault}"))?);
    for number in 0..block_count(needed.dossier) {
        let mut digest = [0; 32];
        reader.read_exact(&mut digest).map_err(|_| "does not hold one digest for each block of the torrent".to_string())?;
        let received = u32::try_from(number).ok().and_then(|number| needed.received.get(&number));
        for (received, index) in received.into_iter().flatten() {
            findings.check(Check::BlockDigests, *received == Digest::from(digest), || {
                format!("observation {index}: block {number} has the digest {received}, the reference copy has another")
            });
        }
    }
    match reader.read(&mut [0]) {
        Ok(0) => Ok(()),
        _ => Err("holds more than one digest for each block of the torrent".into()),
    }
}

/// How many blocks the torrent has: pieces are cut into 16 KiB, and the rest of a piece is a block. With version 2 the same
/// is so of each file, which begins on the boundary of a piece, and padding has no block.
fn block_count(dossier: &Dossier) -> u64 {
    const BLOCK: u64 = 16_384;
    if dossier.target.v2.is_some() {
        let files = dossier.files.iter().filter(|file| !file.padding);
        return files.fold(0, |sum: u64, file| sum.saturating_add(file.bytes.div_ceil(BLOCK)));
    }
    let piece = u64::from(dossier.piece_bytes.max(1));
    let (whole, rest) = (dossier.total_bytes / piece, dossier.total_bytes % piece);
    whole.saturating_mul(piece.div_ceil(BLOCK)).saturating_add(rest.div_ceil(BLOCK))
}
