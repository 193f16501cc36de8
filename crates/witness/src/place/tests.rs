//! Logs on the web, over real HTTP on loopback.

use std::path::PathBuf;

use axum::Router;
use axum::http::{StatusCode, Uri};
use tokio::net::TcpListener;

use super::*;
use crate::monitor::{Monitor, Seen};
use crate::proofs;
use crate::testing::{Log, NOON, folder, name};

/// Serves the files below a folder as they are.
async fn serve(folder: PathBuf) -> Place {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let answer = move |uri: Uri| {
        let file = folder.join(uri.path().trim_start_matches('/'));
        async move {
            match std::fs::read(file) {
                Ok(bytes) => (StatusCode::OK, bytes),
                Err(_) => (StatusCode::NOT_FOUND, Vec::new()),
            }
        }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    Place::of(&url).unwrap()
}

#[tokio::test]
async fn a_log_is_followed_on_the_web() {
    let (monitor_folder, mut log) = (folder(), Log::new());
    Monitor::create(monitor_folder.path(), &name("monitor.example")).unwrap();
    let mut monitor = Monitor::open(monitor_folder.path(), log.key()).unwrap();
    let place = serve(log.shard()).await;
    assert_eq!(monitor.look(&place, &[], NOON).await.unwrap(), Seen::First(2));
    log.grow(300);
    assert_eq!(monitor.look(&place, &[], NOON).await.unwrap(), Seen::Extended { from: 2, to: 302 });
}

/// Partial tiles may be gone once full ones have replaced them. C2SP `tlog-tiles`.
#[tokio::test]
async fn a_full_tile_stands_for_the_partial_ones_that_it_replaced() {
    let mut log = Log::new();
    log.grow(100);
    log.grow(200);
    let expected = log.request(50, &log.heads[1]).proof;
    for place in [serve(log.shard()).await, Place::Folder(log.shard())] {
        assert_eq!(proofs::consistency(&place, 50, 102).await.unwrap(), expected);
    }
    std::fs::remove_dir_all(log.shard().join("tile/0/000.p")).unwrap();
    for place in [serve(log.shard()).await, Place::Folder(log.shard())] {
        assert_eq!(proofs::consistency(&place, 50, 102).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn what_is_not_there_or_too_long_is_said() {
    let empty = folder();
    for place in [serve(empty.path().into()).await, Place::Folder(empty.path().into())] {
        let fault = place.checkpoint().await.unwrap_err();
        assert!(fault.is_missing() && fault.to_string().contains("could not read checkpoint of "), "{fault}");
    }
    std::fs::write(empty.path().join("checkpoint"), vec![b'a'; MAX_CHECKPOINT_BYTES + 1]).unwrap();
    for place in [serve(empty.path().into()).await, Place::Folder(empty.path().into())] {
        let fault = place.checkpoint().await.unwrap_err();
        assert!(!fault.is_missing() && fault.to_string().contains("longer than it can be"), "{fault}");
    }
}
