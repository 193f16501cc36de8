//! `report.xarf.json`: XARF 4.2, category `copyright`, type `p2p`.
//!
//! Members beyond the schema are allowed at the top level only, and carry what it has no place for. A
//! `confidence` is recommended and left out: a number nobody measured would be a false statement.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use evidence::{Cir, TargetIds, mandate::Nature, sha256};
use serde_json::{Map, Value, json};

use super::{
    addressing::Addressing,
    facts,
    identifiers::report_id,
    shown::{name, sentence, text},
};
use crate::render::notice::notice;

// The schema's own limits, in characters.
const ORGANISATION_CHARS: usize = 200;
const CLIENT_CHARS: usize = 100;
const TITLE_CHARS: usize = 500;
const DESCRIPTION_CHARS: usize = 1000;
/// The schema's limit on one piece of evidence.
const MAX_EVIDENCE_BYTES: usize = 5_242_880;

/// The report.
pub fn xarf_json(cir: &Cir, addressing: &Addressing) -> String {
    let from = &addressing.from;
    let contact = |organisation: &str| {
        json!({
            "org": text(organisation, ORGANISATION_CHARS),
            "contact": from.mailbox.as_str(),
            "domain": from.mailbox.domain(),
        })
    };
    let mut report = json!({
        "xarf_version": "4.2.0",
        "report_id": report_id(cir),
        "timestamp": cir.session.start,
        "reporter": contact(&cir.owner.name),
        "sender": contact(&from.organisation),
        "source_identifier": cir.peer.address.ip().to_string(),
        "category": "copyright",
        "type": "p2p",
        "p2p_protocol": "bittorrent",
        "evidence_source": "automated_crawl",
        "detection_method": "automated_crawl",
        "description": sentence(&cir.description, DESCRIPTION_CHARS),
        "work_title": sentence(&facts::titles(cir), TITLE_CHARS),
        "rights_holder": text(&cir.owner.name, ORGANISATION_CHARS),
        "work_category": work_category(cir),
        "swarm_info": swarm(&cir.target),
        "peer_info": peer(cir),
        "evidence": evidence(cir),
        "tags": ["copyright:p2p", "protocol:bittorrent"],
    });
    if let Value::Object(members) = &mut report {
        // Port 0 is nobody's, and outside the schema's range.
        if cir.peer.address.port() > 0 {
            members.insert("source_port".into(), json!(cir.peer.address.port()));
        }
        members.extend(beyond_the_schema(cir));
    }
    format!("{report:#}\n")
}

/// What an ISP needs and the schema does not name.
fn beyond_the_schema(cir: &Cir) -> Map<String, Value> {
    let (number, protocol) = facts::protocol(cir.peer.transport);
    let extra = json!({
        "uin": text(&cir.uin, TITLE_CHARS),
        "report_sha256": facts::report_sha256(cir),
        "issued_at": cir.issued_at,
        "first_seen": cir.session.start,
        "last_seen": cir.session.end,
        "clock_error_ms": cir.session.error_ms,
        "ip_protocol": number,
        "ip_protocol_name": protocol,
        "transport": facts::transport(cir.peer.transport),
        "source_port_role": facts::port_role(cir.peer.port_role),
        "direction": facts::direction(cir.peer.direction),
        "destination_ip": cir.peer.observer.ip().to_string(),
        "destination_port": cir.peer.observer.port(),
        "bytes_received": cir.session.bytes_received,
        "bytes_verified": cir.session.bytes_verified,
        "blocks_verified": cir.session.blocks_verified,
        "info_hash_v2": cir.target.v2,
        "limits": facts::LIMITS,
    });
    let Value::Object(mut members) = extra else { return Map::new() };
    members.retain(|_, value| !value.is_null());
    members
}

/// The schema takes a version 1 hash; a version 2 hash goes into a magnet link, as a multihash (0x12 is SHA-256
/// and 0x20 its length).
fn swarm(target: &TargetIds) -> Value {
    let mut members = Map::new();
    if let Some(v1) = target.v1 {
        members.insert("info_hash".into(), json!(v1));
    }
    if let Some(v2) = target.v2 {
        members.insert("magnet_uri".into(), json!(format!("magnet:?xt=urn:btmh:1220{v2}")));
    }
    Value::Object(members)
}

/// What the peer sent: only the bytes that were compared count as uploaded.
fn peer(cir: &Cir) -> Value {
    let mut members = Map::new();
    members.insert("upload_amount".into(), json!(cir.session.bytes_verified));
    if let Some(client) = &cir.client {
        members.insert("client_version".into(), json!(name(client, CLIENT_CHARS)));
    }
    Value::Object(members)
}

/// The notice in plain words, which names the UIN.
fn evidence(cir: &Cir) -> Value {
    let page = notice(cir);
    if page.len() > MAX_EVIDENCE_BYTES {
        return json!([]);
    }
    json!([{
        "content_type": "text/plain; charset=utf-8",
        "description": text(&format!("Notice {} in plain words", cir.uin), TITLE_CHARS),
        "payload": STANDARD.encode(&page),
        "hash": format!("sha256:{}", sha256(page.as_bytes())),
        "size": page.len(),
    }])
}

/// The schema's closed list; `other` where it has no exact place or the works differ.
fn work_category(cir: &Cir) -> &'static str {
    let category = |nature: Nature| match nature {
        Nature::SoundRecording | Nature::MusicalWork => "music",
        Nature::Film => "movie",
        Nature::TvProgramme => "tv_show",
        Nature::Software => "software",
        Nature::Game => "game",
        // A book may be an e-book or be read aloud, and an image has no place.
        Nature::Book | Nature::Image => "other",
    };
    let mut categories = cir.works.iter().map(|work| category(work.work.nature));
    let Some(first) = categories.next() else { return "other" };
    if categories.all(|next| next == first) { first } else { "other" }
}
