//! Civil days and the month within which a report must be sent. Written from `cir.md`.

use evidence::{Date, Utc};

const HOUR_MS: i64 = 3_600_000;

/// The day that a wall clock in the United Kingdom shows: an hour ahead of UTC from 01:00 UTC on the last Sunday of
/// March to 01:00 UTC on the last Sunday of October.
pub(crate) fn uk_day(at: Utc) -> Date {
    let (year, _, _) = at.date().civil();
    let change = |month| {
        let sunday = (25..=31).filter_map(|day| Date::new(year, month, day)).find(|day| day.weekday() == 6);
        sunday.map(|day| day.start().ms() + HOUR_MS)
    };
    match (change(3), change(10)) {
        (Some(from), Some(to)) if (from..to).contains(&at.ms()) => at.plus_ms(HOUR_MS).date(),
        _ => at.date(),
    }
}

/// The last day of the month that begins with `day`: the day before its namesake a month later, or the last day of that
/// month if it has no such day.
pub(crate) fn last_of_month_from(day: Date) -> Date {
    let (year, month, number) = day.civil();
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    match Date::new(year, month, number) {
        Some(namesake) => namesake.plus_days(-1),
        None => (28..=31).rev().find_map(|last| Date::new(year, month, last)).unwrap_or(day),
    }
}

/// The days on which a session may be said to have been gathered.
pub(crate) fn gathered_on(start: Utc) -> [Date; 2] {
    [start.date(), uk_day(start)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_on_the_day_before() {
        for (from, last) in [
            ("2026-03-15", "2026-04-14"),
            ("2026-01-31", "2026-02-28"),
            ("2028-01-31", "2028-02-29"),
            ("2026-01-30", "2026-02-28"),
            ("2026-01-29", "2026-02-28"),
            ("2026-01-28", "2026-02-27"),
            ("2026-03-01", "2026-03-31"),
            ("2026-12-15", "2027-01-14"),
            ("2026-03-31", "2026-04-30"),
            ("2026-12-31", "2027-01-30"),
            ("2026-12-01", "2026-12-31"),
        ] {
            assert_eq!(last_of_month_from(from.parse().unwrap()).to_string(), last, "{from}");
        }
    }

    #[test]
    fn summer_time_moves_the_day() {
        for (at, day) in [
            ("2026-07-01T22:59:59.999Z", "2026-07-01"),
            ("2026-07-01T23:00:00.000Z", "2026-07-02"),
            ("2026-01-01T23:30:00.000Z", "2026-01-01"),
            ("2026-03-29T00:59:59.999Z", "2026-03-29"),
            ("2026-03-29T23:00:00.000Z", "2026-03-30"),
            ("2026-10-25T00:59:59.999Z", "2026-10-25"),
            ("2026-10-25T23:00:00.000Z", "2026-10-25"),
            ("2026-10-24T23:00:00.000Z", "2026-10-25"),
        ] {
            assert_eq!(uk_day(at.parse().unwrap()).to_string(), day, "{at}");
        }
    }
}
