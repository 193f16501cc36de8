//! What holds for any program in a client's place: it is ended whole, and it is refused what leads outside.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use swarmlab::clients::{Client, ClientError, Found, Role, start};

use crate::synthetic::Synthetic;
use crate::{address, plan, shared};

/// A script in the place of aria2c.
fn script(files: &Synthetic, text: &str) -> Found {
    let program = files.folder("bin").join("client");
    std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    Found { program, version: "0".to_owned() }
}

fn folders(files: &Synthetic) -> [PathBuf; 3] {
    [files.folder("client"), files.folder("content"), files.torrent()]
}

#[tokio::test]
async fn a_program_that_ends_is_reported_with_its_log() {
    let files = Synthetic::new("ends", "http://127.0.0.1:9/announce");
    let found = script(&files, "echo nothing doing >&2; exit 3");
    let folders = folders(&files);
    let torrents = shared(&files, &folders);
    let plan = plan(&torrents, &folders, address(12, 2), Role::Leech);
    match start(Client::Aria2, &found, plan).await {
        Err(ClientError::Ended { log, .. }) => {
            assert_eq!(log, "nothing doing\nended with status 3");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn everything_a_program_started_ends_with_it() {
    let files = Synthetic::new("group", "http://127.0.0.1:9/announce");
    let found = script(&files, "sleep 600 & echo $! >child; echo $$ >own; wait");
    let folders = folders(&files);
    let torrents = shared(&files, &folders);
    let mut plan = plan(&torrents, &folders, address(13, 2), Role::Leech);
    plan.ready_within = Duration::from_secs(1);
    let error = start(Client::Aria2, &found, plan).await.unwrap_err();
    assert!(matches!(error, ClientError::TooSlow { .. }), "{error}");
    for name in ["child", "own"] {
        ends(&folders[0].join(name)).await;
    }
}

/// Names, to a second run of this test binary, the folder it is to start a client in before it is killed.
const KILLED_IN: &str = "SWARMLAB_TEST_KILLED_IN";

#[tokio::test]
async fn a_killed_test_takes_its_clients_with_it() {
    let files = Synthetic::new("killed", "http://127.0.0.1:9/announce");
    if let Some(folder) = std::env::var_os(KILLED_IN) {
        let folder = PathBuf::from(folder);
        let found = script(&files, "echo $$ >own; exec sleep 600");
        let folders = [folder, files.folder("content"), files.torrent()];
        let torrents = shared(&files, &folders);
        let plan = plan(&torrents, &folders, address(16, 2), Role::Leech);
        panic!("{:?}", start(Client::Aria2, &found, plan).await);
    }
    let folder = files.folder("client");
    let mut this_again = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "guard::a_killed_test_takes_its_clients_with_it"])
        .env(KILLED_IN, &folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let own = folder.join("own");
    while std::fs::read_to_string(&own).unwrap_or_default().is_empty() {
        assert!(this_again.try_wait().unwrap().is_none(), "the second run ended by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    this_again.kill().unwrap();
    this_again.wait().unwrap();
    ends(&own).await;
    // Killed, it could not clear its files away.
    Synthetic::clear("killed", this_again.id());
}

/// Waits until the process whose id is in `file` has ended.
async fn ends(file: &Path) {
    let id = std::fs::read_to_string(file).unwrap();
    let mut looks = 0;
    while is_alive(id.trim()) {
        looks += 1;
        assert!(looks < 100, "process {} lives on", id.trim());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A zombie that nobody has collected yet has ended.
fn is_alive(id: &str) -> bool {
    std::fs::read_to_string(Path::new("/proc").join(id).join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn nothing_is_started_outside_loopback() {
    let files = Synthetic::new("outside", "http://192.0.2.1/announce");
    let found = script(&files, "echo started >started");
    let folders = folders(&files);
    let torrents = shared(&files, &folders);
    let to_tracker = plan(&torrents, &folders, address(14, 2), Role::Leech);
    let mut to_address = to_tracker.clone();
    to_address.address = [192, 0, 2, 2].into();
    let error = start(Client::Aria2, &found, to_tracker).await.unwrap_err();
    assert!(error.to_string().contains("names http://192.0.2.1,"), "{error}");
    let error = start(Client::Aria2, &found, to_address).await.unwrap_err();
    assert!(matches!(error, ClientError::AddressOutside { .. }), "{error}");
    assert!(!folders[0].join("started").exists());
}
