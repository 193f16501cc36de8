//! Chance that is no chance: numbers that depend on a seed, a purpose and an address, and on nothing else.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

/// 32 bytes for this purpose and address.
pub(crate) fn bytes(seed: u64, purpose: &str, address: IpAddr) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"swarmlab/1\0");
    hash.update(seed.to_be_bytes());
    hash.update(purpose.as_bytes());
    hash.update([0]);
    match address {
        IpAddr::V4(four) => hash.update(four.octets()),
        IpAddr::V6(six) => hash.update(six.octets()),
    }
    hash.finalize().into()
}

/// A number for this purpose and address.
pub(crate) fn number(seed: u64, purpose: &str, address: IpAddr) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = bytes(seed, purpose, address);
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
