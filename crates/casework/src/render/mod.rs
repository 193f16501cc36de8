//! The texts of a bundle. Each is a function of its arguments; none of them can act on the terminal that shows it.

pub mod bag;
pub mod capture;
pub mod evidence_text;
pub mod notice;
pub mod readme;
pub mod words;
