//! What several forms say in the same words. One place says it, so that no two forms can differ.

use evidence::{Cir, Digest, Direction, Encryption, PortRole, Transport, cir::CirFile, mandate::PostalAddress};

use super::shown::{NAME_CHARS, text};

/// What no form leaves unsaid.
pub(super) const LIMITS: &str = "This describes what was received from the address and port stated, at the times stated. It shows connections and not a person.";

/// SHA-256 of `cir.json`, which the approver signed; absent only for a report that has no canonical form and so
/// is never issued.
pub(super) fn report_sha256(cir: &Cir) -> Option<Digest> {
    evidence::canonical::to_text(cir).ok().map(|text| evidence::sha256(format!("{text}\n").as_bytes()))
}

/// The IP protocol number (IANA) and its name.
pub(super) fn protocol(transport: Transport) -> (u8, &'static str) {
    match transport {
        Transport::Tcp => (6, "TCP"),
        Transport::Utp => (17, "UDP"),
    }
}

pub(super) fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Utp => "utp",
    }
}

pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Outgoing => "outgoing",
        Direction::Incoming => "incoming",
    }
}

/// Who dialled, spelt out for a reader who matches logs.
pub(super) fn direction_words(direction: Direction) -> &'static str {
    match direction {
        Direction::Outgoing => "outgoing (the observer dialled the peer)",
        Direction::Incoming => "incoming (the peer dialled the observer)",
    }
}

pub(super) fn port_role(role: PortRole) -> &'static str {
    match role {
        PortRole::Listening => "listening",
        PortRole::Ephemeral => "ephemeral",
    }
}

pub(super) fn encryption(encryption: Encryption) -> &'static str {
    match encryption {
        Encryption::None => "none",
        Encryption::MseFailed => "mse-failed",
        Encryption::MsePlain => "mse-plain",
        Encryption::MseRc4 => "mse-rc4",
    }
}

/// How the address was found; a peer that dialled needed no finding.
pub(super) fn sources(cir: &Cir) -> String {
    let words: Vec<&str> = cir.sources.iter().map(|source| source.word()).collect();
    match (words.is_empty(), cir.peer.direction) {
        (false, _) => words.join(", "),
        (true, Direction::Incoming) => "the peer dialled the observer".into(),
        (true, Direction::Outgoing) => "not recorded".into(),
    }
}

/// The titles of all works, in the record's order.
pub(super) fn titles(cir: &Cir) -> String {
    cir.works.iter().map(|work| text(&work.work.title, NAME_CHARS)).collect::<Vec<_>>().join("; ")
}

/// The title of the work that a file holds.
pub(super) fn title_of(cir: &Cir, file: &CirFile) -> Option<String> {
    cir.works.iter().find(|work| work.mandate == file.work).map(|work| text(&work.work.title, NAME_CHARS))
}

/// A postal address on one line.
pub(super) fn postal(address: &PostalAddress) -> String {
    let lines = address.lines.iter().map(String::as_str);
    let rest = [&address.locality, &address.postcode, &address.country].map(String::as_str);
    lines.chain(rest).map(|line| text(line, NAME_CHARS)).collect::<Vec<_>>().join(", ")
}

/// `label: value; label: value`. A semicolon inside a value is escaped, so that no value can add a pair.
pub(super) struct Pairs(Vec<String>);

impl Pairs {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn with(mut self, label: &str, value: impl ToString) -> Self {
        self.0.push(format!("{label}: {}", value.to_string().replace(';', "\\u{3b}")));
        self
    }

    /// The pair only if there is a value.
    pub(super) fn with_some(self, label: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(label, value),
            None => self,
        }
    }

    pub(super) fn line(self) -> String {
        self.0.join("; ")
    }
}
