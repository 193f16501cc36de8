//! What operators are given says what the program does: settings, messages and commands.

use std::{collections::BTreeSet, fs, path::Path};

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// The example shows every setting that has a default, and none that is not there.
#[test]
fn the_example_shows_every_setting() {
    let source = text("crates/affiant/src/config.rs");
    let mut settings = BTreeSet::from(["name".to_string()]);
    for (section, head) in [("monitor", "pub struct Monitor {"), ("pace", "pub struct Pace {"), ("dht", "pub struct Dht {")] {
        let body = source.lines().skip_while(|line| *line != head).skip(1).take_while(|line| *line != "}");
        let fields = body.filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'));
        let before = settings.len();
        settings.extend(fields.map(|(field, _)| format!("{section}.{field}")));
        assert!(settings.len() > before, "cannot read '{head}' in config.rs");
    }
    assert_eq!(shown(&text("deploy/affiant.toml")), settings, "deploy/affiant.toml (left) and config.rs (right)");
}

/// The settings in a file, `section.key`.
fn shown(toml: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut settings = BTreeSet::new();
    for line in toml.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((key, _)) = line.split_once(" = ") {
            settings.insert(format!("{section}{key}"));
        }
    }
    settings
}

/// A message that operators search their logs for is one that the program can write.
#[test]
fn alerts_quote_the_program() {
    let sources: String =
        ["fault.rs", "ledger.rs", "recovery.rs"].map(|file| text(&format!("crates/ledger/src/{file}"))).concat();
    let mut quoted = 0;
    for line in text("deploy/ALERTS.md").lines().filter(|line| line.starts_with("| `")) {
        let sign = line.split('`').nth(1).unwrap_or_default();
        if !sign.starts_with("affiant ") {
            assert!(sources.contains(sign), "deploy/ALERTS.md quotes '{sign}', which the ledger does not say");
            quoted += 1;
        }
    }
    assert!(quoted >= 5, "only {quoted} messages found: has the page another shape?");
}

/// The runbook's table of strange pasts quotes the ledger, piece by piece.
#[test]
fn the_runbook_quotes_the_program() {
    let files = ["fault.rs", "ledger.rs", "lock.rs", "recovery.rs", "walk.rs"];
    let sources: String = files.map(|file| text(&format!("crates/ledger/src/{file}"))).concat();
    let runbook = text("deploy/RUNBOOK.md");
    let rows: Vec<&str> = runbook.lines().filter(|line| line.starts_with("| *")).collect();
    assert!(rows.len() >= 8, "only {} rows found: has the page another shape?", rows.len());
    for row in rows {
        let first_column = row.split('|').nth(1).unwrap_or_default();
        for message in first_column.split('*').skip(1).step_by(2) {
            // What stands for a number or a path is left out.
            for piece in message.split(['…']).flat_map(|piece| piece.split(" N ")).flat_map(|piece| piece.split(" M")) {
                let piece = piece.trim();
                assert!(sources.contains(piece), "deploy/RUNBOOK.md quotes '{piece}', which the ledger does not say");
            }
        }
    }
}
