use tlog::{SignedCheckpoint, cosignature};

use super::*;
use crate::testing::{Log, NOON, folder, key, name, witness};

fn times(signed: &SignedCheckpoint, response: &Response, witness: &VerifierKey) -> u64 {
    assert_eq!(response.status, 200, "{response:?}");
    cosignature::add_cosignature_line(&mut signed.clone(), witness, &response.body).unwrap()
}

#[test]
fn a_log_is_followed_and_a_fork_is_not() {
    let (folder, mut log, mut twin) = (folder(), Log::new(), Log::salted("two"));
    let mut witness = witness(folder.path(), &log);
    let key = witness.verifier().clone();
    let three = log.grow(1);
    let first = witness.add_checkpoint(&log.request(0, &three).to_bytes(), NOON);
    assert_eq!(times(&three, &first, &key), 1_788_264_000);
    assert!(first.body.starts_with("— witness.example/wit1 ") && first.body.ends_with('\n'));
    // Asked again it answers again, with its time of now.
    let again = witness.add_checkpoint(&log.request(3, &three).to_bytes(), NOON.plus_ms(5_000));
    assert_eq!(times(&three, &again, &key), 1_788_264_005);

    // A conflict tells the size and nothing more.
    let conflict = witness.add_checkpoint(&log.request(0, &three).to_bytes(), NOON);
    assert_eq!((conflict.status, conflict.content_type, conflict.body.as_str()), (409, "text/x.tlog.size", "3\n"));
    let (_, other) = (twin.grow(1), twin.grow(2));
    assert_eq!(witness.add_checkpoint(&twin.request(3, &other).to_bytes(), NOON.plus_ms(6_000)).status, 422);
    let other_three = &twin.heads[1];
    let fork = witness.add_checkpoint(&twin.request(3, other_three).to_bytes(), NOON.plus_ms(6_000));
    assert_eq!((fork.status, fork.body.as_str()), (409, "3\n"));
    // Its proof is kept once: both heads, one of them signed here and now.
    witness.add_checkpoint(&twin.request(3, other_three).to_bytes(), NOON.plus_ms(6_000));
    let forks: Vec<_> = std::fs::read_dir(folder.path().join("forks")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(forks.len(), 1);
    let proof = std::fs::read_to_string(&forks[0]).unwrap();
    assert!(proof.contains(&three.checkpoint().to_text()) && proof.contains(&other_three.checkpoint().to_text()));

    // The honest log goes on, also after the witness was started anew.
    drop(witness);
    let mut witness = Witness::open(folder.path()).unwrap();
    let six = log.grow(3);
    let next = witness.add_checkpoint(&log.request(3, &six).to_bytes(), NOON.plus_ms(9_000));
    assert_eq!(times(&six, &next, &key), 1_788_264_009);
    // Back to what it once cosigned it does not go.
    assert_eq!(witness.add_checkpoint(&log.request(3, &three).to_bytes(), NOON.plus_ms(9_000)).status, 409);
    assert_eq!(witness.logs().unwrap()[0].last, *six.checkpoint());
}

#[test]
fn what_others_signed_is_not_vouched_for() {
    let (folder, log) = (folder(), Log::new());
    let mut witness = witness(folder.path(), &log);
    // The log sends along this witness's own earlier cosignature, and another's.
    let mut signed = log.heads[0].clone();
    for (whom, seed) in [("witness.example/wit1", "wit1"), ("witness.example/wit2", "wit2")] {
        key::<ledger::keys::Witness>(seed).cosign(&name(whom), &mut signed, NOON.plus_ms(-60_000)).unwrap();
    }
    let verifier = witness.verifier().clone();
    let response = witness.add_checkpoint(&log.request(0, &signed).to_bytes(), NOON);
    assert_eq!(response.body.lines().count(), 1);
    assert_eq!(times(&log.heads[0], &response, &verifier), 1_788_264_000);
}

#[test]
fn strangers_are_told_so() {
    let (folder, log) = (folder(), Log::new());
    let key: WitnessKey = key("wit1");
    let mut witness = Witness::create_with(folder.path(), &name("witness.example/wit1"), key).unwrap();
    let request = log.request(0, &log.heads[0]).to_bytes();
    assert_eq!(witness.add_checkpoint(&request, NOON).status, 404);
    assert_eq!(witness.add_checkpoint(b"", NOON).status, 400);
    assert_eq!(witness.add_checkpoint(&request[..request.len() - 1], NOON).status, 400);
    witness.trust(log.key()).unwrap();
    assert_eq!(witness.add_checkpoint(&request, NOON).status, 200);
}

#[test]
fn a_clock_that_goes_back_stops_it() {
    let (folder, mut log) = (folder(), Log::new());
    let mut witness = witness(folder.path(), &log);
    assert_eq!(witness.add_checkpoint(&log.request(0, &log.heads[0]).to_bytes(), NOON).status, 200);
    let three = log.grow(1);
    let request = log.request(2, &three).to_bytes();
    assert_eq!(witness.add_checkpoint(&request, NOON.plus_ms(-3_000)).status, 500);
    assert_eq!(witness.logs().unwrap()[0].last.size(), 2);
    // A small step is bridged, and its time does not go back.
    let response = witness.add_checkpoint(&request, NOON.plus_ms(-1_500));
    assert_eq!(times(&three, &response, &witness.verifier().clone()), 1_788_264_000);
}

#[test]
fn a_state_that_is_lost_while_it_serves_stops_it() {
    let (folder, log) = (folder(), Log::new());
    let mut witness = witness(folder.path(), &log);
    let request = log.request(0, &log.heads[0]).to_bytes();
    assert_eq!(witness.add_checkpoint(&request, NOON).status, 200);
    let states = folder.path().join("logs");
    for entry in std::fs::read_dir(&states).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert_eq!(witness.add_checkpoint(&request, NOON).status, 500);
    assert!(std::fs::read_dir(&states).unwrap().next().is_none(), "nothing is begun anew");
}

#[test]
fn a_disk_that_cannot_be_written_gets_no_cosignature() {
    let (folder, log) = (folder(), Log::new());
    let mut witness = witness(folder.path(), &log);
    // The unfinished file cannot be made where a folder stands in its way.
    let state = std::fs::read_dir(folder.path().join("logs")).unwrap().next().unwrap().unwrap().path();
    let blocked = PathBuf::from(format!("{}{}", state.display(), ledger::durable::UNFINISHED));
    std::fs::create_dir(&blocked).unwrap();
    let request = log.request(0, &log.heads[0]).to_bytes();
    let response = witness.add_checkpoint(&request, NOON);
    assert_eq!(response.status, 500);
    assert!(!response.body.contains('\u{2014}'));
    std::fs::remove_dir(&blocked).unwrap();
    assert_eq!(witness.add_checkpoint(&request, NOON).status, 200);
}

#[test]
fn a_witness_keeps_its_key() {
    let folder = folder();
    let verifier = Witness::create(folder.path(), &name("witness.example/wit1")).unwrap().verifier().clone();
    assert_eq!(Witness::open(folder.path()).unwrap().verifier(), &verifier);
    assert_eq!(Witness::read_key(folder.path()).unwrap(), verifier);
    assert!(Witness::create(folder.path(), &name("witness.example/wit1")).is_err());
    std::fs::remove_file(folder.path().join("witness.pem")).unwrap();
    WitnessKey::generate().unwrap().save(&folder.path().join("witness.pem"), None).unwrap();
    assert!(matches!(Witness::open(folder.path()), Err(Fault::Strange(_))));
}
