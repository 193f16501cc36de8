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
        check_and_edit(
            Path::new(bundle["folder"].as_str().unwrap()),
            Path::new(&station.beside("edited")),
            &station.anchor_sha256(),
        );
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
    for edit in edits(&page, bundle) {
        let _ = std::fs::remove_dir_all(edited);
        copy_folder(bundle, edited);
        edit.apply(edited);
        let copy = follow(&commands, edited);
        let differing: Vec<&Done> =
            copy.iter().zip(&honest).filter(|(copy, honest)| copy != honest).map(|(copy, _)| copy).collect();
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
    ["sha256sum", "pkeyutl -verify", "grep ", "python3"].iter().any(|part| command.contains(part))
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
    /// The first digit, of whatever base, that stands here or later in the line is edited.
    column: usize,
    /// Commands that must object: what each contains.
    caught_by: &'static [&'static str],
}

impl Edit {
    fn apply(&self, bundle: &Path) {
        let path = bundle.join(&self.file);
        let mut lines: Vec<String> = std::fs::read_to_string(&path).unwrap().split_inclusive('\n').map(String::from).collect();
        let line = lines.get_mut(self.line).unwrap_or_else(|| panic!("{} has no line {}", self.file, self.line));
        let is_digit = |letter: char| letter.is_ascii_alphanumeric();
        let at = self.column + line[self.column..].find(is_digit).unwrap_or_else(|| panic!("no digit in {line}"));
        let digit = if line.as_bytes()[at] == b'7' { "3" } else { "7" };
        line.replace_range(at..=at, digit);
        std::fs::write(path, lines.concat()).unwrap();
    }
}

/// An edit of everything that the page's example rests on. The page says where that is.
fn edits(page: &str, bundle: &Path) -> Vec<Edit> {
    let number = |before, after| between(page, before, after).parse::<usize>().unwrap() - 1;
    let opening = number("sed -n ", "p data/recipient/openings.txt");
    let leaf = number("sed -n ", "p data/shard/leaves.txt");
    let worker = between(page, "grep '^kid ' ", "\n");
    let approver = between(page, "grep '^holder ' ", "\n");
    let issue = between(page, "cir.json | cut -c1-64) ", "\n");
    let cir = format!("data/cirs/{}", between(page, "grep -c $(sha256sum data/cirs/", " |"));
    let checkpoint = between(page, "head -n 3 ", " >");
    let (leaves, anchor) = ("data/shard/leaves.txt".to_string(), "data/trust/anchor.txt".to_string());
    let text = |file: &str| std::fs::read_to_string(bundle.join(file)).unwrap();
    let signature = text(&leaves).lines().nth(leaf).unwrap().rfind(' ').unwrap();
    // The line that begins so, and where in it the key's second half is, whatever the encoding.
    let key = |file: &str, start: &str| {
        let text = text(file);
        let (at, line) = text.lines().enumerate().find(|(_, line)| line.starts_with(start)).unwrap();
        (at, line.len() - 16)
    };
    let kid = key(&worker, "kid ");
    let (worker_key, approver_key) = (key(&worker, "key ed25519 "), key(&approver, "key ed25519 "));
    let (root_key, log_key) = (key(&anchor, "root "), key(&anchor, "log "));
    let edit = |file: &String, (line, column), caught_by| Edit { file: file.clone(), line, column, caught_by };
    vec![
        edit(&"bag-info.txt".into(), (0, 0), &["--quiet tagmanifest"]),
        edit(&"data/recipient/openings.txt".into(), (opening, 100), &["--quiet manifest", "echo $C", "grep -n \" $C \""]),
        edit(&leaves, (leaf, 20), &["| sha256sum", "worker.pem\" -rawin", "python3"]),
        edit(&leaves, (leaf, signature), &["| sha256sum", "worker.pem\" -rawin", "python3"]),
        edit(&worker, worker_key, &["worker.pem\" -rawin", "root.pem\" -rawin", "grep -n \" $(sha256sum"]),
        edit(&worker, kid, &["grep '^kid", "root.pem\" -rawin"]),
        edit(&anchor, root_key, &["sha256sum data/trust/anchor.txt", "root.pem\" -rawin"]),
        edit(&anchor, log_key, &["sha256sum data/trust/anchor.txt", "log.pem\" -rawin"]),
        edit(&checkpoint, (2, 10), &["log.pem\" -rawin", "sed -n 3p"]),
        edit(&issue, (1, 0), &["approver.pem\" -rawin"]),
        edit(&approver, approver_key, &["approver.pem\" -rawin"]),
        edit(&approver, key(&approver, "holder "), &["grep '^holder"]),
        edit(&cir, (0, 100), &["--quiet manifest", "grep -c "]),
    ]
}

/// What stands between two parts of the page, on one line.
fn between(page: &str, before: &str, after: &str) -> String {
    let found = page.match_indices(before).find_map(|(at, _)| {
        let rest = &page[at + before.len()..];
        let end = rest.find(after)?;
        (!rest[..end].contains('\n')).then(|| rest[..end].to_string())
    });
    found.unwrap_or_else(|| panic!("the page has nothing between '{before}' and '{after}':\n{page}"))
}

/// The commands: what is indented, before the list of what is where. The program for python3 is not indented: it goes
/// on to the line that ends its quotes.
fn commands(page: &str) -> Vec<String> {
    let (steps, _) = page.split_once("What is where").unwrap();
    let mut commands: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in steps.lines() {
        match (is_open, line.strip_prefix("    "), commands.last_mut()) {
            (true, _, Some(command)) => {
                command.push('\n');
                command.push_str(line);
            }
            (_, Some(command), _) => commands.push(command.to_string()),
            _ => continue,
        }
        is_open ^= line.matches('"').count() % 2 == 1;
    }
    commands
}

/// Runs the commands in one shell in the bundle's folder, each whatever came of those before.
fn follow(commands: &[String], bundle: &Path) -> Vec<Done> {
    const MARK: &str = "=== done ";
    let script: String = commands.iter().map(|command| format!("{command}\nprintf '\\n{MARK}%s\\n' \"$?\"\n")).collect();
    let output = Command::new("bash").arg("-c").arg(script).current_dir(bundle).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let mut done = Vec::new();
    let mut printed = String::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix(MARK) {
            Some(status) => {
                let command = commands[done.len()].clone();
                done.push(Done { command, succeeded: status.trim() == "0", printed: std::mem::take(&mut printed) });
            }
            None => printed.push_str(line),
        }
    }
    assert_eq!(done.len(), commands.len(), "{}", String::from_utf8_lossy(&output.stderr));
    done
}

/// Whether the tools are there. Without them the test is left out loudly, except in CI, where that is a failure.
fn has_tools() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let missing: Vec<&str> = TOOLS.into_iter().filter(|tool| !folders.iter().any(|folder| folder.join(tool).is_file())).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "not installed: {}", missing.join(", "));
    eprintln!("!!! SKIPPED !!! a bundle cannot be checked by hand without {}", missing.join(", "));
    false
}
