//! Steps 9.5, 9.6, 9.11, 9.15 and 7.5: what a report rests on.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Cir, Direction, Observation, Part, cir::EvidenceRef};

use super::{Case, Subject};
use crate::{
    findings::Findings,
    session::{Key, Session, Visit, VisitResult},
    steps::Check,
};

/// Step 9.5. `None` if the observations are not all at hand: nothing more can be said of the report.
pub(super) fn check_evidence<'a>(case: &'a Case<'a>, cir: &'a Cir, findings: &mut Findings) -> Option<Subject<'a>> {
    let uin = &cir.uin;
    let mut holds = true;
    for entry in &cir.evidence {
        let fault = entry_fault(case, entry);
        let good = fault.is_none();
        holds &= findings
            .check(Check::Evidence, good, || format!("report {uin}: entry {} {}", entry.index, fault.unwrap_or_default()));
    }
    let (observed, control): (Vec<&EvidenceRef>, Vec<&EvidenceRef>) = cir.evidence.iter().partition(|entry| !entry.control);
    let indices: BTreeSet<u64> = cir.evidence.iter().map(|entry| entry.index).collect();
    let ordered = !observed.is_empty()
        && control.len() <= 1
        && cir.evidence.iter().take(observed.len()).all(|entry| !entry.control)
        && indices.len() == cir.evidence.len();
    holds &= findings.check(Check::Evidence, ordered, || {
        format!("report {uin}: the evidence is not the session's observations, each once, and then at most one control visit")
    });
    if let Some(erased) = observed.iter().find(|entry| case.log.decisions.erased.contains_key(&entry.index)) {
        findings.warn(
            Check::Evidence,
            format!(
                "report {uin} rests on observation {}, whose opening was erased: its fields cannot be derived again",
                erased.index
            ),
        );
        return None;
    }
    let mut observations = Vec::new();
    for entry in observed {
        match case.openings.named.get(&entry.index) {
            Some(observation) => observations.push((entry.index, observation)),
            None => {
                holds = false;
                findings.fail(Check::Evidence, || {
                    format!("report {uin}: the opening of observation {} is not in the bundle", entry.index)
                });
            }
        }
    }
    (holds && !observations.is_empty()).then_some(Subject { cir, observations })
}

fn entry_fault(case: &Case<'_>, entry: &EvidenceRef) -> Option<&'static str> {
    let Some(leaf) = case.log.sealed_at(entry.index) else {
        return Some("is not a leaf that commits to an opening");
    };
    if leaf.commitment != entry.commitment {
        Some("has another commitment")
    } else if leaf.leaf.as_bytes() != entry.leaf.as_bytes() {
        Some("has another leaf hash")
    } else if entry.index >= case.recipient.issue {
        Some("was logged after the issue")
    } else if entry.control != (leaf.part == Part::Audit) {
        Some("is a control visit but not of part audit, or the other way round")
    } else {
        None
    }
}

/// Steps 9.6, 9.11 and 9.15. Returns the session as derived here.
pub(super) fn check<'a>(
    case: &Case<'a>,
    subject: &Subject<'_>,
    enclosed: Option<&Observation>,
    findings: &mut Findings,
) -> Option<&'a Session> {
    let uin = subject.uin();
    let first = subject.first();
    let key = Key { peer: first.peer, transport: first.transport, target: first.target };
    check_control(case, subject, &key, enclosed, findings);

    let sightings = &case.openings.sightings;
    let stated: Vec<u64> = subject.observations.iter().map(|(index, _)| *index).collect();
    let derived = case
        .derived
        .session_of(stated[0])
        .filter(|session| session.members.iter().map(|position| sightings.seen[*position].index).eq(stated.iter().copied()));
    findings.check(Check::Session, derived.is_some(), || {
        format!("report {uin}: the observations do not make up one session of {} with torrent {} by the rules, in order of first block", key.peer, key.target)
    });

    let twice = stated.iter().find_map(|index| Some((index, case.earlier.get(index)?)));
    findings.check(Check::ReportedOnce, twice.is_none(), || {
        twice
            .map(|(index, other)| format!("report {uin}: observation {index} was reported before, as {other}"))
            .unwrap_or_default()
    });
    if let Some(session) = derived {
        findings.check(Check::ReportedOnce, !case.derived.is_repetition(session, sightings), || {
            format!(
                "report {uin}: the peer dialled, and another session shows the same client on another connection (a repetition)"
            )
        });
    }
    derived
}

/// Step 9.11.
fn check_control(case: &Case<'_>, subject: &Subject<'_>, key: &Key, enclosed: Option<&Observation>, findings: &mut Findings) {
    let uin = subject.uin();
    let sightings = &case.openings.sightings;
    let dialled = subject.observations.iter().any(|(_, observation)| observation.direction == Direction::Outgoing);
    let stated = subject.cir.evidence.iter().find(|entry| entry.control);
    findings.check(Check::ControlVisits, dialled == stated.is_some(), || {
        let lack = if dialled {
            "names no control visit, although the monitor dialled"
        } else {
            "names a control visit, although the peer dialled"
        };
        format!("report {uin} {lack}")
    });
    if subject.observations.iter().any(|(_, observation)| sightings.is_echo(key.peer, observation.direction)) {
        findings.fail(Check::ControlVisits, || {
            format!("report {uin}: a control visit to the same address and port, or of a peer that dialled to another port, was answered (echo)")
        });
    }
    let Some(stated) = stated else { return };

    let logged = sightings.visit_at(stated.index).copied();
    let visit = logged.or_else(|| enclosed.and_then(|observation| as_visit(stated, observation)));
    if !case.recipient.is_audit() {
        findings.warn(
            Check::ControlVisits,
            "whether any visit was answered (echo) only the audit bundle shows; a visit that is not enclosed was checked by its commitment only",
        );
    }
    let Some(visit) = visit else {
        if case.recipient.is_audit() || enclosed.is_some() {
            findings.fail(Check::ControlVisits, || format!("report {uin}: entry {} is not a control visit", stated.index));
        }
        return;
    };
    let is_own = subject.cir.evidence.iter().any(|entry| !entry.control && entry.commitment == visit.about);
    let clears = visit.result == VisitResult::NoEcho && visit.peer == key.peer && is_own;
    findings.check(Check::ControlVisits, clears, || {
        format!("report {uin}: control visit {} does not clear the session: another address, about no observation of the session, or not ended in no-echo", visit.index)
    });
}

fn as_visit(entry: &EvidenceRef, observation: &Observation) -> Option<Visit> {
    let evidence::observation::Purpose::Control { about, .. } = observation.purpose else { return None };
    Some(crate::openings::visit(entry.index, entry.commitment, observation, about))
}

/// Step 7.5: an opening that a note withheld before the issue is there only if it was reported after all.
pub(super) fn check_withheld(case: &Case<'_>, reported: &BTreeMap<u64, &str>, findings: &mut Findings) {
    let sightings = &case.openings.sightings;
    let reported_earlier = |index: u64| {
        let members =
            case.derived.session_of(index).map(|session| session.members.iter().map(|position| sightings.seen[*position].index));
        members.is_some_and(|mut members| members.any(|member| case.earlier.contains_key(&member)))
    };
    for index in &case.openings.withheld {
        let justified = reported.contains_key(index) || reported_earlier(*index);
        findings.check(Check::Withheld, justified, || {
            format!("the opening of leaf {index} is there, but a logged note withholds it and no report rests on it")
        });
    }
}
