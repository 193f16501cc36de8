//! The report on a session: its fields from the record, its sentences from its fields.

use std::{collections::BTreeSet, fmt::Write as _};

use evidence::{
    Check, Cir, Digest, Direction, Dossier, Transport,
    cir::{CirFile, CirSession, CirWork, Connection, EvidenceRef, Recipient},
};

use crate::{
    casefile::{CaseFile, Served},
    decided::uin,
    eligibility::Eligible,
    fault::Fault,
    plan::PlanInput,
    render::words::{count, inert, quoted},
    sessions::Session,
};

/// Field 7.
pub const INFRINGEMENT_STATEMENT: &str = "There appears to have been an infringement of the owner's copyright in the work, by means of the connection described in this report.";
/// Field 9.
pub const CONSENT_STATEMENT: &str =
    "To the best of the owner's knowledge, no consent was given for the work to be made available in this way.";
/// Field 14.
pub const PROTOCOL: &str = "BitTorrent";

/// Words are for people: of a torrent of very many files the first are named, and all are listed in `cir.json`.
pub(crate) const MOST_FILES_IN_WORDS: usize = 20;

/// The report on an eligible session.
pub(crate) fn report(input: &PlanInput<'_>, case: &CaseFile, session: &Session, eligible: &Eligible<'_>) -> Result<Cir, Fault> {
    let first = session.first(case);
    let principal = &eligible.mandates[0].note;
    let files = files(case, session, eligible);
    let figures = figures(case, session, eligible);
    Ok(Cir {
        agent: principal.agent.clone(),
        approver: input.approver.into(),
        attribution: first.attribution.clone(),
        authority: principal.authority.clone(),
        client: session.served(case).find_map(|served| served.client.clone()),
        config_sha256: first.config_sha256,
        consent_statement: CONSENT_STATEMENT.into(),
        deadlines: eligible.deadlines,
        description: description(case, session, &figures, &files),
        evidence: evidence(case, session),
        files,
        infringement_statement: INFRINGEMENT_STATEMENT.into(),
        investigator: input.investigator.into(),
        isp: Recipient { id: eligible.isp.id.clone(), name: eligible.isp.name.clone(), register_sha256: input.register.sha256() },
        issued_at: input.issued_at,
        log: input.origin.into(),
        owner: principal.owner.clone(),
        peer: Connection {
            address: session.key.peer,
            direction: first.direction,
            encryption: first.encryption,
            observer: first.observer,
            port_role: first.direction.port_role(),
            transport: session.key.transport,
        },
        profile: input.profile.into(),
        protocol: PROTOCOL.into(),
        release_sha256: first.release_sha256,
        session: figures,
        sources: session.served(case).filter_map(|served| served.source).collect::<BTreeSet<_>>().into_iter().collect(),
        target: session.key.target,
        uin: uin(input.origin, session, case)?,
        works: eligible
            .mandates
            .iter()
            .map(|logged| CirWork {
                mandate: logged.note.id.clone(),
                mandate_sha256: logged.sha256,
                work: logged.note.work.clone(),
            })
            .collect(),
    })
}

/// The bytes of `cir.json`: canonical JSON and a line feed.
pub fn cir_json(cir: &Cir) -> Result<String, Fault> {
    evidence::canonical::to_text(cir).map(|text| text + "\n").map_err(Fault::Encoding)
}

/// The digest that an issue note lists.
pub fn cir_sha256(cir: &Cir) -> Result<Digest, Fault> {
    Ok(evidence::sha256(cir_json(cir)?.as_bytes()))
}

fn figures(case: &CaseFile, session: &Session, eligible: &Eligible<'_>) -> CirSession {
    let pieces: BTreeSet<u32> = session.work_blocks(case).map(|block| block.piece).collect();
    let runs: BTreeSet<_> = session.served(case).map(|served| served.run).collect();
    let sum = |bytes: fn(&Served) -> u64| session.served(case).map(bytes).sum::<u64>();
    CirSession {
        blocks_verified: narrow(session.work_blocks(case).count()),
        bytes_verified: session.work_blocks(case).map(|block| u64::from(block.length)).sum(),
        bytes_received: sum(|served| served.bytes_in),
        corroborated: session.is_corroborated,
        end: session.end,
        error_ms: eligible.error_ms,
        observations: narrow(session.observations.len()),
        piece_bytes_sent: sum(|served| served.piece_bytes_out),
        pieces_verified: narrow(pieces.len()),
        runs: runs.into_iter().collect(),
        start: session.start,
    }
}

/// A session's counts are bounded by what a day can hold; a larger one would be shown as the largest.
fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The files that verified blocks of the listed works came from, in torrent order.
fn files(case: &CaseFile, session: &Session, eligible: &Eligible<'_>) -> Vec<CirFile> {
    let dossier: &Dossier = &eligible.dossier.note;
    let is_listed = |work: &str| eligible.mandates.iter().any(|logged| logged.note.id == work);
    let blocks: BTreeSet<(u64, u64)> = session
        .work_blocks(case)
        .filter(|block| block.work.as_deref().is_some_and(is_listed))
        .map(|block| {
            let start = u64::from(block.piece) * u64::from(dossier.piece_bytes) + u64::from(block.offset);
            (start, start + u64::from(block.length))
        })
        .collect();
    let holds_one = |from: u64, to: u64| blocks.iter().any(|(start, end)| *start < to && from < *end);
    let held = dossier.files.iter().filter(|file| holds_one(file.offset, file.offset.saturating_add(file.bytes)));
    held.filter_map(|file| {
        let work = file.work.clone().filter(|work| is_listed(work))?;
        Some(CirFile { bytes: file.bytes, contains: file.contains.clone(), path: file.path.clone(), sha256: file.sha256, work })
    })
    .collect()
}

fn evidence(case: &CaseFile, session: &Session) -> Vec<EvidenceRef> {
    let seen = session.served(case).map(|served| EvidenceRef {
        commitment: served.commitment,
        index: served.index,
        leaf: served.leaf,
        control: false,
    });
    let control = session.control.map(|position| &case.controls[position]).map(|visit| EvidenceRef {
        commitment: visit.commitment,
        index: visit.index,
        leaf: visit.leaf,
        control: true,
    });
    seen.chain(control).collect()
}

/// Field 8 in plain English. Every figure in it stands in the report as well.
fn description(case: &CaseFile, session: &Session, figures: &CirSession, files: &[CirFile]) -> String {
    let transport = match session.key.transport {
        Transport::Tcp => "TCP",
        Transport::Utp => "µTP over UDP",
    };
    let mut text = format!(
        "Between {} and {} the monitor at {} received parts of the torrent {} over {transport} from {}, {}. It asked for and \
         received {} of mandated works ({} bytes), from {}; {}.",
        session.start,
        session.end,
        observers(case, session),
        session.key.target,
        session.key.peer,
        meeting(case, session),
        count(u64::from(figures.blocks_verified), "block", "blocks"),
        figures.bytes_verified,
        count(u64::from(figures.pieces_verified), "piece", "pieces"),
        checks(case, session),
    );
    for file in files.iter().take(MOST_FILES_IN_WORDS) {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            " Blocks received are part of the file {}, which was found to contain: {}.",
            quoted(&file.path),
            inert(file.contains.trim_end_matches('.')),
        );
    }
    if files.len() > MOST_FILES_IN_WORDS {
        let _ = write!(text, " {} more files are listed in the report.", files.len() - MOST_FILES_IN_WORDS);
    }
    text.push_str(" The monitor sent no content.");
    text
}

/// Address and port for one connection; the first address alone for several, whose ports differ.
fn observers(case: &CaseFile, session: &Session) -> String {
    if let [only] = session.observations.as_slice() {
        return case.served[*only].observer.to_string();
    }
    let first = session.first(case).observer.ip();
    let is_one = session.served(case).all(|served| served.observer.ip() == first);
    if is_one { first.to_string() } else { format!("{first} and further addresses of its own") }
}

fn meeting(case: &CaseFile, session: &Session) -> String {
    let total = session.observations.len();
    let dialled = session.served(case).filter(|served| served.direction == Direction::Outgoing).count();
    match (total, dialled) {
        (1, 1) => "a port on which it accepted the monitor's connection".into(),
        (1, _) => "a port from which it opened a connection to the monitor".into(),
        (_, 0) => format!("a port from which it opened {total} connections to the monitor"),
        _ if dialled == total => format!("a port on which it accepted {total} connections of the monitor"),
        _ => format!(
            "a port on which it accepted {} of the monitor and from which it opened {} to it",
            count(dialled as u64, "connection", "connections"),
            total - dialled
        ),
    }
}

fn checks(case: &CaseFile, session: &Session) -> &'static str {
    let mut blocks = session.work_blocks(case);
    if blocks.all(|block| block.check == Check::DossierBlock) {
        "each had the SHA-256 digest of the same block of a reference copy"
    } else {
        "each was found to be that part of the content, by the digests of a reference copy or by the hashes in the torrent itself"
    }
}
