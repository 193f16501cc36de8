//! `notice.txt`: a report in plain words. It says what was received from a connection, and names no person.

use std::fmt::Write as _;

use evidence::{
    Cir, Direction, Encryption, PortRole, Transport,
    mandate::{Party, PostalAddress},
};

use super::words::{count, inert, quoted, wrapped};
use crate::{cirs::MOST_FILES_IN_WORDS, eligibility::LABORATORY_PROFILE};

/// A laboratory's report begins with this line, and no other does.
pub const LABORATORY_LINE: &str = "LABORATORY REPORT: simulated peers, synthetic content, nobody's notice";

/// The notice.
pub fn notice(cir: &Cir) -> String {
    let mut page = Page(String::new());
    if cir.profile == LABORATORY_PROFILE {
        page.line(LABORATORY_LINE);
        page.line("");
    }
    page.line("COPYRIGHT INFRINGEMENT REPORT");
    page.line("");
    page.field("Unique identifier", &cir.uin);
    page.field("Issued at", &cir.issued_at.to_string());
    page.field("To", &format!("{} ({})", inert(&cir.isp.name), cir.isp.id));
    page.field("To be sent by", &format!("{} (target {})", cir.deadlines.last, cir.deadlines.target));

    page.heading("Who reports");
    page.party("Copyright owner", &cir.owner);
    if let Some(agent) = &cir.agent {
        page.party("Reporting agent", agent);
    }
    page.field("Authority", &format!("{}, {} to {}", inert(&cir.authority.reference), cir.authority.from, cir.authority.to));
    page.field("Authority SHA-256", &cir.authority.document_sha256.to_string());

    page.heading("The work");
    for work in &cir.works {
        page.field("Title", &inert(&work.work.title));
        page.field("Nature", work.work.nature.words());
        for (scheme, identifier) in &work.work.identifiers {
            page.field("Identifier", &format!("{} {}", inert(scheme), inert(identifier)));
        }
        page.field("Mandate", &format!("{}, note {}", inert(&work.mandate), work.mandate_sha256));
    }

    page.heading("Statements");
    page.text(&cir.infringement_statement);
    page.text(&cir.consent_statement);
    page.heading("What was observed");
    page.text(&cir.description);

    page.heading("The connection");
    connection(&mut page, cir);
    page.heading("The session");
    session(&mut page, cir);
    page.heading("The content");
    content(&mut page, cir);
    page.heading("How the address was attributed");
    attribution(&mut page, cir);
    page.heading("Procedure");
    page.field("Rules", &inert(&cir.profile));
    page.field("Investigator", &inert(&cir.investigator));
    page.field("Approver", &inert(&cir.approver));
    page.field("Release SHA-256", &cir.release_sha256.to_string());
    page.field("Configuration SHA-256", &cir.config_sha256.to_string());
    page.field("Log", &cir.log);
    for reference in &cir.evidence {
        let what = if reference.control { "Control visit" } else { "Observation" };
        page.field(what, &format!("entry {}, leaf {}", reference.index, reference.leaf));
    }
    closing(&mut page, cir);
    page.0
}

fn connection(page: &mut Page, cir: &Cir) {
    let peer = &cir.peer;
    page.field("IP address", &peer.address.ip().to_string());
    let role = match peer.port_role {
        PortRole::Listening => "a listening port: the monitor dialled it",
        PortRole::Ephemeral => "an ephemeral port: the peer dialled the monitor from it",
    };
    page.field("Port", &format!("{} ({role})", peer.address.port()));
    let transport = match peer.transport {
        Transport::Tcp => "TCP (IP protocol 6)",
        Transport::Utp => "UDP (IP protocol 17), carrying the micro transport protocol of BitTorrent",
    };
    page.field("Transport", transport);
    page.field("Protocol", &cir.protocol);
    let sources: Vec<&str> = cir.sources.iter().map(|source| source.word()).collect();
    let found = match (sources.is_empty(), peer.direction) {
        (true, Direction::Incoming) => "the peer dialled the monitor".to_string(),
        (true, Direction::Outgoing) => "not recorded".to_string(),
        (false, _) => sources.join(", "),
    };
    page.field("Address found by", &found);
    page.field("Observer", &peer.observer.to_string());
    let encryption = match peer.encryption {
        Encryption::None => "none",
        Encryption::MseFailed => "message stream encryption that came to nothing",
        Encryption::MsePlain => "message stream encryption, handshake only",
        Encryption::MseRc4 => "message stream encryption with RC4",
    };
    page.field("Encryption", encryption);
    page.field(
        "Client",
        &cir.client.as_ref().map_or("none claimed".into(), |client| format!("{} (as claimed, not verified)", quoted(client))),
    );
}

fn session(page: &mut Page, cir: &Cir) {
    let session = &cir.session;
    page.field("First verified byte", &session.start.to_string());
    page.field("Last verified byte", &session.end.to_string());
    let error = session.error_ms.map_or("not known (laboratory)".into(), |ms| format!("at most {ms} ms either way"));
    page.field("Clock error", &error);
    page.field("Observations", &session.observations.to_string());
    page.field(
        "Blocks verified",
        &format!("{} from {}", session.blocks_verified, count(u64::from(session.pieces_verified), "piece", "pieces")),
    );
    page.field("Bytes verified", &session.bytes_verified.to_string());
    page.field("Bytes received", &session.bytes_received.to_string());
    page.field("Content bytes sent", &session.piece_bytes_sent.to_string());
    page.field("Corroborated", if session.corroborated { "yes, by another session or vantage" } else { "no" });
    for run in &session.runs {
        page.field("Run", &run.to_string());
    }
}

fn content(page: &mut Page, cir: &Cir) {
    if let Some(v1) = cir.target.v1 {
        page.field("Info-hash, version 1", &v1.to_string());
    }
    if let Some(v2) = cir.target.v2 {
        page.field("Info-hash, version 2", &v2.to_string());
    }
    for file in cir.files.iter().take(MOST_FILES_IN_WORDS) {
        page.field("File", &quoted(&file.path));
        page.field("Found to contain", &inert(&file.contains));
        page.field("Length in bytes", &file.bytes.to_string());
        page.field("SHA-256", &file.sha256.to_string());
        page.field("Work", &inert(&file.work));
    }
    if cir.files.len() > MOST_FILES_IN_WORDS {
        page.field("More files", &format!("{}, listed in cir.json", cir.files.len() - MOST_FILES_IN_WORDS));
    }
}

fn attribution(page: &mut Page, cir: &Cir) {
    let attribution = &cir.attribution;
    page.field("Network", &attribution.asn.map_or("none".into(), |asn| format!("AS{asn}")));
    page.field("Prefix", attribution.prefix.as_deref().unwrap_or("none"));
    page.field("Service", "fixed line, qualifying, by the register on that day");
    // The register is the last of the tables that an observation names.
    for table in attribution.tables.iter().filter(|table| **table != cir.isp.register_sha256) {
        page.field("Table", &table.to_string());
    }
    page.field("Register", &cir.isp.register_sha256.to_string());
}

fn closing(page: &mut Page, cir: &Cir) {
    page.heading("What this shows");
    page.text(
        "Between the two addresses and the two times above, over as many connections as there are observations, the monitor asked for \
         parts of the content and received them, and each part that it counts lies in a work named above and was found to be the \
         content by its digest. The monitor compared the digests with those of a reference copy; the copy's digests are in the \
         auditor's bundle, where they can be compared again, and not in this one. The observer's address and port are those of the first connection.",
    );
    page.heading("What this does not show");
    page.text(
        "It shows connections and not a person. It does not show who used the connection, who holds the line, what else was done \
         over it, or anything before the first and after the last of the times above. The name of the client is what the peer \
         claimed. Addresses that were only named by trackers, by other peers or by the distributed hash table are not evidence and \
         are never reported.",
    );
    page.heading("Known error rates");
    page.text("They are stated in section 8 of the process report in this bundle, with what has not been measured.");
    page.heading("How to check it");
    page.text(&format!(
        "The record is in data/cirs/{}/evidence.txt with the commands to check it; data/README.txt says how to check the bundle. Both \
         need only openssl, xxd and the usual text tools. What is compared in the end is one digest, that of \
         data/trust/anchor.txt, which must be had from elsewhere.",
        cir.uin
    ));
}

struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn heading(&mut self, text: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "\n{text}\n{}\n", "-".repeat(text.len()));
    }

    fn field(&mut self, label: &str, value: &str) {
        let _ = writeln!(self.0, "{label:<22} {value}");
    }

    fn text(&mut self, text: &str) {
        self.0.push_str(&wrapped(text, ""));
    }

    fn party(&mut self, label: &str, party: &Party) {
        self.field(label, &inert(&party.name));
        self.field("Registered address", &postal(&party.address));
    }
}

fn postal(address: &PostalAddress) -> String {
    let lines = address.lines.iter().map(|line| inert(line));
    let rest = [&address.locality, &address.postcode, &address.country].map(|line| inert(line));
    lines.chain(rest).collect::<Vec<_>>().join(", ")
}
