//! Where a number lies on paper, and how it is written there.

/// The most rules that a scale draws across a chart.
const STEPS_MAX: i128 = 5;

/// Maps the numbers from `low` to `high` onto the tenths of a unit from `start` to `end`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) low: i128,
    pub(crate) high: i128,
    pub(crate) start: i128,
    pub(crate) end: i128,
}

impl Scale {
    /// A scale just wide enough for `numbers`; never of no width.
    pub(crate) fn around(numbers: impl Iterator<Item = i64>, start: i128, end: i128) -> Self {
        let mut low = None;
        let mut high = None;
        for number in numbers.map(i128::from) {
            low = Some(low.map_or(number, |low: i128| low.min(number)));
            high = Some(high.map_or(number, |high: i128| high.max(number)));
        }
        let low = low.unwrap_or(0);
        let high = high.unwrap_or(1).max(low + 1);
        Self { low, high, start, end }
    }

    /// The same scale, from and to a multiple of its step, so that the outermost rules frame the chart.
    pub(crate) fn rounded(self) -> Self {
        let step = self.step();
        let low = self.low.div_euclid(step) * step;
        let high = -(-self.high).div_euclid(step) * step;
        Self { low, high, ..self }
    }

    /// Where `number` lies.
    pub(crate) fn at(&self, number: i64) -> i128 {
        let offset = (i128::from(number) - self.low) * (self.end - self.start) / (self.high - self.low);
        self.start + offset
    }

    /// The round numbers within the scale.
    pub(crate) fn round_numbers(&self) -> Vec<i64> {
        let step = self.step();
        let first = -(-self.low).div_euclid(step);
        (first..)
            .map(|count| count * step)
            .take_while(|number| *number <= self.high)
            .filter_map(|number| i64::try_from(number).ok())
            .collect()
    }

    /// The least of 1, 2, 5, 10, 20, 50 … that divides the scale into few parts.
    fn step(&self) -> i128 {
        let wide = self.high - self.low;
        let mut power = 1;
        loop {
            for digit in [1, 2, 5] {
                if wide <= digit * power * STEPS_MAX {
                    return digit * power;
                }
            }
            power *= 10;
        }
    }
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut written = String::from(if number < 0 { "−" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}
