//! Keys under passwords, in tokens and on their way out: a station whose keys change stays one that verifies.

use std::{net::Ipv4Addr, path::Path, process::Command};

use serde_json::Value;
use swarmlab::behaviour::Mix;

use crate::{
    laboratory::Laboratory,
    station::{APPROVER, INVESTIGATOR, REVIEWERS, Ran, Station, ran, today},
};

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

fn of_role<'a>(keys: &'a Value, role: &str) -> Vec<&'a Value> {
    keys["delegated"].as_array().unwrap().iter().filter(|key| key["role"] == role).collect()
}

#[test]
fn keys_that_were_exchanged_leave_a_log_that_verifies() {
    let laboratory = Laboratory::start(231);
    let crowd = laboratory.crowd(20, Mix::demo().with_seed(231));
    let sharers = crowd.truth.sharers().count() as u64;
    let station = Station::ready(&laboratory, Ipv4Addr::new(127, 2, 31, 1));
    let before = station.yes(["keys", "list"]);
    for role in ["worker", "registrar"] {
        let rotated = station.yes(["keys", "rotate", role, "--reason", "a test"]);
        assert_eq!(rotated["revoked"], serde_json::json!([of_role(&before, role)[0]["kid"]]));
    }
    // Cut short after the delegation: the key that is to follow lies there, and the next attempt takes it up.
    std::fs::copy(station.dir().join("keys/worker.pem"), station.dir().join("keys/worker.next.pem")).unwrap();
    let again = station.yes(["keys", "rotate", "worker"]);
    assert_eq!(again["revoked"], serde_json::json!([]), "the same key is not revoked");

    station.watch();
    let after = station.yes(["keys", "list"]);
    let [old, new] = of_role(&after, "worker")[..] else { panic!("two workers: {after}") };
    assert!(old["revoked_at"].is_u64() && new["revoked_at"].is_null(), "{after}");
    assert!(old["leaves"] == 0 && new["leaves"].as_u64().unwrap() > 20, "{after}");
    assert!(of_role(&after, "registrar").iter().all(|key| key["leaves"].as_u64().unwrap() > 0), "{after}");
    station.assert_sound();

    let out = station.beside("bundles");
    let issued = station.yes(["issue", "--by", INVESTIGATOR, "--approver", APPROVER, "--out", &out, "--close"]);
    assert_eq!(issued["reports"], sharers);
    let audit = format!("{out}/audit");
    let verdict = station.yes(["verify", &audit, "--anchor-sha256", &station.anchor_sha256()]);
    assert_eq!(verdict["valid"], true, "{verdict}");
}

#[test]
fn a_revoked_key_decides_nothing_and_one_made_elsewhere_does() {
    let laboratory = Laboratory::start(232);
    let station = Station::founded(&laboratory, Ipv4Addr::new(127, 2, 32, 1));
    let keys = station.yes(["keys", "list"]);
    let of_person = |name: &str| of_role(&keys, "analyst").into_iter().find(|key| key["holder"] == name).unwrap()["kid"].clone();
    let kid = of_person(REVIEWERS[0]);
    station.yes(["keys", "revoke", kid.as_str().unwrap(), "--reason", "left"]);
    station.refused(["keys", "revoke", kid.as_str().unwrap(), "--reason", "left"], "is revoked already");
    station.refused(["keys", "revoke", "0011223344556677", "--reason", "who"], "delegates no key");
    let worker = of_role(&keys, "worker")[0]["kid"].as_str().unwrap();
    station.refused(["keys", "revoke", worker, "--reason", "no"], "keys rotate worker");

    station.mandate(today().plus_days(-1), today().plus_days(10));
    let dossier = station.build();
    let approve = |by: &str| ["dossier", "approve", &dossier, "--by", by, "--statement", "seen"].map(String::from);
    station.refused(approve(REVIEWERS[0]), "nobody named 'A. Reviewer' holds an analyst key");

    // The person makes a key of their own, as openssl does, and root delegates its public half.
    let (private, public) = (station.beside("mine.pem"), station.beside("mine.pub"));
    let made = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out", &private]).status().unwrap();
    let shown = Command::new("openssl").args(["pkey", "-pubout", "-in", &private, "-out", &public]).status().unwrap();
    assert!(made.success() && shown.success());
    station.yes(["keys", "delegate", &public, "--role", "analyst", "--holder", REVIEWERS[0]]);
    station.refused(["keys", "delegate", &public, "--role", "analyst", "--holder", "Another"], "serves already");
    station.refused(["keys", "delegate", &private, "--role", "analyst", "--holder", "Another"], "openssl pkey -pubout");
    std::fs::rename(&private, station.dir().join("keys/people/a-reviewer.pem")).unwrap();
    station.yes(approve(REVIEWERS[0]));
    station.assert_sound();
}

#[test]
fn a_root_key_under_a_password_on_a_stick_signs_only_with_both() {
    let laboratory = Laboratory::start(233);
    let station = Station::unfounded(&laboratory);
    let (stick, password) = (station.beside("root.pem"), station.write_input("password", "correct horse\n"));
    let with = |words: &[&str]| {
        let mut command = station.command(words);
        command.env("AFFIANT_ROOT_KEY", &stick).env("AFFIANT_PASSWORD_FILE", &password);
        ran(command)
    };
    let founded = with(&["init", "--name", "log.test.example", "--laboratory", "127.0.0.0/8", "--protect-root"]);
    assert_eq!(founded.code, Some(0), "{founded}");
    assert!(std::fs::read_to_string(&stick).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    assert!(!station.dir().join("keys/root.pem").exists());

    station.refused(["people", "add", INVESTIGATOR], "root.pem");
    station.refused(["--root-key", &stick, "people", "add", INVESTIGATOR], "give --password-file, or run this at a terminal");
    let wrong = station.write_input("wrong", "battery staple\n");
    station.refused(
        ["--root-key", &stick, "--password-file", &wrong, "people", "add", INVESTIGATOR],
        "does not open under this password",
    );
    station.refused(
        ["--root-key", &stick, "--password-file", &stick.replace("root.pem", "none"), "people", "add", INVESTIGATOR],
        "none",
    );
    let added = with(&["people", "add", INVESTIGATOR, "--protect"]);
    assert_eq!(added.code, Some(0), "{added}");
    // What root need not sign goes on without the stick; a person's own password is asked for.
    station.yes(["status"]);
    let (mandate, document) =
        (station.write_input("m.toml", crate::station::mandate(today(), today().plus_days(9))), station.input("authority.txt"));
    let words =
        ["mandate", "add", &mandate, "--torrent", &station.input("film.torrent"), "--document", &document, "--by", INVESTIGATOR];
    station.refused(words, "is under a password");
    let logged = with(&words);
    assert_eq!(logged.code, Some(0), "{logged}");

    // A password can be changed, by ours and by openssl.
    let protected = with(&["keys", "protect", &stick]);
    assert_eq!(protected.code, Some(0), "{protected}");
    let opened = Command::new("openssl").args(["pkey", "-noout", "-in", &stick, "-passin", &format!("file:{password}")]).output();
    assert!(opened.unwrap().status.success());
}

/// A SoftHSM with one token, `affiant`, whose PIN is in the file `pin`.
struct Hsm {
    folder: tempfile::TempDir,
}

impl Hsm {
    fn new() -> Option<Self> {
        if !Path::new(SOFTHSM).exists() {
            assert!(std::env::var_os("CI").is_none(), "{SOFTHSM} is missing: install softhsm2");
            eprintln!("NOT RUN: {SOFTHSM} is missing: install softhsm2");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let tokens = folder.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let conf = format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
        std::fs::write(folder.path().join("conf"), conf).unwrap();
        std::fs::write(folder.path().join("pin"), "1234\n").unwrap();
        let hsm = Self { folder };
        let words = ["--init-token", "--free", "--label", "affiant", "--pin", "1234", "--so-pin", "5678"];
        let made = Command::new("softhsm2-util").args(words).env("SOFTHSM2_CONF", hsm.at("conf")).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(hsm)
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, station: &Station, words: &[&str]) -> Ran {
        let mut command = station.command(words);
        command.env("SOFTHSM2_CONF", self.at("conf")).env("AFFIANT_PASSWORD_FILE", self.at("pin"));
        ran(command)
    }
}

#[test]
fn a_log_key_in_a_token_signs_every_checkpoint_and_never_leaves_it() {
    let Some(hsm) = Hsm::new() else { return };
    let laboratory = Laboratory::start(234);
    let station = Station::unfounded(&laboratory);
    let init =
        ["init", "--name", "log.test.example", "--laboratory", "127.0.0.0/8", "--log-key-token", SOFTHSM, "affiant", "log"];
    let founded = hsm.run(&station, &init);
    assert_eq!(founded.code, Some(0), "{founded}");
    assert!(!station.dir().join("keys/log.pem").exists());
    for words in
        [&["people", "add", INVESTIGATOR][..], &["log", "checkpoint"], &["log", "close"], &["log", "fsck"], &["keys", "list"]]
    {
        let done = hsm.run(&station, words);
        assert_eq!(done.code, Some(0), "{done}");
    }
    assert_eq!(hsm.run(&station, &["keys", "list"]).json()["log_key_in"], "token affiant");
    station.refused(["log", "checkpoint"], "the token affiant has a PIN");
    // Credentials of systemd open it as well.
    let credentials = tempfile::tempdir().unwrap();
    std::fs::write(credentials.path().join("affiant.password"), "1234").unwrap();
    let mut command = station.command(["log", "checkpoint"]);
    command.env("SOFTHSM2_CONF", hsm.at("conf")).env("CREDENTIALS_DIRECTORY", credentials.path());
    let done = ran(command);
    assert_eq!(done.code, Some(0), "{done}");
}
