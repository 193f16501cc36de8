//! The dependency edges between our crates are the ones on the architecture page, no more and no fewer.
//!
//! `crates/README.md` owns the list. Edges of tests and build scripts are not part of it: they ship nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What each crate depends on.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// The crate that may depend on every other.
const TOP: &str = "affiant";

#[test]
fn edges_are_those_on_the_page() {
    let actual = actual();
    let allowed = allowed(&actual);
    let mut found = Vec::new();
    for name in actual.keys() {
        let nothing = BTreeSet::new();
        let (has, may) = (&actual[name], allowed.get(name).unwrap_or(&nothing));
        if !allowed.contains_key(name) {
            found.push(format!("{name} is not on the page"));
        }
        found.extend(has.difference(may).map(|to| format!("new edge {name} -> {to}: is it a decision? then add it to the page")));
        // Being allowed everything is no claim to use it.
        if name != TOP {
            found.extend(may.difference(has).map(|to| format!("stale edge {name} -> {to}: take it off the page")));
        }
    }
    found.extend(
        allowed.keys().filter(|name| !actual.contains_key(*name)).map(|name| format!("{name} is on the page and is no crate")),
    );
    assert!(found.is_empty(), "the block under 'Edges' in crates/README.md and the manifests differ:\n  {}", found.join("\n  "));
}

/// The checker shares no logic with those it checks.
#[test]
fn the_verifier_reaches_nobody_it_checks() {
    let reached = reached("verify", &actual());
    for checked in ["casework", "ledger", "swarm", "crawler", "affiant"] {
        assert!(!reached.contains(checked), "verify reaches {checked}: it must derive everything with its own code");
    }
}

/// The laboratory has the only encoder of a piece; what watches real swarms must not link it.
#[test]
fn only_the_demo_has_a_laboratory() {
    let users: Vec<String> = actual().into_iter().filter(|(_, to)| to.contains("swarmlab")).map(|(name, _)| name).collect();
    assert_eq!(users, [TOP], "crates that depend on swarmlab");
}

/// What can sign, and what can send, do not know each other but through the appender.
#[test]
fn engines_cannot_sign_and_the_ledger_cannot_dial() {
    let actual = actual();
    assert!(!reached("swarm", &actual).contains("ledger"), "swarm reaches ledger");
    assert!(
        reached("ledger", &actual).is_disjoint(&BTreeSet::from(["swarm".into(), "wire".into(), "crawler".into()])),
        "ledger reaches the network"
    );
}

#[test]
fn what_defines_bytes_has_no_runtime() {
    for name in ["evidence", "tlog", "wire"] {
        let path = root().join(format!("crates/{name}/src/lib.rs"));
        let text = fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        assert!(text.lines().any(|line| line == "#![no_std]"), "{} does not declare #![no_std]", path.display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Packages that use everything and ship nothing.
const TESTS: [&str; 2] = ["tests", "hostile"];

/// The edges in the manifests, but for those of [`TESTS`].
fn actual() -> Edges {
    let answer = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .expect("the cargo that built this test can be started");
    assert!(answer.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&answer.stderr));
    let metadata: Value = serde_json::from_slice(&answer.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
    let name = |value: &Value| value["name"].as_str().expect("a package and a dependency have names").to_string();
    let ours = packages.iter().filter(|package| !TESTS.contains(&name(package).as_str()));
    ours.map(|package| (name(package), edges_of(package).map(name).collect())).collect()
}

/// Normal dependencies (kind null) that are folders of this workspace.
fn edges_of(package: &Value) -> impl Iterator<Item = &Value> {
    let all = package["dependencies"].as_array().expect("a package lists dependencies");
    all.iter().filter(|dependency| dependency["kind"].is_null() && dependency["path"].is_string())
}

/// The edges on the page: the indented lines below `## Edges`, `a, b ─► c, d`.
fn allowed(actual: &Edges) -> Edges {
    let page = fs::read_to_string(root().join("crates/README.md")).expect("crates/README.md owns the list of edges");
    let section = page.lines().skip_while(|line| *line != "## Edges").skip(1).take_while(|line| !line.starts_with("## "));
    let mut allowed = Edges::new();
    for line in section.filter_map(|line| line.strip_prefix("    ")) {
        let (from, to) = line.split_once('►').unwrap_or_else(|| panic!("crates/README.md, Edges: no arrow in '{line}'"));
        let from: Vec<String> = names(from.trim_end().trim_end_matches('─'));
        let to: Vec<String> = match to.trim() {
            "everything below" => actual.keys().filter(|name| !from.contains(name)).cloned().collect(),
            "nothing of ours" => Vec::new(),
            list => names(list),
        };
        for name in from {
            let is_new = allowed.insert(name.clone(), to.iter().cloned().collect()).is_none();
            assert!(is_new, "crates/README.md, Edges: {name} stands twice");
        }
    }
    assert!(!allowed.is_empty(), "crates/README.md has no list under '## Edges'");
    allowed
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_string()).collect()
}

/// All that a crate depends on, at any distance.
fn reached(name: &str, edges: &Edges) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&String> = edges[name].iter().collect();
    while let Some(name) = next.pop() {
        if reached.insert(name.clone()) {
            next.extend(&edges[name]);
        }
    }
    reached
}
