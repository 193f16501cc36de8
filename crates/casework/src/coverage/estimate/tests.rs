//! The estimate against populations whose size is known.

use super::*;

/// A splitmix64 stream: the same population on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Whether something of this chance, in thousandths, happens.
    fn happens(&mut self, thousandths: u64) -> bool {
        self.next() % 1000 < thousandths
    }
}

/// The chance in thousandths that a kind of source names a pair.
type Chances = fn(u64, u32) -> u64;

/// What is seen of `size` pairs if each is named by kind `bit` with the chance that `chance` says, all of whom took part.
fn seen(size: u64, kinds: u32, seed: u64, chance: impl Fn(u64, u32) -> u64) -> Captures {
    let (mut random, mut captures) = (Chance(seed), Captures::default());
    for pair in 0..size {
        let named = (0..kinds).filter(|bit| random.happens(chance(pair, *bit))).fold(0, |named, bit| named | 1 << bit);
        if named != 0 {
            captures.count(named);
        }
    }
    captures
}

fn numbers(captures: &Captures) -> (u64, u64, u64) {
    match captures.estimate() {
        Estimate::AtLeast { low, about, high } => (low, about, high),
        Estimate::None(without) => panic!("no estimate: {}", without.words()),
    }
}

#[test]
fn two_kinds_give_chapmans_estimate() {
    // Seber, "The Estimation of Animal Abundance" (1982), section 3.1: (n1 + 1)(n2 + 1) / (m + 1) - 1.
    for (first, second, both) in [(200, 150, 30), (50, 500, 10), (1000, 1000, 999), (20, 20, 20)] {
        let mut captures = Captures::default();
        (0..both).for_each(|_| captures.count(0b11));
        (both..first).for_each(|_| captures.count(0b01));
        (both..second).for_each(|_| captures.count(0b10));
        let chapman = (first + 1) as f64 * (second + 1) as f64 / (both + 1) as f64 - 1.0;
        assert_eq!(numbers(&captures).1, chapman.round() as u64, "{first} {second} {both}");
    }
}

#[test]
fn the_interval_covers_the_truth_at_about_its_nominal_rate() {
    // Chances in thousandths for each kind of source; pairs are alike and sources independent.
    for (size, chances) in [
        (200, &[400, 300][..]),
        (2_000, &[500, 200]),
        (2_000, &[900, 50]),
        (500, &[300, 300, 300]),
        (3_000, &[600, 250, 80]),
        (5_000, &[200, 100, 50, 50]),
    ] {
        let runs = 400;
        let mut covered = 0;
        let mut sum = 0;
        for seed in 0..runs {
            let captures = seen(size, chances.len() as u32, seed, |_, bit| chances[bit as usize]);
            let (low, about, high) = numbers(&captures);
            covered += u64::from((low..=high).contains(&size));
            sum += about;
        }
        let per_mille = covered * 1000 / runs;
        assert!((925..=990).contains(&per_mille), "{size} {chances:?}: {per_mille} per mille");
        assert!((sum / runs).abs_diff(size) * 100 <= size * 2, "{size} {chances:?}: mean {}", sum / runs);
    }
}

#[test]
fn it_stays_a_lower_bound_where_pairs_differ_or_sources_go_together() {
    let size = 3_000;
    let differing: [(&str, Chances); 4] = [
        ("half of the pairs are seldom named", |pair, bit| [700, 400, 200][bit as usize] / if pair % 2 == 0 { 1 } else { 8 }),
        ("every chance from low to high", |pair, bit| (pair % 100) * 8 / (1 + u64::from(bit))),
        ("a tenth is named by nobody at all", |pair, _| if pair % 10 == 0 { 0 } else { 300 }),
        ("who is with one kind is with all", |pair, _| if pair % 3 == 0 { 850 } else { 100 }),
    ];
    for (what, chance) in differing {
        let (runs, mut above, mut sum) = (200, 0, 0);
        for seed in 0..runs {
            let (low, about, _) = numbers(&seen(size, 3, seed, chance));
            above += u64::from(low > size);
            sum += about;
        }
        assert_eq!(above, 0, "{what}: the lower end lies above the truth");
        assert!(sum / runs < size, "{what}: mean {}", sum / runs);
    }
}

#[test]
fn where_nothing_can_be_said_nothing_is() {
    let mut captures = Captures::default();
    assert_eq!(captures.estimate(), Estimate::None(Without::Nobody));
    captures.count(0);
    (0..50).for_each(|_| captures.count(0b100));
    assert_eq!(captures.estimate(), Estimate::None(Without::OneKind));
    (0..6).for_each(|_| captures.count(0b110));
    assert_eq!(captures.estimate(), Estimate::None(Without::FewRecaptures));
    captures.count(0b110);
    assert_eq!(numbers(&captures).1, 58, "the second kind named nobody by itself, so nobody is thought to be missing");
    assert!(numbers(&captures).2 > 58);
    assert_eq!((captures.known, captures.named), (58, 57));
}

#[test]
fn the_same_counts_give_the_same_numbers_everywhere() {
    let captures = Captures { known: 4_000, named: 3_900, alone: alone(&[1_500, 900, 0, 300]), by_two: 700, kinds: 0b1011 };
    assert_eq!(numbers(&captures), (6_539, 6_853, 7_212));
}

fn alone(counts: &[u64]) -> [u64; 16] {
    let mut alone = [0; 16];
    alone[..counts.len()].copy_from_slice(counts);
    alone
}
