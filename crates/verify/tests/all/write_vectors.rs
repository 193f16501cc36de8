//! Makes the vectors. They are files of the contract, so a run only compares; `AFFIANT_WRITE_VECTORS=1` writes them.

mod bundles;
mod examples;
mod lines;
mod openings;
mod signed;

use std::{collections::BTreeMap, fs, path::Path};

use crate::vectors::root;

/// All files by path under `vectors/`.
type Made = BTreeMap<String, Vec<u8>>;

/// Adds a vector: what must happen, at which step of verify.md, and why.
fn add(made: &mut Made, path: &str, expect: &str, step: &str, why: &str, more: &[(&str, &str)], payload: impl AsRef<[u8]>) {
    let mut bytes = format!("expect: {expect}\nstep: {step}\nwhy: {why}\n").into_bytes();
    for (name, value) in more {
        bytes.extend(format!("{name}: {value}\n").bytes());
    }
    bytes.push(b'\n');
    bytes.extend(payload.as_ref());
    let before = made.insert(format!("{path}.txt"), bytes);
    assert!(before.is_none(), "two vectors are called {path}");
}

/// `text` with one change, which must be one.
fn changed(text: &str, from: &str, to: &str) -> String {
    let changed = text.replacen(from, to, 1);
    assert_ne!(changed, text, "'{from}' is not in it");
    changed
}

fn made() -> Made {
    let mut made = Made::new();
    examples::add_all(&mut made);
    lines::add_all(&mut made);
    openings::add_all(&mut made);
    signed::add_all(&mut made);
    bundles::add_all(&mut made);
    made
}

#[test]
#[expect(clippy::disallowed_methods, reason = "writing files of the contract is asked for by whoever runs the test")]
fn the_vectors_are_those_that_this_code_makes() {
    let made = made();
    if std::env::var_os("AFFIANT_WRITE_VECTORS").is_some() {
        for (path, bytes) in &made {
            let place = root().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, bytes).unwrap();
        }
    }
    for (path, bytes) in &made {
        let stored = fs::read(root().join(path))
            .unwrap_or_else(|fault| panic!("vectors/{path}: {fault}; AFFIANT_WRITE_VECTORS=1 writes it"));
        assert!(stored == *bytes, "vectors/{path} is not what the code makes; AFFIANT_WRITE_VECTORS=1 writes it anew");
    }
    let mut surplus = Vec::new();
    find_surplus(&root(), "", &made, &mut surplus);
    assert!(surplus.is_empty(), "nothing makes {surplus:?}");
}

fn find_surplus(folder: &Path, prefix: &str, made: &Made, surplus: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            find_surplus(&path, &format!("{name}/"), made, surplus);
        } else if !made.contains_key(&name) && name != "README.md" {
            surplus.push(name);
        }
    }
}
