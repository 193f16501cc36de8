//! The ledger from outside: what is acknowledged stays, what must not be logged is not.

mod crash;
mod faults;
mod strange;

use std::fs::File;

use evidence::control::{Approval, Close, Erase, Revoke, Withhold};
use evidence::observation::Purpose;
use evidence::{Content, Grade, InfoHashV1, Leaf, Outcome, Part, sha256};

use super::*;
use crate::keys::{AnalystKey, ErasureKey};
use crate::testing::{NOON, check, clock, contact, fact, folder, founding, key, refused, reopen, seed, served, station};
use crate::{Reader, Writer};

#[test]
fn founding_logs_the_delegations_of_the_worked_example() {
    let (folder, ledger) = station();
    let reader = Reader::open(&ledger.shard()).unwrap();
    let entries: Vec<_> = reader.entries().unwrap().map(Result::unwrap).collect();
    assert_eq!(entries.len(), 2);
    // `evidence-format.md` section 11.
    assert_eq!(entries[1].leaf.commitment.to_string(), "31442e2bc7eadf61e38a7534d7cb27c82617efdf0890fbb5b082ba1b98dd6b60");
    assert_eq!((entries[1].leaf.seq, entries[1].leaf.part), (1, Part::Ctl));
    let Content::Note(note) = &entries[1].content else { panic!("not a note") };
    assert!(note.ends_with("E6zGShB2WNVvCcHWs1LyIUZH00xq+gvl1+C/98YM73j+w9uTIc9eu8WpKebNZOmCVwAQaeOloKCjxAFsKDsYdTKvBgk=\n"));
    assert_eq!(ledger.worker().to_string(), "ba29f59ba00a8cea");
    assert_eq!(std::fs::read_to_string(ledger.shard().join("anchor.txt")).unwrap(), ledger.anchor());
    assert!(ledger.anchor().contains("log log.example.org/2026-09+ff9db69a"), "{}", ledger.anchor());
    assert_eq!(check(folder.path()).to_string().matches("FAIL").count(), 0);
}

#[test]
fn the_worked_example_has_the_published_root_and_checkpoint() {
    let (folder, mut ledger) = station();
    // Its opening is abbreviated and not one of ours, so the leaf is made from its commitment.
    let commitment = "dc6ead02064aa661fdbef639dab277ae047bfcd5128f792502419900921deaf9".parse().unwrap();
    let head = ledger.replay.signer(ledger.worker(), Role::Worker).unwrap().head;
    let leaf = StagedLeaf::new(ledger.worker.leaf(head.seq, head.prev, Part::As(2856), commitment).unwrap());
    assert_eq!(leaf.line.len(), 300);
    ledger.leaves.write(leaf.line.as_bytes()).unwrap();
    assert_eq!(ledger.count(&leaf).unwrap().leaf.to_string(), "316c32bd777c703da8155c039bc4316e3e268f37d57e7de21367046a76268b40");
    let checkpoint = String::from_utf8(ledger.checkpoint().unwrap().to_bytes()).unwrap();
    assert_eq!(
        checkpoint,
        "log.example.org/2026-09\n3\nNWLXQB7rn2l7O2EW8DG+caZ28OhX4iG1qt0gxxeJGXI=\n\n\u{2014} log.example.org/2026-09 /522mhOGD4nJd/YkV4MItg/WSwzsH4ecrC07Hfl+KsHm7rwsxjC4SQTEpP3dp0mF8FzAQHPEIJPwQH4ysJCEC+q1NAM=\n"
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("log/2026-09/lock")).unwrap(),
        checkpoint.split_once("\n\n").unwrap().0.to_owned() + "\n"
    );
}

#[test]
fn records_read_back_as_logged() {
    let (folder, mut ledger) = station();
    let acked = ledger.append_records(vec![served(1), refused(2), clock(3), fact(4)]).unwrap();
    assert_eq!(acked.iter().map(|acked| acked.index).collect::<Vec<_>>(), [2, 3, 4, 5]);
    let reader = Reader::of_station(folder.path()).unwrap();
    let entries: Vec<_> = reader.entries().unwrap().skip(2).map(Result::unwrap).collect();
    assert_eq!(
        entries.iter().map(|entry| entry.leaf.part).collect::<Vec<_>>(),
        [Part::As(2856), Part::Audit, Part::Audit, Part::Audit]
    );
    for (entry, acked) in entries.iter().zip(&acked) {
        let Content::Opening(line) = &entry.content else { panic!("no opening") };
        assert_eq!((entry.index, entry.leaf.commitment), (acked.index, acked.commitment));
        assert_eq!(evidence::opening::commitment(line), acked.commitment);
        assert_eq!(leaf_hash(entry.leaf.line().as_bytes()).0, *acked.leaf.as_bytes());
    }
    assert_eq!(reader.transcript(sha256(b"bytes of contact 1")).unwrap().unwrap(), b"bytes of contact 1");
    assert_eq!(reader.transcript(sha256(b"other")).unwrap(), None);
    // Written later, found by the same reader.
    ledger.append_records(vec![served(9)]).unwrap();
    assert!(reader.transcript(sha256(b"bytes of contact 9")).unwrap().is_some());
    let blinds: std::collections::BTreeSet<_> =
        entries.iter().map(|entry| format!("{:?}", entry.content)[30..90].to_owned()).collect();
    assert_eq!(blinds.len(), 4);
}

#[test]
fn a_control_visit_is_owed_to_the_auditor_alone() {
    let (_folder, mut ledger) = station();
    let mut body = contact(1, Outcome::Echo, Grade::Served);
    body.purpose = Purpose::Control { about: sha256(b""), info_hash: InfoHashV1::from([9; 20]) };
    ledger.append_records(vec![Record::Observation { body: Box::new(body), transcript: None }]).unwrap();
    let reader = Reader::open(&ledger.shard()).unwrap();
    assert_eq!(reader.entries().unwrap().last().unwrap().unwrap().leaf.part, Part::Audit);
}

#[test]
fn what_must_not_be_logged_is_refused_and_leaves_no_gap() {
    let (folder, mut ledger) = station();
    let Record::Observation { body, transcript } = served(1) else { unreachable!() };
    let early = clock(-43_200_001);
    let late = clock(7 * 86_400_000 + 43_200_000);
    for (record, word) in [
        (Record::Observation { body: body.clone(), transcript: None }, "transcript"),
        (Record::Observation { body: Box::new(contact(1, Outcome::Refused, Grade::Listed)), transcript }, "transcript"),
        (Record::Observation { body, transcript: Some(b"other".to_vec()) }, "transcript"),
        (early, "window"),
        (late, "window"),
    ] {
        let fault = ledger.append_records(vec![record]).unwrap_err();
        assert!(matches!(&fault, Fault::Refused(why) if why.contains(word)), "{fault}");
    }
    ledger.append_records(vec![served(2)]).unwrap();
    drop(ledger);
    assert!(check(folder.path()).is_clean());
}

#[test]
fn checkpoints_grow_and_hold() {
    let (folder, mut ledger) = station();
    let mut sizes = vec![ledger.checkpoint().unwrap().checkpoint().size()];
    for more in [1, 200, 53, 1, 255, 256, 1] {
        let records = (0..more).map(clock).collect();
        ledger.append_records(records).unwrap();
        sizes.push(ledger.checkpoint().unwrap().checkpoint().size());
    }
    assert_eq!(sizes, [2, 3, 203, 256, 257, 512, 768, 769]);
    // Nothing new, nothing signed.
    assert_eq!(ledger.checkpoint().unwrap().checkpoint().size(), 769);
    let reader = Reader::open(&ledger.shard()).unwrap();
    assert_eq!(reader.checkpoints().unwrap().iter().map(|signed| signed.checkpoint().size()).collect::<Vec<_>>(), sizes);
    assert_eq!(reader.latest_checkpoint().unwrap(), reader.checkpoints().unwrap().pop());
    reader.latest_checkpoint().unwrap().unwrap().verify(&reader.anchor().log).unwrap();
    assert!(ledger.shard().join("tile/1/000.p/3").exists() && ledger.shard().join("tile/entries/002").exists());
    drop(ledger);
    let report = check(folder.path());
    assert!(report.is_clean(), "{report}");
    reopen(folder.path());
}

#[test]
fn groups_are_cut_and_stay_in_order() {
    let (folder, mut ledger) = station();
    let acked = ledger.append_records((0..2 * GROUP_MAX_RECORDS as i64 + 5).map(clock).collect()).unwrap();
    assert!(acked.iter().map(|acked| acked.index).eq(2..2 * GROUP_MAX_RECORDS as u64 + 7));
    // More tiles than are synced one by one.
    ledger.checkpoint().unwrap();
    drop(ledger);
    assert_eq!(reopen(folder.path()).size(), acked.len() as u64 + 2);
    let report = check(folder.path());
    assert!(report.is_clean(), "{report}");
}

#[test]
fn notes_are_logged_if_their_role_signed_them() {
    let (folder, mut ledger) = station();
    let (root, analyst, officer): (RootKey, AnalystKey, ErasureKey) = (key("root"), key("ann"), key("eve"));
    let approval =
        Control::Approval(Approval { at: NOON, dossier_note_sha256: sha256(b"dossier"), statement: "I watched it.".into() });
    let note = ledger.sign_note(&approval, NoteKey::Analyst(&analyst)).unwrap();

    // Before the delegation it is worth nothing.
    assert!(matches!(ledger.append_note(note.clone()), Err(Fault::Refused(_))));
    ledger.delegate(&root, Role::Analyst, Some("A. Reviewer"), &analyst.public()).unwrap();
    ledger.delegate(&root, Role::Erasure, Some("E. Officer"), &officer.public()).unwrap();
    let acked = ledger.append_note(note.clone()).unwrap();
    assert_eq!(acked.commitment, sha256(note.as_bytes()));

    let size = ledger.size();
    let stranger: AnalystKey = key("stranger");
    let erase = |index, leaf| Control::Erase(Erase { index, leaf, basis: "retention 30 days".into() });
    let record = ledger.append_records(vec![served(1)]).unwrap()[0];
    for (bad, word) in [
        (note.replace("watched", "skipped"), "not signed"),
        (note.trim_end().into(), "signature"),
        (ledger.sign_note(&approval, NoteKey::Analyst(&stranger)).unwrap(), "never delegated"),
        (sign_note("other.example.org", &approval, NoteKey::Analyst(&analyst)).unwrap(), "not signed"),
        (ledger.sign_note(&erase(99, record.leaf), NoteKey::Erasure(&officer)).unwrap(), "not in the log"),
        (ledger.sign_note(&erase(record.index, acked.leaf), NoteKey::Erasure(&officer)).unwrap(), "another leaf"),
        (ledger.sign_note(&erase(acked.index, acked.leaf), NoteKey::Erasure(&officer)).unwrap(), "nothing to erase"),
        (
            ledger
                .sign_note(
                    &Control::Revoke(Revoke { kid: analyst.kid(), from_index: record.index, reason: "lost".into() }),
                    NoteKey::Root(&root),
                )
                .unwrap(),
            "reaches back",
        ),
        (ledger.sign_note(&Control::Close(Close { size: 9, finals: vec![] }), NoteKey::Root(&root)).unwrap(), "counts"),
        (
            ledger
                .sign_note(
                    &Control::Revoke(Revoke { kid: stranger.kid(), from_index: 0, reason: "lost".into() }),
                    NoteKey::Root(&root),
                )
                .unwrap(),
            "never delegated",
        ),
    ] {
        let fault = ledger.append_note(bad).unwrap_err();
        assert!(matches!(&fault, Fault::Refused(why) if why.contains(word)), "{fault}");
    }
    // A key signs for its own role only.
    assert!(ledger.sign_note(&erase(0, record.leaf), NoteKey::Analyst(&analyst)).is_err());
    assert!(ledger.sign_note(&Control::Withhold(Withhold { at: NOON, withheld: vec![] }), NoteKey::Root(&root)).is_err());
    assert_eq!(ledger.size(), size + 1);

    ledger
        .append_note(
            ledger
                .sign_note(
                    &Control::Revoke(Revoke { kid: analyst.kid(), from_index: size + 1, reason: "lost laptop".into() }),
                    NoteKey::Root(&root),
                )
                .unwrap(),
        )
        .unwrap();
    assert!(ledger.append_note(note).unwrap_err().to_string().contains("revoked"));
    drop(ledger);
    let report = check(folder.path());
    assert!(report.is_clean(), "{report}");
}

#[test]
fn one_key_has_one_role() {
    let (_folder, mut ledger) = station();
    let root: RootKey = key("root");
    for taken in ["root", "log", "reg", "w1"] {
        let public = key::<crate::keys::Analyst>(taken).public();
        assert!(
            ledger.delegate(&root, Role::Analyst, Some("A"), &public).unwrap_err().to_string().contains("one role"),
            "{taken}"
        );
    }
    let mut weak = [0; 32];
    weak[0] = 1;
    assert!(ledger.delegate(&root, Role::Worker, None, &weak.into()).unwrap_err().to_string().contains("weak"));
    assert!(ledger.delegate(&key("other"), Role::Worker, None, &key::<crate::keys::Worker>("w2").public()).is_err());
    assert!(ledger.delegate(&root, Role::Worker, Some("A"), &key::<crate::keys::Worker>("w2").public()).is_err());
    assert!(ledger.delegate(&root, Role::Analyst, None, &key::<crate::keys::Worker>("w2").public()).is_err());
    ledger.delegate(&root, Role::Worker, None, &key::<crate::keys::Worker>("w2").public()).unwrap();
    let keys = Keys { root: key("same"), log: key("log"), registrar: key("reg"), worker: key("same") };
    let folder = folder();
    assert!(Ledger::create(folder.path(), Founding { keys, ..founding() }).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a bad founding leaves nothing behind");
}

#[test]
fn after_the_close_note_nothing_is_appended() {
    let (folder, mut ledger) = station();
    ledger.append_records(vec![served(1), clock(2)]).unwrap();
    ledger.close(&key("root")).unwrap();
    for _ in 0..2 {
        assert!(ledger.is_closed());
        assert!(matches!(ledger.append_records(vec![clock(3)]), Err(Fault::Closed(_))));
        assert!(matches!(ledger.close(&key("root")), Err(Fault::Closed(_))));
        assert_eq!(ledger.checkpoint().unwrap().checkpoint().size(), 5);
        drop(ledger);
        ledger = reopen(folder.path());
    }
    drop(ledger);
    let note = std::fs::read_to_string(folder.path().join("log/2026-09/notes/4.note")).unwrap();
    let Control::Close(close) = Control::parse(&format!("{}\n", note.split_once("\n\n").unwrap().0)).unwrap() else {
        panic!("not a close note")
    };
    assert_eq!((close.size, close.finals.iter().map(|(_, count)| count).sum::<u64>()), (5, 5));
    assert!(check(folder.path()).is_clean());
}

#[test]
fn two_writers_are_refused() {
    let (folder, ledger) = station();
    let fault = Ledger::open(folder.path(), NOON).unwrap_err();
    assert!(matches!(fault, Fault::Locked { .. }), "{fault}");
    assert!(fault.to_string().contains("writer.lock"));
    drop(ledger);
    Ledger::open(folder.path(), NOON).unwrap();
    assert!(Ledger::create(folder.path(), founding()).unwrap_err().to_string().contains("a station already"));
}

#[test]
fn a_failed_write_ends_all_acknowledgement() {
    for broken in 0..3 {
        let (folder, mut ledger) = station();
        ledger.append_records(vec![served(1)]).unwrap();
        // Linux gives "no space left on device" to whoever writes there.
        let full = File::options().append(true).open("/dev/full").unwrap();
        match broken {
            0 => ledger.pack.file = full,
            1 => ledger.openings.file = full,
            _ => ledger.leaves.file = full,
        }
        let fault = ledger.append_records(vec![served(2)]).unwrap_err();
        assert!(matches!(&fault, Fault::Io { .. }) && fault.to_string().contains("No space left"), "{fault}");
        assert!(matches!(ledger.append_records(vec![served(3)]), Err(Fault::Poisoned(_))));
        assert!(matches!(ledger.checkpoint(), Err(Fault::Poisoned(_))));
        assert_eq!(ledger.size(), 3);
        drop(ledger);
        let mut ledger = reopen(folder.path());
        assert_eq!(ledger.size(), 3);
        ledger.append_records(vec![served(4)]).unwrap();
        drop(ledger);
        assert!(check(folder.path()).is_clean());
    }
}

#[tokio::test]
async fn many_tasks_append_through_one_writer() {
    let (folder, ledger) = station();
    let (told, hear) = std::sync::mpsc::channel();
    let (writer, appender) = Writer::start_with(ledger, move |acked| told.send(*acked).unwrap()).unwrap();
    let tasks: Vec<_> = (0..40_u16)
        .map(|task| {
            let appender = appender.clone();
            tokio::spawn(async move {
                let mut indices = Vec::new();
                for n in 0..20 {
                    indices.push(appender.append(served(task * 20 + n)).await.unwrap().index);
                }
                indices
            })
        })
        .collect();
    let early = appender.append(clock(-50_000_000)).await.unwrap_err();
    assert!(early.is_about_the_record(), "{early}");
    // A reader beside the writer meets whole entries only, and never an entry without its content.
    let reader = Reader::of_station(folder.path()).unwrap();
    let reading = std::thread::spawn(move || {
        let mut size = 0;
        while size < 802 {
            let entries: Vec<_> = reader.entries().unwrap().map(Result::unwrap).collect();
            assert!(entries.len() >= size && entries.iter().all(|entry| entry.content != Content::Absent));
            size = entries.len();
        }
    });
    writer.checkpoint().await.unwrap();
    let mut indices = Vec::new();
    for task in tasks {
        indices.extend(task.await.unwrap());
    }
    indices.sort_unstable();
    assert!(indices.into_iter().eq(2..802));
    let ledger = writer.finish().await.unwrap();
    assert_eq!(ledger.size(), 802);
    reading.join().unwrap();
    assert!(matches!(appender.append(clock(1)).await, Err(crate::AppendError::Finished)));
    drop(ledger);
    let logged = Reader::of_station(folder.path()).unwrap().entries().unwrap().skip(2).map(Result::unwrap);
    assert!(
        hear.iter().map(|acked| (acked.index, acked.commitment)).eq(logged.map(|entry| (entry.index, entry.leaf.commitment)))
    );
    let report = check(folder.path());
    assert!(report.is_clean(), "{report}");
}

#[test]
fn leaves_sign_as_published() {
    let leaf = key::<crate::keys::Worker>("w1").leaf(0, sha256(b"x"), Part::Audit, sha256(b"y")).unwrap();
    assert_eq!(Leaf::parse(&leaf.line()).unwrap(), leaf);
    tlog::verify_strict(
        key::<crate::keys::Worker>("w1").public().as_bytes(),
        leaf.message().as_bytes(),
        leaf.signature.as_bytes(),
    )
    .unwrap();
    assert_ne!(seed("w1"), seed("w2"));
}
