use std::fs;
use std::path::Path;

use tlog::note::KeyName;
use tlog::{SignedCheckpoint, VerifierKey};

use super::*;
use crate::keys::WitnessKey;
use crate::testing::{NOON, check, clock, folder, founding, key, reopen};
use crate::{Founding, Ledger};

fn name(of: &str) -> KeyName {
    KeyName::new(&format!("witness.example/{of}")).unwrap()
}

fn verifier(of: &str) -> VerifierKey {
    key::<crate::keys::Witness>(of).verifier(&name(of)).unwrap()
}

fn cosigned(signed: &SignedCheckpoint, by: &[&str]) -> SignedCheckpoint {
    let mut signed = signed.clone();
    for of in by {
        let witness: WitnessKey = key(of);
        witness.cosign(&name(of), &mut signed, NOON).unwrap();
    }
    signed
}

fn station() -> (tempfile::TempDir, Ledger) {
    let folder = folder();
    let founding = Founding { witnesses: vec![verifier("wit1"), verifier("wit2")], quorum: 2, ..founding() };
    let ledger = Ledger::create(folder.path(), founding).unwrap();
    (folder, ledger)
}

fn files(station: &Path, size: u64) -> [std::path::PathBuf; 2] {
    let shard = station.join("log/2026-09");
    [shard.join(format!("checkpoints/{size}.txt")), shard.join("checkpoint")]
}

#[test]
fn cosignatures_are_kept_and_added_up() {
    let (folder, mut ledger) = station();
    let plain = ledger.checkpoint().unwrap();
    let one = ledger.attach_cosignatures(&cosigned(&plain, &["wit2"])).unwrap();
    assert_eq!(one.note().signatures().len(), 2);
    // The other's answer comes later and knows nothing of the first.
    let both = ledger.attach_cosignatures(&cosigned(&plain, &["wit1"])).unwrap();
    assert_eq!(ledger.anchor.policy().unwrap().check(&both).unwrap().len(), 2);
    assert_eq!(ledger.attach_cosignatures(&plain).unwrap(), both);
    assert_eq!(ledger.checkpoint().unwrap(), both);
    for file in files(folder.path(), 2) {
        assert_eq!(fs::read(file).unwrap(), both.to_bytes());
    }
    drop(ledger);
    assert!(check(folder.path()).is_clean());
    // Every checkpoint begins with none.
    let mut ledger = reopen(folder.path());
    assert_eq!(ledger.checkpoint().unwrap(), both);
    ledger.append_records(vec![clock(1)]).unwrap();
    assert_eq!(ledger.checkpoint().unwrap().note().signatures().len(), 1);
    assert!(ledger.attach_cosignatures(&both).is_err(), "an older checkpoint is not the last");
}

#[test]
fn only_witnesses_of_the_anchor_are_kept() {
    let (folder, mut ledger) = station();
    let plain = ledger.checkpoint().unwrap();
    assert!(ledger.attach_cosignatures(&cosigned(&plain, &["wit1", "wit3"])).is_err());
    // A cosignature over another time than the line says.
    let good = String::from_utf8(cosigned(&plain, &["wit1"]).to_bytes()).unwrap();
    let earlier = String::from_utf8({
        let mut signed = plain.clone();
        let witness: WitnessKey = key("wit1");
        witness.cosign(&name("wit1"), &mut signed, NOON.plus_ms(-1_000)).unwrap();
        signed.to_bytes()
    })
    .unwrap();
    let bad: String = good
        .split_inclusive('\n')
        .zip(earlier.split_inclusive('\n'))
        .map(|(good, earlier)| match (good.rsplit_once(' '), earlier.rsplit_once(' ')) {
            (Some((head, good)), Some((_, earlier))) if head.ends_with("w1") || head.ends_with("wit1") => {
                format!("{head} {}{}", &good[..24], &earlier[24..])
            }
            _ => good.into(),
        })
        .collect();
    assert_ne!(bad, good);
    let bad = SignedCheckpoint::parse(bad.as_bytes()).unwrap();
    assert!(ledger.attach_cosignatures(&bad).is_err());
    for file in files(folder.path(), 2) {
        assert_eq!(fs::read(file).unwrap(), plain.to_bytes());
    }
}

#[test]
fn a_crash_between_the_two_files_is_finished() {
    let (folder, mut ledger) = station();
    let plain = ledger.checkpoint().unwrap();
    drop(ledger);
    let [copy, published] = files(folder.path(), 2);
    let both = cosigned(&plain, &["wit1", "wit2"]).to_bytes();
    for left_over in [false, true] {
        fs::write(&published, plain.to_bytes()).unwrap();
        fs::write(&copy, &both).unwrap();
        if left_over {
            fs::write(published.with_extension("unfinished"), &both[..40]).unwrap();
        }
        drop(reopen(folder.path()));
        assert_eq!(fs::read(&published).unwrap(), both);
        assert!(check(folder.path()).is_clean());
    }
    // Before the first file was in place nothing has changed.
    fs::write(&copy, plain.to_bytes()).unwrap();
    fs::write(&published, plain.to_bytes()).unwrap();
    fs::write(copy.with_extension("txt.unfinished"), &both[..99]).unwrap();
    let mut ledger = reopen(folder.path());
    assert_eq!(ledger.checkpoint().unwrap(), plain);
    drop(ledger);
    assert!(check(folder.path()).is_clean());
}

#[test]
fn a_strange_copy_is_refused() {
    let (folder, mut ledger) = station();
    let plain = ledger.checkpoint().unwrap();
    drop(ledger);
    let [copy, _] = files(folder.path(), 2);
    for bad in [cosigned(&plain, &["wit3"]).to_bytes(), plain.to_bytes()[..60].to_vec(), b"2\n".to_vec()] {
        fs::write(&copy, bad).unwrap();
        assert!(matches!(Ledger::open(folder.path(), NOON), Err(Fault::Strange(_))));
    }
}
