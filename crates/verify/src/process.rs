//! Step 10: the process report is there and has its form. What it says is derived from the log by its issuer.

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

pub(crate) fn check(source: &mut dyn Source, bag: &Bag, findings: &mut Findings) {
    findings.count(Check::ProcessReport);
    let document = read_whole(source, JSON, MAX_BYTES).and_then(|bytes| {
        serde_json::from_slice::<Document>(&bytes).map_err(|fault| format!("'{JSON}' is not a document: {fault}"))
    });
    match document {
        Err(fault) => findings.fail(Check::ProcessReport, || fault),
        Ok(document) => {
            let mut numbers = document.sections.iter().map(|section| section.number);
            let holds = document.format == DOCUMENT_FORMAT && numbers.clone().is_sorted_by(|a, b| a < b) && numbers.next().is_some();
            if !holds {
                findings.fail(Check::ProcessReport, || format!("'{JSON}' is not of the format {DOCUMENT_FORMAT} with sections in ascending order"));
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
