//! Control notes, checkpoints, proofs and reports.

use evidence::{
    Utc,
    control::{Approval, Close, Control, Erase, Issue, Issued, Revoke, Role, Withheld, Withhold},
    sha256,
};
use tlog::{KeyKind, Note, merkle::leaf_hash};

use super::{Made, add, changed, examples::example};
use crate::{
    keys::{self, NAME},
    records,
    shard::{role_note, root_note, signed},
    story::{Plan, cir_json, tell},
};

const ANCHOR: (&str, &str) = ("anchor", "worked-example/anchor.txt");
const AT_UNIX_S: u64 = 1_788_393_600;

pub fn add_all(made: &mut Made) {
    notes(made);
    checkpoints(made);
    proofs(made);
    reports(made);
}

fn notes(made: &mut Made) {
    let root = keys::root().to_string();
    let analyst = keys::verifier(&format!("{NAME}/analyst/{}", keys::kid("alice")), KeyKind::Note, "alice").to_string();
    let erasure = keys::verifier(&format!("{NAME}/erasure/{}", keys::kid("carol")), KeyKind::Note, "carol").to_string();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let at: Utc = "2026-09-02T09:00:00.000Z".parse().unwrap();
    let mut ok = |name: &str, key: &str, why: &str, note: Vec<u8>| {
        add(made, &format!("note/good-{name}"), "ok", "4.2", why, &[("key", key)], note)
    };
    ok("delegation", &root, "the delegation of the worked example", example().delegation);
    ok(
        "revoke",
        &root,
        "a key is revoked",
        root_note(&Control::Revoke(Revoke { kid: keys::kid("w1"), from_index: 9, reason: "lost".into() })),
    );
    ok(
        "close",
        &root,
        "a shard ends",
        root_note(&Control::Close(Close { size: 3, finals: vec![(keys::kid("reg"), 2), (keys::kid("w1"), 1)] })),
    );
    ok("mandate", &analyst, "a mandate", role_note(&Control::Mandate(records::mandate()), Role::Analyst, "alice"));
    ok("dossier", &analyst, "a dossier", role_note(&Control::Dossier(records::dossier()), Role::Analyst, "alice"));
    ok(
        "approval",
        &analyst,
        "an approval",
        role_note(
            &Control::Approval(Approval { at, dossier_note_sha256: sha256(b"x"), statement: "heard it".into() }),
            Role::Analyst,
            "alice",
        ),
    );
    ok(
        "withhold",
        &analyst,
        "a withholding",
        role_note(
            &Control::Withhold(Withhold { at, withheld: vec![Withheld { index: 5, reason: "mobile".into() }] }),
            Role::Analyst,
            "alice",
        ),
    );
    ok(
        "issue",
        &analyst,
        "an issue of one report",
        role_note(
            &Control::Issue(Issue {
                at,
                investigator: "I. Investigator".into(),
                profile: "uk-draft-2012/1".into(),
                tables_sha256: vec![sha256(b"t")],
                reports: vec![Issued { cir_sha256: sha256(b"c"), isp: "lab-isp".into(), uin: "202609-00000000-5".into() }],
            }),
            Role::Analyst,
            "alice",
        ),
    );
    let erase = role_note(
        &Control::Erase(Erase { index: 3, leaf: sha256(b"x"), basis: "retention 30 days".into() }),
        Role::Erasure,
        "carol",
    );
    ok("erase", &erasure, "an erasure", erase.clone());

    let delegation = text(example().delegation);
    for (name, why, from, to) in [
        ("version", "a version that does not exist", "delegation/1", "delegation/2"),
        ("tag", "a tag that does not exist", "affiant.delegation/1", "affiant.release/1"),
        ("role", "a role that does not exist", "role worker", "role root"),
        ("holder-of-worker", "a worker key is nobody's", "role worker\n", "role worker\nholder A. Person\n"),
        ("analyst-without-holder", "an analyst key is a person's", "role worker", "role analyst"),
        ("kid", "the kid follows from the key", "kid ba29", "kid ba28"),
        ("serial", "a number has no leading zeros", "serial 2", "serial 02"),
        ("window-ms", "windows are whole seconds", "2026-09-09T00:00:00Z", "2026-09-09T00:00:00.000Z"),
        ("window-empty", "a window ends after it begins", "not-after 2026-09-09", "not-after 2026-09-01"),
        ("unknown-line", "no line that nobody reads", "not-after", "scope all\nnot-after"),
        ("missing-line", "every line is there", "serial 2\n", ""),
        ("blank-line", "no blank line", "serial 2\n", "serial 2\n\n"),
        ("no-signature", "a note is signed", "— log.example.org/root", "log.example.org/root"),
        ("hyphen", "a signature begins with an em dash", "— log", "- log"),
        ("no-blank-line", "a blank line ends the text", "Z\n\n—", "Z\n—"),
        ("base64", "base64 has one form", "Bgk=", "Bgl="),
        ("control-character", "no control characters", "role worker", "role worker\u{7f}"),
        ("carriage-return", "lines end with a line feed alone", "role worker\n", "role worker\r\n"),
    ] {
        add(made, &format!("note/form-{name}"), "fail", "4.2", why, &[("key", &root)], changed(&delegation, from, to));
    }
    let withheld = text(role_note(&Control::Withhold(Withhold { at, withheld: vec![] }), Role::Analyst, "alice"));
    add(
        made,
        "note/form-json-space",
        "fail",
        "4.2",
        "the JSON is canonical",
        &[("key", &analyst)],
        changed(&withheld, "{\"at\":", "{\"at\": "),
    );
    add(
        made,
        "note/form-json-member",
        "fail",
        "4.2",
        "no member that the schema does not name",
        &[("key", &analyst)],
        changed(&withheld, "{\"at\":", "{\"also\":1,\"at\":"),
    );
    let finals = Close { size: 3, finals: vec![(keys::kid("w1"), 1), (keys::kid("reg"), 2)] };
    add(made, "note/form-close-order", "fail", "4.2", "the keys of a close note ascend", &[("key", &root)], unchecked(&finals));
    let mut twice = Note::parse(&erase).unwrap();
    twice.add_signature(&keys::root(), |message| keys::sign("root", message)).unwrap();
    add(
        made,
        "note/two-signatures",
        "fail",
        "4.2",
        "a control note carries exactly one signature",
        &[("key", &erasure)],
        twice.to_bytes(),
    );
    add(made, "note/not-utf8", "fail", "4.2", "a note is UTF-8", &[("key", &root)], b"affiant.close/1\nsize \xff\n\n");
    add(
        made,
        "note/signature-bit",
        "fail",
        "4.3",
        "one letter of the signed text",
        &[("key", &root)],
        changed(&delegation, "2026-09-09", "2026-09-19"),
    );
    add(made, "note/other-key", "fail", "4.3", "signed by somebody else", &[("key", &analyst)], &delegation);
    add(made, "note/other-name", "fail", "4.3", "the key's name is that of another role", &[("key", &erasure)], {
        role_note(&Control::Erase(Erase { index: 3, leaf: sha256(b"x"), basis: "b".into() }), Role::Analyst, "carol")
    });
}

/// A close note whose lines are not in order, which the writer of notes would refuse.
fn unchecked(close: &Close) -> Vec<u8> {
    let finals: String = close.finals.iter().map(|(kid, count)| format!("final {kid} {count}\n")).collect();
    let text = format!("affiant.close/1\nsize {}\n{finals}", close.size);
    Note::sign(&text, &keys::root(), |message| keys::sign("root", message)).unwrap().to_bytes()
}

fn checkpoints(made: &mut Made) {
    let checkpoint = String::from_utf8(example().checkpoint).unwrap();
    add(made, "checkpoint/worked-example", "ok", "5.1", "the checkpoint of the worked example", &[ANCHOR], &checkpoint);
    for (name, why, from, to) in [
        ("size-leading-zero", "a number has no leading zeros", "\n3\n", "\n03\n"),
        ("size-changed", "the size is signed", "\n3\n", "\n4\n"),
        ("root-changed", "the root is signed", "NWLX", "NWLY"),
        ("root-short", "a root is 32 bytes", "NWLX", ""),
        ("root-base64", "base64 has one form", "GXI=", "GXJ="),
        ("extension", "no fourth line", "GXI=\n", "GXI=\nextension\n"),
        ("two-lines", "no line is missing", "\n3\n", "\n"),
        ("other-origin", "another log's", "log.example.org/2026-09\n3", "log.example.org/2026-08\n3"),
        ("cosignature-time", "the witness's time is signed", "AAAABqls", "AAAABqlt"),
        ("no-line-feed", "the last line ends", "ODw==\n", "ODw=="),
    ] {
        add(made, &format!("checkpoint/{name}"), "fail", "5.1", why, &[ANCHOR], changed(&checkpoint, from, to));
    }
    let without: String = checkpoint.lines().filter(|line| !line.contains("lawfirm")).map(|line| format!("{line}\n")).collect();
    add(made, "checkpoint/no-witness", "fail", "5.3", "one witness must have cosigned", &[ANCHOR], without);
    let lines: Vec<&str> = checkpoint.lines().collect();
    let swapped = format!("{}\n{}\n{}\n\n{}\n{}\n", lines[0], lines[1], lines[2], lines[5], lines[4]);
    add(made, "checkpoint/witness-first", "fail", "5.1", "the first signature is the log's", &[ANCHOR], swapped);
    let only = format!("{}\n{}\n{}\n\n{}\n", lines[0], lines[1], lines[2], lines[5]);
    add(made, "checkpoint/no-log-signature", "fail", "5.1", "the log has signed", &[ANCHOR], only);
    add(made, "checkpoint/signed-twice", "fail", "5.1", "a key signs once", &[ANCHOR], format!("{checkpoint}{}\n", lines[5]));
    let stranger = changed(&checkpoint, "witness.lawfirm.example/w1", "witness.other.example/w1");
    add(made, "checkpoint/stranger", "fail", "5.1", "a signature that nobody here can check", &[ANCHOR], stranger);
    let empty = signed(0, tlog::merkle::empty_root(), AT_UNIX_S, true);
    add(made, "checkpoint/empty-tree", "ok", "5.1", "the tree without leaves", &[ANCHOR], empty);
}

fn proofs(made: &mut Made) {
    let proof = String::from_utf8(example().proof).unwrap();
    let leaf = ("leaf", "worked-example/leaf.txt");
    add(made, "proof/worked-example", "ok", "5.2", "the exhibit of the worked example", &[ANCHOR, leaf], &proof);
    for (name, why, from, to) in [
        ("index", "another place", "index 2", "index 1"),
        ("index-beyond", "no such place", "index 2", "index 3"),
        ("extra", "nothing that nobody authenticates", "index 2", "extra aGVsbG8=\nindex 2"),
        ("version", "a version that does not exist", "proof@v1", "proof@v2"),
    ] {
        add(made, &format!("proof/{name}"), "fail", "5.2", why, &[ANCHOR, leaf], changed(&proof, from, to));
    }
    let hash = proof.lines().nth(2).unwrap().to_owned();
    let other = leaf_hash(b"x").to_base64();
    add(made, "proof/hash", "fail", "5.2", "another sibling", &[ANCHOR, leaf], changed(&proof, &hash, &other));
    add(
        made,
        "proof/hash-missing",
        "fail",
        "5.2",
        "a sibling is missing",
        &[ANCHOR, leaf],
        changed(&proof, &format!("{hash}\n"), ""),
    );
    add(
        made,
        "proof/hash-surplus",
        "fail",
        "5.2",
        "a sibling too many",
        &[ANCHOR, leaf],
        changed(&proof, &hash, &format!("{hash}\n{hash}")),
    );
    add(made, "proof/other-leaf", "fail", "5.2", "another leaf", &[ANCHOR, ("leaf", "worked-example/opening.txt")], &proof);
}

fn reports(made: &mut Made) {
    let cir = cir_json(&tell(&Plan::honest()).cir);
    add(made, "cir/good", "ok", "9.3", "the report of the example bundle", &[], &cir);
    for (name, why, from, to) in [
        ("no-line-feed", "the file ends with a line feed", "\n", ""),
        ("member", "no member that the schema does not name", "{\"agent\":", "{\"accused\":\"x\",\"agent\":"),
        ("missing", "a report that lacks a field is never issued", "\"protocol\":\"BitTorrent\",", ""),
        ("space", "the JSON is canonical", "{\"agent\":", "{\"agent\": "),
        ("port", "a port fits 16 bits", "\"address\":\"203.0.113.7:51413", "\"address\":\"203.0.113.7:70000"),
        ("date", "a day exists", "2026-09-30", "2026-09-31"),
        ("float", "numbers are integers", "\"blocks_verified\":2", "\"blocks_verified\":2.0"),
        ("negative", "counts are not negative", "\"blocks_verified\":2", "\"blocks_verified\":-2"),
        ("class", "the list of classes is closed", "\"class\":\"fixed\"", "\"class\":\"guilty\""),
        ("nature", "the list of natures is closed", "sound-recording", "bootleg"),
    ] {
        add(made, &format!("cir/{name}"), "fail", "9.3", why, &[], changed(&cir, from, to));
    }
}
