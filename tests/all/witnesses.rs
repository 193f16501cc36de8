//! Witnesses and a monitor as processes of their own: who cosigns, who cannot be reached, and what a split view brings.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    program::affiant,
    station::{Ran, copy_folder, ran},
};

/// A running witness; killed when dropped, as a power cut would.
struct Serving {
    child: Child,
    url: String,
}

impl Serving {
    fn start(dir: &Path) -> Self {
        let mut command = affiant();
        command.args(["witness", "serve", "--listen", "127.0.0.1:0", "--until-eof", "--dir"]).arg(dir);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_string();
        Self { child, url }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn run(station: &Path, words: &[&str]) -> Ran {
    let mut command = affiant();
    command.arg("--json").arg("--station").arg(station).args(words);
    ran(command)
}

fn yes(station: &Path, words: &[&str]) -> Value {
    let ran = run(station, words);
    assert_eq!(ran.code, Some(0), "{ran}");
    ran.json()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Two witnesses that know the log of a new station, which asks for both. None of them serves yet.
struct World {
    folder: TempDir,
    log: String,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (station, dirs) = (folder.path().join("station"), [1, 2].map(|number| folder.path().join(format!("w{number}"))));
        let mut init: Vec<String> =
            ["init", "--name", "log.test.example", "--laboratory", "127.0.0.0/8", "--quorum", "2"].map(Into::into).to_vec();
        for dir in &dirs {
            let name = format!("witness.example/{}", dir.file_name().unwrap().to_str().unwrap());
            let made = yes(&station, &["witness", "init", "--dir", text(dir), "--name", &name]);
            init.extend(["--witness", made["vkey"].as_str().unwrap(), "http://127.0.0.1:0"].map(Into::into));
        }
        let init: Vec<&str> = init.iter().map(String::as_str).collect();
        let log = yes(&station, &init)["log_vkey"].as_str().unwrap().to_string();
        for dir in &dirs {
            yes(&station, &["witness", "trust", "--dir", text(dir), &log]);
        }
        Self { folder, log }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shard(&self, station: &str) -> PathBuf {
        fs::read_dir(self.at(station).join("log")).unwrap().next().unwrap().unwrap().path()
    }
}

/// Starts a witness and tells the station where.
fn serve(world: &World, station: &str, number: usize) -> Serving {
    let serving = Serving::start(&world.at(&format!("w{number}")));
    let path = world.at(station).join("affiant.toml");
    let mut config: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
    config["witnesses"][number - 1]["url"] = serving.url.clone().into();
    fs::write(&path, toml::to_string(&config).unwrap()).unwrap();
    serving
}

#[test]
fn a_quorum_that_is_missing_is_told_and_made_up_for() {
    let world = World::new();
    let station = world.at("station");
    let first = serve(&world, "station", 1);
    // One of two: signed, published, and said to be without its quorum.
    let ran = run(&station, &["log", "checkpoint"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert_eq!(ran.json()["witnesses"]["reached"], false);
    assert_eq!(yes(&station, &["status"])["witnesses"]["cosigned"], 1);
    // The other comes, the first is gone: what it cosigned stays.
    drop(first);
    let second = serve(&world, "station", 2);
    let answer = yes(&station, &["log", "checkpoint"]);
    assert_eq!(answer["witnesses"]["reached"], true, "{answer:#}");
    // Both again, killed in between, on a log that went on.
    let _first = serve(&world, "station", 1);
    for person in ["A. Reviewer", "B. Reviewer"] {
        yes(&station, &["people", "add", person]);
        assert_eq!(yes(&station, &["log", "checkpoint"])["witnesses"]["cosigned"], 2);
    }
    drop(second);
    let key = yes(&station, &["witness", "key", "--dir", text(&world.at("w2")), "--logs"]);
    assert_eq!(key["logs"][0]["size"], 4, "{key:#}");
    let _second = serve(&world, "station", 2);
    assert_eq!(yes(&station, &["log", "close"])["witnesses"]["reached"], true);
    assert_eq!(yes(&station, &["status"])["witnesses"]["cosigned"], 2);
    assert_eq!(yes(&station, &["log", "fsck"])["clean"], true);
}

/// Somebody with all the station's keys shows one tree here and another there.
#[test]
fn a_split_view_is_not_cosigned_and_is_proven() {
    let world = World::new();
    let (station, twin) = (world.at("station"), world.at("twin"));
    let _serving = [serve(&world, "station", 1), serve(&world, "station", 2)];
    yes(&station, &["log", "checkpoint"]);
    copy_folder(&station, &twin);
    yes(&station, &["people", "add", "A. Reviewer"]);
    yes(&station, &["log", "checkpoint"]);

    // The same size, then a larger one: no witness follows.
    for person in ["B. Reviewer", "C. Reviewer"] {
        yes(&twin, &["people", "add", person]);
        let ran = run(&twin, &["log", "checkpoint"]);
        assert_eq!((ran.code, &ran.json()["witnesses"]["cosigned"]), (Some(1), &Value::from(0)), "{ran}");
        assert!(ran.stdout.contains("forked") || ran.stdout.contains("does not extend"), "{ran}");
    }
    for number in [1, 2] {
        assert_eq!(fs::read_dir(world.at(&format!("w{number}/forks"))).unwrap().count(), 1, "the fork of one size is kept");
    }

    // A monitor that reads both has the proof, and whoever has the log's key can check it.
    let (monitor, places) = (world.at("monitor"), ["station", "twin"].map(|name| world.shard(name)));
    let watching = ["witness", "monitor", "--dir", text(&monitor), "--name", "monitor.example", "--log", &world.log, "--once"];
    yes(&station, &[&watching[..], &[text(&places[0])]].concat());
    let ran = run(&station, &[&watching[..], &[text(&places[0]), text(&places[1])]].concat());
    assert_eq!(ran.code, Some(1), "{ran}");
    let alarm = ran.json()["alarms"][0].clone();
    assert_eq!(alarm["kind"], "fork");
    let checked = yes(&station, &["witness", "alarm", alarm["file"].as_str().unwrap(), "--log", &world.log]);
    assert_eq!((&checked["proven"], &checked["older"], &checked["newer"]), (&true.into(), &3.into(), &4.into()));
    // Under another log's key it proves nothing.
    let other = World::new().log;
    assert_eq!(run(&station, &["witness", "alarm", alarm["file"].as_str().unwrap(), "--log", &other]).code, Some(1));
}

#[test]
fn two_processes_never_share_a_witness() {
    let world = World::new();
    let dir = world.at("w1");
    let _serving = Serving::start(&dir);
    for words in [
        vec!["witness", "serve", "--listen", "127.0.0.1:0", "--dir", text(&dir)],
        vec!["witness", "trust", "--dir", text(&dir), world.log.as_str()],
    ] {
        let ran = run(&world.at("station"), &words);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains("another process works on this folder"), "{ran}");
    }
    yes(&world.at("station"), &["witness", "key", "--dir", text(&dir)]);
}
