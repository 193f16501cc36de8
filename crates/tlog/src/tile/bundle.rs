//! Entry bundles: the leaves of one tile, each after its length as a big-endian `u16`.

use alloc::vec::Vec;
use core::fmt;

use super::path::TILE_WIDTH;

/// Longest entry that a bundle can hold.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Writes a bundle of 1 to 256 entries.
///
/// # Errors
/// If there are too few or too many entries, or one is longer than [`MAX_ENTRY_BYTES`].
pub fn encode_bundle<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, BundleError> {
    if entries.is_empty() || entries.len() > usize::from(TILE_WIDTH) {
        return Err(BundleError::WrongCount);
    }
    let mut bundle = Vec::new();
    for entry in entries {
        let entry = entry.as_ref();
        let length = u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong)?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// Reads a bundle that must hold exactly `width` entries and nothing after them.
///
/// # Errors
/// If the width is not 1 to 256, an entry is cut off, or there are more or fewer entries.
pub fn parse_bundle(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleError> {
    if width == 0 || width > TILE_WIDTH {
        return Err(BundleError::WrongCount);
    }
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bundle;
    while !rest.is_empty() {
        if entries.len() == usize::from(width) {
            return Err(BundleError::WrongCount);
        }
        let (length, tail) = rest.split_first_chunk::<2>().ok_or(BundleError::CutOff)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, tail) = tail.split_at_checked(length).ok_or(BundleError::CutOff)?;
        entries.push(entry);
        rest = tail;
    }
    if entries.len() == usize::from(width) { Ok(entries) } else { Err(BundleError::WrongCount) }
}

/// Why a bundle was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleError {
    /// The bundle does not hold the number of entries it should.
    WrongCount,
    /// The bundle ends inside an entry.
    CutOff,
    /// An entry does not fit its length field.
    EntryTooLong,
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongCount => "the entry bundle does not hold the number of entries it should",
            Self::CutOff => "the entry bundle ends inside an entry",
            Self::EntryTooLong => "a log entry is longer than 65535 bytes",
        })
    }
}

impl core::error::Error for BundleError {}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn bundles_read_back() {
        let longest = vec![7; MAX_ENTRY_BYTES];
        let entries: [&[u8]; 3] = [b"one\n", b"", &longest];
        let bundle = encode_bundle(&entries).unwrap();
        assert_eq!(&bundle[..8], b"\0\x04one\n\0\0");
        assert_eq!(parse_bundle(&bundle, 3).unwrap(), entries);
    }

    #[test]
    fn bad_bundles_are_refused() {
        let two = b"\0\x01a\0\x01b";
        for (bundle, width, error) in [
            (&two[..], 1, BundleError::WrongCount),
            (two, 3, BundleError::WrongCount),
            (two, 0, BundleError::WrongCount),
            (two, 257, BundleError::WrongCount),
            (b"", 1, BundleError::WrongCount),
            (b"\0", 1, BundleError::CutOff),
            (b"\0\x02a", 1, BundleError::CutOff),
            (b"\x01\0a", 1, BundleError::CutOff),
            (b"\0\x01a\0", 2, BundleError::CutOff),
        ] {
            assert_eq!(parse_bundle(bundle, width), Err(error), "{bundle:?} {width}");
        }
        assert_eq!(encode_bundle::<&[u8]>(&[]), Err(BundleError::WrongCount));
        assert_eq!(encode_bundle(&[b"a"; 257]), Err(BundleError::WrongCount));
        assert_eq!(encode_bundle(&[vec![0; MAX_ENTRY_BYTES + 1]]), Err(BundleError::EntryTooLong));
    }
}
