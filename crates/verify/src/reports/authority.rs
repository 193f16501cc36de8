//! Steps 9.9 and 9.10: mandates, dossiers, approvals and files.

use std::collections::BTreeSet;

use evidence::{Challenge, Dossier, Mandate, TargetIds, Utc, cir::CirWork};

use super::{Case, Subject};
use crate::{
    findings::Findings,
    notes::{Logged, person},
    observation::{matching, work_blocks},
    steps::Check,
};

/// A shorter block could be guessed.
const SHORTEST_BYTES: u32 = 1_024;

/// Step 9.9.
pub(super) fn check_mandates(case: &Case<'_>, subject: &Subject<'_>, findings: &mut Findings) {
    let uin = subject.uin();
    let cir = subject.cir;
    findings.check(Check::Mandates, !cir.works.is_empty(), || format!("report {uin} lists no work"));
    let mut last = None;
    for work in &cir.works {
        let logged = case.log.decisions.mandates.iter().find(|logged| logged.digest == work.mandate_sha256);
        let Some(logged) = logged else {
            findings.check(Check::Mandates, false, || format!("report {uin}: no mandate note {} counts", work.mandate_sha256));
            continue;
        };
        let after = last.replace(logged.index);
        let mut need = |holds: bool, fault: &str| {
            findings.check(Check::Mandates, holds, || format!("report {uin}: mandate {} {fault}", work.mandate));
        };
        need(after.is_none_or(|after| after < logged.index), "is listed twice or not in the order logged");
        check_mandate(subject, work, logged, &mut need);
    }
}

fn check_mandate(subject: &Subject<'_>, work: &CirWork, logged: &Logged<Mandate>, need: &mut dyn FnMut(bool, &str)) {
    let (cir, mandate) = (subject.cir, &logged.value);
    need(mandate.id == work.mandate && mandate.work == work.work, "has another id or work than the report says");
    need(mandate.owner == cir.owner && mandate.agent == cir.agent, "is of another owner or agent than the report says");
    need(mandate.authority == cir.authority, "rests on another authority than the report says");
    need(logged.index < subject.lowest(), "was not logged before the session's first observation");
    need(mandate.targets.iter().any(|target| shares_hash(target, &cir.target)), "does not name the torrent");
    need(
        in_force(mandate, cir.session.start) && in_force(mandate, cir.session.end),
        "or its authority was not in force for the whole session",
    );
    let own = mandate.owner_seeds.iter().any(|seed| seed.to_canonical() == cir.peer.address.ip());
    need(!own, "names the address as the owner's own seed or decoy");
    let named = subject.observations.iter().all(|(_, observation)| observation.mandates_sha256.contains(&logged.digest));
    need(named, "is not named by every observation");
    let shared = works(subject).contains(mandate.id.as_str());
    need(shared, "covers a work of which no verified block is part");
}

fn shares_hash(one: &TargetIds, other: &TargetIds) -> bool {
    one.v1.is_some_and(|hash| other.v1 == Some(hash)) || one.v2.is_some_and(|hash| other.v2 == Some(hash))
}

fn in_force(mandate: &Mandate, at: Utc) -> bool {
    let day = at.date();
    (mandate.from..=mandate.to).contains(&day) && (mandate.authority.from..=mandate.authority.to).contains(&day)
}

/// The works that matching challenges name.
fn works<'a>(subject: &'a Subject<'_>) -> BTreeSet<&'a str> {
    subject
        .observations
        .iter()
        .flat_map(|(_, observation)| matching(observation))
        .filter_map(|challenge| challenge.work.as_deref())
        .collect()
}

/// Step 9.10.
pub(super) fn check_dossier(case: &Case<'_>, subject: &Subject<'_>, findings: &mut Findings) {
    let uin = subject.uin();
    let named = subject.first().dossier_sha256;
    let logged = case.log.decisions.dossiers.iter().find(|logged| Some(logged.digest) == named);
    let mut need = |holds: bool, fault: &str| findings.check(Check::Dossiers, holds, || format!("report {uin}: {fault}"));
    let same = subject.observations.iter().all(|(_, observation)| observation.dossier_sha256 == named);
    need(same, "its observations rest on different dossiers");
    need(logged.is_some(), "no dossier note that its observations name counts");
    let Some(logged) = logged else { return };
    let dossier = &logged.value;
    need(logged.index < subject.lowest(), "the dossier was not logged before the session's first observation");
    need(dossier.target == subject.cir.target, "the dossier is of another torrent");
    let approvals = case
        .log
        .decisions
        .approvals
        .iter()
        .filter(|approval| approval.value.dossier_note_sha256 == logged.digest && approval.index < subject.lowest());
    let holders: BTreeSet<String> = approvals.map(|approval| person(&approval.holder)).collect();
    need(holders.len() >= 2, "fewer than two people had approved the dossier before the session's first observation");

    let mut blocks = subject.observations.iter().flat_map(|(_, observation)| work_blocks(observation));
    let placed = blocks.all(|challenge| challenge.length >= SHORTEST_BYTES && is_within_work(dossier, challenge));
    need(
        placed,
        "a verified block does not lie wholly in the work that the record names, or proves nothing (padding, constant, duplicate, shorter than 1,024 bytes)",
    );
    need(files_match(dossier, subject), "the files are not those of the dossier that the verified blocks came from");
}

fn span(dossier: &Dossier, challenge: &Challenge) -> (u64, u64) {
    let start =
        u64::from(challenge.piece).saturating_mul(u64::from(dossier.piece_bytes)).saturating_add(u64::from(challenge.offset));
    (start, start.saturating_add(u64::from(challenge.length)))
}

/// Whether the block lies in files of the work it names and nowhere else, and is fit to prove anything.
fn is_within_work(dossier: &Dossier, challenge: &Challenge) -> bool {
    let (start, end) = span(dossier, challenge);
    let mut covered = 0;
    for file in &dossier.files {
        let (from, to) = (file.offset.max(start), file.offset.saturating_add(file.bytes).min(end));
        if from < to {
            if file.padding || file.work != challenge.work {
                return false;
            }
            covered += to - from;
        }
    }
    covered == end - start && number_of(dossier, challenge).is_some_and(|number| !dossier.unfit_blocks.contains(&number))
}

/// The block's number in the file of block digests; `None` if it is no block of the torrent.
pub(crate) fn number_of(dossier: &Dossier, challenge: &Challenge) -> Option<u32> {
    const BLOCK: u64 = 16_384;
    let piece_bytes = u64::from(dossier.piece_bytes);
    let offset = u64::from(challenge.offset);
    if piece_bytes == 0 || offset % BLOCK != 0 || offset >= piece_bytes {
        return None;
    }
    let start = u64::from(challenge.piece) * piece_bytes + offset;
    if dossier.target.v2.is_some() {
        return number_in_files(dossier, start, u64::from(challenge.length));
    }
    // A block ends where its piece, the torrent or its 16 KiB end.
    let end = (start + BLOCK).min((u64::from(challenge.piece) + 1) * piece_bytes).min(dossier.total_bytes);
    if start + u64::from(challenge.length) != end {
        return None;
    }
    let number = u64::from(challenge.piece) * piece_bytes.div_ceil(BLOCK) + offset / BLOCK;
    u32::try_from(number).ok()
}

/// With version 2 a block ends where its 16 KiB or its file end, and files are numbered one after the other.
fn number_in_files(dossier: &Dossier, start: u64, length: u64) -> Option<u32> {
    const BLOCK: u64 = 16_384;
    let mut before = 0_u64;
    for file in dossier.files.iter().filter(|file| !file.padding) {
        if let Some(within) = start.checked_sub(file.offset).filter(|within| *within < file.bytes) {
            let is_whole = within % BLOCK == 0 && length == BLOCK.min(file.bytes - within);
            return if is_whole { u32::try_from(before.checked_add(within / BLOCK)?).ok() } else { None };
        }
        before = before.checked_add(file.bytes.div_ceil(BLOCK))?;
    }
    None
}

fn files_match(dossier: &Dossier, subject: &Subject<'_>) -> bool {
    let listed: BTreeSet<&str> = subject.cir.works.iter().map(|work| work.mandate.as_str()).collect();
    let is_listed = |work: &Option<String>| work.as_deref().is_some_and(|work| listed.contains(work));
    let spans: Vec<(u64, u64)> = subject
        .observations
        .iter()
        .flat_map(|(_, observation)| matching(observation))
        .filter(|challenge| is_listed(&challenge.work))
        .map(|challenge| span(dossier, challenge))
        .collect();
    let holds_one = |from: u64, to: u64| spans.iter().any(|(start, end)| *start < to && from < *end);
    let expected = dossier
        .files
        .iter()
        .filter(|file| is_listed(&file.work) && holds_one(file.offset, file.offset.saturating_add(file.bytes)));
    let stated = &subject.cir.files;
    !stated.is_empty()
        && stated
            .iter()
            .map(|file| (file.bytes, &file.contains, &file.path, file.sha256, Some(&file.work)))
            .eq(expected.map(|file| (file.bytes, &file.contains, &file.path, file.sha256, file.work.as_ref())))
}
