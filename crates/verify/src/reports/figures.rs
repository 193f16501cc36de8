//! Steps 9.7, 9.8 and 9.13: the figures of a report, counted again.

use std::collections::BTreeSet;

use evidence::{Direction, PortRole, RunId};

use super::{Case, Subject};
use crate::{findings::Findings, observation::matching, session::Session, steps::Check};

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
    let blocks = observations().flat_map(matching).count();
    let pieces: BTreeSet<u32> = observations().flat_map(matching).map(|challenge| challenge.piece).collect();
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
    need(Some(stated.bytes_verified) == sum(|volume| volume.verified_bytes), "bytes_verified");
    need(Some(stated.bytes_received) == sum(|volume| volume.bytes_in), "bytes_received");
    need(stated.piece_bytes_sent == 0 && sum(|volume| volume.piece_bytes_out) == Some(0), "piece_bytes_sent");
    need(stated.runs.iter().copied().eq(runs), "runs");
    let error_ms =
        observations().map(|observation| observation.times.error_ms).try_fold(0, |largest, error| Some(error?.max(largest)));
    need(stated.error_ms == error_ms, "error_ms");
    need(!stated.corroborated || !case.recipient.is_audit() || is_corroborated(case, subject), "corroborated");
}

/// Whether another session or another vantage saw the same peer with the same torrent.
fn is_corroborated(case: &Case<'_>, subject: &Subject<'_>) -> bool {
    let first = subject.first();
    let own: BTreeSet<u64> = subject.observations.iter().map(|(index, _)| *index).collect();
    let mut sightings = case.openings.sightings.seen_of(first.peer, first.target);
    sightings.any(|seen| !own.contains(&seen.index) || seen.observer.ip() != first.observer.ip())
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
    need(cir.client == observations().find_map(|observation| observation.client.clone()), "client");
    need(cir.config_sha256 == first.config_sha256, "config_sha256");
    need(cir.release_sha256 == first.release_sha256, "release_sha256");
    let sources: BTreeSet<_> = observations().filter_map(|observation| Some(observation.found.as_ref()?.source)).collect();
    need(cir.sources.iter().copied().eq(sources), "sources");
}

/// Step 9.13.
pub(super) fn check_clock(case: &Case<'_>, subject: &Subject<'_>, findings: &mut Findings) {
    let uin = subject.uin();
    for (index, observation) in &subject.observations {
        match observation.times.error_ms {
            Some(error_ms) => {
                findings.check(Check::Clock, error_ms <= MAX_ERROR_MS, || {
                    format!("report {uin}: the clock's error at observation {index} was {error_ms} ms, more than {MAX_ERROR_MS}")
                });
            }
            None if !case.recipient.is_audit() => {
                findings.count(Check::Clock);
                findings.warn(Check::Clock, "observations without a known clock error are allowed from a laboratory only; whether the runs were in one, the audit bundle shows");
            }
            None => {
                let laboratory = case.openings.laboratory.get(&observation.run).copied().unwrap_or(false);
                if findings.check(Check::Clock, laboratory, || {
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
