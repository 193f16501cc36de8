//! The typesetter's world: what it can see, and nothing besides.

use std::collections::BTreeMap;

use evidence::document::{Block, Document};
use serde_json::{Value, json};
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

use super::coverage::FONTS;
use super::{CivilTime, DOCUMENT_ATTACHMENT, PdfOptions};
use crate::chart;
use crate::inert::inert;

const TEMPLATE: &str = include_str!("template.typ");

/// A world without files, packages, network or date: the template, the report's data, the fonts.
pub(super) struct Sealed {
    library: LazyHash<Library>,
    template: Source,
    files: BTreeMap<String, Bytes>,
}

impl Sealed {
    /// A world that holds `document` for the template to read. Its texts are shown as they are.
    pub(super) fn new(document: &Document, options: &PdfOptions) -> Self {
        let mut world = Self {
            library: LazyHash::new(Library::default()),
            template: Source::new(id("/template.typ"), TEMPLATE.to_owned()),
            files: BTreeMap::new(),
        };
        world.put("/report.json", report(document, options).to_string().into_bytes());
        for (at, section) in document.sections.iter().enumerate() {
            for (within, block) in section.blocks.iter().enumerate() {
                if let Block::Chart(chart) = block {
                    world.put(&format!("/chart-{at}-{within}.svg"), chart::svg(chart).into_bytes());
                }
            }
        }
        world
    }

    /// Adds a file for the template to attach.
    pub(super) fn attach(&mut self, name: &str, bytes: Vec<u8>) {
        self.put(&format!("/attached/{name}"), bytes);
    }

    fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), Bytes::new(bytes));
    }
}

/// What the template reads: the document, and what PDF alone needs.
fn report(document: &Document, options: &PdfOptions) -> Value {
    let CivilTime { year, month, day, hour, minute, second } = options.timestamp;
    let own = json!({
        "name": DOCUMENT_ATTACHMENT,
        "mime_type": "application/json",
        "description": "This report as data, with every text exactly as it is",
        "relationship": "source",
    });
    let others = options.attachments.iter().map(|attachment| {
        json!({
            "name": attachment.name,
            "mime_type": attachment.mime_type,
            "description": inert(&attachment.description),
            "relationship": "supplement",
        })
    });
    let descriptions: Vec<Vec<Value>> =
        document.sections.iter().map(|section| section.blocks.iter().map(described).collect()).collect();
    let attachments: Vec<Value> = [own].into_iter().chain(others).collect();
    json!({
        "document": document,
        "descriptions": descriptions,
        "made": format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"),
        "attachments": attachments,
    })
}

fn described(block: &Block) -> Value {
    match block {
        Block::Chart(chart) => chart::description(chart).into(),
        _ => Value::Null,
    }
}

fn id(path: &str) -> FileId {
    let path = VirtualPath::new(path).expect("our own paths are short, plain and within the root");
    RootedPath::new(VirtualRoot::Project, path).intern()
}

impl World for Sealed {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.book
    }

    fn main(&self) -> FileId {
        self.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.template.id() {
            return Ok(self.template.clone());
        }
        Err(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        match id.root() {
            VirtualRoot::Project => self.files.get(id.vpath().get_with_slash()).cloned().ok_or(FileError::AccessDenied),
            VirtualRoot::Package(_) => Err(FileError::AccessDenied),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.fonts.get(index).cloned()
    }

    /// There is no today: a report that knew would differ tomorrow.
    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
