//! How many address-and-port pairs took part, estimated from how the kinds of source overlap.
//!
//! Each kind of source (trackers, DHT, peer exchange …) is one capture occasion. With z_j the pairs that only kind j
//! named, f₂ those that exactly two kinds named and D those that any named, the estimate of those that none named is
//!
//! ```text
//! f₀ = (Σ_{j<k} z_j z_k) / (f₂ + 1),    N = D + f₀
//! ```
//!
//! Chao's moment estimator where kinds differ in how much they name (Chao, *Biometrics* 45, 1989, 427–438). Two kinds give
//! Chapman's form of the Lincoln–Petersen estimator exactly (Chapman, *Univ. Calif. Publ. Stat.* 1, 1951). If pairs differ in
//! how likely they are to be named, the Cauchy–Schwarz inequality makes it a lower bound (Chao, *Biometrics* 43, 1987,
//! 783–791; Rivest and Baillargeon, *Biometrics* 63, 2007, 999–1006), and so it is if who announces to one kind of source is
//! likelier to announce to another, as BitTorrent clients are. It would be too high only if announcing to one kind kept a
//! client from another. So it is published as "at least".
//!
//! The interval is Chao's (1987): f₀ taken as log-normal, with the multinomial delta-method variance
//! `V = f₀ + Σ z_j ((f₁ − z_j) / (f₂ + 1))² + f₂ (f₀ / (f₂ + 1))²`; each z_j is raised by ½ for the interval alone, so that it does
//! not vanish where a kind named nobody by itself. With fewer than seven pairs in f₂ there is no estimate: below that
//! the bias is not negligible (Robson and Regier, *Trans. Am. Fish. Soc.* 93, 1964).

use super::series::{exp, ln};

/// Pairs named by exactly two kinds of source without which nothing is estimated.
pub const RECAPTURES_MIN: u64 = 7;

/// The standard normal quantile of a 95 % interval.
const Z: f64 = 1.959_964;

/// How the kinds of source overlap over one hour, counted among those that took part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Captures {
    /// Pairs known to have taken part, whoever named them and whenever.
    pub known: u64,
    /// Of these, pairs that some kind of source named in the hour.
    pub named: u64,
    /// Pairs that only this kind named, by the number of the kind's bit.
    pub alone: [u64; 16],
    /// Pairs that exactly two kinds named.
    pub by_two: u64,
    /// Bits of the kinds that named any.
    pub kinds: u16,
}

/// What can be said of how many took part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimate {
    /// Nothing beyond those known.
    None(Without),
    /// At least about so many.
    AtLeast {
        /// The lower end of the 95 % interval.
        low: u64,
        /// The estimate.
        about: u64,
        /// The upper end of the 95 % interval, which holds only if the sources are independent and every pair is as
        /// likely as any other to be named.
        high: u64,
    },
}

/// Why there is no estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// Nobody is known to have taken part.
    Nobody,
    /// Fewer than two kinds of source named any that took part.
    OneKind,
    /// Fewer than [`RECAPTURES_MIN`] were named by exactly two kinds.
    FewRecaptures,
}

impl Without {
    /// The reason in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Nobody => "nobody took part",
            Self::OneKind => "fewer than two kinds of source",
            Self::FewRecaptures => "too few named by two kinds",
        }
    }
}

impl Captures {
    /// Counts one pair that took part, named in the hour by the kinds of source whose bits are set.
    pub fn count(&mut self, kinds: u16) {
        self.known += 1;
        if kinds == 0 {
            return;
        }
        self.named += 1;
        self.kinds |= kinds;
        match kinds.count_ones() {
            1 => self.alone[kinds.trailing_zeros() as usize] += 1,
            2 => self.by_two += 1,
            _ => {}
        }
    }

    /// The estimate.
    pub fn estimate(&self) -> Estimate {
        if self.known == 0 {
            return Estimate::None(Without::Nobody);
        }
        if self.kinds.count_ones() < 2 {
            return Estimate::None(Without::OneKind);
        }
        if self.by_two < RECAPTURES_MIN {
            return Estimate::None(Without::FewRecaptures);
        }
        // Counts are far below 2^53, and their products are summed in a fixed order: the same bits everywhere.
        let (low, high) = self.interval();
        // Who took part and was not named in the hour is known all the same.
        let whole = |unnamed: f64| self.known.max(self.named + unnamed as u64);
        let about = whole(unnamed(&self.alone_raised_by(0.0), self.by_two as f64).round());
        Estimate::AtLeast { low: whole(low.floor()).min(about), about, high: whole(high.ceil()).max(about) }
    }

    /// The ends of the interval for those that none named.
    fn interval(&self) -> (f64, f64) {
        let (alone, by_two) = (self.alone_raised_by(0.5), self.by_two as f64);
        let unnamed = unnamed(&alone, by_two);
        let once: f64 = alone.iter().sum();
        let divisor = by_two + 1.0;
        let squared = |value: f64| value * value;
        let gains: f64 = alone.iter().map(|count| count * squared((once - count) / divisor)).sum();
        let variance = unnamed + gains + by_two * squared(unnamed / divisor);
        let factor = exp(Z * ln(1.0 + variance / squared(unnamed)).sqrt());
        (unnamed / factor, unnamed * factor)
    }

    fn alone_raised_by(&self, raise: f64) -> Vec<f64> {
        let kinds = (0..).zip(&self.alone).filter(|(bit, _)| self.kinds & 1 << bit != 0);
        kinds.map(|(_, count)| *count as f64 + raise).collect()
    }
}

/// The estimate of those that none named.
fn unnamed(alone: &[f64], by_two: f64) -> f64 {
    let once: f64 = alone.iter().sum();
    let squares: f64 = alone.iter().map(|count| count * count).sum();
    (once * once - squares) / 2.0 / (by_two + 1.0)
}

#[cfg(test)]
mod tests;
