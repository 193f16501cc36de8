//! Files that strangers hand in: tables of networks, parts of bundles, whole bundles, and what a log publishes.

pub(crate) mod bundle;
pub(crate) mod notes;
pub(crate) mod records;
pub(crate) mod registers;
pub(crate) mod tables;
pub(crate) mod transcript;
pub(crate) mod vectors;
