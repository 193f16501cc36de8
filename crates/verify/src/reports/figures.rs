//! Steps 9.7, 9.8 and 9.13: the figures of a report, counted again.

use std::collections::BTreeSet;

use evidence::{Direction, PortRole, RunId};

use super::{Case, Subject};
use crate::{findings::Findings, observation::work_blocks, session::Session, steps::Check};

/// A report's clock error is at most this.
const MAX_ERROR_MS: u32 = 40;

/// Step 9.7.
pub(super) fn check(case: &Case<'_>, subject: &Subject<'_>, derived: Option<&Session>, findings: &mut Findings) {
    let uin = subject.uin();
    let stated = &subject.cir.session;
    let observations = || subject.observations.iter().map(|(_, observation)| *observation);
    let mut need = |holds: bool, field: &str| {
        findings.check(Check::SessionFigures, holds, || format!("report {uin}: session.{field} is not what the evidence says"));
    };
    let blocks = observations().flat_map(work_blocks).count();
    let pieces: BTreeSet<u32> = observations().flat_map(work_blocks).map(|challenge| challenge.piece).collect();
    let block_bytes: u64 = observations().flat_map(work_blocks).map(|challenge| u64::from(challenge.length)).sum();
    let runs: BTreeSet<RunId> = observations().map(|observation| observation.run).collect();
    let sum = |bytes: fn(&evidence::observation::Volume) -> u64| {
        observations().try_fold(0_u64, |total, observation| total.checked_add(bytes(&observation.volume)))
    };
    if let Some(session) = derived {
        need(stated.start.ms() == session.start_ms, "start");
        need(stated.end.ms() == session.end_ms, "end");
    }
    need(usize::try_from(stated.observations) == Ok(subject.observations.len()), "observations");
    need(usize::try_from(stated.blocks_verified) == Ok(blocks), "blocks_verified");
    need(usize::try_from(stated.pieces_verified) == Ok(pieces.len()), "pieces_verified");
    need(stated.bytes_verified == block_bytes, "bytes_verified");
    need(Some(stated.bytes_received) == sum(|volume| volume.bytes_in), "bytes_received");
    need(stated.piece_bytes_sent == 0 && sum(|volume| volume.piece_bytes_out) == Some(0), "piece_bytes_sent");
    need(stated.runs.iter().copied().eq(runs), "runs");
    let error_ms =
        observations().map(|observation| observation.times.error_ms).try_fold(0, |largest, error| Some(error?.max(largest)));
    need(stated.error_ms == error_ms, "error_ms");
    let sightings = &case.openings.sightings;
    if let Some(session) = derived {
        // Other sessions may have been withheld from an ISP; what it has of this one it has whole.
        let agrees = if case.recipient.is_audit() {
            stated.corroborated == case.derived.is_corroborated(session, sightings)
        } else {
            stated.corroborated || !sightings.has_two_vantages(session)
        };
        need(agrees, "corroborated");
    }
}

/// Step 9.8.
pub(super) fn check_connection(subject: &Subject<'_>, findings: &mut Findings) {
    let uin = subject.uin();
    let (cir, first) = (subject.cir, subject.first());
    let observations = || subject.observations.iter().map(|(_, observation)| *observation);
    let mut need = |holds: bool, field: &str| {
        findings.check(Check::Connection, holds, || format!("report {uin}: {field} is not what the evidence says"));
    };
    let port_role = if first.direction == Direction::Outgoing { PortRole::Listening } else { PortRole::Ephemeral };
    need(cir.peer.address == first.peer, "peer.address");
    need(cir.peer.transport == first.transport, "peer.transport");
    need(cir.peer.observer == first.observer, "peer.observer");
    need(cir.peer.direction == first.direction, "peer.direction");
    need(cir.peer.encryption == first.encryption, "peer.encryption");
    need(cir.peer.port_role == port_role, "peer.port_role");
    need(cir.target == first.target, "target");
    need(cir.client == observations().find_map(|observation| observation.client().cloned()), "client");
    need(cir.config_sha256 == first.config_sha256, "config_sha256");
    need(cir.release_sha256 == first.release_sha256, "release_sha256");
    let sources: BTreeSet<_> = observations().filter_map(|observation| Some(observation.found.as_ref()?.source)).collect();
    need(cir.sources.iter().copied().eq(sources), "sources");
}

/// Step 9.13.
pub(super) fn check_clock(subject: &Subject<'_>, findings: &mut Findings) {
    let uin = subject.uin();
    for (index, observation) in &subject.observations {
        match observation.times.error_ms {
            Some(error_ms) => {
                findings.check(Check::Clock, error_ms <= MAX_ERROR_MS, || {
                    format!("report {uin}: the clock's error at observation {index} was {error_ms} ms, more than {MAX_ERROR_MS}")
                });
            }
            None => {
                if findings.check(Check::Clock, observation.laboratory, || {
                    format!(
                        "report {uin}: the clock's error at observation {index} was not known, and the run was in no laboratory"
                    )
                }) {
                    findings.warn(Check::Clock, "reports rest on laboratory runs, whose clock error is not known: they prove nothing about real addresses");
                }
            }
        }
    }
}
