//! An endless stream of bytes that is a pure function of a seed.

use sha2::{Digest as _, Sha256};

/// SplitMix64 with a counter: any offset costs the same.
///
/// The mixing is a bijection and the counter steps by an odd number, so no two aligned 8-byte words of one stream are
/// equal: blocks are never duplicates, never constant, and do not compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Stream {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let digest: [u8; 32] = Sha256::digest([&b"swarmlab content "[..], &seed.to_be_bytes()].concat()).into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Self { key: u64::from_be_bytes([a, b, c, d, e, f, g, h]) }
    }

    /// Fills `into` with the bytes from `offset` on.
    pub fn read(&self, offset: u64, into: &mut [u8]) {
        let mut word = offset / 8;
        let skip = (offset % 8) as usize;
        let mut rest = into;
        if skip > 0 {
            let bytes = self.word(word);
            let taken = rest.len().min(8 - skip);
            let (head, tail) = rest.split_at_mut(taken);
            head.copy_from_slice(&bytes[skip..skip + taken]);
            rest = tail;
            word += 1;
        }
        for place in rest.chunks_mut(8) {
            place.copy_from_slice(&self.word(word)[..place.len()]);
            word += 1;
        }
    }

    const fn word(&self, index: u64) -> [u8; 8] {
        let mut mixed = self.key.wrapping_add(index.wrapping_mul(STEP));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::Stream;

    #[test]
    fn every_offset_reads_the_same_bytes() {
        let stream = Stream::new(1);
        let mut whole = [0; 100];
        stream.read(0, &mut whole);
        for start in 0..100 {
            for end in start..100 {
                let mut part = vec![0; end - start];
                stream.read(start as u64, &mut part);
                assert_eq!(part, whole[start..end]);
            }
        }
        let mut other = [0; 100];
        Stream::new(2).read(0, &mut other);
        assert_ne!(whole, other);
    }
}
