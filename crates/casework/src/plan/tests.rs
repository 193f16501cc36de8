use super::*;
use crate::{
    cirs::{CONSENT_STATEMENT, INFRINGEMENT_STATEMENT},
    deadlines::SHIPPED,
    eligibility::LABORATORY_PROFILE,
    testlog::{MANDATE, ORIGIN, Sight, TestLog, dossier, input, mandate, register, target, utc},
};
use evidence::{
    Claimed, Class, Direction, Dossier, Mandate, Outcome, TargetIds,
    control::{Control, Revoke, Role},
    sha256,
};

const PEER: &str = "192.0.2.7:51413";

/// Plans a log with the test's register, after a change to the input.
fn planned(log: &TestLog, change: impl FnOnce(&mut PlanInput<'_>)) -> Result<Plan, Fault> {
    let (register, holidays, estimates) = (register(), Holidays::parse(SHIPPED).unwrap(), BTreeMap::new());
    let mut input = input(&register, &holidays, &estimates);
    change(&mut input);
    plan(log.read(), &input)
}

fn seen() -> Sight {
    Sight::at(PEER, "2026-09-01T12:00:00.000Z", 60)
}

fn reasons(plan: &Plan) -> Vec<Reason> {
    plan.refusals.iter().map(|refusal| refusal.reason).collect()
}

/// Logs what a plan says, as the shell does; returns the index of the issue note.
pub(crate) fn logged(log: &mut TestLog, plan: &Plan) -> u64 {
    for withhold in &plan.withholds {
        log.note("a", &Control::Withhold(withhold.clone()));
    }
    log.note("c", &Control::Issue(plan.issue.clone()));
    log.entries.len() as u64 - 1
}

#[test]
fn an_eligible_session_is_reported_in_full() {
    let mut log = TestLog::new();
    let first = log.see_cleared(&seen());
    let second = log.see(&Sight::at(PEER, "2026-09-01T12:10:00.000Z", 60));
    let plan = planned(&log, |_| {}).unwrap();
    assert_eq!((plan.refusals.len(), plan.withholds.len(), plan.cirs.len()), (0, 0, 1));
    let cir = &plan.cirs[0];
    assert_eq!(cir.uin, format!("202609-{}-{first}", &sha256(ORIGIN.as_bytes()).to_string()[..8]));
    assert_eq!(
        cir.evidence.iter().map(|entry| (entry.index, entry.control)).collect::<Vec<_>>(),
        [(first, false), (second, false), (first + 1, true)]
    );
    assert_eq!((cir.session.start, cir.session.end), (utc("2026-09-01T12:00:00.000Z"), utc("2026-09-01T12:11:00.000Z")));
    let session = &cir.session;
    assert_eq!((session.blocks_verified, session.pieces_verified, session.observations), (4, 2, 2));
    assert_eq!((session.bytes_verified, session.bytes_received, session.piece_bytes_sent), (65_536, 66_000, 0));
    assert_eq!((session.error_ms, session.corroborated), (Some(4), false));
    assert_eq!((cir.deadlines.last.to_string(), cir.deadlines.target.to_string()), ("2026-09-30".into(), "2026-09-15".into()));
    assert_eq!(
        (cir.infringement_statement.as_str(), cir.consent_statement.as_str()),
        (INFRINGEMENT_STATEMENT, CONSENT_STATEMENT)
    );
    assert_eq!(
        (cir.isp.id.as_str(), cir.approver.as_str(), cir.investigator.as_str()),
        ("example", "C. Approver", "I. Investigator")
    );
    assert_eq!((cir.works.len(), cir.files.len()), (1, 1));
    assert!(
        cir.description.contains(
            "accepted 2 connections of the monitor. It asked for and received 4 blocks of mandated works (65536 bytes), from 2 pieces; each had"
        ),
        "{}",
        cir.description
    );
    assert_eq!(plan.issue.reports.len(), 1);
    assert_eq!(plan.issue.reports[0].cir_sha256, cir_sha256(cir).unwrap());
    assert_eq!(plan.issue.tables_sha256, [register().sha256()]);
    evidence::canonical::from_text::<Cir>(evidence::canonical::to_text(cir).unwrap().as_str()).unwrap();
}

#[test]
fn every_condition_refuses_with_its_reason() {
    type Change = fn(&mut Sight);
    let changes: [(Reason, Change); 19] = [
        (Reason::UncleanContact, |sight| sight.outcome = Outcome::BadBlock { blocks: 1 }),
        (Reason::ClockWentBack, |sight| sight.last = sight.first.plus_ms(-1)),
        (Reason::NoMandatedWork, |sight| sight.work = None),
        (Reason::NoMandate, |sight| sight.work = Some("another".into())),
        (Reason::NoMandate, |sight| sight.mandates = Some(vec![])),
        (Reason::NoDossier, |sight| sight.dossier = Some(sha256(b"another"))),
        (Reason::Mobile, |sight| sight.class = Class::Mobile),
        (Reason::NotQualifying, |sight| sight.class = Class::NotQualifying),
        (Reason::UnknownIsp, |sight| sight.isp = Some("other".into())),
        (Reason::UnknownIsp, |sight| sight.isp = None),
        (Reason::ClockUnknown, |sight| sight.error_ms = None),
        (Reason::ClockError, |sight| sight.error_ms = Some(41)),
        (Reason::OwnersSeed, |sight| sight.peer = "192.0.2.200:51413".parse().unwrap()),
        (Reason::NotEnded, |sight| sight.last = utc("2026-09-02T09:00:00.001Z")),
        (Reason::MandateNotInForce, |sight| {
            (sight.first, sight.last) = (utc("2026-08-31T23:59:59.999Z"), utc("2026-09-01T00:00:01.000Z"))
        }),
        (Reason::UnknownIsp, |sight| sight.asn = Some(64500)),
        // Block 1 is unfit as proof, and no block starts in the middle of another.
        (Reason::OtherContent, |sight| sight.offset = 16384),
        (Reason::OtherContent, |sight| sight.offset = 100),
        (Reason::OtherContent, |sight| sight.offset = 1 << 18),
    ];
    for (reason, change) in changes {
        let mut sight = seen();
        change(&mut sight);
        let mut log = TestLog::new();
        let index = log.see_cleared(&sight);
        let plan = planned(&log, |_| {}).unwrap();
        assert_eq!((reasons(&plan), plan.cirs.len()), (vec![reason], 0));
        assert_eq!(plan.withholds[0].withheld, [Withheld { index, reason: reason.word().into() }]);
        assert_eq!(plan.statistics.refused, BTreeMap::from([(reason, 1)]));
    }
    // Nobody is owed the opening of an address without a network, so nothing is withheld from anybody.
    for (reason, class) in [(Reason::Ambiguous, Class::Ambiguous), (Reason::Unattributed, Class::Unknown)] {
        let mut log = TestLog::new();
        log.see_cleared(&Sight { class, asn: None, isp: None, ..seen() });
        let plan = planned(&log, |_| {}).unwrap();
        assert_eq!((reasons(&plan), plan.withholds.len()), (vec![reason], 0));
    }
}

#[test]
fn a_laboratory_reports_under_its_own_rules_and_only_there_may_the_clock_be_unknown() {
    let plan_of = |laboratory: bool, profile: &'static str| {
        let mut log = TestLog::new();
        log.started(laboratory);
        log.see_cleared(&Sight { error_ms: None, laboratory, ..seen() });
        planned(&log, |input| input.profile = profile).unwrap()
    };
    let plan = plan_of(true, LABORATORY_PROFILE);
    assert_eq!(plan.cirs[0].session.error_ms, None);
    let notice = crate::render::notice::notice(&plan.cirs[0]);
    assert_eq!(notice.lines().next(), Some("LABORATORY REPORT: simulated peers, synthetic content, nobody's notice"));
    assert_eq!(reasons(&plan_of(true, "uk-draft-2012/1")), [Reason::Laboratory]);
    assert_eq!(reasons(&plan_of(false, LABORATORY_PROFILE)), [Reason::Laboratory]);
    assert_eq!(reasons(&plan_of(false, "uk-draft-2012/1")), [Reason::ClockUnknown]);
}

#[test]
fn a_report_counts_the_blocks_of_works_alone() {
    let mut log = TestLog::new();
    let sight = Sight { other_block_ms: Some(600_000), outcome: Outcome::Served { blocks: 3, pieces: 3 }, ..seen() };
    log.see_cleared(&sight);
    let cir = planned(&log, |_| {}).unwrap().cirs.remove(0);
    let session = &cir.session;
    assert_eq!((session.start, session.end), (utc("2026-09-01T12:00:00.000Z"), utc("2026-09-01T12:01:00.000Z")));
    assert_eq!((session.blocks_verified, session.pieces_verified, session.bytes_verified), (2, 2, 32_768));
    assert_eq!(session.bytes_received, 49_384);
}

#[test]
fn a_hybrid_torrent_is_mandated_by_either_of_its_hashes() {
    let hybrid = TargetIds { v2: Some([0x22; 32].into()), ..target() };
    let other = TargetIds { v1: Some([0x33; 20].into()), v2: hybrid.v2 };
    for (named, expected) in [
        (hybrid, vec![]),
        (target(), vec![]),
        (other, vec![]),
        (TargetIds { v2: None, ..other }, vec![Reason::NoMandate]),
        (TargetIds { v2: Some([0x44; 32].into()), ..other }, vec![Reason::NoMandate]),
    ] {
        let mut log = TestLog::bare();
        log.mandate = log.note("a", &Control::Mandate(Mandate { targets: vec![named], ..mandate() }));
        log.dossier = log.note("a", &Control::Dossier(Dossier { target: hybrid, ..dossier("film.mkv") }));
        log.approve("a");
        log.approve("b");
        log.see_cleared(&Sight { target: hybrid, ..seen() });
        assert_eq!(reasons(&planned(&log, |_| {}).unwrap()), expected, "{named}");
    }
}

#[test]
fn a_block_that_could_be_guessed_proves_nothing() {
    for (bytes, expected) in [(1_024, vec![]), (1_023, vec![Reason::OtherContent])] {
        let short = |mut dossier: Dossier| {
            dossier.piece_bytes = bytes;
            dossier.total_bytes = 2 * u64::from(bytes);
            dossier.files[0].bytes = dossier.total_bytes;
            dossier.unfit_blocks.clear();
            dossier
        };
        let mut log = TestLog::bare();
        log.mandate = log.note("a", &Control::Mandate(mandate()));
        log.dossier = log.note("a", &Control::Dossier(short(dossier("film.mkv"))));
        log.approve("a");
        log.approve("b");
        log.see_cleared(&Sight { length: bytes, ..seen() });
        assert_eq!(reasons(&planned(&log, |_| {}).unwrap()), expected, "{bytes}");
    }
    // Part of a block is no block of the dossier, however long.
    let mut log = TestLog::new();
    log.see_cleared(&Sight { length: 16_383, ..seen() });
    assert_eq!(reasons(&planned(&log, |_| {}).unwrap()), [Reason::OtherContent]);
}

#[test]
fn the_same_client_on_another_connection_is_not_reported_twice() {
    let mut log = TestLog::new();
    log.see_cleared(&seen());
    let again = log.see(&Sight { direction: Direction::Incoming, ..Sight::at("192.0.2.7:40000", "2026-09-01T12:20:00.000Z", 5) });
    let plan = planned(&log, |_| {}).unwrap();
    assert_eq!((plan.cirs.len(), plan.refusals), (1, vec![Refusal { indices: vec![again], reason: Reason::Repetition }]));
}

#[test]
fn deadlines_stop_on_the_uk_civil_day() {
    for (issued_at, expected) in [
        ("2026-09-30T22:59:59.999Z", None),
        // 00:00 on 1 October in British Summer Time.
        ("2026-09-30T23:00:00.000Z", Some(Reason::Late)),
    ] {
        let mut log = TestLog::new();
        log.see_cleared(&seen());
        let plan = planned(&log, |input| input.issued_at = utc(issued_at)).unwrap();
        assert_eq!(reasons(&plan).first().copied(), expected, "{issued_at}");
        assert_eq!(plan.statistics.past_target, u64::from(expected.is_none()));
    }
    let mut log = TestLog::new();
    log.see_cleared(&Sight::at(PEER, "2030-09-01T12:00:00.000Z", 1));
    assert!(matches!(planned(&log, |_| {}), Err(Fault::Holidays(_))));
}

#[test]
fn approvals_count_by_person_and_must_come_first() {
    let bare = || {
        let mut log = TestLog::bare();
        log.mandate = log.note("a", &Control::Mandate(mandate()));
        log.dossier = log.note("a", &Control::Dossier(dossier("film.mkv")));
        log
    };
    type Make = fn(&mut TestLog);
    let cases: [(Make, Option<Reason>); 4] = [
        (
            |log| {
                log.approve("a");
                log.approve("a");
                log.see_cleared(&seen());
            },
            Some(Reason::NotApproved),
        ),
        (
            |log| {
                log.approve("a");
                log.see_cleared(&seen());
                log.approve("b");
            },
            Some(Reason::NotApproved),
        ),
        (
            |log| {
                log.approve("a");
                log.approve("b");
                log.see_cleared(&seen());
            },
            None,
        ),
        (
            |log| {
                log.approve("a");
                log.approve("b");
                log.see_cleared(&seen());
                let kid = evidence::KeyId::of(&evidence::PublicKey::from(crate::testlog::key("b").verifying_key().to_bytes()));
                log.root_note(&Control::Revoke(Revoke { kid, from_index: 9, reason: "lost laptop".into() }));
            },
            Some(Reason::NotApproved),
        ),
    ];
    for (number, (make, expected)) in cases.into_iter().enumerate() {
        let mut log = bare();
        make(&mut log);
        assert_eq!(reasons(&planned(&log, |_| {}).unwrap()).first().copied(), expected, "case {number}");
    }
}

#[test]
fn a_mandate_or_dossier_that_comes_later_does_not_count() {
    let mut log = TestLog::bare();
    log.mandate = sha256(b"none yet");
    log.see_cleared(&seen());
    log.mandate = log.note("a", &Control::Mandate(mandate()));
    assert_eq!(reasons(&planned(&log, |_| {}).unwrap()), [Reason::NoMandate]);
}

#[test]
fn approver_and_investigator_are_two_people_and_both_hold_keys() {
    let mut log = TestLog::new();
    log.see_cleared(&seen());
    assert!(matches!(planned(&log, |input| input.investigator = " c. approver"), Err(Fault::SamePerson(_))));
    assert!(matches!(planned(&log, |input| input.approver = "Somebody Else"), Err(Fault::Approver(_))));
    for nobody in ["Somebody Else", "E. Eraser"] {
        assert!(matches!(planned(&log, |input| input.investigator = nobody), Err(Fault::Investigator(_))));
    }
    assert!(matches!(planned(&log, |input| input.origin = "log.example.org/september"), Err(Fault::Origin(_))));
    assert!(Role::Analyst.is_personal());
    // Names are compared without regard to case and space, and written as the log writes them.
    let plan = planned(&log, |input| (input.approver, input.investigator) = ("c. approver ", "I. INVESTIGATOR")).unwrap();
    assert_eq!((plan.cirs[0].approver.as_str(), plan.cirs[0].investigator.as_str()), ("C. Approver", "I. Investigator"));
    assert_eq!(plan.issue.investigator, "I. Investigator");
    // A key that was revoked is nobody's.
    let kid = evidence::KeyId::of(&evidence::PublicKey::from(crate::testlog::key("i").verifying_key().to_bytes()));
    let from_index = log.entries.len() as u64;
    log.root_note(&Control::Revoke(Revoke { kid, from_index, reason: "lost laptop".into() }));
    assert!(matches!(planned(&log, |_| {}), Err(Fault::Investigator(_))));
}

#[test]
fn two_spellings_of_a_name_are_one_reviewer() {
    let mut log = TestLog::bare();
    log.delegate("a2", Role::Analyst, Some("a. REVIEWER"));
    log.mandate = log.note("a", &Control::Mandate(mandate()));
    log.dossier = log.note("a", &Control::Dossier(dossier("film.mkv")));
    log.approve("a");
    log.approve("a2");
    log.see_cleared(&seen());
    assert_eq!(reasons(&planned(&log, |_| {}).unwrap()), [Reason::NotApproved]);
}

#[test]
fn a_second_plan_repeats_nothing() {
    let mut log = TestLog::new();
    let reported = log.see_cleared(&seen());
    log.see_cleared(&Sight { class: Class::NotQualifying, ..Sight::at("192.0.2.8:51413", "2026-09-01T12:00:00.000Z", 5) });
    let first = planned(&log, |_| {}).unwrap();
    assert_eq!((first.cirs.len(), first.refusals.len()), (1, 1));
    logged(&mut log, &first);
    let second = planned(&log, |_| {}).unwrap();
    assert_eq!((second.cirs.len(), second.refusals.len(), second.withholds.len()), (0, 0, 0));
    assert_eq!(second.statistics.decided_earlier, 2);

    // An observation that continues the reported session is not reported again.
    let more = log.see(&Sight::at(PEER, "2026-09-01T12:05:00.000Z", 5));
    let third = planned(&log, |_| {}).unwrap();
    assert_eq!(third.refusals, [Refusal { indices: vec![more], reason: Reason::Duplicate }]);
    // Neither is one that moves the session's start to before what was reported.
    let earlier = log.see(&Sight::at(PEER, "2026-09-01T11:50:00.000Z", 5));
    let fourth = planned(&log, |_| {}).unwrap();
    assert_eq!(fourth.refusals, [Refusal { indices: vec![earlier, more], reason: Reason::Duplicate }]);
    // One after the gap is another session, and corroborates; it needs a control visit of its own.
    let apart = Sight::at(PEER, "2026-09-01T15:00:00.000Z", 5);
    let last = log.see(&apart);
    let uncleared = planned(&log, |_| {}).unwrap();
    assert_eq!(uncleared.refusals.last(), Some(&Refusal { indices: vec![last], reason: Reason::NoControlVisit }));
    log.control(last, &apart, Outcome::NoEcho);
    let fifth = planned(&log, |_| {}).unwrap();
    assert_eq!((fifth.cirs.len(), fifth.cirs[0].session.corroborated), (1, true));
    assert!(fifth.withdrawals_due.is_empty());
    // If the peer turns out to answer anything, what was reported must be withdrawn.
    log.control(reported, &seen(), Outcome::Echo);
    let sixth = planned(&log, |_| {}).unwrap();
    assert_eq!((sixth.cirs.len(), sixth.withdrawals_due), (0, vec![reported]));
}

#[test]
fn what_only_waits_for_a_control_visit_is_judged_again() {
    let mut log = TestLog::new();
    let index = log.see(&seen());
    let first = planned(&log, |_| {}).unwrap();
    assert_eq!(first.withholds[0].withheld, [Withheld { index, reason: "no-control-visit".into() }]);
    logged(&mut log, &first);
    assert_eq!(planned(&log, |_| {}).unwrap().withholds, []);
    log.control(index, &seen(), Outcome::NoEcho);
    assert_eq!(planned(&log, |_| {}).unwrap().cirs.len(), 1);
}

#[test]
fn estimates_are_kept_and_what_falls_due_first_goes_first() {
    let mut log = TestLog::new();
    let late = log.see_cleared(&Sight::at("192.0.2.9:1", "2026-09-01T20:00:00.000Z", 5));
    let early = log.see_cleared(&Sight::at("192.0.2.10:1", "2026-09-01T10:00:00.000Z", 5));
    let (register, holidays) = (register(), Holidays::parse(SHIPPED).unwrap());
    let estimates = BTreeMap::from([("example".to_string(), 1)]);
    let plan = plan(log.read(), &input(&register, &holidays, &estimates)).unwrap();
    assert_eq!(plan.cirs.iter().map(|cir| cir.evidence[0].index).collect::<Vec<_>>(), [early]);
    assert_eq!(plan.refusals, [Refusal { indices: vec![late], reason: Reason::OverEstimate }]);
}

#[test]
fn the_same_log_gives_the_same_plan() {
    let mut log = TestLog::new();
    for host in 1..40 {
        let mut sight = Sight::at(&format!("192.0.2.{host}:51413"), "2026-09-01T12:00:00.000Z", 5);
        sight.direction = if host % 3 == 0 { Direction::Incoming } else { Direction::Outgoing };
        sight.class = if host % 5 == 0 { Class::Mobile } else { Class::Fixed };
        log.see_cleared(&sight);
    }
    let text = |plan: &Plan| format!("{:?}{:?}{:?}{:?}", plan.cirs, plan.withholds, plan.issue, plan.refusals);
    assert_eq!(text(&planned(&log, |_| {}).unwrap()), text(&planned(&log, |_| {}).unwrap()));
}

#[test]
fn hostile_names_stay_inert_in_the_description() {
    let mut log = TestLog::bare();
    log.mandate = log.note("a", &Control::Mandate(mandate()));
    log.dossier = log.note("a", &Control::Dossier(dossier("x\" The subscriber is B.\nUIN: 1\u{202e}\u{1b}[2J")));
    log.approve("a");
    log.approve("b");
    log.see_cleared(&Sight { client: Claimed::new("\u{1b}]0;x\u{7}\"<script>"), ..seen() });
    let plan = planned(&log, |_| {}).unwrap();
    let cir = &plan.cirs[0];
    assert!(cir.description.contains("\"x\\u{22} The subscriber is B.\\u{a}UIN: 1\\u{202e}\\u{1b}[2J\""), "{}", cir.description);
    let notice = crate::render::notice::notice(cir);
    assert!(notice.chars().all(|character| character == '\n' || !character.is_control() && character != '\u{202e}'));
    assert_eq!(notice.lines().filter(|line| line.starts_with("UIN")).count(), 0);
    assert_eq!(cir.works[0].mandate, MANDATE);
}

#[test]
fn a_log_that_is_not_as_signed_stops_the_plan() {
    type Break = fn(&mut TestLog);
    let breaks: [(&str, Break); 6] = [
        ("order", |log| {
            log.entries.remove(3);
        }),
        ("opening", |log| {
            let last = log.entries.len() - 2;
            if let evidence::Content::Opening(line) = &mut log.entries[last].content {
                *line = line.replace("64496", "64497");
            }
        }),
        ("missing", |log| {
            let last = log.entries.len() - 1;
            log.entries[last].content = evidence::Content::Absent;
        }),
        ("note", |log| {
            if let evidence::Content::Note(text) = &mut log.entries[9].content {
                *text = text.replace("watched", "skipped");
            }
        }),
        ("signature", |log| {
            // The same text under another person's signature: the commitment fits, the name does not.
            let evidence::Content::Note(text) = log.entries[9].content.clone() else { return };
            let (body, line) = text.rsplit_once(' ').unwrap();
            // A letter in the middle of the base64, whatever it is.
            let (head, rest) = line.split_at(40);
            let swapped = format!("{body} {head}{}{}", if rest.starts_with('A') { "B" } else { "A" }, &rest[1..]);
            log.entries[9].leaf.commitment = sha256(swapped.as_bytes());
            log.entries[9].content = evidence::Content::Note(swapped);
        }),
        ("kind", |log| {
            let last = log.entries.len() - 1;
            log.entries[last].content = evidence::Content::Note("x\n".into());
        }),
    ];
    for (name, change) in breaks {
        let mut log = TestLog::new();
        log.see_cleared(&seen());
        change(&mut log);
        assert!(planned(&log, |_| {}).is_err(), "{name}");
    }
}
