//! One small shard from the first delegation to the close, and the knobs by which a test makes its issuer lie.

use evidence::{
    Cir, Dossier, Mandate, Observation, Part, Tag,
    candidates::Candidates,
    cir::{CirFile, CirSession, CirWork, Connection, Deadlines, EvidenceRef, Recipient},
    control::{Approval, Close, Control, Erase, Issue, Issued, Revoke, Role, Withheld, Withhold},
    run::{Fact, RunFact},
    sha256,
};

use crate::{
    keys::{self, ORIGIN},
    records,
    shard::{Draft, Shard},
};

/// Served observations of the reported peer: how long after noon in milliseconds, and what differs.
pub type Extras = &'static [(i64, fn(&mut Observation))];

/// What differs from the honest story. Every knob does nothing unless a test sets it.
#[derive(Clone, Copy)]
pub struct Plan {
    pub forge: fn(u64, &mut Draft),
    pub mandate: fn(&mut Mandate),
    pub dossier: fn(&mut Dossier),
    pub candidates: fn(&mut Candidates),
    pub first: fn(&mut Observation),
    pub second: fn(&mut Observation),
    pub visit: fn(&mut Observation),
    /// The run's start says that it was in a laboratory.
    pub laboratory: bool,
    /// The observations say so.
    pub seen_in_laboratory: bool,
    /// More observations, logged before the run ended.
    pub extras: Extras,
    pub ended: fn(&mut u64),
    pub has_no_end: bool,
    pub bob: &'static str,
    pub approvers: &'static [&'static str],
    /// The second approval comes after the observations.
    pub approve_late: bool,
    pub revoke: Option<(&'static str, u64)>,
    pub close: fn(&mut Close),
    pub go_on_after_close: bool,
    pub leave_open: bool,
    pub cir: fn(&mut Cir),
    pub issue: fn(&mut Issue),
    /// An issue before this one lists the same session.
    pub reported_before: bool,
    pub approver: &'static str,
    pub witnessed_unix_s: u64,
    /// Which leaf the erase note names, with the hash of the erased one.
    pub erase_index: u64,
    pub withhold_reported: bool,
}

impl Plan {
    pub fn honest() -> Self {
        Self {
            forge: |_, _| {},
            mandate: |_| {},
            dossier: |_| {},
            candidates: |_| {},
            first: |_| {},
            second: |_| {},
            visit: |_| {},
            laboratory: false,
            seen_in_laboratory: false,
            extras: &[],
            ended: |_| {},
            has_no_end: false,
            bob: "B. Approver",
            approvers: &["alice", "bob"],
            approve_late: false,
            revoke: None,
            close: |_| {},
            go_on_after_close: false,
            leave_open: false,
            cir: |_| {},
            issue: |_| {},
            reported_before: false,
            approver: "bob",
            // 2026-09-03T00:00:00Z
            witnessed_unix_s: 1_788_393_600,
            erase_index: ERASED,
            withhold_reported: false,
        }
    }
}

pub const FIRST: u64 = 12;
pub const VISIT: u64 = 13;
pub const SECOND: u64 = 14;
pub const WITHHELD: u64 = 16;
pub const ERASED: u64 = 17;
pub const ISSUE: u64 = 21;
pub const CLOSE: u64 = 22;

pub struct Story {
    pub shard: Shard,
    pub cir: Cir,
    pub issue_index: u64,
    /// SHA-256 of the dossier's note.
    pub dossier: evidence::Digest,
    /// Times of the contacts that have a transcript, by leaf.
    pub transcripts: Vec<(u64, i64)>,
}

pub fn tell(plan: &Plan) -> Story {
    let mut shard = Shard::new(plan.forge);
    shard.delegate("reg", Role::Registrar, None);
    shard.delegate("w1", Role::Worker, None);
    shard.delegate("alice", Role::Analyst, Some("A. Reviewer"));
    shard.delegate("bob", Role::Analyst, Some(plan.bob));
    shard.delegate("carol", Role::Erasure, Some("C. Officer"));
    shard.checkpoint(plan.witnessed_unix_s);

    let mut mandate = records::mandate();
    (plan.mandate)(&mut mandate);
    let mandate_index = shard.decide(&Control::Mandate(mandate.clone()), "alice");
    let mandate_sha256 = shard.commitment(mandate_index);
    let mut dossier = records::dossier();
    (plan.dossier)(&mut dossier);
    let dossier_index = shard.decide(&Control::Dossier(dossier.clone()), "alice");
    let dossier_sha256 = shard.commitment(dossier_index);
    let approval = |statement: &str| {
        Control::Approval(Approval {
            at: records::stamp(-10_000).utc,
            dossier_note_sha256: dossier_sha256,
            statement: statement.into(),
        })
    };
    shard.decide(&approval("heard it"), plan.approvers[0]);
    if !plan.approve_late {
        shard.decide(&approval("heard it too"), plan.approvers[1]);
    }

    let mut fact = records::started();
    if let Fact::Started { laboratory, .. } = &mut fact.fact {
        *laboratory = plan.laboratory;
    }
    shard.observe("w1", Tag::Run, Part::Audit, &fact);
    shard.observe("w1", Tag::Clock, Part::Audit, &records::reading());
    let mut candidates = records::candidates();
    (plan.candidates)(&mut candidates);
    let list_index = shard.observe("w1", Tag::Cand, Part::Audit, &candidates);
    let list = shard.commitment(list_index);

    let part = Part::As(64_496);
    let mut first = records::served(records::PEER, 0, list, mandate_sha256, dossier_sha256, 0);
    first.laboratory = plan.seen_in_laboratory;
    (plan.first)(&mut first);
    let first_index = shard.observe("w1", Tag::Obs, part, &first);
    if plan.approve_late {
        shard.decide(&approval("heard it too"), plan.approvers[1]);
    }
    let mut visit = records::control(records::PEER, list, mandate_sha256, shard.commitment(first_index), 5000);
    visit.laboratory = plan.laboratory;
    (plan.visit)(&mut visit);
    let visit_index = shard.observe("w1", Tag::Obs, Part::Audit, &visit);
    let mut second = records::served(records::PEER, 0, list, mandate_sha256, dossier_sha256, 60_000);
    second.challenges = vec![records::challenge(1, 60_000)];
    second.challenges[0].piece = 0;
    second.laboratory = plan.seen_in_laboratory;
    (plan.second)(&mut second);
    let second_index = shard.observe("w1", Tag::Obs, part, &second);

    let mut refused = records::refused(records::OTHER, 1, list, mandate_sha256, 0);
    refused.laboratory = plan.laboratory;
    shard.observe("w1", Tag::Obs, Part::Audit, &refused);
    // A block of a file that belongs to no work: served, and not to be reported.
    let mut no_work = records::served("203.0.113.10:6881", 2, list, mandate_sha256, dossier_sha256, 1000);
    no_work.challenges[0].work = None;
    no_work.laboratory = plan.laboratory;
    let withheld_index = shard.observe("w1", Tag::Obs, part, &no_work);
    let gone = records::served("203.0.113.11:6881", 3, list, mandate_sha256, dossier_sha256, 2000);
    let gone_index = shard.observe("w1", Tag::Obs, part, &gone);

    let erase = Erase {
        index: plan.erase_index,
        leaf: evidence::Digest::from(shard.leaf_hash(gone_index).0),
        basis: "request of the data subject".into(),
    };
    shard.decide(&Control::Erase(erase), "carol");
    let mut withheld = vec![Withheld { index: withheld_index, reason: "no-mandated-work".into() }];
    if plan.withhold_reported {
        withheld.insert(0, Withheld { index: second_index, reason: "clock-error".into() });
    }
    shard.decide(&Control::Withhold(Withhold { at: records::stamp(70_000).utc, withheld }), "alice");
    let mut transcripts = vec![(first_index, 0), (second_index, 60_000), (withheld_index, 1000)];
    for (at_ms, change) in plan.extras {
        let mut extra = records::served(records::PEER, 0, list, mandate_sha256, dossier_sha256, *at_ms);
        change(&mut extra);
        transcripts.push((shard.observe("w1", Tag::Obs, part, &extra), *at_ms));
    }
    if !plan.has_no_end {
        let mut observations = 6 + plan.extras.len() as u64;
        (plan.ended)(&mut observations);
        let fact = Fact::Ended { observations, piece_bytes_out: 0, reason: "idle".into() };
        shard.observe("w1", Tag::Run, Part::Audit, &RunFact { at: records::stamp(70_000), fact, run: records::run() });
    }
    if let Some((name, from_index)) = plan.revoke {
        shard.decide(&Control::Revoke(Revoke { kid: keys::kid(name), from_index, reason: "lost".into() }), "root");
    }

    let issued_at = "2026-09-02T09:00:00.000Z".parse().unwrap();
    let entry = |shard: &Shard, index: u64, control: bool| EvidenceRef {
        commitment: shard.commitment(index),
        index,
        leaf: evidence::Digest::from(shard.leaf_hash(index).0),
        control,
    };
    let log = sha256(ORIGIN.as_bytes()).to_string();
    let mut cir = Cir {
        agent: mandate.agent.clone(),
        approver: holder(plan.approver).into(),
        attribution: first.attribution.clone(),
        authority: mandate.authority.clone(),
        client: first.client().cloned(),
        config_sha256: first.config_sha256,
        consent_statement: "To the best of the owner's knowledge, no consent was given for the work to be made available in this way.".into(),
        deadlines: Deadlines { last: "2026-09-30".parse().unwrap(), target: "2026-09-15".parse().unwrap() },
        description: format!("Two blocks of the song were received from {} by {}.", records::PEER, records::OBSERVER),
        evidence: vec![entry(&shard, first_index, false), entry(&shard, second_index, false), entry(&shard, visit_index, true)],
        files: vec![CirFile {
            bytes: 49_152,
            contains: "synthetic noise".into(),
            path: evidence::Claimed::new("song.flac"),
            sha256: sha256(b"song.flac"),
            work: records::WORK.into(),
        }],
        infringement_statement: "There appears to have been an infringement of the owner's copyright in the work, by means of the connection described in this report.".into(),
        investigator: "A. Reviewer".into(),
        isp: Recipient { id: "lab-isp".into(), name: "Laboratory ISP".into(), register_sha256: sha256(records::REGISTER) },
        issued_at,
        log: ORIGIN.into(),
        owner: mandate.owner.clone(),
        peer: Connection {
            address: first.peer,
            direction: first.direction,
            encryption: first.encryption,
            observer: first.observer,
            port_role: first.port_role,
            transport: first.transport,
        },
        profile: if plan.seen_in_laboratory { "laboratory/1" } else { "uk-draft-2012/1" }.into(),
        protocol: "BitTorrent".into(),
        release_sha256: first.release_sha256,
        session: CirSession {
            blocks_verified: 2,
            bytes_verified: work_bytes(&first) + work_bytes(&second),
            bytes_received: first.volume.bytes_in + second.volume.bytes_in,
            corroborated: false,
            end: second.times.last_block.map_or(issued_at, |stamp| stamp.utc),
            error_ms: first.times.error_ms.max(second.times.error_ms).filter(|_| first.times.error_ms.is_some() && second.times.error_ms.is_some()),
            observations: 2,
            piece_bytes_sent: 0,
            pieces_verified: 1,
            runs: vec![records::run()],
            start: first.times.first_block.map_or(issued_at, |stamp| stamp.utc),
        },
        sources: vec![evidence::observation::Source::Tracker],
        target: first.target,
        uin: format!("202609-{}-{first_index}", &log[..8]),
        works: vec![CirWork { mandate: mandate.id.clone(), mandate_sha256, work: mandate.work.clone() }],
    };
    let (investigator, profile) = (cir.investigator.clone(), cir.profile.clone());
    (plan.cir)(&mut cir);
    let mut issue = Issue {
        at: issued_at,
        investigator,
        profile,
        tables_sha256: records::attribution().tables,
        reports: vec![Issued { cir_sha256: sha256(cir_json(&cir).as_bytes()), isp: cir.isp.id.clone(), uin: cir.uin.clone() }],
    };
    if plan.reported_before {
        shard.decide(&Control::Issue(issue.clone()), plan.approver);
    }
    (plan.issue)(&mut issue);
    let issue_index = shard.decide(&Control::Issue(issue), plan.approver);

    if !plan.leave_open {
        let mut finals = shard.counts();
        for (kid, count) in &mut finals {
            *count += u64::from(*kid == keys::kid("reg"));
        }
        let mut close = Close { size: shard.next_index() + 1, finals };
        (plan.close)(&mut close);
        shard.decide(&Control::Close(close), "root");
    }
    if plan.go_on_after_close {
        shard.observe("w1", Tag::Clock, Part::Audit, &records::reading());
    }
    shard.checkpoint(plan.witnessed_unix_s);
    Story { shard, cir, issue_index, dossier: dossier_sha256, transcripts }
}

fn work_bytes(observation: &Observation) -> u64 {
    let of_works = observation.challenges.iter().filter(|challenge| challenge.is_verified() && challenge.work.is_some());
    of_works.map(|challenge| u64::from(challenge.length)).sum()
}

pub fn holder(name: &str) -> &'static str {
    match name {
        "alice" => "A. Reviewer",
        _ => "B. Approver",
    }
}

pub fn cir_json(cir: &Cir) -> String {
    evidence::canonical::to_text(cir).unwrap() + "\n"
}
