//! What a side draws at random for one handshake, all of it from one seed.

use super::PAD_MAX;
use super::exchange::{EXPONENT_LENGTH, PrivateKey};
use crate::chance::{Chance, Seed};

/// One side's random choices.
#[derive(Debug)]
pub(super) struct Choices {
    pub(super) private: PrivateKey,
    /// PadA or PadB.
    pub(super) outer_pad: Vec<u8>,
    /// Length of PadC or PadD in bytes. Their content is zero, as the specification asks.
    pub(super) inner_pad_length: u16,
}

impl Choices {
    pub(super) fn draw(seed: Seed) -> Self {
        let mut exponent = [0; EXPONENT_LENGTH];
        exponent.copy_from_slice(&seed.split("mse exponent", b"").bytes()[..EXPONENT_LENGTH]);
        let mut lengths = Chance::new(seed.split("mse pad lengths", b""));
        let outer_pad_length = lengths.below(PAD_MAX as u64 + 1) as usize;
        let inner_pad_length = lengths.below(PAD_MAX as u64 + 1) as u16;
        Self { private: PrivateKey::new(exponent), outer_pad: noise(seed, outer_pad_length), inner_pad_length }
    }
}

fn noise(seed: Seed, length: usize) -> Vec<u8> {
    let blocks = (0_u64..).flat_map(|block| *seed.split("mse pad", &block.to_be_bytes()).bytes());
    blocks.take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_seed_makes_other_choices() {
        let draw = |number: u8| Choices::draw(Seed::new([number; 32]));
        assert_eq!(draw(1).private.public(), draw(1).private.public());
        assert_ne!(draw(1).private.public(), draw(2).private.public());
        let lengths: std::collections::BTreeSet<_> = (0..=255).map(|number| draw(number).outer_pad.len()).collect();
        assert!(lengths.len() > 150 && lengths.iter().all(|length| *length <= PAD_MAX));
    }

    #[test]
    fn noise_does_not_repeat() {
        let noise = noise(Seed::new([1; 32]), 96);
        assert_eq!(noise.len(), 96);
        assert_ne!(noise[..32], noise[32..64]);
    }
}
