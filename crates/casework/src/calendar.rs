//! United Kingdom civil time: the day that a clock on a wall there shows.

use evidence::{Date, Utc};

const HOUR_MS: i64 = 3_600_000;

/// The civil day in the United Kingdom at an instant: UTC in winter, one hour ahead in summer.
///
/// Summer time runs from 01:00 UTC on the last Sunday of March to 01:00 UTC on the last Sunday of October
/// (Summer Time Order 2002). The rule is applied to every year; for years before 2002 it may be wrong.
pub fn uk_day(at: Utc) -> Date {
    let (year, _, _) = at.date().civil();
    let is_summer = match (last_sunday(year, 3), last_sunday(year, 10)) {
        (Some(march), Some(october)) => march.start().plus_ms(HOUR_MS) <= at && at < october.start().plus_ms(HOUR_MS),
        _ => false,
    };
    at.plus_ms(if is_summer { HOUR_MS } else { 0 }).date()
}

/// The last Sunday of March or October: both months have 31 days.
fn last_sunday(year: i32, month: u32) -> Option<Date> {
    let last = Date::new(year, month, 31)?;
    let past_sunday = (last.weekday() + 1) % 7;
    Some(last.plus_days(-past_sunday.cast_signed()))
}

/// The last day of a month.
pub(crate) fn last_of_month(year: i32, month: u32) -> Option<Date> {
    (28..=31).rev().find_map(|day| Date::new(year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uk_day_follows_summer_time() {
        for (at, day) in [
            ("2026-03-28T23:30:00.000Z", "2026-03-28"),
            ("2026-03-29T00:59:59.999Z", "2026-03-29"),
            ("2026-03-29T23:30:00.000Z", "2026-03-30"),
            ("2026-07-01T22:59:59.999Z", "2026-07-01"),
            ("2026-07-01T23:00:00.000Z", "2026-07-02"),
            ("2026-10-24T23:30:00.000Z", "2026-10-25"),
            ("2026-10-25T23:30:00.000Z", "2026-10-25"),
            ("2026-12-31T23:30:00.000Z", "2026-12-31"),
        ] {
            assert_eq!(uk_day(at.parse().unwrap()).to_string(), day, "{at}");
        }
    }

    #[test]
    fn summer_time_changes_on_the_known_sundays() {
        for (year, march, october) in [(2024, 31, 27), (2025, 30, 26), (2026, 29, 25), (2027, 28, 31), (2028, 26, 29)] {
            assert_eq!(last_sunday(year, 3), Date::new(year, 3, march));
            assert_eq!(last_sunday(year, 10), Date::new(year, 10, october));
        }
    }
}
