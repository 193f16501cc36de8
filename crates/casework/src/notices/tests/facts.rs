//! Every fact that the forms share, read back from each by a parser that is not ours.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use evidence::{Cir, Transport, sha256};
use roxmltree::{Document, Node};
use serde_json::Value;

use super::generated::{CASES, addressing, cir};
use crate::{
    notices::{Retraction, acns_retraction, acns_xml, letter, report_id, shown, xarf_json},
    render::notice::notice,
};

#[test]
fn all_forms_say_the_same() {
    for seed in 0..CASES {
        let (cir, addressing) = (cir(seed), addressing(seed));
        let xml = acns_xml(&cir, &addressing);
        let document = Document::parse(&xml).unwrap();
        let acns = Acns(document.root_element());
        let xarf: Value = serde_json::from_str(&xarf_json(&cir, &addressing)).unwrap();
        let letter = letter(&cir, &addressing);
        // The labelled lines end where the notice begins.
        let (head, page) = letter.split_once("COPYRIGHT INFRINGEMENT REPORT\n").unwrap();
        let lines = pairs(head.lines());
        assert!(notice(&cir).ends_with(page), "the letter holds the notice word for word");

        let notes = pairs(acns.text("Notes").split("; "));
        let figures = pairs(acns.text("Verification/Notes").split("; "));
        let protocol = if cir.peer.transport == Transport::Tcp { ("6", "TCP") } else { ("17", "UDP") };
        let extra = |name: &str| plain(&xarf[name]);
        for (fact, record, said) in [
            ("uin", cir.uin.clone(), vec![acns.text("Case/ID"), extra("uin"), lines["Notice ID"].clone()]),
            (
                "seen",
                cir.session.start.to_string(),
                vec![acns.text("Source/TimeStamp"), extra("timestamp"), lines["Timestamp"].clone()],
            ),
            (
                "first",
                cir.session.start.to_string(),
                vec![acns.text("Content/Item/TimeStamp"), extra("first_seen"), lines["First seen"].clone()],
            ),
            (
                "last",
                cir.session.end.to_string(),
                vec![acns.attribute("Content/Item/AlsoSeen", "End"), extra("last_seen"), lines["Last seen"].clone()],
            ),
            (
                "address",
                cir.peer.address.ip().to_string(),
                vec![acns.text("Source/IP_Address"), extra("source_identifier"), lines["IP Address"].clone()],
            ),
            (
                "port",
                cir.peer.address.port().to_string(),
                vec![acns.text("Source/Port"), extra("source_port"), lines["Port"].clone()],
            ),
            ("protocol", protocol.0.into(), vec![acns.text("Source/Protocol"), extra("ip_protocol")]),
            ("protocol", format!("{} (IP protocol {})", protocol.1, protocol.0), vec![lines["Protocol"].clone()]),
            (
                "observer",
                cir.peer.observer.ip().to_string(),
                vec![notes["Observer IP"].clone(), extra("destination_ip"), lines["Observer IP"].clone()],
            ),
            (
                "observer port",
                cir.peer.observer.port().to_string(),
                vec![notes["Observer port"].clone(), extra("destination_port"), lines["Observer port"].clone()],
            ),
            (
                "role",
                format!("{:?}", cir.peer.port_role).to_lowercase(),
                vec![notes["Port role"].clone(), extra("source_port_role"), lines["Port role"].clone()],
            ),
            (
                "direction",
                format!("{:?}", cir.peer.direction).to_lowercase(),
                vec![extra("direction"), word(&notes["Direction"]), word(&lines["Direction"])],
            ),
            ("issued", cir.issued_at.to_string(), vec![notes["Issued at"].clone(), extra("issued_at")]),
            (
                "received",
                cir.session.bytes_received.to_string(),
                vec![figures["Bytes received"].clone(), extra("bytes_received"), lines["Bytes received"].clone()],
            ),
            (
                "verified",
                cir.session.bytes_verified.to_string(),
                vec![
                    figures["Bytes verified"].clone(),
                    extra("bytes_verified"),
                    plain(&xarf["peer_info"]["upload_amount"]),
                    lines["Bytes verified"].clone(),
                ],
            ),
            (
                "blocks",
                cir.session.blocks_verified.to_string(),
                vec![figures["Blocks verified"].clone(), extra("blocks_verified")],
            ),
            (
                "digest",
                cir_sha256(&cir),
                vec![
                    acns.text("Detection/VerificationID").replace("sha256:", ""),
                    extra("report_sha256"),
                    lines["Report SHA-256"].clone(),
                ],
            ),
            ("owner", shown::text(&cir.owner.name, 240), vec![acns.text("Complainant/Entity"), lines["Owner"].clone()]),
            ("provider", shown::text(&cir.isp.name, 240), vec![acns.text("Service_Provider/Entity"), lines["Provider"].clone()]),
            (
                "mailbox",
                addressing.from.mailbox.to_string(),
                vec![
                    acns.text("Complainant/Email"),
                    plain(&xarf["reporter"]["contact"]),
                    plain(&xarf["sender"]["contact"]),
                    lines["Mailbox"].clone(),
                ],
            ),
            ("works", lines["Work"].clone(), vec![acns.text("Detection/Asset/OriginalAssetName")]),
        ] {
            for said in said {
                assert_eq!(said, record, "seed {seed}: {fact}");
            }
        }
        hashes(&cir, &acns, &xarf, &head.lines().collect::<Vec<_>>());
        files(&cir, &acns, head);
        client(&cir, &acns, &xarf, &lines);
        statements(&cir, &acns, page);
        assert_eq!(plain(&xarf["report_id"]), report_id(&cir));
        let payload = STANDARD.decode(plain(&xarf["evidence"][0]["payload"])).unwrap();
        assert_eq!(String::from_utf8(payload.clone()).unwrap(), notice(&cir));
        assert_eq!(plain(&xarf["evidence"][0]["hash"]), format!("sha256:{}", sha256(&payload)));
    }
}

fn hashes(cir: &Cir, acns: &Acns<'_, '_>, xarf: &Value, lines: &[&str]) {
    let magnet = plain(&xarf["swarm_info"]["magnet_uri"]);
    let (v1, v2) = (cir.target.v1.map(|hash| hash.to_string()), cir.target.v2.map(|hash| hash.to_string()));
    let in_item = v1.clone().or(v2.clone()).unwrap();
    assert_eq!(acns.text("Content/Item/Hash"), in_item);
    assert_eq!(acns.attribute("Content/Item/Hash", "Type"), if v1.is_some() { "SHA1" } else { "SHA256" });
    if let Some(v1) = v1 {
        assert_eq!(plain(&xarf["swarm_info"]["info_hash"]), v1);
        assert!(lines.contains(&format!("Torrent hash: {v1}").as_str()));
    }
    if let Some(v2) = v2 {
        assert_eq!(magnet, format!("magnet:?xt=urn:btmh:1220{v2}"));
        assert!(lines.contains(&format!("Torrent hash: {v2}").as_str()));
        assert!(acns.text("Notes").contains(&format!("Torrent hash SHA256: {v2}")));
    }
}

fn files(cir: &Cir, acns: &Acns<'_, '_>, head: &str) {
    let items: Vec<Node<'_, '_>> = acns.0.descendants().filter(|node| node.has_tag_name((NAMESPACE, "Item"))).collect();
    assert_eq!(items.len(), if cir.files.is_empty() { cir.works.len() } else { cir.files.len() });
    for (item, file) in items.iter().zip(&cir.files) {
        let name = shown::name(&file.path, 240);
        assert_eq!(Acns(*item).text("FileName"), name);
        assert_eq!(Acns(*item).text("FileSize"), file.bytes.to_string());
        let title = shown::text(&cir.works.iter().find(|work| work.mandate == file.work).unwrap().work.title, 240);
        assert_eq!(Acns(*item).text("Title"), title);
        assert!(head.contains(&format!("\nFile name: {name}\nFile of work: {title}\n")));
    }
}

fn client(cir: &Cir, acns: &Acns<'_, '_>, xarf: &Value, lines: &BTreeMap<String, String>) {
    assert_eq!(acns.attribute("Source/SubType", "BaseType"), "P2P");
    assert_eq!(acns.attribute("Source/SubType", "Protocol"), "BITTORRENT");
    assert_eq!(acns.text("Source/Type"), "BitTorrent");
    match &cir.client {
        Some(client) => {
            assert_eq!(acns.attribute("Source/SubType", "Application"), shown::name(client, 240));
            assert_eq!(lines["Client (claimed)"], shown::name(client, 240));
            assert_eq!(plain(&xarf["peer_info"]["client_version"]), shown::name(client, 100));
        }
        None => {
            assert_eq!(acns.attribute("Source/SubType", "Application"), "");
            assert!(xarf["peer_info"]["client_version"].is_null() && !lines.contains_key("Client (claimed)"));
        }
    }
}

fn statements(cir: &Cir, acns: &Acns<'_, '_>, page: &str) {
    let unbroken = page.replace('\n', " ");
    let bodies: Vec<String> = acns.0.descendants().filter(|node| node.has_tag_name((NAMESPACE, "Body"))).map(text_of).collect();
    for statement in [&cir.infringement_statement, &cir.consent_statement] {
        assert!(bodies.contains(statement) && unbroken.contains(statement.as_str()));
    }
}

#[test]
fn a_retraction_names_the_case_and_repeats_no_statement() {
    for seed in 0..200 {
        let (cir, addressing) = (cir(seed), addressing(seed));
        let retraction = Retraction { at: cir.issued_at.plus_ms(1), reason: "the clock was found to be wrong" };
        let xml = acns_retraction(&cir, &addressing, &retraction);
        let document = Document::parse(&xml).unwrap();
        let acns = Acns(document.root_element());
        assert_eq!(acns.text("Case/ID"), cir.uin);
        assert_eq!(acns.attribute("History/Notice", "ID"), cir.uin);
        assert_eq!(acns.attribute("Type", "Retraction"), "true");
        assert_eq!(acns.attribute("Type", "Comments"), retraction.reason);
        assert_eq!(acns.text("Source/Port"), cir.peer.address.port().to_string());
        assert!(!xml.contains("Declarations") && !xml.contains("HashMatched") && !xml.contains("appears"));
    }
}

#[test]
fn the_layout_is_the_one_that_plain_readers_take() {
    for seed in 0..CASES {
        let xml = acns_xml(&cir(seed), &addressing(seed));
        let mut lines = xml.lines();
        assert_eq!(lines.next(), Some("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
        assert_eq!(lines.next(), Some("<Infringement xmlns=\"http://www.acns.net/ACNS\">"));
        assert!(xml.is_ascii() && xml.ends_with("</Infringement>\n") && !xml.contains("schemaVersion"));
        assert!(lines.all(|line| line.trim_start().starts_with('<') && line.ends_with('>')), "seed {seed}");
    }
}

#[test]
fn one_record_gives_one_text() {
    let (cir, addressing) = (cir(3), addressing(3));
    assert_eq!(acns_xml(&cir, &addressing), acns_xml(&cir.clone(), &addressing.clone()));
    assert_eq!(xarf_json(&cir, &addressing), xarf_json(&cir.clone(), &addressing.clone()));
    let id = report_id(&cir);
    assert_eq!((id.len(), &id[14..15]), (36, "8"));
    assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
}

const NAMESPACE: &str = "http://www.acns.net/ACNS";

/// An element of the notice, read by path.
struct Acns<'a, 'input>(Node<'a, 'input>);

impl<'a, 'input> Acns<'a, 'input> {
    fn at(&self, path: &str) -> Option<Node<'a, 'input>> {
        path.split('/').try_fold(self.0, |node, name| node.children().find(|child| child.has_tag_name((NAMESPACE, name))))
    }

    fn text(&self, path: &str) -> String {
        text_of(self.at(path).unwrap_or_else(|| panic!("no {path}")))
    }

    fn attribute(&self, path: &str, name: &str) -> String {
        self.at(path).unwrap_or_else(|| panic!("no {path}")).attribute(name).unwrap_or_default().to_string()
    }
}

fn text_of(node: Node<'_, '_>) -> String {
    node.text().unwrap_or_default().to_string()
}

/// `label: value` of each line; no label may be said twice in different ways.
fn pairs<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    for (label, value) in lines.filter_map(|line| line.split_once(": ")) {
        let earlier = pairs.insert(label.to_string(), value.to_string());
        let may_repeat = matches!(label, "Torrent hash" | "File name" | "File of work");
        assert!(earlier.is_none() || may_repeat, "{label} stands twice");
    }
    pairs
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn word(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_string()
}

fn cir_sha256(cir: &Cir) -> String {
    sha256(format!("{}\n", evidence::canonical::to_text(cir).unwrap()).as_bytes()).to_string()
}
