//! The page that is made of the files.

use std::fmt::Write as _;
use std::path::PathBuf;

use swarm::ladder::Means;

use super::cell::{Cell, Kind, way, words};
use super::due::{Due, Mark, Section, is_writing};
use super::{NAMES, VISITS};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("INTEROPERABILITY.md")
}

/// Writes the page.
pub fn write() {
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
    let (mut text, mut notes) = (HEAD.replace("{visits}", &VISITS.to_string()), Notes::default());
    for kind in Kind::ALL {
        for is_six in [false, true] {
            let name = |means| Cell { kind, means, is_six }.to_string();
            let _ = write!(text, "\n### {kind}, {}\n\n", family(is_six));
            table(&mut text, &mut notes, &clients, Section::Dialled, name);
        }
    }
    text.push_str(CALLS);
    for is_six in [false, true] {
        let _ = write!(text, "\n### To a listener at an address of {}\n\n", family(is_six));
        table(&mut text, &mut notes, &clients, Section::Calls, |means| way(means, is_six));
    }
    text + &notes.text()
}

fn family(is_six: bool) -> &'static str {
    if is_six { "IPv6" } else { "IPv4" }
}

fn table(text: &mut String, notes: &mut Notes, clients: &[Due], section: Section, name: impl Fn(Means) -> String) {
    let heads = Means::ALL.map(|means| format!(" {} |", words(means))).concat();
    let _ = writeln!(text, "| client |{heads}\n|---|{}", "---|".repeat(Means::ALL.len()));
    for client in clients {
        let cells = Means::ALL.map(|means| format!(" {} |", notes.cell(client, section, client.mark(section, &name(means)))));
        let _ = writeln!(text, "| {} {} |{}", client.name, client.version, cells.concat());
    }
}

/// What stands below the tables, each once.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn cell(&mut self, client: &Due, section: Section, mark: Option<&Mark>) -> String {
        match mark {
            None => "not measured".into(),
            Some(Mark::Yes(_)) => if section == Section::Dialled { "served" } else { "received" }.into(),
            Some(Mark::No { reason, seen }) => {
                let reason = client.reasons.get(reason).map_or("the reason is not known", String::as_str);
                let attempt = if section == Section::Dialled { "The attempt" } else { "What came" };
                let note = format!("{}: {reason}. {attempt}: *{seen}*.", client.name);
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
        format!("\n## Why not\n\n{}", numbered.collect::<String>())
    }
}

const HEAD: &str = "# Interoperability

Which clients the crawler proves, by which means. Written by `AFFIANT_WRITE_MATRIX=1 cargo nextest run -p crawler -E
'test(matrix)'` from what is measured; the same tests, without that variable, fail on every difference.

## Dialled

Each client seeds in a network namespace of its own, set up so that it takes the kind of stream in question and, as far as it
has settings for that, no other. *Served* means that a whole run of the crawler, allowed this one means, was given two blocks
of different pieces that matched the dossier, and that the control visit by the same means was not answered. Each such cell
was visited {visits} times from {visits} addresses that the client had never seen, and served every time. A
visit may take a second contact, as in any run: libtorrent, by its source, fails one MSE handshake in 256. Of every other cell
one attempt was made, and what it came to is told below. *MSE* is Message Stream Encryption, required by the client where it
has that setting.
";

const CALLS: &str = "
## Calling

The same clients, in the same setups, are named a listener of the crawler's by their tracker. *Received* means that the client
called it by this means and was probed: one that seeds (Transmission, qBittorrent, Deluge, libtorrent, webtorrent) was proved by
blocks on its own call, one that has nothing (rtorrent, aria2, librqbit) gave its handshake. The port it calls from is recorded
as ephemeral.
";
