//! The tag files of a BagIt 1.0 bag (RFC 8493), as bundle.md fixes them.

use std::{collections::BTreeMap, fmt::Write as _};

use evidence::{Date, Digest};

/// `bagit.txt`.
pub const BAGIT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// `bag-info.txt`.
pub fn bag_info(dated: Date, identifier: &str, payload_bytes: u64, payload_files: usize) -> String {
    format!(
        "Bag-Software-Agent: affiant {}\nBagging-Date: {dated}\nExternal-Identifier: {identifier}\nPayload-Oxum: {payload_bytes}.{payload_files}\n",
        env!("CARGO_PKG_VERSION"),
    )
}

/// A manifest: one line a file, sorted by the bytes of the path.
pub fn manifest(files: &BTreeMap<String, Digest>) -> String {
    files.iter().fold(String::new(), |mut text, (path, digest)| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{digest}  {path}");
        text
    })
}
