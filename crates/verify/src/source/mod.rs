//! Where a bundle is read from: a folder or a zip archive, both held to the limits of `bundle.md`.

mod folder;
mod zip;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

pub use folder::Folder;
pub use zip::Zip;

/// Most files in a bag.
pub const MAX_FILES: usize = 100_000;
/// Longest file.
pub const MAX_FILE_BYTES: u64 = 1 << 30;
/// All files together.
pub const MAX_TOTAL_BYTES: u64 = 8 << 30;
/// Longest path.
pub const MAX_PATH_BYTES: usize = 200;

/// A bundle that can be read. Implementations promise that no path leads out of the bundle and that a reader
/// ends at the size listed, or with an error.
pub trait Source {
    /// Every file, sorted by the bytes of its path; or why the bundle is refused before any file is read.
    fn list(&mut self) -> Result<Vec<Listed>, Vec<String>>;

    /// Reads one listed file from its start.
    fn open(&mut self, path: &str) -> io::Result<Box<dyn Read + '_>>;
}

/// A file as the source declares it, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Relative to the bundle, with `/`.
    pub path: String,
    /// How long it says it is.
    pub bytes: u64,
}

/// The path does not lead to a bundle at all: there is nothing to give a verdict on.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpen {
    /// Nothing can be read there.
    #[error("cannot read '{path}': {fault}")]
    Unreadable {
        /// The path as given.
        path: String,
        /// What the system said.
        fault: io::Error,
    },
    /// It is neither a folder nor a zip archive.
    #[error("'{path}' is neither a folder nor a zip archive: give the bundle's folder or its .zip")]
    NotABundle {
        /// The path as given.
        path: String,
    },
}

/// Opens a bundle's folder or its `.zip`.
///
/// # Errors
/// [`CannotOpen`] if there is nothing there that could be a bundle.
pub fn open(path: &Path) -> Result<Box<dyn Source>, CannotOpen> {
    let shown = || path.display().to_string();
    let unreadable = |fault| CannotOpen::Unreadable { path: shown(), fault };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Ok(Box::new(Folder::new(path)));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    if !metadata.is_file() || !Zip::looks_like_one(&mut file).map_err(unreadable)? {
        return Err(CannotOpen::NotABundle { path: shown() });
    }
    Ok(Box::new(Zip::new(file)))
}

/// Why a path is not in the one accepted form, or nothing.
pub(crate) fn path_fault(path: &str) -> Option<&'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
    if path.is_empty() || path.len() > MAX_PATH_BYTES {
        return Some("is empty or longer than 200 bytes");
    }
    if !path.bytes().all(allowed) {
        return Some("holds a character other than ASCII letters, digits, '.', '-', '_' and '/'");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("has an empty, '.' or '..' component");
    }
    None
}

/// Applies the limits that both kinds share. `listed` is sorted in place.
fn refuse_excess(listed: &mut [Listed], faults: &mut Vec<String>) {
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    if listed.len() > MAX_FILES {
        faults.push(format!("the bag has more than {MAX_FILES} files"));
    }
    let mut total_bytes = 0_u64;
    for file in listed.iter() {
        total_bytes = total_bytes.saturating_add(file.bytes);
        if let Some(fault) = path_fault(&file.path) {
            faults.push(format!("path '{}' {fault}", file.path));
        }
        if file.bytes > MAX_FILE_BYTES {
            faults.push(format!("'{}' is longer than 1 GiB", file.path));
        }
    }
    if total_bytes > MAX_TOTAL_BYTES {
        faults.push("the files are longer than 8 GiB in all".into());
    }
    for pair in listed.windows(2) {
        if pair[0].path == pair[1].path {
            faults.push(format!("'{}' is there twice", pair[0].path));
        }
    }
}

/// Ends with an error unless the inner reader has exactly the declared number of bytes.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Exactly<R> {
    fn new(inner: R, bytes: u64) -> Self {
        Self { inner, left: bytes }
    }
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        // At the end one byte more is asked for: a file that goes on is another file than the one declared.
        let mut one = [0];
        if self.left == 0 {
            return match self.inner.read(&mut one)? {
                0 => Ok(0),
                _ => Err(io::Error::other("it is longer than its declared size")),
            };
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::Error::other("it is shorter than its declared size"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_form() {
        for good in ["bagit.txt", "data/cirs/202609-00000000-7/cir.json", "data/a_b/...", &"a".repeat(200)] {
            assert_eq!(path_fault(good), None, "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "a//b",
            "a/",
            "./a",
            "a/..",
            "../a",
            "a\\b",
            "C:a",
            "a b",
            "é",
            "a\0",
            "a\n",
            "~",
            &"a".repeat(201),
        ] {
            assert!(path_fault(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn a_reader_ends_where_it_was_declared_to() {
        let read = |bytes: &[u8], declared| {
            let mut read = Vec::new();
            Exactly::new(bytes, declared).read_to_end(&mut read).map(|_| read)
        };
        assert_eq!(read(b"abc", 3).unwrap(), b"abc");
        assert!(read(b"abc", 2).is_err());
        assert!(read(b"abc", 4).is_err());
        assert_eq!(read(b"", 0).unwrap(), b"");
    }
}
