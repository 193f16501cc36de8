//! Chance that can be repeated: a seed, split by purpose, expanded by SHA-256.

use sha2::{Digest as _, Sha256};

/// Where an engine's chance comes from. The shell takes it from the operating system; a test takes it from a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Another seed for a narrower purpose. Whoever knows the result cannot find this one.
    #[must_use]
    pub fn split(&self, purpose: &str, about: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"affiant.seed/1 ");
        hash.update(self.0);
        hash.update((purpose.len() as u64).to_be_bytes());
        hash.update(purpose.as_bytes());
        hash.update(about);
        Self(hash.finalize().into())
    }

    /// The bytes, for identifiers that must be unpredictable.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::fmt::Debug for Seed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// A stream of numbers drawn from a seed: SHA-256 of the seed and a counter.
#[derive(Debug)]
pub(crate) struct Chance {
    seed: Seed,
    drawn: u64,
}

impl Chance {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { seed, drawn: 0 }
    }

    /// A number below `end`, each equally likely. 0 if `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        if end < 2 {
            return 0;
        }
        // Numbers past the last whole multiple of `end` would favour small results.
        let fair = u64::MAX - u64::MAX % end;
        loop {
            let number = self.next();
            if number < fair {
                return number % end;
            }
        }
    }

    fn next(&mut self) -> u64 {
        let digest = self.seed.split("draw", &self.drawn.to_be_bytes());
        self.drawn += 1;
        let mut word = [0; 8];
        word.copy_from_slice(&digest.0[..8]);
        u64::from_be_bytes(word)
    }
}

/// Puts `items` into an order that the seed decides.
pub(crate) fn shuffle<T>(items: &mut [T], seed: Seed) {
    let mut chance = Chance::new(seed);
    for last in (1..items.len()).rev() {
        let other = chance.below(last as u64 + 1) as usize;
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_subjects_are_apart() {
        let seed = Seed::new([1; 32]);
        assert_ne!(seed.split("a", b"bc"), seed.split("ab", b"c"));
        assert_ne!(seed.split("a", b"b"), seed.split("a", b"c"));
        assert_eq!(seed.split("a", b"b"), seed.split("a", b"b"));
        assert_eq!(format!("{seed:?}"), "Seed(..)");
    }

    #[test]
    fn draws_are_even_and_shuffles_keep_everything() {
        let mut chance = Chance::new(Seed::new([2; 32]));
        let mut counts = [0; 6];
        (0..6_000).for_each(|_| counts[chance.below(6) as usize] += 1);
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        assert_eq!((chance.below(0), chance.below(1)), (0, 0));
        let mut items: Vec<u32> = (0..50).collect();
        shuffle(&mut items, Seed::new([3; 32]));
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
