//! A real PKCS#11 module: SoftHSM from Debian. `SOFTHSM2_CONF` can only be set before a process starts, so each test
//! runs itself again in a process that has it.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::keys::{AskPassword as _, Key, Log, LogKey, Store};
use crate::testing::{NOON, Says, founding};
use crate::{Founding, Ledger};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Runs a test in a process whose SoftHSM has one token, `affiant`, with the PIN 1234. Returns whether this is it.
fn with_token(test: &str) -> bool {
    if std::env::var_os("SOFTHSM2_CONF").is_some() {
        return true;
    }
    if !Path::new(MODULE).exists() {
        assert!(std::env::var_os("CI").is_none(), "{MODULE} is missing: install softhsm2");
        eprintln!("NOT RUN: {MODULE} is missing: install softhsm2");
        return false;
    }
    let folder = tempfile::tempdir().unwrap();
    let (tokens, conf) = (folder.path().join("tokens"), folder.path().join("conf"));
    std::fs::create_dir(&tokens).unwrap();
    std::fs::write(
        &conf,
        format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display()),
    )
    .unwrap();
    let words = ["--init-token", "--free", "--label", "affiant", "--pin", "1234", "--so-pin", "5678"];
    let made = Command::new("softhsm2-util").args(words).env("SOFTHSM2_CONF", &conf).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("SOFTHSM2_CONF", &conf)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    false
}

fn place(label: &str) -> TokenPlace {
    TokenPlace { module: MODULE.into(), token: "affiant".into(), label: label.into() }
}

fn pin(text: &'static str) -> Password {
    Says(text).password("").unwrap()
}

fn refusal(opened: Result<TokenKey, Fault>) -> String {
    let fault = opened.unwrap_err();
    assert!(matches!(fault, Fault::Token { .. }), "{fault}");
    fault.to_string()
}

#[test]
fn a_token_signs_and_says_what_is_wrong() {
    if !with_token("keys::token::tests::a_token_signs_and_says_what_is_wrong") {
        return;
    }
    assert!(refusal(TokenKey::open(&place("log"), &pin("1234"))).contains("holds no Ed25519"));
    let made = TokenKey::generate(&place("log"), &pin("1234")).unwrap();
    assert!(refusal(TokenKey::generate(&place("log"), &pin("1234"))).contains("already"));
    let again = TokenKey::open(&place("log"), &pin("1234")).unwrap();
    assert_eq!(again.public(), made.public());
    let signature = again.sign(b"message").unwrap();
    tlog::ed25519::verify_strict(made.public().as_bytes(), b"message", &signature).unwrap();

    let key: LogKey = Key::<Log>::in_token(again).unwrap();
    let folder = tempfile::tempdir().unwrap();
    assert!(key.save(&folder.path().join("log.pem"), None).unwrap_err().to_string().contains("stays in its token"));
    for (bad, why) in [
        (TokenPlace { token: "other".into(), ..place("log") }, "is not the label of exactly one token"),
        (TokenPlace { module: "/nonexistent.so".into(), ..place("log") }, "load the module"),
    ] {
        assert!(refusal(TokenKey::open(&bad, &pin("1234"))).contains(why), "{bad:?}");
    }
}

#[test]
fn a_wrong_pin_is_said_to_be_one() {
    if !with_token("keys::token::tests::a_wrong_pin_is_said_to_be_one") {
        return;
    }
    assert!(refusal(TokenKey::open(&place("log"), &pin("4321"))).contains("refused the PIN"));
}

#[test]
fn a_station_whose_log_key_is_in_a_token_is_founded_opened_and_checkpointed() {
    if !with_token("keys::token::tests::a_station_whose_log_key_is_in_a_token_is_founded_opened_and_checkpointed") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = Store::of(folder.path()).with_log_token(Some(place("log"))).asking(std::sync::Arc::new(Says("1234")));
    let mut given = founding();
    given.keys.log = store.generate_log().unwrap();
    let log = given.keys.log.public();
    let mut ledger = Ledger::create_by(folder.path(), &store, None, Founding { ..given }).unwrap();
    assert_eq!(ledger.checkpoint().unwrap().checkpoint().size(), 2);
    drop(ledger);
    assert!(!folder.path().join("keys/log.pem").exists());
    assert!(Ledger::open(folder.path(), NOON).is_err(), "without the token there is no log key");
    let ledger = Ledger::open_by(folder.path(), &store, NOON.plus_ms(60_000)).unwrap();
    assert_eq!(crate::Anchor::parse(&ledger.anchor()).unwrap().log.public_key(), log.as_bytes());
}
