//! Pages and what they point to.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use super::{expect_none, tree};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema's front page lists every page, and no page that is not there.
#[test]
fn the_schema_lists_its_pages() {
    let files = tree::files();
    let front =
        files.iter().find(|file| file.path == "evidence-schema/README.md").expect("evidence-schema/README.md is the front page");
    let linked: BTreeSet<&str> =
        links(&front.text).into_iter().filter(|link| link.ends_with(".md") && !link.contains('/')).collect();
    let pages = files.iter().filter_map(|file| file.path.strip_prefix("evidence-schema/"));
    let there: BTreeSet<&str> =
        pages.filter(|page| page.ends_with(".md") && !page.contains('/') && *page != "README.md").collect();
    let missing = linked.difference(&there).map(|page| format!("{page} is listed and not there"));
    let unlisted = there.difference(&linked).map(|page| format!("{page} is there and not listed"));
    expect_none("evidence-schema/README.md lists every page of the schema", &missing.chain(unlisted).collect::<Vec<_>>());
}

#[test]
fn every_schema_names_its_draft() {
    let mut found = Vec::new();
    for file in tree::files() {
        if !(file.path.starts_with("evidence-schema/schemas/") && file.has_suffix(&[".json"])) {
            continue;
        }
        match serde_json::from_str::<Value>(&file.text) {
            Err(fault) => found.push(format!("{}: {fault}", file.path)),
            Ok(schema) if schema["$schema"] != DRAFT => found.push(format!("{}: $schema is {}", file.path, schema["$schema"])),
            Ok(_) => {}
        }
    }
    expect_none("schemas are JSON and say that they are draft 2020-12", &found);
}

/// Links between pages of the repository lead somewhere.
#[test]
fn links_lead_somewhere() {
    let mut found = Vec::new();
    for file in tree::files() {
        if !file.has_suffix(&[".md"]) {
            continue;
        }
        let folder = tree::root().join(&file.path).parent().map(ToOwned::to_owned).unwrap_or_default();
        for link in links(&file.text) {
            let path = link.split('#').next().unwrap_or_default();
            let is_elsewhere = link.contains("://") || link.starts_with("mailto:") || path.is_empty();
            if !is_elsewhere && !folder.join(path).exists() {
                found.push(format!("{}: {link}", file.path));
            }
        }
    }
    expect_none("a link names a file that is there", &found);
}

/// What the front page tells a newcomer to type exists: scripts, and the program's commands.
#[test]
fn commands_on_the_front_page_exist() {
    let files = tree::files();
    let text = |path: &str| &files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is not there")).text;
    let commands = commands_of(text("crates/affiant/src/args.rs"));
    assert!(commands.contains("watch") && commands.contains("verify"), "cannot read the commands: {commands:?}");
    let mut found = Vec::new();
    for line in fenced_lines(text("README.md")) {
        let words: Vec<&str> = line.trim().trim_start_matches("$ ").split_whitespace().collect();
        let Some(first) = words.first() else { continue };
        let is_script = first.contains('/') && !first.contains("://") && !first.contains("target/");
        if is_script {
            let mode = fs::metadata(tree::root().join(first)).map(|metadata| metadata.permissions().mode());
            if mode.ok().is_none_or(|mode| mode & 0o111 == 0) {
                found.push(format!("'{first}' is not a program that is here"));
            }
        }
        if let Some(arguments) = arguments_of_affiant(&words) {
            let command = arguments.iter().find(|word| word.starts_with(|char: char| char.is_ascii_lowercase()));
            if let Some(command) = command.filter(|command| !commands.contains(**command)) {
                found.push(format!("affiant has no command '{command}': {line}"));
            }
        }
    }
    expect_none("README.md names what can be run", &found);
}

/// The targets of `[text](target)`, outside code.
fn links(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut links = Vec::new();
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        if is_code || line.starts_with("    ") {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target = &line[at + 2..];
            links.extend(target.split_once(')').map(|(target, _)| target));
        }
    }
    links
}

/// The lines of fenced code and of code that is indented.
fn fenced_lines(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if is_code || line.starts_with("    ") {
            lines.push(line);
        }
    }
    lines
}

/// The variants of `pub enum Command`, as typed.
fn commands_of(args: &str) -> BTreeSet<String> {
    let body = args.lines().skip_while(|line| !line.starts_with("pub enum Command")).skip(1).take_while(|line| *line != "}");
    let variants =
        body.filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with(|char: char| char.is_ascii_uppercase()));
    let names = variants.filter_map(|line| line.split(['(', ',', ' ']).next());
    names.map(str::to_ascii_lowercase).chain(["help".into()]).collect()
}

/// The arguments, if the line calls the program, also through cargo.
fn arguments_of_affiant<'a>(words: &'a [&'a str]) -> Option<&'a [&'a str]> {
    let first = words.first()?;
    if *first == "affiant" || first.ends_with("/affiant") {
        return Some(&words[1..]);
    }
    let is_run = words.starts_with(&["cargo", "run"]);
    let dashes = words.iter().position(|word| *word == "--").filter(|_| is_run)?;
    Some(&words[dashes + 1..])
}
