//! Three verifiers, written apart: the Rust one, `evidence-schema/verify.py` and `evidence-schema/verify.html`. On every
//! bundle they must come to the same verdict and name the same steps; where they do not, a page is unclear or one is wrong.

mod browser;
mod edits;
mod python;

use std::{collections::BTreeMap, net::Ipv4Addr, path::Path};

use serde_json::Value;
use swarmlab::behaviour::{Behaviour, Mix};

use crate::{
    laboratory::Laboratory,
    station::{APPROVER, INVESTIGATOR, Station},
};
use browser::Browser;
use edits::Edited;
use python::Python;

pub const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../evidence-schema");

/// How many small changes are made at random places of the two bundles of the vectors.
const MUTATIONS: u64 = 150;

/// What verifiers must agree on.
#[derive(Debug, PartialEq, Eq)]
struct Opinion {
    valid: bool,
    state: String,
    failed: Vec<String>,
}

impl Opinion {
    fn of(verdict: &Value) -> Self {
        let steps = verdict["steps"].as_array().unwrap();
        let failed = steps.iter().filter(|step| step["result"] == "fail").map(|step| step["number"].as_str().unwrap().into());
        Self {
            valid: verdict["valid"].as_bool().unwrap(),
            state: verdict["state"].as_str().unwrap().into(),
            failed: failed.collect(),
        }
    }
}

fn rust(bundle: &Path, anchor_sha256: &str) -> Value {
    let mut source = verify::open(bundle).unwrap();
    let expectations = verify::Expectations { anchor_sha256: Some(anchor_sha256.parse().unwrap()), ..Default::default() };
    serde_json::from_str(&verify::bundle(source.as_mut(), &expectations).to_json()).unwrap()
}

/// The faults of the steps that only one of two verdicts fails.
fn difference(one: &Value, other: &Value) -> String {
    let failed = |verdict: &Value| -> BTreeMap<String, String> {
        let steps = verdict["steps"].as_array().unwrap().iter().filter(|step| step["result"] == "fail");
        steps.map(|step| (step["number"].to_string(), step["why"].to_string())).collect()
    };
    let (one, other) = (failed(one), failed(other));
    let only = |these: &BTreeMap<String, String>, those: &BTreeMap<String, String>| -> String {
        these
            .iter()
            .filter(|(number, _)| !those.contains_key(*number))
            .map(|(number, why)| format!("\n    {number} {why}"))
            .collect()
    };
    format!("  only the Rust one fails:{}\n  only the other fails:{}\n", only(&one, &other), only(&other, &one))
}

/// The two bundles of the vectors as they stand, under every edit of the vectors, and with random changes.
fn small_bundles() -> Vec<Edited> {
    let bases = ["isp", "audit"].map(|name| Edited::base(name, &Path::new(SCHEMA).join("vectors/bundle").join(name)));
    let mut bundles = edits::vectors(&Path::new(SCHEMA).join("vectors/bundle"), &bases);
    assert!(bundles.len() > 30, "the vectors of bundles are where they were");
    bundles.extend((0..MUTATIONS).map(|seed| bases[usize::from(seed % 3 > 0)].mutated(seed)));
    bundles.extend(bases);
    bundles
}

#[test]
fn the_python_verifier_agrees() {
    let Some(mut python) = Python::start() else { return };
    let mut differences = String::new();
    let mut valid = 0;
    for bundle in small_bundles() {
        let folder = bundle.stored();
        let (ours, theirs) = (rust(folder.path(), &bundle.anchor_sha256), python.verdict(folder.path(), &bundle.anchor_sha256));
        valid += usize::from(ours["valid"] == true);
        if Opinion::of(&ours) != Opinion::of(&theirs) {
            differences += &format!("{}\n{}", bundle.name, difference(&ours, &theirs));
        }
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(valid >= 2, "the bundles as they stand are valid");
}

#[test]
fn the_browser_verifier_agrees() {
    let Some(browser) = Browser::start() else { return };
    browser.open_page(&Path::new(SCHEMA).join("verify.html"));
    let mut differences = String::new();
    for bundle in small_bundles() {
        let folder = bundle.stored();
        let (ours, theirs) = (rust(folder.path(), &bundle.anchor_sha256), browser.verdict(&bundle.files, &bundle.anchor_sha256));
        if Opinion::of(&ours) != Opinion::of(&theirs) {
            differences += &format!("{}\n{}", bundle.name, difference(&ours, &theirs));
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Bundles of a station, folder and zip, each through all three; the page by its own buttons, as a user would.
#[test]
fn all_three_agree_on_what_a_station_issues() {
    let (Some(mut python), Some(browser)) = (Python::start(), Browser::start()) else { return };
    let laboratory = Laboratory::start(208);
    let _crowd = laboratory.crowd(12, Mix::only(Behaviour::Seed));
    let station = Station::ready(&laboratory, Ipv4Addr::new(127, 2, 8, 1));
    station.watch();
    let out = station.beside("bundles");
    let issued = station.yes(["issue", "--by", INVESTIGATOR, "--approver", APPROVER, "--close", "--out", &out]);
    let anchor = station.anchor_sha256();
    for bundle in issued["bundles"].as_array().unwrap() {
        for place in [&bundle["folder"], &bundle["zip"]] {
            let place = Path::new(place.as_str().unwrap());
            let (ours, theirs) = (rust(place, &anchor), python.verdict(place, &anchor));
            assert_eq!(ours["valid"], true, "{ours:#}");
            assert_eq!(Opinion::of(&ours), Opinion::of(&theirs), "{}\n{}", place.display(), difference(&ours, &theirs));
        }
        browser.open_page(&Path::new(SCHEMA).join("verify.html"));
        let shown = browser.shown(Path::new(bundle["zip"].as_str().unwrap()), &anchor);
        assert!(shown.starts_with("This bundle is valid"), "{shown}");
        let shown = browser.shown(Path::new(bundle["zip"].as_str().unwrap()), &"0".repeat(64));
        assert!(shown.starts_with("This bundle is not valid"), "{shown}");
    }
}

/// A command line that says nothing of what it checks is of no use to a script.
#[test]
fn the_python_verifier_has_three_exit_codes() {
    if Python::start().is_none() {
        return;
    }
    let base = Edited::base("isp", &Path::new(SCHEMA).join("vectors/bundle/isp"));
    let folder = base.stored();
    let exit = |words: &[&str]| python::command().arg(format!("{SCHEMA}/verify.py")).args(words).output().unwrap();
    let bundle = folder.path().to_str().unwrap();
    let expected = if rust(folder.path(), &base.anchor_sha256)["valid"] == true { 0 } else { 1 };
    assert_eq!(exit(&[bundle, "--anchor-sha256", &base.anchor_sha256]).status.code(), Some(expected));
    let invalid = exit(&[bundle, "--anchor-sha256", &"0".repeat(64), "--json"]);
    assert_eq!(invalid.status.code(), Some(1));
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(format!("{SCHEMA}/schemas/verdict.json")).unwrap()).unwrap();
    let verdict: Value = serde_json::from_slice(&invalid.stdout).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    assert!(schema.is_valid(&verdict), "{:?}", schema.iter_errors(&verdict).map(|fault| fault.to_string()).collect::<Vec<_>>());
    assert_eq!(exit(&["/nowhere/at/all"]).status.code(), Some(2));
    assert_eq!(exit(&[&format!("{SCHEMA}/verify.md")]).status.code(), Some(2), "a page is no bundle");
}

/// The page holds a copy of the schemas and of the names of the steps, because it reads no other file. It must be a true one.
/// `AFFIANT_WRITE_VECTORS=1` makes it anew.
#[test]
fn the_page_holds_the_schemas_as_they_are() {
    let path = Path::new(SCHEMA).join("verify.html");
    let page = std::fs::read_to_string(&path).unwrap();
    let renewed = browser::with_copies(&page);
    if std::env::var_os("AFFIANT_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &renewed).unwrap();
    } else {
        assert!(page == renewed, "evidence-schema/verify.html is out of date: run this test with AFFIANT_WRITE_VECTORS=1");
    }
    for foreign in ["src=", "href=", "http:", "https:", "import(", "fetch(", "XMLHttpRequest", "WebSocket"] {
        let own_markup: String = page
            .split("<script type=\"application/json\"")
            .enumerate()
            .map(|(i, part)| match part.split_once("</script>") {
                Some((_, rest)) if i > 0 => rest,
                _ => part,
            })
            .collect();
        assert!(!own_markup.contains(foreign), "the page must be whole in itself, and it has '{foreign}'");
    }
    assert!(page.contains("default-src 'none'"), "the page forbids itself the network");
}

/// Each verifier knows the steps of `verify.md` and no others.
#[test]
fn all_know_the_same_steps() {
    let page = std::fs::read_to_string(format!("{SCHEMA}/verify.md")).unwrap();
    let steps: Vec<(&str, &str)> = page.lines().filter_map(|line| line.strip_prefix("### ")?.split_once(' ')).collect();
    let ours: Vec<(&str, &str)> = verify::Check::ALL.iter().map(|check| (check.number(), check.name())).collect();
    assert_eq!(ours, steps);
    let words = std::fs::read_to_string(format!("{SCHEMA}/verify.html")).unwrap();
    for (number, name) in steps {
        assert!(
            words.contains(&format!("\n  \"{number}\": [")),
            "verify.html says nothing in plain words of step {number} {name}"
        );
    }
}
