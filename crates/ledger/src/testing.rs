//! What the tests of this crate share.

use evidence::sha256;

/// The seed of a key that only tests use.
pub(crate) fn seed(name: &str) -> [u8; 32] {
    *sha256(format!("affiant test key {name}").as_bytes()).as_bytes()
}
