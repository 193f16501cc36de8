//! What is in the station itself and was damaged or edited: configuration, tables, keys, working files.

use std::{fs, net::Ipv4Addr, os::unix::fs::PermissionsExt as _, path::PathBuf};

use super::words;
use crate::{
    laboratory::Laboratory,
    station::{APPROVER, INVESTIGATOR, Station},
};

/// Damage to one file of the station, a command that needs it, and what the refusal must say.
struct Damage {
    what: &'static str,
    file: PathBuf,
    bytes: Vec<u8>,
    words: Vec<String>,
    said: &'static str,
}

#[test]
fn damage_is_named_and_nothing_is_lost() {
    let laboratory = Laboratory::start(241);
    let station = Station::ready(&laboratory, Ipv4Addr::new(127, 2, 41, 1));
    let dir = station.dir();
    let only = |folder: &str| fs::read_dir(dir.join(folder)).unwrap().next().unwrap().unwrap().path();
    let config = fs::read_to_string(dir.join("affiant.toml")).unwrap();
    let watch = words(&["watch", "--for", "1s"]);
    let issue = words(&["issue", "--by", INVESTIGATOR, "--approver", APPROVER, "--out", &station.beside("bundles")]);
    let table = fs::read_dir(dir.join("tables")).unwrap().map(|entry| entry.unwrap().path());
    let table = table.into_iter().find(|path| path.to_string_lossy().contains("laboratory")).unwrap();
    let dossier = only("dossiers");
    let mut damages = vec![
        Damage {
            what: "the configuration is no TOML",
            file: dir.join("affiant.toml"),
            bytes: b"name = ".to_vec(),
            words: watch.clone(),
            said: "line 1",
        },
        Damage {
            what: "a setting that nobody knows",
            file: dir.join("affiant.toml"),
            bytes: format!("speed = 3\n{config}").into(),
            words: watch.clone(),
            said: "unknown field `speed`",
        },
        Damage {
            what: "a limit of 0",
            file: dir.join("affiant.toml"),
            bytes: config.replace("challenges = 2", "challenges = 0").into(),
            words: watch.clone(),
            said: "a limit in [pace] is 0",
        },
        Damage {
            what: "a laboratory on the public network",
            file: dir.join("affiant.toml"),
            bytes: config.replace("127.0.0.0/8", "0.0.0.0/0").into(),
            words: watch.clone(),
            said: "the laboratory prefix 0.0.0.0/0 is not wholly",
        },
        Damage {
            what: "another table",
            file: table.clone(),
            bytes: b"127.0.0.0\t127.0.0.255\t1\tZZ\tA\n".to_vec(),
            words: watch.clone(),
            said: "SHA-256",
        },
        Damage {
            what: "a log key of noise",
            file: dir.join("keys/log.pem"),
            bytes: b"noise".to_vec(),
            words: watch.clone(),
            said: "PKCS#8 PEM",
        },
        Damage {
            what: "a worker key of noise",
            file: dir.join("keys/worker.pem"),
            bytes: vec![0; 4_000],
            words: watch.clone(),
            said: "PKCS#8 PEM",
        },
        Damage {
            what: "a root key of noise",
            file: dir.join("keys/root.pem"),
            bytes: Vec::new(),
            words: words(&["log", "close"]),
            said: "PKCS#8 PEM",
        },
        Damage {
            what: "the key of another person",
            file: dir.join("keys/people/c-approver.pem"),
            bytes: fs::read(dir.join("keys/people/a-reviewer.pem")).unwrap(),
            words: words(&["dossier", "approve", &dossier_digest(&dossier), "--by", APPROVER, "--statement", "seen"]),
            said: "is not the key that the log delegates to C. Approver",
        },
        Damage {
            what: "another torrent",
            file: dossier.join("metainfo.torrent"),
            bytes: b"de".to_vec(),
            words: watch.clone(),
            said: "is refused",
        },
        Damage {
            what: "other digests",
            file: dossier.join("blocks.sha256"),
            bytes: vec![7; 320],
            words: watch.clone(),
            said: "digest",
        },
        Damage {
            what: "an index of noise",
            file: dir.join("index.sqlite"),
            bytes: b"noise, and not a little of it".to_vec(),
            words: issue,
            said: "index",
        },
    ];
    // A table that is not there at all.
    damages.push(Damage { what: "no table", file: table, bytes: Vec::new(), words: watch, said: "tables" });

    let entries = station.yes(["status"])["entries"].clone();
    let mut found = Vec::new();
    for damage in &damages {
        let before = fs::read(&damage.file).unwrap();
        fs::write(&damage.file, &damage.bytes).unwrap();
        let ran = station.run(&damage.words);
        fs::write(&damage.file, &before).unwrap();
        let name = damage.file.file_name().unwrap().to_string_lossy().into_owned();
        if ran.code != Some(2) || !ran.stderr.contains(&name) || !ran.stderr.contains(damage.said) {
            found.push(format!("{}, expected {name} and '{}': {ran}", damage.what, damage.said));
        }
    }
    // Keys that others may read are refused too.
    let key = dir.join("keys/log.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    station.refused(["watch", "--for", "1s"], "may be read by others");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(laboratory.tracker.log().is_empty(), "a refused run asked the tracker");
    assert_eq!(station.yes(["status"])["entries"], entries);
    station.assert_sound();
}

fn dossier_digest(folder: &std::path::Path) -> String {
    folder.file_name().unwrap().to_string_lossy().into_owned()
}
