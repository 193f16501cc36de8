//! Words that have no place here.

use super::{expect_none, tree};

/// Whether `word` stands in `line` with no letter, digit or underscore beside it.
fn has_word(line: &str, word: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].bytes().next_back();
        let after = line[at + word.len()..].bytes().next();
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}

#[test]
fn nothing_is_left_to_be_done() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];
    let macros = [concat!("to", "do!"), concat!("unimpl", "emented!"), concat!("db", "g!")];
    let mut found = Vec::new();
    for file in tree::files() {
        if file.has_suffix(&[".rs", ".md", ".toml", ".py", ".sh", "/run"]) {
            let is_bad =
                |line: &str| marks.iter().any(|mark| has_word(line, mark)) || macros.iter().any(|call| line.contains(call));
            found.extend(file.lines_where(is_bad));
        }
    }
    expect_none("finish it, or open an issue; marks and unfinished macros do not land", &found);
}

/// An address and a port are not a person, and readers will quote our identifiers.
#[test]
fn no_word_accuses() {
    let words = [concat!("pir", "ate"), concat!("pir", "acy"), concat!("infr", "inger"), concat!("offen", "der")];
    let mut found = Vec::new();
    for file in tree::files() {
        // The lock file and the licences are other people's words.
        if file.has_suffix(&["Cargo.lock", "LICENSE-APACHE", "LICENSE-MIT"]) {
            continue;
        }
        found.extend(file.lines_where(|line| words.iter().any(|word| line.to_ascii_lowercase().contains(word))));
        if words.iter().any(|word| file.path.to_ascii_lowercase().contains(word)) {
            found.push(format!("{} (its name)", file.path));
        }
    }
    expect_none("say what was seen (peer, address and port, observation), never a word that accuses", &found);
}

/// What works on one machine only does not land.
#[test]
fn no_path_of_one_machine() {
    let folders = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];
    let starts_here = |line: &str, at: usize| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "._-}>)*".contains(before))
    };
    let mut found = Vec::new();
    for file in tree::files() {
        let is_bad = |line: &str| folders.iter().any(|folder| line.match_indices(folder).any(|(at, _)| starts_here(line, at)));
        found.extend(file.lines_where(is_bad));
    }
    expect_none("name files from the root of the repository, or take them as arguments", &found);
}

#[test]
fn a_word_stands_alone() {
    assert!(has_word("// ABC: do it", "ABC") && has_word("ABC", "ABC") && has_word("ABCD ABC", "ABC"));
    assert!(!has_word("mktemp -t x.ABCABC", "ABC") && !has_word("_ABC", "ABC") && !has_word("ABC2", "ABC"));
}
