//! `notice.acns.xml`: the `Infringement` of ACNS 2.0 version 1.2, laid out as receivers read it.
//!
//! The schema's order is strict. Its element and attribute names are its own, and are not ours to choose.

use evidence::{
    Cir, Transport, Utc,
    cir::{CirFile, CirWork},
    mandate::Nature,
};

use super::{
    addressing::Addressing,
    facts::{self, Pairs},
    shown::{NAME_CHARS, SENTENCE_CHARS, name, sentence, text},
    xml::Xml,
};

const NAMESPACE: &str = "http://www.acns.net/ACNS";

/// The withdrawal of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retraction<'a> {
    /// When it was withdrawn, from the signed note.
    pub at: Utc,
    /// Why, in the words of the signed note.
    pub reason: &'a str,
}

/// The notice.
pub fn acns_xml(cir: &Cir, addressing: &Addressing) -> String {
    let mut xml = start(cir, addressing, "Open");
    xml.value("Notes", notes(cir).line());
    xml.value_with("Type", &[("Retraction", "false")], "INFRINGEMENT");
    detection(&mut xml, cir);
    verification(&mut xml, cir);
    declarations(&mut xml, cir);
    xml.finish()
}

/// The retraction of a notice. It names the same connection and content, so that a desk can find what it
/// retracts, and repeats none of the statements made then.
pub fn acns_retraction(cir: &Cir, addressing: &Addressing, retraction: &Retraction<'_>) -> String {
    let mut xml = start(cir, addressing, "Closed");
    let issued = cir.issued_at.to_string();
    xml.open("History", &[]);
    xml.value_with("Notice", &[("ID", &text(&cir.uin, NAME_CHARS)), ("TimeStamp", &issued)], "Retracted");
    xml.close();
    let reason = text(retraction.reason, NAME_CHARS);
    let withdrawn = Pairs::new().with("Retracted at", retraction.at).with("Reason", &reason);
    xml.value("Notes", withdrawn.line());
    xml.value_with("Type", &[("Retraction", "true"), ("Comments", &reason)], "INFRINGEMENT");
    xml.finish()
}

fn start(cir: &Cir, addressing: &Addressing, status: &str) -> Xml {
    let mut xml = Xml::new();
    xml.open("Infringement", &[("xmlns", NAMESPACE)]);
    xml.open("Case", &[]);
    xml.value("ID", text(&cir.uin, NAME_CHARS));
    xml.value("Status", status);
    xml.value("Severity", "Normal");
    xml.close();
    complainant(&mut xml, cir, addressing);
    xml.open("Service_Provider", &[]);
    xml.value("Entity", text(&cir.isp.name, NAME_CHARS));
    if let Some(asn) = cir.attribution.asn {
        xml.value("Contact", format!("Abuse desk, AS{asn}"));
    }
    xml.value("Email", &addressing.to);
    xml.close();
    source(&mut xml, cir);
    content(&mut xml, cir);
    xml
}

/// The owner, reached through whoever sends the notice.
fn complainant(xml: &mut Xml, cir: &Cir, addressing: &Addressing) {
    let from = &addressing.from;
    xml.open("Complainant", &[]);
    xml.value("Entity", text(&cir.owner.name, NAME_CHARS));
    xml.value("Contact", format!("{}, {}", text(&from.contact, NAME_CHARS), text(&from.organisation, NAME_CHARS)));
    xml.value("Address", facts::postal(&cir.owner.address));
    if let Some(phone) = &from.phone {
        xml.value("Phone", text(phone, NAME_CHARS));
    }
    xml.value("Email", &from.mailbox);
    xml.close();
}

fn source(xml: &mut Xml, cir: &Cir) {
    let peer = &cir.peer;
    xml.open("Source", &[]);
    // The first byte of the first verified block: a moment at which packets were exchanged between both ends.
    xml.value("TimeStamp", cir.session.start);
    xml.value("IP_Address", peer.address.ip());
    xml.value("Port", peer.address.port());
    xml.value("Protocol", facts::protocol(peer.transport).0);
    if let Some(prefix) = &cir.attribution.prefix {
        xml.value("IP_Block", text(prefix, NAME_CHARS));
    }
    xml.value("Type", "BitTorrent");
    let application = cir.client.as_ref().map(|client| name(client, NAME_CHARS));
    let mut attributes = vec![("BaseType", "P2P"), ("Protocol", "BITTORRENT")];
    attributes.extend(application.as_deref().map(|application| ("Application", application)));
    xml.empty("SubType", &attributes);
    xml.value("Number_Files", cir.files.len());
    xml.close();
}

/// One item for each file, or for each work where the record names no file.
fn content(xml: &mut Xml, cir: &Cir) {
    xml.open("Content", &[]);
    for file in &cir.files {
        let work = cir.works.iter().find(|work| work.mandate == file.work);
        item(xml, cir, work, Some(file));
    }
    if cir.files.is_empty() {
        for work in &cir.works {
            item(xml, cir, Some(work), None);
        }
        if cir.works.is_empty() {
            item(xml, cir, None, None);
        }
    }
    xml.close();
}

fn item(xml: &mut Xml, cir: &Cir, work: Option<&CirWork>, file: Option<&CirFile>) {
    let (first, last) = (cir.session.start.to_string(), cir.session.end.to_string());
    xml.open("Item", &[]);
    xml.value("TimeStamp", &first);
    xml.empty("AlsoSeen", &[("Start", &first), ("End", &last)]);
    if let Some(work) = work {
        xml.value("Title", text(&work.work.title, NAME_CHARS));
    }
    xml.value("FileName", file.map_or("not recorded".into(), |file| name(&file.path, NAME_CHARS)));
    if let Some(file) = file {
        xml.value("FileSize", file.bytes);
    }
    if let Some(work) = work {
        xml.value("Type", work.work.nature.words());
        if let Some(kind) = explicit_type(work.work.nature) {
            xml.value("ExplicitType", kind);
        }
    }
    // A file takes one hash; the second of a hybrid torrent is in the notes.
    match (cir.target.v1, cir.target.v2) {
        (Some(v1), _) => xml.value_with("Hash", &[("Type", "SHA1")], v1),
        (None, Some(v2)) => xml.value_with("Hash", &[("Type", "SHA256")], v2),
        (None, None) => {}
    }
    xml.close();
}

/// The schema's closed list; what has no exact place in it is left to `Type`.
fn explicit_type(nature: Nature) -> Option<&'static str> {
    match nature {
        Nature::SoundRecording | Nature::MusicalWork => Some("Music"),
        Nature::Film => Some("Movie"),
        Nature::Software => Some("Software"),
        Nature::Game => Some("Game"),
        Nature::Book => Some("Document"),
        Nature::Image => Some("Image"),
        Nature::TvProgramme => None,
    }
}

/// What a desk needs to match a flow record, in labelled pairs.
fn notes(cir: &Cir) -> Pairs {
    let peer = &cir.peer;
    let carrier = match peer.transport {
        Transport::Tcp => "tcp",
        Transport::Utp => "utp (over UDP)",
    };
    let pairs = Pairs::new()
        .with("Observer IP", peer.observer.ip())
        .with("Observer port", peer.observer.port())
        .with("Direction", facts::direction_words(peer.direction))
        .with("Port role", facts::port_role(peer.port_role))
        .with("Transport", carrier)
        .with("Encryption", facts::encryption(peer.encryption));
    let pairs = match cir.session.error_ms {
        Some(ms) => pairs.with("Clock error", format!("at most {ms} ms")),
        None => pairs.with("Clock error", "not known (laboratory)"),
    };
    // A session may hold several connections to one port of the peer; ours differs from one to the next.
    let several =
        (cir.session.observations > 1).then(|| format!("that of the first of {} observations", cir.session.observations));
    pairs
        .with_some("Observer port is", several)
        .with("Address found by", facts::sources(cir))
        .with_some("Network", cir.attribution.asn.map(|asn| format!("AS{asn}")))
        .with_some("Torrent hash SHA256", cir.target.v2)
        .with("Issued at", cir.issued_at)
        .with("To be sent by", cir.deadlines.last)
}

fn detection(xml: &mut Xml, cir: &Cir) {
    xml.open("Detection", &[]);
    xml.open("Asset", &[]);
    xml.value("OriginalAssetName", sentence(&facts::titles(cir), SENTENCE_CHARS));
    if let [work] = &cir.works[..]
        && let Some((scheme, identifier)) = work.work.identifiers.first_key_value()
    {
        xml.value_with("OriginalAssetID", &[("type", &text(scheme, NAME_CHARS))], text(identifier, NAME_CHARS));
    }
    xml.close();
    xml.value("HashMatched", cir.session.blocks_verified > 0);
    let identity = facts::report_sha256(cir).map_or_else(|| text(&cir.uin, NAME_CHARS), |digest| format!("sha256:{digest}"));
    xml.value("VerificationID", identity);
    xml.close();
}

fn verification(xml: &mut Xml, cir: &Cir) {
    let session = &cir.session;
    let figures = Pairs::new()
        .with("Bytes received", session.bytes_received)
        .with("Bytes verified", session.bytes_verified)
        .with("Blocks verified", session.blocks_verified)
        .with("Pieces verified", session.pieces_verified)
        .with("Observations", session.observations)
        .with("Content bytes sent by the observer", session.piece_bytes_sent)
        .with("Corroborated by another session or vantage", if session.corroborated { "yes" } else { "no" });
    xml.open("Verification", &[]);
    xml.value("Notes", figures.line());
    xml.close();
}

fn declarations(xml: &mut Xml, cir: &Cir) {
    declaration(xml, "Infringement", sentence(&cir.infringement_statement, SENTENCE_CHARS));
    declaration(xml, "Consent", sentence(&cir.consent_statement, SENTENCE_CHARS));
    let authority = Pairs::new()
        .with("Reference", text(&cir.authority.reference, NAME_CHARS))
        .with("From", cir.authority.from)
        .with("To", cir.authority.to)
        .with("Document SHA-256", cir.authority.document_sha256);
    declaration(xml, "Authority", authority.line());
    if let Some(agent) = &cir.agent {
        let agent = Pairs::new().with("Name", text(&agent.name, NAME_CHARS)).with("Address", facts::postal(&agent.address));
        declaration(xml, "Agent", agent.line());
    }
    for (number, file) in (1..).zip(&cir.files) {
        let file = Pairs::new()
            .with("Item", number)
            .with("File SHA-256", file.sha256)
            .with("Found to contain", text(&file.contains, NAME_CHARS));
        declaration(xml, "File", file.line());
    }
    let procedure = Pairs::new()
        .with("Rules", text(&cir.profile, NAME_CHARS))
        .with("Release SHA-256", cir.release_sha256)
        .with("Configuration SHA-256", cir.config_sha256)
        .with("Log", text(&cir.log, NAME_CHARS))
        .with_some("First entry", cir.evidence.first().map(|entry| entry.index))
        .with_some("First leaf", cir.evidence.first().map(|entry| entry.leaf))
        .with_some("Report SHA-256", facts::report_sha256(cir));
    declaration(xml, "Procedure", procedure.line());
    declaration(xml, "Limits", facts::LIMITS.into());
}

fn declaration(xml: &mut Xml, kind: &str, body: String) {
    xml.open("Declarations", &[]);
    xml.value("Type", kind);
    xml.value("Body", body);
    xml.close();
}
