//! What a simulated peer does: a pure function of its address, so that any observation of it can be graded without a log.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::chance;

/// What a peer does to whoever dials it, or is dialled by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Has everything and serves it.
    Seed,
    /// Has about half of the pieces and serves them.
    Partial,
    /// Has nothing yet, and asks the other side for blocks without waiting for leave.
    Leecher,
    /// Claims everything, serves junk, and tells wrong metadata.
    Liar,
    /// Talks garbage instead of the handshake, or after it.
    Junk,
    /// Has nothing, claims nothing, serves nothing: somebody else's crawler.
    Indexer,
    /// Is listed, and nothing listens there.
    Dead,
    /// Has everything, takes long to unchoke, and serves in dribs.
    Slow,
    /// Answers the handshake with another info-hash, and then serves the content all the same.
    WrongHash,
    /// Claims everything and never unchokes.
    NeverUnchokes,
    /// Has everything and never unchokes, but serves the allowed-fast pieces. BEP 6.
    AllowedFastOnly,
    /// Answers any info-hash, claims everything, and even serves the content.
    Echo,
    /// Serves every block with one bit flipped.
    BitFlipper,
    /// Accepts the connection and never says a word.
    Tarpit,
    /// Has everything, says that it has nothing, and reveals one piece, then another for each block it served. BEP 16.
    SuperSeeder,
    /// Has everything, serves it, and suggests pieces. BEP 6.
    Suggester,
    /// Has about half of the pieces, wants no more, and serves them. BEP 21.
    PartialSeed,
    /// Claims everything, and takes back its claim to each piece that is asked for. BEP 54.
    Withdrawer,
    /// Has everything, never unchokes, offers nothing, and serves the pieces of the rule all the same. BEP 6.
    Tacit,
}

impl Behaviour {
    /// Every behaviour.
    pub const ALL: [Self; 19] = [
        Self::Seed,
        Self::Partial,
        Self::Leecher,
        Self::Liar,
        Self::Junk,
        Self::Indexer,
        Self::Dead,
        Self::Slow,
        Self::WrongHash,
        Self::NeverUnchokes,
        Self::AllowedFastOnly,
        Self::Echo,
        Self::BitFlipper,
        Self::Tarpit,
        Self::SuperSeeder,
        Self::Suggester,
        Self::PartialSeed,
        Self::Withdrawer,
        Self::Tacit,
    ];

    /// What the peer at this address does. The port plays no part, so that a dead peer's may differ from the others'.
    #[must_use]
    pub fn of(address: SocketAddr, mix: &Mix) -> Self {
        let total = u64::from(mix.total);
        let mut lot = chance::number(mix.seed, "behaviour", address.ip()) % total;
        for (behaviour, weight) in &mix.weights {
            match lot.checked_sub(u64::from(*weight)) {
                None => return *behaviour,
                Some(left) => lot = left,
            }
        }
        unreachable!("the lot is smaller than the sum of the weights")
    }

    /// Ground truth: the peer really makes the torrent's content available to whoever asks.
    ///
    /// An echo peer serves too, but would do so under any name; it is not to be reported.
    #[must_use]
    pub const fn is_sharer(self) -> bool {
        matches!(
            self,
            Self::Seed
                | Self::Partial
                | Self::Slow
                | Self::AllowedFastOnly
                | Self::SuperSeeder
                | Self::Suggester
                | Self::PartialSeed
                | Self::Tacit
        )
    }

    /// The name as it is written in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Partial => "partial",
            Self::Leecher => "leecher",
            Self::Liar => "liar",
            Self::Junk => "junk",
            Self::Indexer => "indexer",
            Self::Dead => "dead",
            Self::Slow => "slow",
            Self::WrongHash => "wrong-hash",
            Self::NeverUnchokes => "never-unchokes",
            Self::AllowedFastOnly => "allowed-fast-only",
            Self::Echo => "echo",
            Self::BitFlipper => "bit-flipper",
            Self::Tarpit => "tarpit",
            Self::SuperSeeder => "super-seeder",
            Self::Suggester => "suggester",
            Self::PartialSeed => "partial-seed",
            Self::Withdrawer => "withdrawer",
            Self::Tacit => "tacit",
        }
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How often each behaviour occurs, and the seed that deals them out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    seed: u64,
    weights: Vec<(Behaviour, u32)>,
    total: u32,
}

impl Mix {
    /// Behaviours by weight. Without any weight every peer is a seed.
    #[must_use]
    pub fn new(weights: &[(Behaviour, u32)]) -> Self {
        let total = weights.iter().fold(0u32, |sum, (_, weight)| sum.saturating_add(*weight));
        if total == 0 || total == u32::MAX {
            return Self { seed: 0, weights: vec![(Behaviour::Seed, 1)], total: 1 };
        }
        Self { seed: 0, weights: weights.to_vec(), total }
    }

    /// One behaviour for all.
    #[must_use]
    pub fn only(behaviour: Behaviour) -> Self {
        Self::new(&[(behaviour, 1)])
    }

    /// The mix of the accuracy benchmark.
    #[must_use]
    pub fn accuracy() -> Self {
        use Behaviour::{Dead, Indexer, Liar, Partial, Seed};
        Self::new(&[(Seed, 40), (Partial, 20), (Liar, 20), (Indexer, 10), (Dead, 10)])
    }

    /// Every behaviour but those of [`Self::manners`]: 53 in a hundred really share.
    #[must_use]
    pub fn demo() -> Self {
        use Behaviour::{
            AllowedFastOnly, BitFlipper, Dead, Echo, Indexer, Junk, Leecher, Liar, NeverUnchokes, Partial, Seed, Slow, Tarpit,
            WrongHash,
        };
        Self::new(&[
            (Seed, 28),
            (Partial, 15),
            (Slow, 4),
            (AllowedFastOnly, 6),
            (Leecher, 6),
            (Liar, 8),
            (BitFlipper, 4),
            (Junk, 4),
            (Indexer, 6),
            (Dead, 7),
            (WrongHash, 3),
            (NeverUnchokes, 4),
            (Echo, 3),
            (Tarpit, 2),
        ])
    }

    /// Peers that share in other ways than most, or only seem to.
    #[must_use]
    pub fn manners() -> Self {
        use Behaviour::{PartialSeed, Suggester, SuperSeeder, Tacit, Withdrawer};
        Self::new(&[(SuperSeeder, 1), (Suggester, 1), (PartialSeed, 1), (Withdrawer, 1), (Tacit, 1)])
    }

    /// The same weights dealt out anew.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn shares(mix: &Mix) -> BTreeMap<Behaviour, u32> {
        let mut counts = BTreeMap::new();
        for host in 0..10_000u32 {
            let [_, _, c, d] = host.to_be_bytes();
            *counts.entry(Behaviour::of(SocketAddr::from(([127, 64, c, d], 1)), mix)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn the_accuracy_mix_is_dealt_in_its_shares() {
        use Behaviour::{Dead, Indexer, Liar, Partial, Seed};
        let counts = shares(&Mix::accuracy());
        assert_eq!(counts.len(), 5);
        for (behaviour, share) in [(Seed, 4_000), (Partial, 2_000), (Liar, 2_000), (Indexer, 1_000), (Dead, 1_000)] {
            assert!(counts[&behaviour].abs_diff(share) < 200, "{behaviour}: {}", counts[&behaviour]);
        }
    }

    #[test]
    fn every_behaviour_has_its_mix() {
        let dealt: Vec<_> = [Mix::demo(), Mix::manners()].iter().flat_map(|mix| shares(mix).into_keys()).collect();
        assert_eq!(dealt, Behaviour::ALL);
    }

    #[test]
    fn the_address_decides_and_the_port_does_not() {
        let mix = Mix::demo();
        let mut changed = 0;
        for host in 1..=254 {
            let at = |port| Behaviour::of(SocketAddr::from(([127, 1, 2, host], port)), &mix);
            assert_eq!(at(1), at(2));
            let dealt_anew = Behaviour::of(SocketAddr::from(([127, 1, 2, host], 1)), &mix.clone().with_seed(1));
            changed += u32::from(dealt_anew != at(1));
        }
        assert!(changed > 100);
    }

    #[test]
    fn no_weight_means_seeds() {
        assert_eq!(Mix::new(&[]), Mix::only(Behaviour::Seed));
        assert_eq!(Mix::new(&[(Behaviour::Liar, 0)]), Mix::only(Behaviour::Seed));
    }

    #[test]
    fn names_are_the_serialised_names() {
        for behaviour in Behaviour::ALL {
            assert_eq!(serde_json::to_value(behaviour).unwrap(), behaviour.name());
        }
    }
}
