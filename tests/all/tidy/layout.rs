//! The shape of crates and files.

use std::collections::BTreeSet;

use super::{expect_none, tree};

const MAX_LINES: usize = 600;

/// Everything that a monitor may never say to a peer (BEP 3, 6): each would offer or announce content.
const NEVER_SAID: [(&str, &str); 4] = [("Piece", "PIECE"), ("Have", "HAVE"), ("Unchoke", "UNCHOKE"), ("HaveAll", "HAVE_ALL")];

#[test]
fn a_file_has_one_job() {
    let mut found = Vec::new();
    for file in tree::files() {
        let lines = file.text.lines().count();
        let is_ours = file.path.starts_with("crates/") || file.path.starts_with("tests/");
        if is_ours && file.has_suffix(&[".rs"]) && lines > MAX_LINES {
            found.push(format!("{}: {lines} lines", file.path));
        }
    }
    expect_none("split what is longer than 600 lines along its jobs", &found);
}

#[test]
fn a_crate_says_what_it_is_and_is_not() {
    let files = tree::files();
    let crates: BTreeSet<&str> = files.iter().filter_map(tree::File::crate_name).collect();
    let mut found = Vec::new();
    for name in crates {
        let at = |path: &str| files.iter().find(|file| file.path == format!("crates/{name}/src/{path}"));
        let (lib, main) = (at("lib.rs"), at("main.rs"));
        for file in [lib, main].into_iter().flatten() {
            if !file.text.starts_with("//! ") {
                found.push(format!("{} does not begin with //!", file.path));
            }
        }
        let Some(root) = lib.or(main) else {
            found.push(format!("crates/{name} has neither src/lib.rs nor src/main.rs"));
            continue;
        };
        let head: Vec<&str> = root.text.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let head = head.join("\n").to_lowercase();
        for words in ["in scope", "out of scope"] {
            if !head.contains(words) {
                found.push(format!("{} does not say what is {words}", root.path));
            }
        }
    }
    expect_none("a crate's documentation opens with what it is, in scope, out of scope", &found);
}

/// The closed list of what a monitor can say has no word that offers content, and its encoder knows no such number.
#[test]
fn nothing_encodes_a_piece() {
    let files = tree::files();
    let path = "crates/wire/src/message/encode.rs";
    let file =
        files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is gone: the rule needs its new place"));
    let code: Vec<&str> = file.code().into_iter().map(|(_, line)| line).collect();
    let variants = variants(&code, "pub enum Outgoing");
    assert!(variants.contains(&"Request") && variants.contains(&"KeepAlive"), "cannot read the list of {path}: {variants:?}");
    let mut found = Vec::new();
    for (variant, id) in NEVER_SAID {
        if variants.contains(&variant) {
            found.push(format!("{path}: Outgoing::{variant}"));
        }
        let names_id = |line: &&&str| line.match_indices("id::").any(|(at, _)| word(&line[at + 4..]) == id);
        found.extend(code.iter().filter(names_id).map(|line| format!("{path}: {}", line.trim())));
    }
    expect_none("a monitor distributes nothing: it has no way to say these", &found);
}

/// The variants of a formatted enum: what stands four spaces in.
fn variants<'a>(code: &[&'a str], head: &str) -> Vec<&'a str> {
    let body = code.iter().skip_while(|line| !line.starts_with(head)).skip(1).take_while(|line| **line != "}");
    let at_depth_one = body.filter_map(|line| line.strip_prefix("    ")).map(word);
    at_depth_one.filter(|name| !name.is_empty()).collect()
}

/// The identifier that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(text.len());
    &text[..end]
}
