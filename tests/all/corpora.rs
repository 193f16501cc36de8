//! Every file that a fuzzer starts from, and every one that it ever broke something with, is survived; and what a
//! fuzzer needs is there for every target.
//!
//! `AFFIANT_WRITE_CORPUS=1 cargo test -p tests corpora` writes the seeds anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

use hostile::TARGETS;

/// All corpora together, in bytes: they are in everybody's copy of the repository.
const CORPORA_BYTES_MAX: usize = 1 << 20;

/// What a file of a corpus may be called: a seed of the code's, a vector as it was when it was taken over, what broke
/// something once, what a run found worth keeping.
const KINDS: [&str; 4] = ["seed-", "vector-", "regression-", "found-"];

#[test]
fn every_file_of_every_corpus_is_survived() {
    let mut found = Vec::new();
    for target in TARGETS {
        let files = corpus(target.name);
        assert!(!files.is_empty(), "the corpus of {} is empty", target.name);
        for (name, bytes) in files {
            if catch_unwind(|| (target.run)(&bytes)).is_err() {
                found.push(format!("{}/{name}", target.name));
            }
        }
    }
    assert!(found.is_empty(), "these broke a promise; what was said is above:\n  {}", found.join("\n  "));
}

#[test]
fn seeds_are_those_of_the_code() {
    let is_writing = std::env::var_os("AFFIANT_WRITE_CORPUS").is_some();
    for target in TARGETS {
        let prefixed = |(name, bytes): (String, Vec<u8>)| {
            let is_known = KINDS.iter().any(|kind| name.starts_with(kind));
            (if is_known { name } else { format!("seed-{name}") }, bytes)
        };
        let mut due: BTreeMap<String, Vec<u8>> = (target.seeds)().into_iter().map(prefixed).collect();
        let folder = fuzz().join("corpus").join(target.name);
        if is_writing {
            fs::create_dir_all(&folder).unwrap();
            for name in corpus(target.name).keys().filter(|name| name.starts_with("seed-") || name.starts_with("vector-")) {
                fs::remove_file(folder.join(name)).unwrap();
            }
            for (name, bytes) in &due {
                fs::write(folder.join(name), bytes).unwrap();
            }
        }
        // A vector of last year is as good to begin with as this year's.
        due.retain(|name, _| !name.starts_with("vector-"));
        let mut there = corpus(target.name);
        there.retain(|name, _| name.starts_with("seed-") || due.contains_key(name));
        assert!(there == due, "the seeds of {} are not those of its code: AFFIANT_WRITE_CORPUS=1 writes them", target.name);
    }
}

#[test]
fn corpora_are_small_and_their_files_say_what_they_are() {
    let mut bytes_total = 0;
    for target in TARGETS {
        for (name, bytes) in corpus(target.name) {
            bytes_total += bytes.len();
            assert!(KINDS.iter().any(|kind| name.starts_with(kind)), "{}/{name} is none of {KINDS:?}", target.name);
        }
    }
    assert!(bytes_total < CORPORA_BYTES_MAX, "the corpora have {bytes_total} bytes");
}

/// A target has a program, a line that says how long its smoke is, and a corpus; and nothing else has.
#[test]
fn every_target_has_what_a_fuzzer_needs() {
    let due: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(due.len(), TARGETS.len(), "two targets have one name");
    assert!(TARGETS.is_sorted_by_key(|target| target.name), "targets stand in the order of their names");
    assert_eq!(names_in("corpus", ""), due, "folders under tests/fuzz/corpus");
    assert_eq!(names_in("fuzz_targets", ".rs"), due, "programs under tests/fuzz/fuzz_targets");
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(fuzz().join("Cargo.toml")).unwrap()).unwrap();
    let programs = manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap().to_owned());
    assert_eq!(programs.collect::<BTreeSet<_>>(), due, "programs in tests/fuzz/Cargo.toml");
    let smoke = fs::read_to_string(fuzz().join("smoke.txt")).unwrap();
    let lines = smoke.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(' ').next().unwrap().to_owned());
    assert_eq!(lines.collect::<BTreeSet<_>>(), due, "lines of tests/fuzz/smoke.txt");
    for name in due {
        let program = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("hostile::run(\"{name}\", data)")), "{name}.rs runs another target");
    }
}

/// The programs' own lock file follows the manifests of our crates and the versions of everybody else's. Otherwise they
/// are not built, and nobody notices before the smoke.
#[test]
fn the_lock_of_the_programs_is_up_to_date() {
    let read = |path: &Path| -> toml::Table { toml::from_str(&fs::read_to_string(path).unwrap()).unwrap() };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let packages = |lock: &toml::Table| -> BTreeMap<String, (String, BTreeSet<String>)> {
        let packages = lock["package"].as_array().unwrap().iter().map(|package| {
            let of = |key: &str| package[key].as_str().unwrap().to_owned();
            let listed = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
            let listed = listed.map(|name| name.as_str().unwrap().split(' ').next().unwrap().to_owned());
            (format!("{} {}", of("name"), of("version")), (of("name"), listed.collect()))
        });
        packages.collect()
    };
    let (ours, theirs) = (packages(&read(&fuzz().join("Cargo.lock"))), packages(&read(&root.join("Cargo.lock"))));
    let mut found = Vec::new();
    for (id, (name, listed)) in ours {
        let folder = if name == "hostile" { root.join("tests/hostile") } else { root.join("crates").join(&name) };
        if folder.is_dir() {
            let manifest = read(&folder.join("Cargo.toml"));
            let due: BTreeSet<String> = manifest["dependencies"].as_table().unwrap().keys().cloned().collect();
            if due != listed {
                found.push(format!("{id} has other dependencies"));
            }
        } else if !theirs.contains_key(&id) && !["fuzz", "libfuzzer-sys", "arbitrary"].contains(&name.as_str()) {
            found.push(format!("{id} is not what the rest of the repository uses"));
        }
    }
    assert!(found.is_empty(), "tests/fuzz/README.md says how to bring tests/fuzz/Cargo.lock up to date: {found:#?}");
}

fn names_in(folder: &str, suffix: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz().join(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.map(|name| name.strip_suffix(suffix).unwrap_or(&name).to_owned()).collect()
}

/// The files of a corpus by name.
fn corpus(target: &str) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(fuzz().join("corpus").join(target)) else { return BTreeMap::new() };
    let entries = entries.map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn fuzz() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fuzz"].iter().collect()
}
