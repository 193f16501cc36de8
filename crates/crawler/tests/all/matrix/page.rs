//! The page that is made of the files.

use std::fmt::Write as _;
use std::fs::File;
use std::path::PathBuf;

use swarm::ladder::Means;

use super::cell::{Cell, Kind, words};
use super::due::{Due, Mark, is_writing};
use super::{NAMES, VISITS};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("INTEROPERABILITY.md")
}

/// Writes the page. Clients are measured by several processes at once, and each writes it.
pub fn write() {
    let folder = File::open(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/matrix")).unwrap();
    folder.lock().unwrap();
    std::fs::write(path(), text()).unwrap();
}

#[test]
fn the_page_is_what_the_files_say() {
    if is_writing() {
        return write();
    }
    let page = std::fs::read_to_string(path()).unwrap();
    assert!(page == text(), "write it anew: AFFIANT_WRITE_MATRIX=1 cargo nextest run -p crawler -E 'test(matrix::page)'");
}

/// The page.
fn text() -> String {
    let clients: Vec<Due> = NAMES.iter().map(|name| Due::read(name)).collect();
    let mut text = HEAD.replace("{visits}", &VISITS.to_string());
    let mut notes = Notes::default();
    for kind in Kind::ALL {
        for is_six in [false, true] {
            let _ = write!(text, "\n### {kind}, {}\n\n| client |", if is_six { "IPv6" } else { "IPv4" });
            for means in Means::ALL {
                let _ = write!(text, " {} |", words(means));
            }
            let _ = writeln!(text, "\n|---|{}", "---|".repeat(Means::ALL.len()));
            for client in &clients {
                let _ = write!(text, "| {} {} |", client.name, client.version);
                for means in Means::ALL {
                    let mark = client.mark(&Cell { kind, means, is_six });
                    let _ = write!(text, " {} |", notes.cell(client, mark));
                }
                text.push('\n');
            }
        }
    }
    text + &notes.text()
}

/// What stands below the tables, each once.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn cell(&mut self, client: &Due, mark: Option<&Mark>) -> String {
        match mark {
            None => "not measured".into(),
            Some(Mark::Served(_)) => "served".into(),
            Some(Mark::Not { reason, seen }) => {
                let reason = client.reasons.get(reason).map_or("the reason is not known", String::as_str);
                let note = format!("{}: {reason}. The attempt: *{seen}*.", client.name);
                let known = self.0.iter().position(|known| *known == note);
                let place = known.unwrap_or_else(|| {
                    self.0.push(note);
                    self.0.len() - 1
                });
                format!("— ({})", place + 1)
            }
        }
    }

    fn text(&self) -> String {
        let numbered = self.0.iter().enumerate().map(|(index, note)| format!("{}. {note}\n", index + 1));
        format!("\n### Why a cell is not served\n\n{}", numbered.collect::<String>())
    }
}

const HEAD: &str = "# Interoperability

Which clients the crawler proves, by which means. Written by `AFFIANT_WRITE_MATRIX=1 cargo nextest run -p crawler -E
'test(matrix)'` from what is measured; the same tests, without that variable, fail on every difference.

## Dialled

Each client seeds in a network namespace of its own, set up so that it takes the kind of stream in question and, as far as it
has settings for that, no other. *Served* means that a whole run of the crawler, allowed this one means, was given two blocks
of different pieces that matched the dossier, and that the control visit by the same means was not answered. Each such cell
was visited {visits} times from {visits} addresses that the client had never seen, and served every time. Of every other cell
one attempt was made, and what it came to is told below. *MSE* is Message Stream Encryption, required by the client where it
has that setting.
";
