//! Tables, figures and proportions as the sections show them.

use std::fmt::Display;

use evidence::document::{Align, Block, Figure, Table};

/// A table of names and counts.
pub(super) fn counts<L: Display>(caption: &str, what: &str, rows: impl IntoIterator<Item = (L, u64)>) -> Block {
    let table = Table::new(caption, [(what, Align::Start), ("Count", Align::End)]);
    Block::Table(rows.into_iter().fold(table, |table, (label, count)| table.row([label.to_string(), grouped(count)])))
}

/// Figures that are plain counts.
pub(super) fn plain(caption: &str, figures: impl IntoIterator<Item = (&'static str, u64)>) -> Block {
    let figures =
        figures.into_iter().map(|(label, count)| Figure { label: label.into(), value: grouped(count), unit: String::new() });
    Block::Figures { caption: caption.into(), figures: figures.collect() }
}

/// `1,234,567`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count as a point of a chart.
pub(super) fn height(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A share in percent with its 95 % Wilson interval: `12.3 % (11.0 to 13.7)`. Where nothing was counted there is none.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "none counted".into();
    }
    // Counts are far below 2^53, and these operations are exactly rounded: every machine prints the same digits.
    let (part, whole) = (part as f64, whole as f64);
    let z = 1.959_964;
    let proportion = part / whole;
    let denominator = 1.0 + z * z / whole;
    let centre = (proportion + z * z / (2.0 * whole)) / denominator;
    let spread = z * (proportion * (1.0 - proportion) / whole + z * z / (4.0 * whole * whole)).sqrt() / denominator;
    let percent = |value: f64| (value * 1000.0).round() / 10.0;
    format!(
        "{:.1} % ({:.1} to {:.1})",
        percent(proportion),
        percent((centre - spread).max(0.0)),
        percent((centre + spread).min(1.0))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn shares_carry_a_wilson_interval() {
        // Brown, Cai, DasGupta, "Interval estimation for a binomial proportion" (2001), and the rule of three.
        for (part, whole, text) in [
            (0, 0, "none counted"),
            (0, 10, "0.0 % (0.0 to 27.8)"),
            (5, 10, "50.0 % (23.7 to 76.3)"),
            (10, 10, "100.0 % (72.2 to 100.0)"),
            (1, 1000, "0.1 % (0.0 to 0.6)"),
        ] {
            assert_eq!(share(part, whole), text);
        }
    }
}
