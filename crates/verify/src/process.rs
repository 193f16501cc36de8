//! Step 10: the process report is there, has its form and names no peer. Its figures are for issuing again to compare.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use evidence::document::{DOCUMENT_FORMAT, Document};

use crate::{
    bag::{Bag, read_whole},
    findings::Findings,
    place::Place,
    source::Source,
    steps::Check,
};

const JSON: &str = "data/process-report.json";
const HTML: &str = "data/process-report.html";
const MAX_BYTES: u64 = 64 << 20;
/// Always these; one without machinery says so.
const SECTIONS: u32 = 16;

pub(crate) fn check(source: &mut dyn Source, bag: &Bag, findings: &mut Findings) {
    findings.count(Check::ProcessReport);
    let document = read_whole(source, JSON, MAX_BYTES).and_then(|bytes| {
        serde_json::from_slice::<Document>(&bytes).map_err(|fault| format!("'{JSON}' is not a document: {fault}"))
    });
    match document {
        Err(fault) => findings.fail(Check::ProcessReport, || fault),
        Ok(document) => {
            let numbers = document.sections.iter().map(|section| section.number);
            if document.format != DOCUMENT_FORMAT || !numbers.eq(1..=SECTIONS) || document.notices.is_empty() {
                findings.fail(Check::ProcessReport, || {
                    format!(
                        "'{JSON}' is not of the format {DOCUMENT_FORMAT} with sections 1 to {SECTIONS} and the notice of page one"
                    )
                });
            }
        }
    }
    let starts = |source: &mut dyn Source, path: &str, with: &[&[u8]]| {
        let mut head = [0; 15];
        let read = source.open(path).and_then(|mut reader| std::io::Read::read_exact(&mut reader, &mut head));
        read.is_ok() && with.iter().any(|with| head.to_ascii_lowercase().starts_with(with))
    };
    if !starts(source, HTML, &[b"<!doctype html"]) {
        findings.fail(Check::ProcessReport, || format!("'{HTML}' is not an HTML document"));
    }
    if let Some((path, _)) = bag.places().find(|(_, place)| *place == Place::Pdf)
        && !starts(source, path, &[b"%pdf-"])
    {
        findings.fail(Check::ProcessReport, || format!("'{path}' is not a PDF document"));
    }
}

/// It holds no address of a peer, as far as the bundle's own openings tell which those are.
pub(crate) fn check_addresses(source: &mut dyn Source, peers: &BTreeSet<IpAddr>, findings: &mut Findings) {
    for path in [JSON, HTML] {
        let Ok(bytes) = read_whole(source, path, MAX_BYTES) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let words = text.split(|character: char| !(character.is_ascii_hexdigit() || matches!(character, '.' | ':' | '[' | ']')));
        let address = |word: &str| word.parse::<IpAddr>().ok().or_else(|| word.parse::<SocketAddr>().ok().map(|end| end.ip()));
        let named = words.filter_map(|word| address(word.trim_end_matches(['.', ':']))).any(|ip| peers.contains(&ip));
        findings.check(Check::ProcessReport, !named, || format!("'{path}' holds the address of a peer"));
    }
}
