//! The letter in the mail: the labelled lines that desks look for, then the notice in plain words.

use std::fmt::Write as _;

use evidence::Cir;

use super::{
    acns::Retraction,
    addressing::{Addressing, Sender},
    facts,
    shown::{NAME_CHARS, SENTENCE_CHARS, name, sentence, text},
};
use crate::render::notice::notice;

/// The letter that carries a notice.
pub fn letter(cir: &Cir, addressing: &Addressing) -> String {
    let peer = &cir.peer;
    let (number, protocol) = facts::protocol(peer.transport);
    let mut page = Lines::new();
    page.field("Notice ID", text(&cir.uin, NAME_CHARS));
    page.field("Timestamp", cir.session.start);
    page.field("First seen", cir.session.start);
    page.field("Last seen", cir.session.end);
    page.field("IP Address", peer.address.ip());
    page.field("Port", peer.address.port());
    page.field("Protocol", format!("{protocol} (IP protocol {number})"));
    page.field("Port role", facts::port_role(peer.port_role));
    page.field("Direction", facts::direction_words(peer.direction));
    page.field("Observer IP", peer.observer.ip());
    page.field("Observer port", peer.observer.port());
    for hash in [cir.target.v1.map(|hash| hash.to_string()), cir.target.v2.map(|hash| hash.to_string())].into_iter().flatten() {
        page.field("Torrent hash", hash);
    }
    if let Some(client) = &cir.client {
        page.field("Client (claimed)", name(client, NAME_CHARS));
    }
    page.field("Bytes received", cir.session.bytes_received);
    page.field("Bytes verified", cir.session.bytes_verified);
    page.field("Work", sentence(&facts::titles(cir), SENTENCE_CHARS));
    page.field("Owner", text(&cir.owner.name, NAME_CHARS));
    for file in &cir.files {
        page.field("File name", name(&file.path, NAME_CHARS));
        if let Some(title) = facts::title_of(cir, file) {
            page.field("File of work", title);
        }
    }
    page.field("Provider", text(&cir.isp.name, NAME_CHARS));
    if let Some(digest) = facts::report_sha256(cir) {
        page.field("Report SHA-256", digest);
    }
    page.blank();
    page.sender(&addressing.from);
    page.paragraph(
        "The same facts follow as ACNS 2.0 XML, once in this signed text and once as an attachment. Please answer \
         to the mailbox above and name the notice ID.",
    );
    page.0 + "\n" + &notice(cir)
}

/// The letter that carries a retraction.
pub fn retraction_letter(cir: &Cir, addressing: &Addressing, retraction: &Retraction<'_>) -> String {
    let mut page = Lines::new();
    page.paragraph("Retraction of a notice. Please disregard the notice named here and undo what was done because of it.");
    page.blank();
    page.field("Notice ID", text(&cir.uin, NAME_CHARS));
    page.field("Issued at", cir.issued_at);
    page.field("Retracted at", retraction.at);
    page.field("Reason", text(retraction.reason, NAME_CHARS));
    page.field("Timestamp", cir.session.start);
    page.field("IP Address", cir.peer.address.ip());
    page.field("Port", cir.peer.address.port());
    page.field("Provider", text(&cir.isp.name, NAME_CHARS));
    page.blank();
    page.sender(&addressing.from);
    page.paragraph("The notice ID will not be used again.");
    page.0
}

struct Lines(String);

impl Lines {
    fn new() -> Self {
        Self(String::new())
    }

    fn field(&mut self, label: &str, value: impl ToString) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{label}: {}", value.to_string());
    }

    fn blank(&mut self) {
        self.0.push('\n');
    }

    fn paragraph(&mut self, text: &str) {
        self.0.push_str(&crate::render::words::wrapped(text, ""));
    }

    fn sender(&mut self, from: &Sender) {
        self.field("Sent by", text(&from.organisation, NAME_CHARS));
        self.field("Contact", text(&from.contact, NAME_CHARS));
        self.field("Mailbox", &from.mailbox);
        self.field("Address", text(&from.address, NAME_CHARS));
        if let Some(phone) = &from.phone {
            self.field("Telephone", text(phone, NAME_CHARS));
        }
        self.blank();
    }
}
