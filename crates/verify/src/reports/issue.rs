//! Steps 9.4, 9.12, 9.14 and 9.16: by whom, to whom, when and in which words.

use evidence::{Cir, Class, Date, Part, sha256};

use super::{
    Case, Subject,
    days::{gathered_on, last_of_month_from, uk_day},
};
use crate::{attachments::Kind, findings::Findings, notes::person, steps::Check};

const INFRINGEMENT: &str = "There appears to have been an infringement of the owner's copyright in the work, by means of the connection described in this report.";
/// The rules of a laboratory: its reports are nobody's notices.
pub(super) const LABORATORY: &str = "laboratory/1";
const CONSENT: &str = "To the best of the owner's knowledge, no consent was given for the work to be made available in this way.";

/// Step 9.4.
pub(super) fn check_uin(case: &Case<'_>, cir: &Cir, findings: &mut Findings) {
    let origin = case.anchor.origin();
    let first = cir.evidence.first().map(|entry| entry.index);
    let log = sha256(origin.as_bytes()).to_string();
    let expected = first.map(|index| format!("{}-{}-{index}", case.anchor.month, &log[..8]));
    findings.check(Check::Uin, expected.as_ref() == Some(&cir.uin), || {
        format!(
            "report {}: its UIN must be {}",
            cir.uin,
            expected.unwrap_or_else(|| "made from its first entry, of which there is none".into())
        )
    });
}

/// Step 9.16.
pub(super) fn check_words(case: &Case<'_>, cir: &Cir, findings: &mut Findings) {
    let uin = &cir.uin;
    let issue = &case.issue.value;
    let mut need = |holds: bool, fault: &str| {
        findings.check(Check::Words, holds, || format!("report {uin}: {fault}"));
    };
    need(cir.log == case.anchor.origin(), "log is not the origin of the log");
    need(cir.issued_at == issue.at, "issued_at is not the issue note's");
    need(person(&cir.approver) == person(&case.issue.holder), "the approver is not the person whose key signed the issue note");
    need(cir.investigator == issue.investigator, "the investigator is not the issue note's");
    need(person(&cir.approver) != person(&cir.investigator), "the approver is the investigator");
    let is_analyst = case.log.decisions.analysts.iter().any(|(index, kid, holder)| {
        let counts = case.revoked.get(kid).is_none_or(|from| *from > case.issue.index);
        person(holder) == person(&cir.investigator) && *index < case.issue.index && counts
    });
    need(is_analyst, "the investigator holds no analyst key that was delegated below the issue and not revoked");
    need(cir.profile == issue.profile, "the profile is not the issue note's");
    need(cir.protocol == "BitTorrent", "the protocol is not 'BitTorrent'");
    need(cir.infringement_statement == INFRINGEMENT, "infringement_statement is not the fixed sentence");
    need(cir.consent_statement == CONSENT, "consent_statement is not the fixed sentence");
}

/// Step 9.16, for what needs the observations.
pub(super) fn check_profile(subject: &Subject<'_>, findings: &mut Findings) {
    let in_laboratory = subject.cir.profile == LABORATORY;
    let agrees = subject.observations.iter().all(|(_, observation)| observation.laboratory == in_laboratory);
    findings.check(Check::Words, agrees, || {
        format!(
            "report {}: the profile is not '{LABORATORY}' exactly if the observations were made in a laboratory",
            subject.uin()
        )
    });
}

/// Step 9.12.
pub(super) fn check_recipient(case: &Case<'_>, subject: &Subject<'_>, findings: &mut Findings) {
    let uin = subject.uin();
    let (cir, first) = (subject.cir, subject.first());
    let mut need = |holds: bool, fault: &str| {
        findings.check(Check::Attribution, holds, || format!("report {uin}: {fault}"));
    };
    need(cir.attribution == first.attribution, "the attribution is not that of its first observation");
    need(cir.attribution.class == Class::Fixed, "the attribution's class is not 'fixed'");
    need(cir.attribution.isp.as_deref() == Some(cir.isp.id.as_str()), "the attribution names another ISP than the recipient");
    let owed = cir.attribution.asn.is_some_and(|asn| case.recipient.is_owed(Part::As(asn)));
    need(owed, "its AS is not among the recipient's parts");
    let issue = &case.issue.value;
    need(
        cir.attribution.tables.iter().all(|table| issue.tables_sha256.contains(table)),
        "the issue note does not name every table used",
    );
    let register = cir.isp.register_sha256;
    let known = issue.tables_sha256.contains(&register) && case.tables.get(&register) == Some(&Kind::Register);
    need(known, "its register is not a register of the issue note and of tables.txt");
}

/// Step 9.14.
pub(super) fn check_deadlines(subject: &Subject<'_>, findings: &mut Findings) {
    let uin = subject.uin();
    let cir = subject.cir;
    let mut need = |holds: bool, fault: &str| {
        findings.check(Check::Deadlines, holds, || format!("report {uin}: {fault}"));
    };
    let days = gathered_on(cir.session.start);
    let last = days.into_iter().map(last_of_month_from).min();
    need(Some(cir.deadlines.last) == last, "deadlines.last is not one month beginning with the day of gathering");
    need(cir.issued_at >= cir.session.end, "it was issued before the session's end");
    need(uk_day(cir.issued_at) <= cir.deadlines.last, "it was issued after deadlines.last");
    // The table of holidays is not part of a bundle; no ten working days hold more than four of them.
    let weekdays = days.into_iter().min().map_or(0, |day| weekdays_between(day, cir.deadlines.target));
    need((10..=14).contains(&weekdays) && cir.deadlines.target.weekday() < 5, "deadlines.target cannot be the tenth working day");
}

/// How many days from Monday to Friday there are after `day`, up to and with `last`; counted no further than a month.
fn weekdays_between(day: Date, last: Date) -> usize {
    (1..=31).map(|after| day.plus_days(after)).filter(|day| *day <= last && day.weekday() < 5).count()
}
