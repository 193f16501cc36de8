//! A station of a test's own, founded and used by the commands that a user would type.

use std::{
    ffi::OsStr,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use evidence::{Content, Date, Numbered, Observation, Opening, Tag, Utc, observation::Purpose, run::RunFact};
use ledger::Reader;
use serde_json::Value;
use tempfile::TempDir;

use crate::{laboratory::Laboratory, program::affiant};

pub const INVESTIGATOR: &str = "I. Investigator";
pub const REVIEWERS: [&str; 2] = ["A. Reviewer", "B. Reviewer"];
pub const APPROVER: &str = "C. Approver";

/// The settings of `[pace]` that make a test short. Waits are still far longer than a busy machine needs.
const PACE: [(&str, i64); 11] = [
    ("dials_per_second", 500),
    ("handshake_ms", 4_000),
    ("claims_ms", 4_000),
    ("choked_ms", 6_000),
    ("choked_transmission_ms", 6_000),
    ("attempts", 2),
    ("retry_s", 1),
    ("peers_per_answer", 20_000),
    ("connections_per_network", 2_000),
    ("contacts_per_address_hour", 2_000),
    ("control_ms", 500),
];

/// A station's folder and the inputs beside it. Deleted when dropped.
pub struct Station {
    folder: TempDir,
}

/// What a command did.
pub struct Ran {
    pub line: String,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|fault| panic!("{fault}\n{self}"))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\nexit {:?}\n{}\n{}", self.line, self.code, self.stdout, self.stderr)
    }
}

impl Station {
    /// A folder with the laboratory's inputs and no station in it yet.
    pub fn unfounded(laboratory: &Laboratory) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("inputs")).unwrap();
        laboratory.write_inputs(&folder.path().join("inputs"));
        Self { folder }
    }

    /// A station with keys, tables, register and people, whose monitor has an address of its own.
    pub fn founded(laboratory: &Laboratory, monitor: Ipv4Addr) -> Self {
        let station = Self::unfounded(laboratory);
        station.yes(["init", "--name", "log.test.example", "--laboratory", "127.0.0.0/8"]);
        station.configure(|config| {
            let own = config["monitor"].as_table_mut().unwrap();
            own.insert("addresses".into(), vec![monitor.to_string()].into());
            own.insert("ports".into(), vec![0i64].into());
            let pace = config["pace"].as_table_mut().unwrap();
            PACE.iter().for_each(|(name, value)| drop(pace.insert((*name).into(), (*value).into())));
        });
        let today = today().to_string();
        station.yes([
            "tables",
            "add",
            &station.input("laboratory.tsv"),
            "--kind",
            "iptoasn",
            "--name",
            "laboratory",
            "--built",
            &today,
        ]);
        station.yes(["tables", "register", &station.input("isp-register.toml")]);
        for person in [INVESTIGATOR, REVIEWERS[0], REVIEWERS[1], APPROVER] {
            station.yes(["people", "add", person]);
        }
        station
    }

    /// A station that is ready to watch: mandate in force, dossier approved by two.
    pub fn ready(laboratory: &Laboratory, monitor: Ipv4Addr) -> Self {
        let station = Self::founded(laboratory, monitor);
        station.mandate(today().plus_days(-30), today().plus_days(300));
        let dossier = station.build();
        REVIEWERS.iter().for_each(|reviewer| station.approve(&dossier, reviewer));
        station
    }

    /// Logs a mandate of these dates for the laboratory's torrent.
    pub fn mandate(&self, from: Date, to: Date) {
        let file = self.write_input("mandate.toml", mandate(from, to));
        let (torrent, document) = (self.input("film.torrent"), self.input("authority.txt"));
        self.yes(["mandate", "add", &file, "--torrent", &torrent, "--document", &document, "--by", INVESTIGATOR]);
    }

    /// Builds the dossier and returns the digest of its note.
    pub fn build(&self) -> String {
        let built = self.yes(self.build_words().iter().map(String::as_str));
        built["note_sha256"].as_str().unwrap().to_string()
    }

    pub fn build_words(&self) -> Vec<String> {
        let (torrent, content) = (self.input("film.torrent"), self.input("content"));
        ["dossier", "build", &torrent, "--content", &content, "--map", "*.mkv=laboratory-film", "--by", INVESTIGATOR]
            .map(String::from)
            .to_vec()
    }

    pub fn approve(&self, dossier: &str, reviewer: &str) {
        self.yes(["dossier", "approve", dossier, "--by", reviewer, "--statement", "compared with the generator's output"]);
    }

    /// Watches until idle.
    pub fn watch(&self) -> Value {
        self.yes(["watch", "--until-idle", "2s", "--for", "120s"])
    }

    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("station")
    }

    /// A path beside the station.
    pub fn beside(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_string()
    }

    pub fn input(&self, name: &str) -> String {
        self.beside(&format!("inputs/{name}"))
    }

    pub fn write_input(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.input(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Edits `affiant.toml` as a person would.
    pub fn configure(&self, change: impl FnOnce(&mut toml::Table)) {
        let path = self.dir().join("affiant.toml");
        let mut config: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        change(&mut config);
        std::fs::write(path, config.to_string()).unwrap();
    }

    /// The program with this station and `--json`, to be started by the caller.
    pub fn command<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, words: I) -> Command {
        let mut command = affiant();
        command.arg("--station").arg(self.dir()).arg("--json").args(words).stdin(Stdio::null());
        command
    }

    /// Runs a command. A panic is a failed test whatever else is expected.
    pub fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, words: I) -> Ran {
        ran(self.command(words))
    }

    /// Runs a command that must be done.
    pub fn yes<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, words: I) -> Value {
        let ran = self.run(words);
        assert_eq!(ran.code, Some(0), "{ran}");
        ran.json()
    }

    /// Runs a command whose answer must be no.
    pub fn no<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, words: I) -> Value {
        let ran = self.run(words);
        assert_eq!(ran.code, Some(1), "{ran}");
        ran.json()
    }

    /// Runs a command that must be refused for this reason.
    #[track_caller]
    pub fn refused<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, words: I, why: &str) {
        let ran = self.run(words);
        assert!(ran.code == Some(2) && ran.stderr.contains(why), "not refused because '{why}': {ran}");
    }

    /// Every step of `log fsck` passes.
    #[track_caller]
    pub fn assert_sound(&self) {
        let ran = self.run(["log", "fsck"]);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(ran.json()["clean"], true, "{ran}");
    }

    pub fn anchor_sha256(&self) -> String {
        self.yes(["log", "anchor"])["sha256"].as_str().unwrap().to_string()
    }

    /// Every observation in the log, control visits left out.
    pub fn probes(&self) -> Vec<Observation> {
        self.records::<Observation>(Tag::Obs).into_iter().filter(|seen| seen.purpose == Purpose::Probe).collect()
    }

    /// Every observation in the log.
    pub fn observations(&self) -> Vec<Observation> {
        self.records(Tag::Obs)
    }

    /// Every fact about a run in the log.
    pub fn facts(&self) -> Vec<RunFact> {
        self.records(Tag::Run)
    }

    fn records<T: serde::de::DeserializeOwned + serde::Serialize>(&self, tag: Tag) -> Vec<T> {
        let reader = Reader::of_station(&self.dir()).unwrap();
        let mut records = Vec::new();
        for entry in reader.entries().unwrap() {
            if let Content::Opening(line) = &entry.unwrap().content {
                let opening = Opening::parse(line).unwrap();
                if opening.tag == tag {
                    records.push(opening.decode::<Numbered<T>>().unwrap().body);
                }
            }
        }
        records
    }
}

/// Runs a program to its end. A panic is a failed test whatever else is expected.
pub fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let ran = Ran {
        line: format!("{command:?}"),
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    };
    assert!(!ran.stderr.contains("panicked") && ran.code.is_some(), "{ran}");
    ran
}

pub fn today() -> Date {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Utc::from_ms(i64::try_from(since.as_millis()).unwrap()).date()
}

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// A mandate file without targets; the torrent is given on the command line.
pub fn mandate(from: Date, to: Date) -> String {
    format!(
        r#"id = "laboratory-film"
from = "{from}"
to = "{to}"
territory = ["GB"]
targets = []

[work]
title = "Laboratory Film"
nature = "film"

[owner]
name = "Example Pictures Limited"
[owner.address]
lines = ["1 Example Street"]
locality = "London"
postcode = "N1 1AA"
country = "GB"

[authority]
reference = "TEST-2026-01"
from = "{from}"
to = "{to}"
"#
    )
}
