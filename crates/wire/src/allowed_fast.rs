//! The pieces that a peer with the Fast Extension offers to a choked stranger. BEP 6.
//!
//! Most clients that offer any compute them this way, from the stranger's own address, so a monitor can tell an
//! offer that follows the rule from one that was picked by hand.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use sha1::{Digest as _, Sha1};

use crate::infohash::InfoHashV1;

/// The allowed-fast set of `size` pieces for a stranger at `address`, in the order it is computed.
///
/// It has `piece_count` pieces at most. The work is bounded: should the digests keep repeating pieces, as they do when
/// nearly all pieces of a small torrent are asked for, the set stays shorter than `size`.
pub fn set(address: Ipv4Addr, info_hash: InfoHashV1, piece_count: u32, size: usize) -> Vec<u32> {
    let size = size.min(piece_count as usize).min(SIZE_MAX);
    let [a, b, c, _] = address.octets();
    let mut seed = [0; 24];
    seed[..3].copy_from_slice(&[a, b, c]);
    seed[4..].copy_from_slice(&info_hash.0);
    let mut digest: [u8; 20] = Sha1::digest(seed).into();
    let mut pieces = Vec::with_capacity(size);
    for _ in 0..ROUNDS_MAX {
        for word in digest.as_chunks::<4>().0 {
            if pieces.len() >= size {
                return pieces;
            }
            let piece = u32::from_be_bytes(*word) % piece_count;
            if !pieces.contains(&piece) {
                pieces.push(piece);
            }
        }
        digest = Sha1::digest(digest).into();
    }
    pieces
}

/// Clients offer five to ten; more than this is not a set of BEP 6.
const SIZE_MAX: usize = 64;

/// Five pieces come from each round.
const ROUNDS_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector that BEP 6 itself publishes: the address is the BEP's, not a peer's.
    #[test]
    fn the_beps_own_vector() {
        let address = Ipv4Addr::from([80, 4, 4, 200]);
        let info_hash = InfoHashV1([0xaa; 20]);
        assert_eq!(set(address, info_hash, 1_313, 7), [1059, 431, 808, 1217, 287, 376, 1188]);
        assert_eq!(set(address, info_hash, 1_313, 9), [1059, 431, 808, 1217, 287, 376, 1188, 353, 508]);
    }

    #[test]
    fn a_small_torrent_ends() {
        let address = Ipv4Addr::new(192, 0, 2, 1);
        assert_eq!(set(address, InfoHashV1([0; 20]), 0, 10), []);
        assert_eq!(set(address, InfoHashV1([0; 20]), 1, 10), [0]);
        let mut all = set(address, InfoHashV1([0; 20]), 3, 10);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
        assert_eq!(set(address, InfoHashV1([0; 20]), 1_000, usize::MAX).len(), SIZE_MAX);
    }

    #[test]
    fn the_last_octet_does_not_matter() {
        let info_hash = InfoHashV1([3; 20]);
        let one = set(Ipv4Addr::new(192, 0, 2, 1), info_hash, 500, 10);
        assert_eq!(one, set(Ipv4Addr::new(192, 0, 2, 254), info_hash, 500, 10));
        assert_ne!(one, set(Ipv4Addr::new(203, 0, 113, 1), info_hash, 500, 10));
    }
}
