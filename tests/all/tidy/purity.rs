//! Clocks, files, networks, threads and order by chance, where they may not be.
//!
//! Each pure crate's `.clippy.toml` bans the same; a text is what a reader of a pull request can check.

use super::{expect_none, tree};

/// Crates whose output is a function of their arguments.
const PURE: [&str; 6] = ["casework", "evidence", "swarm", "tlog", "verify", "wire"];

/// Files of pure crates that open what the user names: how their paths begin, and the reason.
const READERS: [(&str, &str); 2] = [
    ("crates/verify/src/main.rs", "the auditor's program is handed a path and prints the verdict"),
    ("crates/verify/src/source/", "the one place that opens a bundle's folder or zip"),
];

/// Crates that run on tokio, whose timers they may use.
const SHELL: [&str; 4] = ["affiant", "crawler", "swarmlab", "witness"];

const BANNED: [&str; 9] =
    ["HashMap", "HashSet", "std::env", "std::fs", "std::net::Tcp", "std::net::Udp", "std::process", "std::thread", "tokio"];

#[test]
fn one_file_reads_clocks() {
    let mut found = Vec::new();
    for file in tree::files() {
        // The laboratory plays other people's programs, which have clocks of their own.
        if !file.is_shipped_rust() || file.path == "crates/affiant/src/clock.rs" || file.crate_name() == Some("swarmlab") {
            continue;
        }
        let is_shell = file.crate_name().is_some_and(|name| SHELL.contains(&name));
        for (number, line) in file.code() {
            // Tokio's timers need its instant, spelt out in full so that it is not taken for an observation's time.
            let line = if is_shell { line.replace("tokio::time::Instant::now", "") } else { line.to_string() };
            let reads = ["SystemTime::now", "Instant::now", "Timestamp::now"].iter().any(|call| line.contains(call));
            if reads || (!is_shell && line.contains("tokio::time")) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    expect_none(
        "only crates/affiant/src/clock.rs reads clocks: take a `Now` as an argument (timers: `tokio::time::…` in full)",
        &found,
    );
}

#[test]
fn pure_crates_are_pure() {
    let mut found = Vec::new();
    for file in tree::files() {
        let is_pure = file.crate_name().is_some_and(|name| PURE.contains(&name));
        if !is_pure || !file.is_shipped_rust() || READERS.iter().any(|(reader, _)| file.path.starts_with(reader)) {
            continue;
        }
        let code = file.code();
        for (number, line) in &code {
            if BANNED.iter().any(|banned| line.contains(banned)) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
        // `use std::{fs, …}` says the same as `use std::fs`.
        let whole: Vec<&str> = code.iter().map(|(_, line)| *line).collect();
        for path in grouped_imports(&whole.join("\n")) {
            if BANNED.iter().any(|banned| path.starts_with(banned)) {
                found.push(format!("{}: {path} in a grouped use", file.path));
            }
        }
    }
    expect_none("a pure crate is handed time, bytes and chance, and keeps what it holds in order", &found);
}

#[test]
fn the_exceptions_are_needed() {
    let files = tree::files();
    for (path, reason) in READERS {
        let is_there =
            files.iter().any(|file| file.path.starts_with(path) && file.code().iter().any(|(_, line)| line.contains("std::")));
        assert!(is_there, "{path} needs no exception any more: {reason}");
    }
}

/// The paths below `std::{…}`, with nested groups written out.
fn grouped_imports(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, head) in code.match_indices("std::{") {
        expand("std::", &code[at + head.len()..], &mut paths);
    }
    paths
}

/// Writes out the items of a group up to its closing brace; returns how many bytes they took.
fn expand(prefix: &str, group: &str, paths: &mut Vec<String>) -> usize {
    let (mut start, mut at) = (0, 0);
    while let Some(byte) = group.as_bytes().get(at) {
        match byte {
            b'{' => {
                let nested = format!("{prefix}{}", group[start..at].trim());
                at += 1 + expand(&nested, &group[at + 1..], paths);
                start = at + 1;
            }
            b',' | b'}' => {
                let item = group.get(start..at).unwrap_or_default().trim();
                if !item.is_empty() {
                    paths.push(format!("{prefix}{item}"));
                }
                if *byte == b'}' {
                    return at;
                }
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    at
}

#[test]
fn grouped_imports_are_written_out() {
    let code =
        "use std::{\n    collections::{BTreeMap, HashMap},\n    fs,\n    net::{IpAddr, TcpStream as Stream},\n};\nuse a::{b};";
    let paths = [
        "std::collections::BTreeMap",
        "std::collections::HashMap",
        "std::fs",
        "std::net::IpAddr",
        "std::net::TcpStream as Stream",
    ];
    assert_eq!(grouped_imports(code), paths);
}
