//! The log's side over real HTTP on loopback, with honest witnesses, strange ones and none.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;

use super::*;
use crate::testing::{Log, NOON, folder, stranger, verifier};
use crate::{Witness, server};

const QUICK: Patience = Patience {
    request: Duration::from_millis(400),
    total: Duration::from_millis(1_500),
    after_quorum: Duration::from_millis(200),
};

/// Two witnesses' keys in the anchor, both asked for.
fn watched() -> Log {
    Log::watched("one", vec![verifier("wit1"), verifier("wit2")], 2)
}

fn policy(log: &Log) -> Policy {
    ledger::Reader::open(&log.shard()).unwrap().anchor().policy().unwrap()
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn at(seed: &str, url: &str) -> WitnessAt {
    WitnessAt { key: verifier(seed), url: url.into() }
}

async fn start(witness: Witness) -> WitnessAt {
    let (listener, url) = listen().await;
    let at = WitnessAt { key: witness.verifier().clone(), url };
    tokio::spawn(server::serve(witness, listener, || NOON, std::future::pending()));
    at
}

/// Something that is no witness: it answers the same to everything.
async fn answering(seed: &str, status: u16, body: Vec<u8>) -> WitnessAt {
    let (listener, url) = listen().await;
    let answer = move || async move { (StatusCode::from_u16(status).unwrap(), body) };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/add-checkpoint", post(answer))).await });
    at(seed, &url)
}

async fn ask(log: &Log, signed: &SignedCheckpoint, witnesses: &[WitnessAt]) -> Collected {
    let place = Place::Folder(log.shard());
    let policy = policy(log);
    let asking = collect(signed, &policy, witnesses, &place, QUICK, NOON);
    tokio::time::timeout(Duration::from_secs(10), asking).await.expect("it ends within its patience").unwrap()
}

fn outcomes(collected: &Collected) -> Vec<Outcome> {
    collected.witnesses.iter().map(|(_, outcome)| outcome.clone()).collect()
}

#[tokio::test]
async fn two_witnesses_follow_a_log() {
    let (folders, mut log) = ([folder(), folder()], watched());
    let mut witnesses = Vec::new();
    for (folder, seed) in folders.iter().zip(["wit1", "wit2"]) {
        let mut witness = stranger(folder.path(), seed);
        witness.trust(log.key()).unwrap();
        witnesses.push(start(witness).await);
    }
    let policy = policy(&log);
    for entries in [0, 3, 1, 300] {
        let signed = log.grow(entries);
        let collected = ask(&log, &signed, &witnesses).await;
        assert!(collected.has_quorum(), "{:?}", outcomes(&collected));
        assert_eq!(policy.check(&collected.signed).unwrap().len(), 2);
        // The ledger keeps them, and asking again asks nobody.
        let attached = log.ledger.attach_cosignatures(&collected.signed).unwrap();
        let again = ask(&log, &attached, &[]).await;
        assert_eq!(outcomes(&again), [Outcome::Held, Outcome::Held]);
    }
    let kept = ledger::Reader::open(&log.shard()).unwrap().checkpoints().unwrap();
    assert_eq!(kept.len(), 4);
    assert!(kept.iter().all(|checkpoint| policy.check(checkpoint).is_ok()));
}

#[tokio::test]
async fn a_witness_that_is_away_is_caught_up_with() {
    let (folders, mut log) = ([folder(), folder()], watched());
    let mut here = stranger(folders[0].path(), "wit1");
    here.trust(log.key()).unwrap();
    let here = start(here).await;
    // Nobody listens where the other should be.
    let (listener, url) = listen().await;
    drop(listener);
    let signed = log.grow(1);
    let collected = ask(&log, &signed, &[here.clone(), at("wit2", &url)]).await;
    assert!(!collected.has_quorum());
    assert_eq!(collected.cosigned(), 1);
    assert!(matches!(outcomes(&collected)[..], [Outcome::Cosigned(_), Outcome::Unreachable(_)]), "{collected:?}");
    log.ledger.attach_cosignatures(&collected.signed).unwrap();
    // It comes back; the same checkpoint gets the one that it lacks.
    let mut back = stranger(folders[1].path(), "wit2");
    back.trust(log.key()).unwrap();
    let signed = log.ledger.checkpoint().unwrap();
    let collected = ask(&log, &signed, &[here, start(back).await]).await;
    assert!(matches!(outcomes(&collected)[..], [Outcome::Held, Outcome::Cosigned(_)]), "{collected:?}");
    assert!(collected.has_quorum());
}

#[tokio::test]
async fn what_a_witness_holds_against_a_log_is_told() {
    let (folders, mut log) = ([folder(), folder()], watched());
    let mut twin = Log::watched("two", vec![verifier("wit1"), verifier("wit2")], 2);
    let (three, _) = (log.grow(1), log.grow(1));
    let mut one = stranger(folders[0].path(), "wit1");
    one.trust(log.key()).unwrap();
    let one = start(one).await;
    let two = start(stranger(folders[1].path(), "wit2")).await;
    let last = log.heads[2].clone();
    let collected = ask(&log, &last, &[one.clone(), two.clone()]).await;
    assert!(matches!(outcomes(&collected)[..], [Outcome::Cosigned(_), Outcome::Refused(404)]), "{collected:?}");
    // An old copy of the log signs again what it knows.
    assert_eq!(outcomes(&ask(&log, &three, &[one.clone(), two.clone()]).await)[0], Outcome::Ahead(4));
    // A fork of the same size, and a larger one.
    let other = twin.grow(2);
    assert_eq!(outcomes(&ask(&twin, &other, &[one.clone(), two.clone()]).await)[0], Outcome::Forked);
    let larger = twin.grow(2);
    assert_eq!(outcomes(&ask(&twin, &larger, &[one, two]).await)[0], Outcome::Refused(422));
}

#[tokio::test]
async fn strange_answers_are_no_cosignatures() {
    let mut log = watched();
    let signed = log.grow(1);
    let line_of = |seed: &str, signed: &SignedCheckpoint, ms: i64| {
        let mut signed = signed.clone();
        let key: ledger::keys::WitnessKey = crate::testing::key(seed);
        key.cosign(verifier(seed).name(), &mut signed, NOON.plus_ms(ms)).unwrap();
        crate::signatures::line_of(&signed, &verifier(seed)).unwrap()
    };
    let older = log.heads[0].clone();
    let one = line_of("wit1", &signed, 0);
    for (status, body, expected) in [
        (200, b"OK\n".to_vec(), "answered badly"),
        (200, Vec::new(), "answered badly"),
        (200, vec![0xff; 10], "answered badly"),
        (200, line_of("wit2", &signed, 0).into_bytes(), "answered badly"),
        (200, line_of("wit1", &older, 0).into_bytes(), "answered badly"),
        (200, one.trim_end().into(), "answered badly"),
        (200, line_of("wit1", &signed, 600_000).into_bytes(), "five minutes"),
        (200, vec![b'a'; 1 << 20], "could not be reached"),
        (409, b"2".to_vec(), "status 409"),
        (409, b"-2\n".to_vec(), "status 409"),
        (409, b"2\n".to_vec(), "status 409"),
        (409, b"99\n".to_vec(), "larger tree"),
        (302, Vec::new(), "status 302"),
        (400, Vec::new(), "status 400"),
        (503, Vec::new(), "could not be reached"),
    ] {
        let at = answering("wit1", status, body).await;
        let collected = ask(&log, &signed, &[at]).await;
        let said = outcomes(&collected)[0].to_string();
        assert!(said.contains(expected), "{status}: {said}");
        assert_eq!(collected.signed, signed);
    }
    // Lines of others beside its own are passed over.
    let both = format!("{}{one}", line_of("wit2", &signed, 0));
    let at = answering("wit1", 200, both.into_bytes()).await;
    let collected = ask(&log, &signed, &[at]).await;
    assert_eq!(
        outcomes(&collected),
        [Outcome::Cosigned(1_788_264_000), Outcome::Unreachable("the configuration has no address for it")]
    );
    assert_eq!(collected.signed.note().signatures().len(), 2);
}

#[tokio::test]
async fn a_witness_that_is_silent_holds_nobody_up() {
    let mut log = watched();
    let signed = log.grow(1);
    let (listener, url) = listen().await;
    let held = Arc::new(Mutex::new(Vec::new()));
    let holding = Arc::clone(&held);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            holding.lock().unwrap().push(stream);
        }
    });
    let began = tokio::time::Instant::now();
    let collected = ask(&log, &signed, &[at("wit1", &url)]).await;
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(collected.cosigned(), 0);
    assert_eq!(outcomes(&collected)[0], Outcome::Unreachable("no answer in time"));
    assert!(!held.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_server_is_bounded_and_has_one_door() {
    let (folder, log) = (folder(), watched());
    let mut witness = stranger(folder.path(), "wit1");
    witness.trust(log.key()).unwrap();
    let at = start(witness).await;
    let client = http_client(Duration::from_secs(5)).unwrap();
    let status = |request: reqwest::RequestBuilder| async move { request.send().await.unwrap().status().as_u16() };
    let door = format!("{}/add-checkpoint", at.url);
    assert_eq!(status(client.get(&door)).await, 405);
    assert_eq!(status(client.post(&at.url)).await, 404);
    assert_eq!(status(client.post(&door).body("nonsense")).await, 400);
    assert_eq!(status(client.post(&door).body(vec![b'a'; (64 << 10) + 1])).await, 413);
    let conflict = log.request(2, &log.heads[0]).to_bytes();
    let response = client.post(&door).body(conflict).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 409);
    assert_eq!(response.headers()["content-type"], "text/x.tlog.size");
    assert_eq!(response.text().await.unwrap(), "0\n");
    assert_eq!(status(client.post(&door).body(log.request(0, &log.heads[0]).to_bytes())).await, 200);
}
