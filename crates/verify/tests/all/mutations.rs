//! One defect at a time, and the steps that must say so: all of them and no other.

use evidence::{Direction, Exclusion, InfoHashV1, Outcome as Contact, PortRole, observation::Purpose, sha256};
use verify::{Expectations, Outcome, State, Verdict};

use crate::{
    files::{Files, For, lay_out},
    keys, records, shard,
    story::{CLOSE, ERASED, FIRST, ISSUE, Plan, SECOND, VISIT, WITHHELD, tell},
};

pub fn expectations() -> Expectations {
    Expectations { anchor_sha256: Some(sha256(keys::anchor().as_bytes())), newer_checkpoint: None }
}

pub fn verdict(files: &mut Files) -> Verdict {
    verify::bundle(files, &expectations())
}

fn failed(verdict: &Verdict) -> Vec<&'static str> {
    verdict.failures().map(|step| step.number).collect()
}

#[track_caller]
pub fn check(what: &str, verdict: &Verdict, steps: &[&str]) {
    assert_eq!(failed(verdict), steps, "{what}\n{verdict}");
    assert_eq!(verdict.valid, steps.is_empty());
}

/// A forger who holds no key edits the bundle of an honest issuer and writes the bag's own files anew.
#[track_caller]
pub fn edited(whose: For, what: &str, steps: &[&str], edit: impl FnOnce(&mut Files)) {
    let mut files = lay_out(&tell(&Plan::honest()), whose);
    edit(&mut files);
    files.reseal();
    check(what, &verdict(&mut files), steps);
}

/// The same without writing the bag's own files anew.
#[track_caller]
fn touched(what: &str, steps: &[&str], edit: impl FnOnce(&mut Files)) {
    let mut files = lay_out(&tell(&Plan::honest()), For::Isp);
    edit(&mut files);
    check(what, &verdict(&mut files), steps);
}

/// An issuer who holds every key lies.
#[track_caller]
pub fn told(whose: For, what: &str, steps: &[&str], lie: impl FnOnce(&mut Plan)) {
    let mut plan = Plan::honest();
    lie(&mut plan);
    check(what, &verdict(&mut lay_out(&tell(&plan), whose)), steps);
}

const LEAVES: &str = "data/shard/leaves.txt";
const OPENINGS: &str = "data/recipient/openings.txt";
const PART: &str = "data/recipient/part.txt";

fn line(text: &str, number: usize) -> String {
    text.split_inclusive('\n').nth(number).unwrap().to_owned()
}

fn without(text: &str, number: usize) -> String {
    text.split_inclusive('\n').enumerate().filter(|(at, _)| *at != number).map(|(_, line)| line).collect()
}

#[test]
fn the_honest_bundles_are_valid() {
    for (whose, warned) in [(For::Isp, vec!["9.11"]), (For::Audit, vec!["7.10"])] {
        let verdict = verdict(&mut lay_out(&tell(&Plan::honest()), whose));
        check("honest", &verdict, &[]);
        assert_eq!(verdict.state, State::Complete);
        let numbers: Vec<_> = verdict.steps.iter().filter(|step| step.result == Outcome::Warn).map(|step| step.number).collect();
        assert_eq!(numbers, warned, "{verdict}");
    }
}

#[test]
fn an_open_shard_is_interim() {
    let mut plan = Plan::honest();
    plan.leave_open = true;
    let verdict = verdict(&mut lay_out(&tell(&plan), For::Isp));
    check("no close note", &verdict, &[]);
    assert_eq!((verdict.state, verdict.step("6.2").unwrap().result), (State::Interim, Outcome::Warn));
}

#[test]
fn the_bag() {
    touched("one bit of a payload file", &["1.5", "9.3"], |files| {
        files.edit(&files.path_of("cir.json"), |text| text.replace("203.0.113.7", "203.0.113.8"))
    });
    touched("a file too many", &["1.2", "1.4", "1.7"], |files| files.put("data/notes.txt", "x"));
    touched("a tag file too many", &["1.2"], |files| files.put("fetch.txt", "https://example.org/x 1 data/x\n"));
    touched("a file too few", &["1.2", "1.4", "1.7"], |files| drop(files.0.remove("data/README.txt")));
    touched("another declaration", &["1.3", "1.6"], |files| files.edit("bagit.txt", |text| text.replace("1.0", "0.97")));
    touched("a manifest that leaves a file out", &["1.4", "1.6"], |files| {
        files.edit("manifest-sha256.txt", |text| without(&text, 3))
    });
    touched("a manifest in another order", &["1.4", "1.6"], |files| {
        files.edit("manifest-sha256.txt", |text| {
            format!("{}{}{}", line(&text, 1), line(&text, 0), without(&without(&text, 0), 0))
        });
    });
    touched("an upper-case digest", &["1.4", "1.6"], |files| {
        files.edit("manifest-sha256.txt", |text| {
            format!("{}{}", line(&text, 0).replacen(|c: char| c.is_ascii_lowercase(), "A", 1), without(&text, 0))
        });
    });
    touched("bag-info with another count", &["1.6", "1.7"], |files| {
        files.edit("bag-info.txt", |text| text.replace("Oxum: ", "Oxum: 1"))
    });
    touched("bag-info with a line too many", &["1.6", "1.7"], |files| {
        files.edit("bag-info.txt", |text| text + "Contact-Name: x\n")
    });
    touched("bag-info of another day", &["1.6", "1.7"], |files| {
        files.edit("bag-info.txt", |text| text.replace("2026-09-02", "2026-09-03"))
    });
    touched("bag-info of another recipient", &["1.6", "1.7"], |files| {
        files.edit("bag-info.txt", |text| text.replace("/lab-isp", "/other"))
    });
    touched("a tag manifest with a wrong digest", &["1.6"], |files| {
        files.edit("tagmanifest-sha256.txt", |text| text.replacen(|c: char| c.is_ascii_digit(), "f", 1))
    });
    edited(For::Isp, "a report without its notice", &["1.2", "9.17"], |files| drop(files.0.remove(&files.path_of("notice.txt"))));
}

#[test]
fn the_anchor() {
    let mut files = lay_out(&tell(&Plan::honest()), For::Isp);
    let none = verify::bundle(&mut files, &Expectations::default());
    assert_eq!((none.valid, none.step("2.2").unwrap().result), (true, Outcome::Warn));
    let other = Expectations { anchor_sha256: Some(sha256(b"another")), newer_checkpoint: None };
    check("another digest", &verify::bundle(&mut files, &other), &["2.2"]);
    edited(For::Isp, "no quorum any more", &["2.2"], |files| {
        files.edit("data/trust/anchor.txt", |text| text.replace("quorum 1", "quorum 0"))
    });
    edited(For::Isp, "a line that nobody reads", &["2.1", "2.2"], |files| {
        files.edit("data/trust/anchor.txt", |text| text + "note x\n")
    });
    edited(For::Isp, "a quorum that cannot be met", &["2.1", "2.2"], |files| {
        files.edit("data/trust/anchor.txt", |text| text.replace("quorum 1", "quorum 2"))
    });
}

#[test]
fn the_leaves() {
    // Every edit of the leaves also changes the root that the log signed.
    edited(For::Isp, "a leaf edited", &["3.2", "3.4", "5.2", "7.7", "9.5"], |files| {
        files.edit(LEAVES, |text| {
            let leaf = line(&text, SECOND as usize);
            text.replace(&leaf, &leaf.replace(" 5 ", " 9 "))
        })
    });
    edited(For::Isp, "the last leaf cut off", &["4.1", "5.2", "6.1"], |files| {
        files.edit(LEAVES, |text| without(&text, CLOSE as usize))
    });
    edited(For::Isp, "a leaf without its line feed", &["3.1", "4.1", "5.2", "6.1"], |files| {
        files.edit(LEAVES, |text| text.trim_end().into())
    });
    edited(For::Isp, "two leaves swapped", &["3.2", "5.2", "9.5"], |files| {
        files.edit(LEAVES, |text| {
            let (one, two) = (line(&text, SECOND as usize), line(&text, SECOND as usize + 1));
            text.replace(&format!("{one}{two}"), &format!("{two}{one}"))
        })
    });
    edited(For::Isp, "a leaf in upper case", &["3.1", "3.2", "5.2"], |files| {
        files.edit(LEAVES, |text| {
            let leaf = line(&text, 15);
            text.replace(&leaf, &leaf.to_uppercase().replace("AFFIANT.LEAF", "affiant.leaf"))
        })
    });

    told(For::Isp, "a wrong prev", &["3.2"], |plan| {
        plan.forge = |index, draft| {
            if index == SECOND {
                draft.prev = sha256(b"elsewhere")
            }
        }
    });
    told(For::Isp, "a gap in seq", &["3.2", "7.7"], |plan| {
        plan.forge = |index, draft| {
            if index == SECOND {
                draft.seq += 1
            }
        }
    });
    told(For::Isp, "a key of another role", &["3.2", "3.3", "7.7"], |plan| {
        plan.forge = |index, draft| {
            if index == SECOND {
                draft.signer = "reg".into()
            }
        }
    });
    told(For::Isp, "a registrar's leaf by a worker", &["3.2", "3.3"], |plan| {
        plan.forge = |index, draft| {
            if index == 18 {
                draft.signer = "w1".into()
            }
        }
    });
    told(For::Isp, "a key that nobody delegated", &["3.2", "3.3", "7.7"], |plan| {
        plan.forge = |index, draft| {
            if index == SECOND {
                draft.signer = "mallory".into()
            }
        }
    });
    told(For::Isp, "a revoked key", &["3.3"], |plan| plan.revoke = Some(("w1", SECOND)));
    told(For::Isp, "an approver whose key is revoked", &["4.3", "9.1"], |plan| plan.revoke = Some(("bob", 0)));
    told(For::Isp, "a window that had ended", &["3.5"], |plan| plan.witnessed_unix_s = 1_788_912_000);
    told(For::Audit, "a part that is not the record's", &["7.8"], |plan| {
        plan.forge = |index, draft| {
            if index == WITHHELD {
                draft.part = evidence::Part::As(64_497)
            }
        }
    });
}

#[test]
fn the_control_notes() {
    let note = |index: u64| format!("data/shard/control/{index}.note");
    edited(For::Isp, "a note is missing", &["4.1", "7.2"], |files| drop(files.0.remove(&note(19))));
    edited(For::Isp, "a note too many", &["4.1"], |files| files.put(&note(FIRST), &files.text(&note(0))));
    edited(For::Isp, "a note beyond the leaves", &["4.1"], |files| files.put(&note(99), &files.text(&note(0))));
    edited(For::Isp, "a note edited", &["4.1", "7.2"], |files| {
        files.edit(&note(19), |text| text.replace("no-mandated-work", "no-mandated-worx"))
    });
    edited(For::Isp, "a note with an unknown tag", &["4.1", "4.2", "7.2"], |files| {
        files.edit(&note(18), |text| text.replace("affiant.erase/1", "affiant.erase/2"))
    });
    edited(For::Isp, "a note with a second signature", &["4.1", "4.2", "7.2"], |files| {
        let other = files.text(&note(1)).lines().last().unwrap().to_owned();
        files.edit(&note(18), |text| format!("{text}{other}\n"));
    });
    told(For::Isp, "an approval by an erasure key", &["4.3", "9.10"], |plan| plan.approvers = &["alice", "carol"]);
    told(For::Isp, "an approval by a worker's key", &["4.3", "9.10"], |plan| plan.approvers = &["alice", "w1"]);
    told(For::Isp, "an erase note that names another leaf", &["4.5", "7.2"], |plan| plan.erase_index = WITHHELD);
}

#[test]
fn the_checkpoints() {
    let path = format!("data/shard/checkpoints/{}.txt", CLOSE + 1);
    edited(For::Isp, "another root, unsigned", &["5.1", "6.1"], |files| {
        files.edit(&path, |text| {
            let root = line(&text, 2);
            text.replace(&root, &files_root(&root))
        })
    });
    edited(For::Isp, "another root, signed", &["5.2"], |files| {
        files.0.insert(path.clone(), shard::signed(CLOSE + 1, tlog::merkle::leaf_hash(b"x"), 1_788_393_600, true));
    });
    edited(For::Isp, "no witness", &["5.3"], |files| {
        let root = tlog::SignedCheckpoint::parse(&files.0[&path]).unwrap().checkpoint().root();
        files.0.insert(path.clone(), shard::signed(CLOSE + 1, root, 0, false));
    });
    edited(For::Isp, "under another size", &["5.1"], |files| {
        let bytes = files.0[&path].clone();
        files.0.insert("data/shard/checkpoints/7.txt".into(), bytes);
    });
    edited(For::Isp, "no checkpoint of the end", &["6.1"], |files| drop(files.0.remove(&path)));
    edited(For::Isp, "an extension line", &["5.1", "6.1"], |files| {
        files.edit(&path, |text| text.replacen("\n\n", "\nextension\n\n", 1))
    });
}

fn files_root(root: &str) -> String {
    let flipped = if root.starts_with('A') { "B" } else { "A" };
    format!("{flipped}{}", &root[1..])
}

#[test]
fn a_newer_checkpoint_shows_what_was_left_out() {
    let mut plan = Plan::honest();
    let whole = tell(&plan);
    plan.leave_open = true;
    let mut cut = lay_out(&tell(&plan), For::Isp);
    let newer = |bytes: Vec<u8>| Expectations { newer_checkpoint: Some(bytes), ..expectations() };
    check("a longer log", &verify::bundle(&mut cut, &newer(whole.shard.checkpoints[&(CLOSE + 1)].clone())), &["5.4"]);
    check("an older one", &verify::bundle(&mut cut, &newer(whole.shard.checkpoints[&5].clone())), &[]);
    let forked = shard::signed(7, tlog::merkle::leaf_hash(b"fork"), 1_788_393_600, true);
    check("a fork", &verify::bundle(&mut cut, &newer(forked)), &["5.4"]);
    check("no checkpoint", &verify::bundle(&mut cut, &newer(b"x".to_vec())), &["5.4"]);
}

#[test]
fn completeness() {
    told(For::Isp, "a close note with another size", &["6.2"], |plan| plan.close = |close| close.size -= 1);
    told(For::Isp, "a close note that leaves a key out", &["6.2"], |plan| plan.close = |close| close.finals.truncate(1));
    told(For::Isp, "a leaf after the close note", &["6.2"], |plan| plan.go_on_after_close = true);
}

#[test]
fn the_openings() {
    edited(For::Isp, "an address edited", &["7.2", "7.3", "8.1", "9.5"], |files| {
        files.edit(OPENINGS, |text| text.replacen("203.0.113.7", "203.0.113.8", 1))
    });
    edited(For::Isp, "an opening dropped", &["7.2", "8.1", "9.5"], |files| files.edit(OPENINGS, |text| without(&text, 0)));
    edited(For::Isp, "openings in another order", &["7.2", "8.1", "9.5"], |files| {
        files.edit(OPENINGS, |text| format!("{}{}", line(&text, 1), line(&text, 0)))
    });
    edited(For::Isp, "an opening twice", &["7.2"], |files| files.edit(OPENINGS, |text| format!("{text}{}", line(&text, 1))));
    edited(For::Isp, "a line of nobody's", &["7.3"], |files| files.edit(OPENINGS, |text| text + "affiant.obs/1 x\n"));
    edited(For::Isp, "no line feed at the end", &["7.2", "7.6", "8.1", "9.5"], |files| {
        files.edit(OPENINGS, |text| text.trim_end().into())
    });
    let story = tell(&Plan::honest());
    let opening = |index: u64| story.shard.openings[&index].clone();
    edited(For::Isp, "an erased opening is back", &["7.4"], |files| files.edit(OPENINGS, |text| text + &opening(ERASED)));
    edited(For::Audit, "an erased opening is back for the auditor", &["7.4"], |files| {
        files.edit(OPENINGS, |text| text + &opening(ERASED))
    });
    edited(For::Isp, "a withheld opening is there", &["7.5", "8.1"], |files| {
        files.edit(OPENINGS, |text| text + &opening(WITHHELD))
    });
    edited(For::Isp, "somebody else's opening", &["7.2"], |files| {
        files.edit(OPENINGS, |text| text.replacen(&opening(SECOND), &(opening(VISIT) + &opening(SECOND)), 1))
    });
    edited(For::Audit, "the auditor lacks an opening", &["7.2", "7.10"], |files| {
        files.edit(OPENINGS, |text| text.replace(&opening(15), ""))
    });
    edited(For::Isp, "another part", &["7.2", "8.1", "9.5"], |files| files.edit(PART, |text| text.replace("as64496", "as64497")));
    edited(For::Isp, "parts of everybody", &["7.1"], |files| files.edit(PART, |text| text.replace("as64496", "all")));
    edited(For::Isp, "an issue that is none", &["7.2", "8.1", "9.1"], |files| {
        files.edit(PART, |text| text.replace(&format!("issue {ISSUE}"), "issue 5"))
    });
}

#[test]
fn the_records() {
    told(For::Isp, "content was sent", &["7.9", "9.7"], |plan| plan.first = |first| first.volume.piece_bytes_out = 16_384);
    told(For::Isp, "a port role that does not follow", &["7.9", "9.8"], |plan| {
        plan.first = |first| first.port_role = PortRole::Ephemeral
    });
    told(For::Isp, "verified bytes that nobody verified", &["7.9"], |plan| plan.first = |first| first.volume.verified_bytes += 1);
    told(For::Isp, "a time before the contact began", &["7.9"], |plan| {
        plan.first = |first| first.times.began = records::stamp(10)
    });
    told(For::Isp, "a first block earlier than any", &["7.9", "9.7"], |plan| {
        plan.first = |first| first.times.first_block = Some(records::stamp(-1))
    });
    told(For::Isp, "an outcome that counts more", &["7.9"], |plan| {
        plan.first = |first| first.outcome = Contact::Served { blocks: 2, pieces: 1 }
    });
    told(For::Isp, "a served observation without transcript", &["7.9", "8.1"], |plan| {
        plan.first = |first| first.transcript_sha256 = None
    });
    told(For::Isp, "an IPv4-mapped address", &["7.9", "9.7", "9.17"], |plan| {
        plan.first = |first| first.observer = "[::ffff:198.51.100.1]:6881".parse().unwrap()
    });
    told(For::Audit, "a grade without a matching block", &["7.8", "7.9", "9.6", "9.7"], |plan| {
        plan.second = |second| {
            second.challenges[0].verification = evidence::Verification::Unanswered;
            second.grade = evidence::Grade::Claimed;
        }
    });
    told(For::Audit, "an address that no list named", &["7.10"], |plan| {
        plan.first = |first| first.found.as_mut().unwrap().index = 1
    });
    told(For::Audit, "a list that was not logged", &["7.10"], |plan| {
        plan.first = |first| first.found.as_mut().unwrap().list = sha256(b"no list")
    });
    told(For::Audit, "a list edited afterwards", &["7.10"], |plan| plan.candidates = |list| list.peers.swap(0, 1));
    told(For::Audit, "an excluded address beyond the list", &["7.8", "7.10", "9.6", "9.7"], |plan| {
        plan.second = |second| {
            second.found.as_mut().unwrap().index = 9;
            second.outcome = Contact::Excluded { rule: Exclusion::ListTooLong };
            second.challenges.clear();
            second.grade = evidence::Grade::Listed;
            (second.times.first_block, second.times.last_block, second.volume.verified_bytes) = (None, None, 0);
        }
    });
}

#[test]
fn the_attachments() {
    let transcript = format!("data/recipient/transcripts/{}", sha256(records::transcript(0).as_bytes()));
    let table = format!("data/tables/{}", sha256(records::PREFIXES));
    edited(For::Isp, "a transcript is missing", &["8.1"], |files| drop(files.0.remove(&transcript)));
    edited(For::Isp, "a transcript edited", &["8.1"], |files| files.edit(&transcript, |text| text + "x"));
    edited(For::Isp, "a transcript of nobody's", &["8.1"], |files| {
        files.put(&format!("data/recipient/transcripts/{}", sha256(b"x")), "x")
    });
    edited(For::Isp, "a table edited", &["8.2"], |files| files.edit(&table, |text| text.replace("64496", "64497")));
    edited(For::Isp, "a table is missing", &["8.2"], |files| drop(files.0.remove(&table)));
    edited(For::Isp, "a table that is not listed", &["8.2", "8.3"], |files| {
        files.edit("data/tables/tables.txt", |text| without(&text, 1));
    });
    edited(For::Isp, "no process report", &["10.1"], |files| files.put("data/process-report.json", "{}"));
    edited(For::Isp, "a section left out", &["10.1"], |files| {
        files.edit("data/process-report.json", |text| text.replace("\"number\":9}", "\"number\":90}"))
    });
    edited(For::Isp, "a process report that names a peer", &["10.1"], |files| {
        files.edit("data/process-report.json", |text| text.replace("September 2026", "about 203.0.113.7 and others"));
    });
}

#[test]
fn reports_that_were_edited() {
    for (from, to) in
        [("12:00:00.000Z", "12:00:01.000Z"), ("203.0.113.7", "203.0.113.8"), ("\"blocks_verified\":2", "\"blocks_verified\":3")]
    {
        edited(For::Isp, from, &["9.3"], |files| files.edit(&files.path_of("cir.json"), |text| text.replacen(from, to, 1)));
    }
    edited(For::Isp, "a report left out", &["9.2"], |files| files.0.retain(|path, _| !path.starts_with("data/cirs/")));
    edited(For::Isp, "evidence.txt with somebody else's record", &["9.17"], |files| {
        let other = tell(&Plan::honest()).shard.openings[&WITHHELD].clone();
        files.edit(&files.path_of("evidence.txt"), |text| text + &other);
    });
    edited(For::Isp, "evidence.txt with an erased record", &["9.17"], |files| {
        let gone = tell(&Plan::honest()).shard.openings[&ERASED].clone();
        files.edit(&files.path_of("evidence.txt"), |text| text + &gone);
    });
    edited(For::Isp, "evidence.txt without its lines", &["9.17"], |files| {
        files.edit(&files.path_of("evidence.txt"), |text| without(&text, 2))
    });
    edited(For::Isp, "a notice about another address", &["9.17"], |files| {
        files.edit(&files.path_of("notice.txt"), |text| text + "See 203.0.113.99 as well.\n")
    });
}

/// Reports whose digest the issue note lists: only deriving the field again finds these.
#[test]
fn reports_that_say_what_the_evidence_does_not() {
    type Lie = fn(&mut evidence::Cir);
    let lies: &[(&str, &[&str], Lie)] = &[
        ("start", &["9.7"], |cir| cir.session.start = cir.session.start.plus_ms(1)),
        ("end", &["9.7"], |cir| cir.session.end = cir.session.end.plus_ms(60_000)),
        ("blocks", &["9.7"], |cir| cir.session.blocks_verified = 3),
        ("pieces", &["9.7"], |cir| cir.session.pieces_verified = 2),
        ("bytes verified", &["9.7"], |cir| cir.session.bytes_verified += 1),
        ("bytes received", &["9.7"], |cir| cir.session.bytes_received += 1),
        ("bytes sent", &["9.7"], |cir| cir.session.piece_bytes_sent = 1),
        ("observations", &["9.7"], |cir| cir.session.observations = 3),
        ("runs", &["9.7"], |cir| cir.session.runs.clear()),
        ("clock error", &["9.7"], |cir| cir.session.error_ms = Some(11)),
        ("corroborated", &["9.7"], |cir| cir.session.corroborated = true),
        ("address", &["9.8", "9.17"], |cir| cir.peer.address = "203.0.113.8:51413".parse().unwrap()),
        ("port", &["9.8", "9.17"], |cir| cir.peer.address.set_port(51_414)),
        ("observer", &["9.8", "9.17"], |cir| cir.peer.observer = "198.51.100.2:6881".parse().unwrap()),
        ("direction", &["9.8"], |cir| cir.peer.direction = Direction::Incoming),
        ("transport", &["9.8"], |cir| cir.peer.transport = evidence::Transport::Utp),
        ("client", &["9.8"], |cir| cir.client = None),
        ("release", &["9.8"], |cir| cir.release_sha256 = sha256(b"x")),
        ("sources", &["9.8"], |cir| cir.sources.clear()),
        ("torrent", &["9.8", "9.9", "9.10"], |cir| cir.target = evidence::TargetIds::of_v1(InfoHashV1::from([3; 20]))),
        ("owner", &["9.9"], |cir| cir.owner.name = "Somebody Else Ltd".into()),
        ("agent", &["9.9"], |cir| cir.agent = None),
        ("authority", &["9.9"], |cir| cir.authority.reference.push('x')),
        ("title", &["9.9"], |cir| cir.works[0].work.title.push('x')),
        ("mandate", &["9.9"], |cir| cir.works[0].mandate_sha256 = sha256(b"x")),
        ("no work", &["9.9", "9.10"], |cir| cir.works.clear()),
        ("file", &["9.10"], |cir| cir.files[0].bytes += 1),
        ("contents", &["9.10"], |cir| cir.files[0].contains = "something else".into()),
        ("class", &["9.12"], |cir| cir.attribution.class = evidence::Class::Mobile),
        ("prefix", &["9.12"], |cir| cir.attribution.prefix = None),
        ("register", &["9.12"], |cir| cir.isp.register_sha256 = sha256(records::PREFIXES)),
        ("last day", &["9.14"], |cir| cir.deadlines.last = cir.deadlines.last.plus_days(1)),
        ("target day", &["9.14"], |cir| cir.deadlines.target = cir.deadlines.target.plus_days(-1)),
        ("issued", &["9.14", "9.16"], |cir| cir.issued_at = "2026-09-01T12:00:30.000Z".parse().unwrap()),
        ("approver", &["9.16"], |cir| cir.approver = "A. Reviewer".into()),
        ("investigator", &["9.16"], |cir| cir.investigator = "b. approver ".into()),
        ("profile", &["9.16"], |cir| cir.profile.push('x')),
        ("protocol", &["9.16"], |cir| cir.protocol = "HTTP".into()),
        ("statement", &["9.16"], |cir| cir.infringement_statement.push('!')),
        ("consent", &["9.16"], |cir| cir.consent_statement.clear()),
        ("log", &["9.16"], |cir| cir.log = "log.example.org/2026-08".into()),
        ("description", &["9.17"], |cir| cir.description = "Blocks were received from 203.0.113.99:51413.".into()),
        ("UIN", &["9.4"], |cir| cir.uin = cir.uin.replace("-12", "-14")),
        ("month", &["9.4"], |cir| cir.uin = cir.uin.replace("202609", "202610")),
        ("one observation", &["9.6", "9.7"], |cir| cir.evidence.retain(|entry| entry.index != SECOND)),
        ("observation twice", &["9.5", "9.15"], |cir| cir.evidence.insert(1, cir.evidence[0].clone())),
        ("commitment", &["9.5", "9.17"], |cir| cir.evidence[0].commitment = sha256(b"x")),
        ("leaf", &["9.5", "9.17"], |cir| cir.evidence[1].leaf = sha256(b"x")),
        ("order", &["9.4", "9.6"], |cir| cir.evidence.swap(0, 1)),
        ("no control visit", &["9.11"], |cir| cir.evidence.truncate(2)),
    ];
    for (what, steps, lie) in lies {
        told(For::Audit, what, steps, |plan| plan.cir = *lie);
    }
}

#[test]
fn reports_that_must_not_be_issued() {
    told(For::Isp, "one reviewer twice", &["9.10"], |plan| plan.approvers = &["alice", "alice"]);
    told(For::Isp, "approved after the observation", &["9.10"], |plan| plan.approve_late = true);
    told(For::Isp, "a mandate that had ended", &["9.9"], |plan| {
        plan.mandate = |mandate| mandate.to = "2026-08-31".parse().unwrap()
    });
    told(For::Isp, "a mandate for another torrent", &["9.9"], |plan| {
        plan.mandate = |mandate| mandate.targets[0] = evidence::TargetIds::of_v1(InfoHashV1::from([3; 20]))
    });
    told(For::Isp, "the owner's own seed", &["9.9"], |plan| {
        plan.mandate = |mandate| mandate.owner_seeds.push("203.0.113.7".parse().unwrap())
    });
    told(For::Isp, "a dossier of another torrent", &["9.10"], |plan| {
        plan.dossier = |dossier| dossier.target = evidence::TargetIds::of_v1(InfoHashV1::from([3; 20]))
    });
    told(For::Isp, "a block of a file that is no work", &["9.10"], |plan| plan.dossier = |dossier| dossier.files[0].work = None);
    told(For::Isp, "a block that proves nothing", &["9.10"], |plan| plan.dossier = |dossier| dossier.unfit_blocks = vec![0]);
    told(For::Audit, "an echo", &["9.6", "9.11"], |plan| plan.visit = |visit| visit.outcome = Contact::Echo);
    told(For::Isp, "an echo that evidence.txt shows", &["9.11"], |plan| plan.visit = |visit| visit.outcome = Contact::Echo);
    told(For::Isp, "a probe in the place of the control visit", &["9.11"], |plan| {
        plan.visit = |visit| visit.purpose = Purpose::Probe
    });
    told(For::Audit, "a control visit to somebody else", &["7.10", "9.11"], |plan| {
        plan.visit = |visit| visit.peer = "203.0.113.8:51413".parse().unwrap()
    });
    told(For::Audit, "a control visit about nothing", &["9.11"], |plan| {
        plan.visit = |visit| {
            if let Purpose::Control { about, .. } = &mut visit.purpose {
                *about = sha256(b"x");
            }
        }
    });
    told(For::Isp, "an unknown attribution", &["9.12"], |plan| {
        plan.first = |first| first.attribution.isp = None;
        plan.second = |second| second.attribution.isp = None;
    });
    told(For::Isp, "a clock error of 41 ms", &["9.13"], |plan| plan.first = |first| first.times.error_ms = Some(41));
    told(For::Isp, "an unknown clock error outside a laboratory", &["9.13"], |plan| {
        plan.first = |first| first.times.error_ms = None
    });
    told(For::Isp, "a session of two attributions", &["9.6"], |plan| {
        plan.second = |second| second.attribution.prefix = Some("203.0.113.0/25".into())
    });
    told(For::Isp, "reported by an earlier issue", &["9.4", "9.15"], |plan| plan.reported_before = true);
    told(For::Isp, "withheld and yet listed", &[], |plan| plan.withhold_reported = true);
    told(For::Isp, "an issue signed by nobody delegated", &["4.3", "9.1"], |plan| plan.approver = "mallory");
    told(For::Isp, "an issue of another digest", &["9.3"], |plan| {
        plan.issue = |issue| issue.reports[0].cir_sha256 = sha256(b"x")
    });
    told(For::Isp, "an issue for another ISP", &["9.2"], |plan| plan.issue = |issue| issue.reports[0].isp = "other".into());
    told(For::Isp, "an issue that names no tables", &["9.12"], |plan| plan.issue = |issue| issue.tables_sha256.clear());
}

/// Nothing that a digest, a signature or a derivation covers can change by one bit.
#[test]
fn no_bit_of_the_evidence_can_change() {
    let files = lay_out(&tell(&Plan::honest()), For::Audit);
    let covered = |path: &str| {
        path.starts_with("data/shard/")
            || path.starts_with("data/trust/")
            || path.ends_with("cir.json")
            || path == OPENINGS
            || path == PART
    };
    for (path, bytes) in files.0.iter().filter(|(path, _)| covered(path)) {
        for at in (0..bytes.len()).step_by(if bytes.len() > 1000 { 211 } else { 41 }) {
            let mut forged = files.clone();
            forged.0.get_mut(path).unwrap()[at] ^= 1 << (at % 8);
            forged.reseal();
            assert!(!verdict(&mut forged).valid, "bit {} of byte {at} of {path}", at % 8);
        }
    }
}

/// Whatever is in the files, there is a verdict.
#[test]
fn files_cut_off_anywhere_are_refused_without_a_panic() {
    let files = lay_out(&tell(&Plan::honest()), For::Isp);
    let harmless = ["data/README.txt", "data/process-report.html"];
    for (path, bytes) in files.0.iter().filter(|(path, _)| !harmless.contains(&path.as_str())) {
        for length in [0, 1, bytes.len() / 3, bytes.len() - 1] {
            let mut cut = files.clone();
            cut.0.get_mut(path).unwrap().truncate(length);
            if path.starts_with("data/") {
                cut.reseal();
            }
            let verdict = verdict(&mut cut);
            // The last byte of a notice is not covered by anything but the manifest.
            assert!(!verdict.valid || path.ends_with("notice.txt"), "{path} cut to {length} bytes");
            assert!(verdict.to_string().lines().count() > 40);
        }
    }
}
