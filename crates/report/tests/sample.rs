//! A whole report of synthetic figures, in every form.
//!
//! The files are left in cargo's folder for tests (`target/tmp/report-sample.*`), to be looked at.

mod fixture;

use std::path::{Path, PathBuf};

#[test]
fn html_and_json_hold_every_section() {
    let document = fixture::process_report();
    let page = report::html(&document);
    keep("html", page.as_bytes());
    let data = report::json(&document);
    keep("json", data.as_bytes());
    for section in &document.sections {
        let heading = format!("<span class=\"number\">{}</span> {}", section.number, section.heading);
        assert_eq!(page.matches(&heading).count(), 2, "in the contents and at its place: {heading}");
        assert!(data.contains(&section.heading));
    }
    assert_eq!(serde_json::from_str::<report::Document>(&data).unwrap(), document);
}

#[cfg(feature = "pdf")]
mod in_print {
    use std::process::Command;

    use report::{CivilTime, Document, PdfOptions, pdf};

    use super::{fixture, keep};

    fn set(document: &Document) -> Vec<u8> {
        let timestamp = CivilTime { year: 2026, month: 12, day: 1, hour: 9, minute: 30, second: 0 };
        let ident = "affiant process report EXAMPLE 2026-11".to_owned();
        pdf(document, PdfOptions { ident, timestamp, attachments: Vec::new() }).unwrap()
    }

    #[test]
    fn the_same_document_gives_the_same_file() {
        let document = fixture::process_report();
        let file = set(&document);
        let path = keep("pdf", &file);
        assert!(file.starts_with(b"%PDF-"));
        assert!(file == set(&document), "two runs differ");

        let mut changed = document.clone();
        changed.sections[0].number += 1;
        assert!(file != set(&changed), "a change is not seen");

        let source = String::from_utf8_lossy(&file);
        for expected in ["pdfaid:part", "pdfuaid:part", "document.json"] {
            assert!(source.contains(expected), "{expected}");
        }
        if let Some(text) = extracted(&path) {
            for section in &document.sections {
                assert!(text.contains(&section.heading), "{}", section.heading);
            }
            assert!(text.contains("page 6 of 6"), "{text}");
            let digest = "7c0e5d1fa0b1c2a49e8d7f6a5b4c3d2e1f00112233445566778899aabbccddee";
            assert!(text.contains(digest), "{text}");
            assert!(text.contains("Not yet produced."), "{text}");
            assert!(text.contains(r"gpj.\u{202e}exe"), "{text}");
            assert!(text.contains("#panic(1) $x$ *b* <i>"), "{text}");
        }
    }

    /// The text of a PDF, if this machine has the tool that reads it.
    fn extracted(path: &std::path::Path) -> Option<String> {
        let output = Command::new("pdftotext").arg(path).arg("-").output().ok()?;
        assert!(output.status.success());
        Some(String::from_utf8(output.stdout).unwrap())
    }
}

fn keep(extension: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-sample").with_extension(extension);
    std::fs::write(&path, bytes).unwrap();
    path
}
