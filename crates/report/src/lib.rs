//! Reports in print: one [`Document`] as PDF, HTML and JSON.
//!
//! All three are functions of their arguments alone: the same document gives the same bytes, on every machine
//! and in every year. Nothing is calculated here, so the figures in the three are the same.
//!
//! In scope: layout, charts, and showing what strangers wrote so that it can do nothing. Text from outside (a
//! file name, a client's name) is never parsed as markup, and what could hide or reorder its surroundings is
//! shown as a visible escape (see [`inert`]).
//!
//! Out of scope: what a report says (`casework`), and files, clocks and networks. The typesetter is given its
//! fonts and its template from inside this crate; it can open nothing and download nothing.
//!
//! ```
//! use evidence::document::{Block, Document};
//!
//! let document = Document::new("Process report", "November 2026")
//!     .notice("Built to the draft codes, not approved under them.")
//!     .section(1, "Ownership and authority", vec![Block::paragraph("A & B")]);
//! assert!(report::html(&document).contains("<p>A &amp; B</p>"));
//! assert!(report::json(&document).ends_with("}\n"));
//! ```

mod chart;
mod html;
mod inert;
mod json;
#[cfg(feature = "pdf")]
mod pdf;
mod plain;

pub use evidence::document::Document;
pub use html::html;
pub use inert::inert;
pub use json::json;
#[cfg(feature = "pdf")]
pub use pdf::{Attachment, CivilTime, PdfOptions, ReportError, pdf};
