//! The document as PDF, set by typst from a fixed template.
//!
//! The template reads the document as data: no text of it is ever parsed as markup. The file is PDF/A-3a and
//! PDF/UA-1: it holds its fonts, its structure and the JSON that it was set from, and asks for nothing else.

mod coverage;
mod world;

use std::collections::BTreeSet;

use evidence::document::Document;
use typst::diag::SourceDiagnostic;
use typst::foundations::{Datetime, Smart};
use typst_pdf::{PdfStandard, PdfStandards, Timestamp};

use crate::inert::inert;
use crate::plain::with_texts;
use world::Sealed;

/// The name under which every PDF carries the document it was set from.
const DOCUMENT_ATTACHMENT: &str = "document.json";

/// The longest name that an attachment may have.
const ATTACHMENT_NAME_MAX: usize = 100;

/// What a PDF needs beside the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PdfOptions {
    /// What identifies this report for ever; the identifier in the file is derived from it.
    pub ident: String,
    /// When the report was made, UTC. The caller says so, because nothing here reads a clock.
    pub timestamp: CivilTime,
    /// Files to carry within the PDF, beside the document's own JSON.
    pub attachments: Vec<Attachment>,
}

/// A civil date and time, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CivilTime {
    /// The year, from 0 to 9999.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour, from 0.
    pub hour: u8,
    /// The minute, from 0.
    pub minute: u8,
    /// The second, from 0.
    pub second: u8,
}

/// A file within the PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name: letters, digits, `.`, `-` and `_`, not beginning with a dot.
    pub name: String,
    /// What kind of file it is, for instance `text/csv`.
    pub mime_type: String,
    /// What it holds, in plain words.
    pub description: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Why a report was not set.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The caller's timestamp is not a date.
    #[error("the report's timestamp is not a date and time that exists: {0:?}")]
    Timestamp(CivilTime),
    /// The caller's attachment can not be named so.
    #[error("attachment {name:?} {why}")]
    Attachment {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The typesetter refused the template: our fault.
    #[error("the report could not be typeset: {0}")]
    Typeset(String),
}

/// The document as PDF/A: the same document and options give the same bytes.
pub fn pdf(document: &Document, options: PdfOptions) -> Result<Vec<u8>, ReportError> {
    let timestamp = timestamp(options.timestamp)?;
    check_attachments(&options.attachments)?;

    let source = crate::json(document);
    let shown = with_texts(document, &|text| coverage::within_fonts(&inert(text)));
    let mut world = Sealed::new(&shown, &options);
    world.attach(DOCUMENT_ATTACHMENT, source.into_bytes());
    for attachment in options.attachments {
        world.attach(&attachment.name, attachment.bytes);
    }

    let standards = PdfStandards::new(&[PdfStandard::A_3a, PdfStandard::Ua_1])
        .map_err(|error| ReportError::Typeset(error.message().to_string()))?;
    let settings = typst_pdf::PdfOptions {
        ident: Smart::Custom(options.ident),
        timestamp: Some(timestamp),
        standards,
        ..typst_pdf::PdfOptions::default()
    };
    let bytes = typst::compile(&world)
        .output
        .and_then(|pages| typst_pdf::pdf(&pages, &settings))
        .map_err(|faults| ReportError::Typeset(first_fault(&faults)));
    // The typesetter remembers what it has set; reports are far between and the memory would only grow.
    typst::comemo::evict(0);
    bytes
}

fn timestamp(time: CivilTime) -> Result<Timestamp, ReportError> {
    let CivilTime { year, month, day, hour, minute, second } = time;
    Datetime::from_ymd_hms(year.into(), month, day, hour, minute, second)
        .filter(|_| year <= 9999)
        .map(Timestamp::new_utc)
        .ok_or(ReportError::Timestamp(time))
}

fn check_attachments(attachments: &[Attachment]) -> Result<(), ReportError> {
    let mut taken = BTreeSet::from([DOCUMENT_ATTACHMENT]);
    for Attachment { name, mime_type, .. } in attachments {
        let permitted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let fault = |why| Err(ReportError::Attachment { name: name.clone(), why });
        if name.is_empty() || name.starts_with('.') || !name.chars().all(permitted) {
            return fault("must be named with letters, digits, dots, hyphens and underscores only");
        }
        if name.len() > ATTACHMENT_NAME_MAX {
            return fault("has too long a name");
        }
        if !is_mime_type(mime_type) {
            return fault("needs a media type such as text/csv");
        }
        if !taken.insert(name) {
            return fault("bears a name that is taken");
        }
    }
    Ok(())
}

fn is_mime_type(text: &str) -> bool {
    let token = |part: &str| {
        let permitted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
        !part.is_empty() && part.chars().all(permitted)
    };
    text.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

fn first_fault(faults: &[SourceDiagnostic]) -> String {
    let message = faults.first().map_or("no reason given", |fault| fault.message.as_str());
    inert(message)
}

#[cfg(test)]
mod tests;
