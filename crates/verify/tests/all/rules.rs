//! The rules of cir.md on sessions, people, laboratories and content: an issuer who breaks one is found at its step.

use evidence::{Direction, Outcome as Contact, PortRole, sha256};
use verify::{Outcome, Verdict};

use crate::{
    files::{Files, For, LABORATORY_LINE, lay_out},
    mutations::{check, edited, told, verdict},
    records,
    story::{Extras, Plan, tell},
};

/// What a session is: the rules of cir.md that a report of a wrong one breaks.
#[test]
fn sessions_are_derived_by_the_rules() {
    told(For::Isp, "a contact in which something wrong was sent", &["9.6"], |plan| {
        plan.second = |second| second.outcome = Contact::BadBlock { blocks: 1 }
    });
    told(For::Isp, "a wall clock that went back", &["9.6", "9.13"], |plan| {
        plan.second = |second| {
            second.times.error_ms = None;
            let last = second.times.last_block.as_mut().unwrap();
            last.utc = last.utc.plus_ms(-100);
            second.challenges[0].answered = second.times.last_block;
        }
    });
    told(For::Isp, "another client", &["9.6"], |plan| {
        plan.second = |second| second.peer_id = Some((*b"-TR4070-abcdefghijkl").into())
    });
    told(For::Isp, "the same client anew", &[], |plan| {
        plan.second = |second| second.peer_id = Some((*b"-TR4060-zyxwvutsrqpo").into())
    });
    told(For::Isp, "half of it in a laboratory", &["9.6", "9.16"], |plan| plan.second = |second| second.laboratory = true);
    told(For::Audit, "a control visit about another session's observation", &["9.11"], |plan| {
        // Half an hour and more lies between: the second is a session of its own, and the visit is not about it.
        plan.second = |second| records::shift(second, 3_600_000);
        plan.cir = |cir| {
            cir.evidence.remove(0);
            cir.uin = cir.uin.replace("-12", "-14");
            let session = &mut cir.session;
            (session.observations, session.blocks_verified, session.corroborated) = (1, 1, true);
            (session.bytes_verified, session.bytes_received) = (16_384, 17_000);
            session.start = records::stamp(3_660_000).utc;
        };
    });
}

/// A third verified block, of a file that is no work, before all others.
fn with_other_block(first: &mut evidence::Observation) {
    let mut other = records::challenge(1, -300);
    (other.offset, other.work) = (16_384, None);
    first.times.first_block = other.first_byte;
    first.challenges.insert(0, other);
    first.volume.verified_bytes += 16_384;
    first.volume.bytes_in += 16_384;
    first.outcome = Contact::Served { blocks: 2, pieces: 2 };
}

#[test]
fn a_report_counts_the_blocks_of_works_alone() {
    told(For::Audit, "a block of no work", &["9.7"], |plan| plan.first = with_other_block);
    told(For::Audit, "a block of no work that is not counted", &[], |plan| {
        plan.first = with_other_block;
        plan.cir = |cir| cir.session.start = records::stamp(0).utc;
    });
    told(For::Audit, "a block of no work that is counted", &["9.7"], |plan| {
        plan.first = with_other_block;
        plan.cir = |cir| {
            cir.session.start = records::stamp(0).utc;
            (cir.session.blocks_verified, cir.session.bytes_verified) = (3, 49_152);
        };
    });
}

fn incoming(observation: &mut evidence::Observation) {
    (observation.direction, observation.port_role, observation.found) = (Direction::Incoming, PortRole::Ephemeral, None);
}

/// The peer dialled us, and the report says so.
fn called(plan: &mut Plan) {
    (plan.first, plan.second) = (incoming, incoming);
    plan.cir = |cir| {
        cir.evidence.truncate(2);
        cir.sources.clear();
    };
}

#[test]
fn a_peer_that_dialled() {
    told(For::Audit, "an honest report", &[], called);
    told(For::Audit, "an echo on another port", &["9.6", "9.11"], |plan| {
        called(plan);
        plan.candidates = |list| list.peers[3].set_ip("203.0.113.7".parse().unwrap());
        plan.visit = |visit| {
            visit.peer = "203.0.113.7:6881".parse().unwrap();
            visit.found.as_mut().unwrap().index = 3;
            visit.outcome = Contact::Echo;
        };
    });
    fn other_port(extra: &mut evidence::Observation) {
        extra.peer.set_port(6882);
        extra.found.as_mut().unwrap().index = 4;
    }
    fn calling(extra: &mut evidence::Observation) {
        other_port(extra);
        incoming(extra);
    }
    const DIALLED: Extras = &[(600_000, other_port)];
    const CALLED_BEFORE: Extras = &[(-600_000, calling)];
    const CALLED_LATER: Extras = &[(600_000, calling)];
    const LATE: Extras = &[(1_860_051, other_port)];
    const JUST: Extras = &[(1_860_050, other_port)];
    const OTHER: Extras = &[(600_000, |extra| {
        other_port(extra);
        extra.peer_id = Some((*b"-TR4060-zyxwvutsrqpo").into());
    })];
    for (what, steps, extras) in [
        ("whom we dialled", &["9.15"][..], DIALLED),
        ("whom we dialled half an hour later", &["9.15"], JUST),
        ("whom we dialled later than that", &[], LATE),
        ("who had dialled before", &["9.15"], CALLED_BEFORE),
        ("who dialled later", &[], CALLED_LATER),
        ("another client", &[], OTHER),
    ] {
        for whose in [For::Isp, For::Audit] {
            told(whose, what, steps, |plan| {
                called(plan);
                plan.candidates = |list| list.peers.push("203.0.113.7:6882".parse().unwrap());
                plan.extras = extras;
            });
        }
    }
}

#[test]
fn corroboration_is_stated_exactly() {
    const LATER: Extras = &[(10_800_000, |_| {})];
    const OTHER: Extras = &[(10_800_000, |extra| extra.peer_id = Some((*b"-TR4070-abcdefghijkl").into()))];
    told(For::Audit, "another session that is not stated", &["9.7"], |plan| plan.extras = LATER);
    told(For::Audit, "another session", &[], |plan| {
        plan.extras = LATER;
        plan.cir = |cir| cir.session.corroborated = true;
    });
    told(For::Audit, "another client's session", &["9.7"], |plan| {
        plan.extras = OTHER;
        plan.cir = |cir| cir.session.corroborated = true;
    });
    told(For::Isp, "another session, which an ISP may not have", &[], |plan| {
        plan.cir = |cir| cir.session.corroborated = true;
    });
    for whose in [For::Isp, For::Audit] {
        told(whose, "two vantages that are not stated", &["9.7"], |plan| {
            plan.second = |second| second.observer = "198.51.100.2:6881".parse().unwrap()
        });
    }
}

#[test]
fn laboratories() {
    fn laboratory(plan: &mut Plan) {
        (plan.laboratory, plan.seen_in_laboratory) = (true, true);
        plan.first = |first| first.times.error_ms = None;
    }
    told(For::Audit, "an unknown clock error in a laboratory", &[], laboratory);
    told(For::Isp, "an unknown clock error in a laboratory", &[], laboratory);
    told(For::Isp, "a laboratory's report under real rules", &["9.16"], |plan| {
        laboratory(plan);
        plan.cir = |cir| cir.profile = "uk-draft-2012/1".into();
        plan.issue = |issue| issue.profile = "uk-draft-2012/1".into();
    });
    told(For::Isp, "a real report under a laboratory's rules", &["9.16"], |plan| {
        plan.cir = |cir| cir.profile = "laboratory/1".into();
        plan.issue = |issue| issue.profile = "laboratory/1".into();
    });
    told(For::Audit, "observations that say another thing than their run", &["7.9"], |plan| {
        (plan.laboratory, plan.seen_in_laboratory) = (false, true);
    });
    let mut plan = Plan::honest();
    laboratory(&mut plan);
    let mut files = lay_out(&tell(&plan), For::Isp);
    files.edit(&files.path_of("notice.txt"), |text| text.replace("LABORATORY REPORT", "REPORT"));
    files.reseal();
    check("a laboratory's notice that does not say so", &verdict(&mut files), &["9.17"]);
    edited(For::Isp, "a real notice that says it is a laboratory's", &["9.17"], |files| {
        files.edit(&files.path_of("notice.txt"), |text| format!("{LABORATORY_LINE}{text}"));
    });
}

#[test]
fn people_are_told_apart_by_their_names() {
    told(For::Isp, "an investigator whom nobody knows", &["9.16"], |plan| {
        plan.cir = |cir| cir.investigator = "I. Nobody".into();
        plan.issue = |issue| issue.investigator = "I. Nobody".into();
    });
    told(For::Isp, "an investigator without an analyst key", &["9.16"], |plan| {
        plan.cir = |cir| cir.investigator = "C. Officer".into();
        plan.issue = |issue| issue.investigator = "C. Officer".into();
    });
    told(For::Isp, "an investigator whose key is revoked", &["9.16"], |plan| plan.revoke = Some(("alice", 20)));
    told(For::Isp, "one person under two spellings", &["9.10", "9.16"], |plan| {
        plan.bob = "a. REVIEWER";
        plan.cir = |cir| cir.approver = "a. REVIEWER".into();
    });
}

#[test]
fn a_hybrid_torrent_and_a_short_block() {
    fn hybrid(plan: &mut Plan) {
        plan.first = |first| first.target.v2 = Some([0x22; 32].into());
        plan.second = |second| second.target.v2 = Some([0x22; 32].into());
        plan.dossier = |dossier| dossier.target.v2 = Some([0x22; 32].into());
    }
    told(For::Isp, "mandated by its first hash only", &[], hybrid);
    told(For::Isp, "mandated by its second hash only", &[], |plan| {
        hybrid(plan);
        plan.mandate = |mandate| mandate.targets[0] = evidence::TargetIds { v1: None, v2: Some([0x22; 32].into()) };
    });
    told(For::Isp, "mandated by other hashes", &["9.9"], |plan| {
        hybrid(plan);
        plan.mandate =
            |mandate| mandate.targets[0] = evidence::TargetIds { v1: Some([0x12; 20].into()), v2: Some([0x23; 32].into()) };
    });
    fn short<const BYTES: u32>(observation: &mut evidence::Observation) {
        observation.challenges[0].length = BYTES;
        observation.volume.verified_bytes = BYTES.into();
    }
    told(For::Isp, "blocks of 1,024 bytes", &[], |plan| {
        plan.dossier = |dossier| dossier.piece_bytes = 1_024;
        (plan.first, plan.second) = (short::<1_024>, short::<1_024>);
    });
    told(For::Isp, "blocks of 1,023 bytes", &["9.10"], |plan| {
        plan.dossier = |dossier| dossier.piece_bytes = 1_023;
        (plan.first, plan.second) = (short::<1_023>, short::<1_023>);
    });
}

#[test]
fn the_two_clocks_ran_together() {
    fn late(first: &mut evidence::Observation, ms: i64) {
        first.times.ended.utc = first.times.ended.utc.plus_ms(ms);
    }
    told(For::Isp, "14 ms apart where the error is 12 ms", &[], |plan| plan.first = |first| late(first, 14));
    told(For::Isp, "15 ms apart", &["7.9"], |plan| plan.first = |first| late(first, 15));
    told(For::Isp, "15 ms apart the other way", &["7.9"], |plan| plan.first = |first| late(first, -15));
    told(For::Isp, "a request 15 ms apart", &["7.9"], |plan| {
        plan.first = |first| first.challenges[0].asked.utc = first.challenges[0].asked.utc.plus_ms(15)
    });
    told(For::Isp, "an hour apart where the error is not known", &["9.13"], |plan| {
        plan.first = |first| {
            first.times.error_ms = None;
            late(first, 3_600_000);
        }
    });
    told(For::Isp, "no peer id", &["7.9", "9.6"], |plan| plan.first = |first| first.peer_id = None);
}

#[test]
fn runs_account_for_everything() {
    let warned = |verdict: &Verdict| (verdict.step("7.10").unwrap().result, verdict.step("7.10").unwrap().why.clone());
    told(For::Audit, "an observation too few", &["7.10"], |plan| plan.ended = |stated| *stated += 1);
    told(For::Audit, "an observation too many", &["7.10"], |plan| plan.ended = |stated| *stated -= 2);
    told(For::Audit, "two addresses that nothing came of", &["7.10"], |plan| {
        plan.candidates = |list| list.peers.push("203.0.113.12:6881".parse().unwrap())
    });
    told(For::Audit, "an address named twice", &[], |plan| plan.candidates = |list| list.peers.push(list.peers[1]));
    // One opening was erased: what its address came to cannot be told.
    let honest = verdict(&mut lay_out(&tell(&Plan::honest()), For::Audit));
    assert_eq!(warned(&honest).0, Outcome::Warn);
    assert!(warned(&honest).1.contains("erased"), "{honest}");
    let mut plan = Plan::honest();
    plan.has_no_end = true;
    plan.candidates = |list| list.peers.push("203.0.113.12:6881".parse().unwrap());
    let open = verdict(&mut lay_out(&tell(&plan), For::Audit));
    check("a run that did not say that it ended", &open, &[]);
    assert!(warned(&open).1.contains("1 runs did not say"), "{open}");
}

#[test]
fn the_block_digests() {
    let blocks = |files: &Files| files.path_of("blocks.sha256");
    edited(For::Audit, "no block digests", &["8.4"], |files| drop(files.0.remove(&blocks(files))));
    edited(For::Audit, "other block digests", &["8.4"], |files| {
        let path = blocks(files);
        files.0.get_mut(&path).unwrap()[0] ^= 1;
    });
    let path = format!("data/dossiers/{}/blocks.sha256", tell(&Plan::honest()).dossier);
    edited(For::Isp, "block digests for an ISP", &["8.4"], |files| drop(files.0.insert(path, records::blocks())));
    edited(For::Audit, "block digests of nothing", &["8.4"], |files| {
        files.put(&format!("data/dossiers/{}/blocks.sha256", sha256(b"x")), "")
    });
    told(For::Audit, "a block that is not the copy's", &["8.4"], |plan| {
        plan.second = |second| second.challenges[0].sha256 = Some(sha256(b"another block"))
    });
    told(For::Isp, "the same, which an ISP cannot see", &[], |plan| {
        plan.second = |second| second.challenges[0].sha256 = Some(sha256(b"another block"))
    });
    told(For::Audit, "too few digests for the torrent", &["8.4"], |plan| plan.dossier = |dossier| dossier.total_bytes += 1);
}
