//! A real bundle is checked with the commands that its own `data/README.txt` gives, and with nothing of ours.
//!
//! Every command that checks something must object to at least one copy in which a single digit was edited.

use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
};

use swarmlab::behaviour::{Behaviour, Mix};

use crate::{
    laboratory::Laboratory,
    station::{APPROVER, INVESTIGATOR, Station, copy_folder},
};

/// What the commands need.
const TOOLS: [&str; 11] = ["awk", "base64", "bash", "cut", "grep", "head", "openssl", "python3", "sed", "sha256sum", "xxd"];

/// One command of the page and what came of it.
#[derive(Debug, Clone, PartialEq)]
struct Done {
    command: String,
    succeeded: bool,
    printed: String,
}

#[test]
fn the_readme_checks_a_bundle_and_catches_a_digit() {
    if !has_tools() {
        return;
    }
    let laboratory = Laboratory::start(211);
    let _crowd = laboratory.crowd(10, Mix::only(Behaviour::Seed));
    let station = Station::ready(&laboratory, Ipv4Addr::new(127, 2, 11, 1));
    station.watch();
    let out = station.beside("bundles");
    let issued = station.yes(["issue", "--by", INVESTIGATOR, "--approver", APPROVER, "--out", &out, "--close"]);
    let bundles = issued["bundles"].as_array().unwrap();
    let isp = bundles.iter().find(|bundle| bundle["recipient"] != "audit").unwrap();
    let audit = bundles.iter().find(|bundle| bundle["recipient"] == "audit").unwrap();
    for bundle in [isp, audit] {
        check_and_edit(Path::new(bundle["folder"].as_str().unwrap()), Path::new(&station.beside("edited")), &station.anchor_sha256());
    }
}

fn check_and_edit(bundle: &Path, edited: &Path, anchor_sha256: &str) {
    let page = std::fs::read_to_string(bundle.join("data/README.txt")).unwrap();
    let commands = commands(&page);
    assert!(commands.len() > 25, "{commands:#?}");
    let honest = follow(&commands, bundle);
    for done in &honest {
        assert!(done.succeeded, "{done:#?}");
    }
    expect_what_the_page_says(&page, &honest, anchor_sha256);

    let mut objected = BTreeSet::new();
    for edit in edits(&commands, bundle) {
        let _ = std::fs::remove_dir_all(edited);
        copy_folder(bundle, edited);
        edit.apply(edited);
        let copy = follow(&commands, edited);
        let differing: Vec<&Done> = copy.iter().zip(&honest).filter(|(copy, honest)| copy != honest).map(|(copy, _)| copy).collect();
        for expected in edit.caught_by {
            let is_caught = differing.iter().any(|done| done.command.contains(expected));
            assert!(is_caught, "{}: no command with '{expected}' objects, only {differing:#?}", edit.file);
        }
        objected.extend(differing.into_iter().map(|done| done.command.clone()));
    }
    let checks = honest.iter().filter(|done| is_check(&done.command));
    let blind: Vec<&str> = checks.map(|done| done.command.as_str()).filter(|command| !objected.contains(*command)).collect();
    assert!(blind.is_empty(), "these commands object to none of the edits: {blind:#?}");
}

/// Whether a command's outcome is a check, and not a step on the way to one.
fn is_check(command: &str) -> bool {
    ["sha256sum", "pkeyutl -verify", "grep -", "python3", "grep '^kid"].iter().any(|part| command.contains(part))
}

/// The digests and words that the text of the page promises.
fn expect_what_the_page_says(page: &str, honest: &[Done], anchor_sha256: &str) {
    let printed = |part: &str| {
        let done = honest.iter().find(|done| done.command.contains(part)).unwrap_or_else(|| panic!("no command with {part}"));
        done.printed.trim().to_string()
    };
    assert!(printed("sha256sum data/trust/anchor.txt").starts_with(anchor_sha256));
    for command in ["echo $C", r#"{ printf '\0'; cat "$T/leaf"; } | sha256sum"#] {
        let digest = printed(command)[..64].to_string();
        assert!(page.lines().any(|line| line.trim() == digest), "the page does not name {digest} of {command}");
    }
    let kid = printed("grep '^kid ").replace("kid ", "");
    assert!(printed("grep -n \" $C \"").contains(&kid), "{kid}");
    assert_eq!(honest.iter().filter(|done| done.printed.contains("Signature Verified Successfully")).count(), 4);
    assert_eq!(printed("sed -n 3p data/shard/checkpoints"), printed("python3 -c"));
    assert_eq!(printed("grep -c "), "1");
}

/// One digit edited in one file.
struct Edit {
    file: String,
    /// The line, from 0.
    line: usize,
    /// What stands before the digits in which one is edited.
    after: &'static str,
    /// Commands that must object: what each contains.
    caught_by: &'static [&'static str],
}

impl Edit {
    fn apply(&self, bundle: &Path) {
        let path = bundle.join(&self.file);
        let mut lines: Vec<String> = std::fs::read_to_string(&path).unwrap().split_inclusive('\n').map(String::from).collect();
        let line = lines.get_mut(self.line).unwrap_or_else(|| panic!("{} has no line {}", self.file, self.line));
        let start = line.find(self.after).unwrap_or_else(|| panic!("no '{}' in {line}", self.after)) + self.after.len();
        let at = start + line[start..].find(|letter: char| letter.is_ascii_digit()).unwrap_or_else(|| panic!("no digit in {line}"));
        let digit = if line.as_bytes()[at] == b'7' { "3" } else { "7" };
        line.replace_range(at..=at, digit);
        std::fs::write(path, lines.concat()).unwrap();
    }
}

/// An edit of everything that the page's example rests on, found in the commands themselves.
fn edits(commands: &[String], bundle: &Path) -> Vec<Edit> {
    let word = |command: &str, place: &str| -> String {
        let found = commands.iter().find(|line| line.contains(command)).and_then(|line| {
            line.split([' ', ';', ')', '"']).find(|word| word.contains(place)).map(String::from)
        });
        found.unwrap_or_else(|| panic!("no {place} in a command with {command}"))
    };
    // `sed -n 12p FILE` prints line 12.
    let line = |command: &str| -> usize {
        let number = word(command, "p").trim_end_matches('p').parse::<usize>();
        number.unwrap_or_else(|fault| panic!("{command}: {fault}")) - 1
    };
    let leaf_line = line_of(commands, "> \"$T/leaf\"");
    let note_of = |command: &str| word(command, "data/shard/control/");
    let position = |file: &str, start: &str| {
        let text = std::fs::read_to_string(bundle.join(file)).unwrap();
        text.lines().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start} in {file}"))
    };
    let (worker, approver, issue) = (note_of("worker.pem\""), note_of("approver.pem"), note_of("grep -c"));
    let edit = |file: &str, line: usize, after, caught_by| Edit { file: file.into(), line, after, caught_by };
    let leaves = "data/shard/leaves.txt";
    let anchor = "data/trust/anchor.txt";
    let _ = line;
    vec![
        edit("bag-info.txt", 0, "", &["tagmanifest-sha256.txt"]),
        edit("data/recipient/openings.txt", line_of(commands, "openings.txt"), "{", &["--quiet manifest", "echo $C", "grep -n \" $C \""]),
        // The message, then the signature of the leaf.
        edit(leaves, leaf_line, "affiant.leaf/1 ", &["$T/leaf\"; } | sha256sum", "worker.pem\" -rawin", "python3"]),
        edit(leaves, leaf_line, last_field(bundle, leaves, leaf_line), &["$T/leaf\"; } | sha256sum", "worker.pem\" -rawin", "python3"]),
        edit(&worker, position(&worker, "key ed25519 "), "ed25519 ", &["worker.pem\" -rawin", "root.pem\" -rawin", "grep -n \" $(sha256sum"]),
        edit(&worker, position(&worker, "kid "), "kid ", &["grep '^kid", "root.pem\" -rawin"]),
        edit(anchor, position(anchor, "root "), "+", &["sha256sum data/trust/anchor.txt", "root.pem\" -rawin"]),
        edit(anchor, position(anchor, "log "), "+", &["sha256sum data/trust/anchor.txt", "log.pem\" -rawin"]),
        edit(&word("log.pem\" -rawin", "none").replace("none", ""), 0, "", &[]),
        edit(&issue, 1, "", &["approver.pem\" -rawin"]),
        edit(&approver, position(&approver, "key ed25519 "), "ed25519 ", &["approver.pem\" -rawin"]),
    ]
}
