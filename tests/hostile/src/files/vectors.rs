//! The contract's vectors: what an input of the formats' targets begins with.

use std::fs;
use std::path::PathBuf;

/// The payloads of a folder of vectors, with a name for each; those that are longer than `most` bytes are left out.
pub(crate) fn payloads(folder: &str, most: usize) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|fault| panic!("vectors/{folder}: {fault}"));
    for entry in entries {
        let path = entry.expect("a folder that can be read").path();
        let bytes = fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        // Headers, an empty line, the payload.
        let at = bytes.windows(2).position(|two| two == b"\n\n").map_or(0, |at| at + 2);
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if bytes.len() - at <= most {
            found.push((name, bytes[at..].to_vec()));
        }
    }
    found.sort();
    found
}

/// A file of the vectors as it is.
pub(crate) fn file(path: &str) -> Vec<u8> {
    fs::read(root().join(path)).unwrap_or_else(|fault| panic!("vectors/{path}: {fault}"))
}

pub(crate) fn root() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../evidence-schema/vectors"].iter().collect()
}
