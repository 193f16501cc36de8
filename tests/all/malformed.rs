//! Malformed input is refused by name and rule, never with a panic, and leaves the station as it was.
//!
//! One table a kind of input; one `check` that knows the program.

mod bundles;
mod files;
mod station_files;
mod trackers;

use crate::station::Station;

/// A command that must be refused: what is wrong, the words, and what the message must hold.
struct Bad<'a> {
    what: &'a str,
    words: Vec<String>,
    /// Names the file, and then the rule.
    said: [&'a str; 2],
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Every command is refused as its line says, and nothing is logged. All that differ are shown, not only the first.
#[track_caller]
fn check(station: &Station, table: &[Bad<'_>]) {
    let entries = station.yes(["status"])["entries"].clone();
    let mut found = Vec::new();
    for bad in table {
        let ran = station.run(&bad.words);
        let is_named = bad.said.iter().all(|part| ran.stderr.contains(part));
        let error = serde_json::from_str::<serde_json::Value>(&ran.stdout).ok().map(|answer| answer["error"].is_string());
        if ran.code != Some(2) || !is_named || error != Some(true) {
            found.push(format!("{}, expected {:?}: {ran}", bad.what, bad.said));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(station.yes(["status"])["entries"], entries, "a refused command logged something");
    station.assert_sound();
}
