//! A node of the tree, and the three hashes that make one.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::canonical::{parse_base64, parse_hex, to_base64};

/// A SHA-256 digest: of a leaf, of a node or of a whole tree. Shown as lowercase hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Standard base64 with padding, 44 characters, as checkpoints and proofs spell it.
    #[must_use]
    pub fn to_base64(&self) -> String {
        to_base64(&self.0)
    }

    /// Reads what [`Hash::to_base64`] writes and nothing else.
    ///
    /// # Errors
    /// [`BadHash`] unless the text is canonical base64 of 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, BadHash> {
        // Forty-four characters are all that 32 bytes can take; longer text is not worth decoding.
        if text.len() != 44 {
            return Err(BadHash);
        }
        let bytes = parse_base64(text).ok_or(BadHash)?;
        bytes.try_into().map(Self).map_err(|_| BadHash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        parse_hex(text).map(Self).ok_or(BadHash)
    }
}

/// The text is not a hash in its one spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadHash;

impl fmt::Display for BadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not a SHA-256 hash in canonical form")
    }
}

impl core::error::Error for BadHash {}

/// Hash of a leaf: SHA-256(0x00 ‖ leaf). RFC 6962, section 2.1.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(leaf).finalize().into())
}

/// Hash of a node: SHA-256(0x01 ‖ left ‖ right). RFC 6962, section 2.1.
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// Root of the tree without leaves: SHA-256 of nothing. RFC 6962, section 2.1.
#[must_use]
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn the_empty_root_is_the_digest_of_nothing() {
        assert_eq!(empty_root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn both_spellings_read_back() {
        let hash = leaf_hash(b"");
        assert_eq!(hash.to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
    }

    #[test]
    fn other_spellings_are_refused() {
        let hex = leaf_hash(b"").to_string();
        for bad in [hex.to_uppercase(), hex[1..].to_string(), hex.clone() + "0", String::new()] {
            assert_eq!(bad.parse::<Hash>(), Err(BadHash), "{bad:?}");
        }
        let base64 = leaf_hash(b"").to_base64();
        // The last character before the padding carries two unused bits, which must be zero.
        let stray_bits = base64[..42].to_string() + "1=";
        for bad in [&base64[..43], &(base64.clone() + "\n"), "AAAA", "", &stray_bits] {
            assert_eq!(Hash::from_base64(bad), Err(BadHash), "{bad:?}");
        }
    }
}
