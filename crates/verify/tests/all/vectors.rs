//! Every file under `evidence-schema/vectors/` does what it says must happen. A folder without a runner is a failure.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use evidence::hex;
use verify::{Check, Expectations, Outcome, single};

use crate::{files::Files, mutations::expectations};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../evidence-schema/vectors")
}

/// A header of `name: value` lines, a blank line, and the payload as it stands.
pub struct Vector {
    pub path: PathBuf,
    headers: BTreeMap<String, String>,
    pub payload: Vec<u8>,
}

impl Vector {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or_else(|| panic!("{} has no header", path.display()));
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let headers = head.lines().map(|line| line.split_once(": ").unwrap_or_else(|| panic!("{}: '{line}'", path.display())));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { path: path.into(), headers, payload: bytes[end + 2..].to_vec() }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("{} has no header '{name}'", self.path.display()))
    }

    fn text(&self) -> Result<&str, String> {
        std::str::from_utf8(&self.payload).map_err(|_| "not UTF-8".into())
    }

    fn file(&self, header: &str) -> String {
        fs::read_to_string(root().join(self.header(header))).unwrap()
    }
}

fn run(kind: &str, vector: &Vector) -> Result<(), String> {
    let key = || vector.headers.get("key");
    match kind {
        "leaf" => vector.text().and_then(|text| single::leaf(text, key().map(|key| hex::decode(key).unwrap()).as_ref())),
        "opening" => vector.text().and_then(single::opening),
        "note" => single::note(&vector.payload, key().map(|key| key.parse().unwrap()).as_ref()),
        "anchor" => vector.text().and_then(single::anchor),
        "checkpoint" => single::checkpoint(&vector.payload, &vector.file("anchor")),
        "proof" => single::proof(&vector.payload, &vector.file("leaf"), &vector.file("anchor")),
        "part" => vector.text().and_then(single::part),
        "tables" => vector.text().and_then(single::tables),
        "cir" => vector.text().and_then(single::report),
        other => panic!("there is no runner for vectors/{other}: write one"),
    }
}

/// All files of a folder, sorted.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_vector_does_what_it_says() {
    let (mut good, mut bad) = (0, 0);
    for folder in entries(&root()).into_iter().filter(|path| path.is_dir()) {
        let kind = folder.file_name().unwrap().to_str().unwrap().to_owned();
        if kind == "worked-example" {
            continue;
        }
        for path in entries(&folder).into_iter().filter(|path| path.is_file()) {
            let vector = Vector::read(&path);
            let expected = vector.header("expect");
            let step = vector.header("step");
            assert!(Check::ALL.iter().any(|check| check.number() == step) || step == "none", "{}: step {step}", path.display());
            assert!(!vector.header("why").is_empty());
            let result = if kind == "bundle" { run_bundle(&folder, &vector) } else { run(&kind, &vector) };
            match (expected, &result) {
                ("ok", Ok(())) => good += 1,
                ("fail", Err(_)) => bad += 1,
                _ => panic!("{}: expected {expected}, got {result:?}", path.display()),
            }
        }
    }
    assert!(good + bad >= 60 && bad > good, "{good} good, {bad} bad");
}

/// A bundle vector names a folder beside it and edits to make to it, one a line.
fn run_bundle(folder: &Path, vector: &Vector) -> Result<(), String> {
    let mut files = read_folder(&folder.join(vector.header("base")));
    for line in vector.text()?.lines().filter(|line| !line.is_empty()) {
        edit(&mut files, line);
    }
    if vector.header("sealed") == "yes" {
        files.reseal();
    }
    let expected = Expectations {
        anchor_sha256: expectations().anchor_sha256,
        newer_checkpoint: vector.headers.get("checkpoint").map(|path| fs::read(root().join(path)).unwrap()),
    };
    let verdict = verify::bundle(&mut files, &expected);
    let step = vector.header("step");
    if step != "none" {
        let result = verdict.step(step).unwrap().result;
        assert_eq!(result == Outcome::Fail, !verdict.valid, "{}: step {step}\n{verdict}", vector.path.display());
    }
    if verdict.valid { Ok(()) } else { Err(verdict.to_string()) }
}

/// `replace PATH /FROM/TO/` (first place), `remove PATH`, `append PATH TEXT`, `write PATH TEXT`, `drop-line PATH N`, `copy PATH TO`;
/// `\n` in a text is a line feed.
fn edit(files: &mut Files, line: &str) {
    let (word, rest) = line.split_once(' ').unwrap();
    let (path, value) = rest.split_once(' ').unwrap_or((rest, ""));
    let value = value.replace("\\n", "\n");
    match word {
        "replace" => {
            let mut parts = value.splitn(4, '/');
            let (Some(""), Some(from), Some(to), Some("")) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
                panic!("'{line}' is not replace PATH /FROM/TO/");
            };
            files.edit(path, |text| text.replacen(from, to, 1));
        }
        "remove" => drop(files.0.remove(path).unwrap()),
        "append" => files.edit(path, |text| text + &value),
        "write" => files.put(path, &value),
        "drop-line" => {
            let number: usize = value.parse().unwrap();
            files.edit(path, |text| {
                text.split_inclusive('\n').enumerate().filter(|(at, _)| at + 1 != number).map(|(_, line)| line).collect()
            });
        }
        "copy" => drop(files.0.insert(value, files.0[path].clone())),
        other => panic!("no edit is called '{other}'"),
    }
}

pub fn read_folder(folder: &Path) -> Files {
    fn walk(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
        for path in entries(folder) {
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                walk(&path, &format!("{name}/"), files);
            } else {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(folder, "", &mut files);
    Files(files)
}
