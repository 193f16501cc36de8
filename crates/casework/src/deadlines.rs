//! When a report must be sent: the target of the 2010 draft and the hard stop of the 2012 draft (cir.md).

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Date, Utc, cir::Deadlines};
use serde::Deserialize;

use crate::calendar::{last_of_month, uk_day};

/// The holidays as shipped.
pub const SHIPPED: &str = include_str!("../data/uk-holidays.toml");

/// The format and version that a table of holidays names first.
pub const FORMAT: &str = "affiant.uk-holidays/1";

/// The draft code of 2010 gives ten working days.
const TARGET_WORKING_DAYS: u32 = 10;

/// The days that are holidays in every part of the United Kingdom, for the years that the table covers.
#[derive(Debug, Clone)]
pub struct Holidays {
    years: BTreeSet<i32>,
    everywhere: BTreeSet<Date>,
    dated: Date,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    dated: Date,
    source: String,
    years: Vec<i32>,
    #[serde(default)]
    holiday: Vec<Holiday>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Holiday {
    date: Date,
    name: String,
    parts: Vec<Part>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum Part {
    EnglandAndWales,
    Scotland,
    NorthernIreland,
}

/// Why a table of holidays is refused, or does not suffice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HolidayFault {
    /// It is not TOML of the table's shape.
    #[error("the table of holidays is refused: {0}")]
    Toml(String),
    /// A holiday is of a year that the table does not claim to cover, or stands twice for one part.
    #[error("the table of holidays lists '{name}' on {date}, {rule}")]
    Holiday {
        /// Which day.
        date: Date,
        /// What it is called.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A deadline falls in a year without holidays.
    #[error("no table of holidays covers {year}, so no deadline in it can be computed: add the year to uk-holidays.toml")]
    Year {
        /// Which year.
        year: i32,
    },
}

impl Holidays {
    /// Reads a table.
    pub fn parse(text: &str) -> Result<Self, HolidayFault> {
        let file: File = toml::from_str(text).map_err(|fault| HolidayFault::Toml(fault.to_string().trim_end().to_string()))?;
        if file.format != FORMAT {
            return Err(HolidayFault::Toml(format!("its format is not '{FORMAT}'")));
        }
        let years: BTreeSet<i32> = file.years.into_iter().collect();
        let mut parts: BTreeMap<Date, BTreeSet<Part>> = BTreeMap::new();
        for holiday in file.holiday {
            let fault = |rule| HolidayFault::Holiday { date: holiday.date, name: holiday.name.clone(), rule };
            if !years.contains(&holiday.date.civil().0) {
                return Err(fault("whose year is not among its years"));
            }
            for part in &holiday.parts {
                if !parts.entry(holiday.date).or_default().insert(*part) {
                    return Err(fault("which is a holiday there already"));
                }
            }
        }
        let everywhere = parts.into_iter().filter(|(_, parts)| parts.len() == 3).map(|(date, _)| date).collect();
        Ok(Self { years, everywhere, dated: file.dated, source: file.source })
    }

    /// When the table was written.
    pub fn dated(&self) -> Date {
        self.dated
    }

    /// How its dates are known.
    pub fn source(&self) -> &str {
        &self.source
    }

    fn is_working_day(&self, day: Date) -> Result<bool, HolidayFault> {
        let (year, _, _) = day.civil();
        if !self.years.contains(&year) {
            return Err(HolidayFault::Year { year });
        }
        Ok(day.weekday() < 5 && !self.everywhere.contains(&day))
    }

    /// The tenth working day after a day.
    fn target(&self, gathered: Date) -> Result<Date, HolidayFault> {
        let (mut day, mut left) = (gathered, TARGET_WORKING_DAYS);
        while left > 0 {
            day = day.plus_days(1);
            left -= u32::from(self.is_working_day(day)?);
        }
        Ok(day)
    }
}

/// The last day of one month beginning with a day: 15 March gives 14 April, 31 January the last day of February.
pub fn month_beginning_with(day: Date) -> Date {
    let (year, month, number) = day.civil();
    let (end_year, end_month) = match (number, month) {
        (1, _) => (year, month),
        (_, 12) => (year + 1, 1),
        _ => (year, month + 1),
    };
    let last = last_of_month(end_year, end_month).unwrap_or(day);
    if number == 1 { last } else { Date::new(end_year, end_month, number - 1).unwrap_or(last) }
}

/// The dates by which a report on a session must be sent. The day of gathering is its start, as a civil day of
/// UTC and of the United Kingdom; whichever gives the earlier date counts.
pub fn deadlines(start: Utc, holidays: &Holidays) -> Result<Deadlines, HolidayFault> {
    let (utc, uk) = (start.date(), uk_day(start));
    Ok(Deadlines {
        last: month_beginning_with(utc).min(month_beginning_with(uk)),
        target: holidays.target(utc)?.min(holidays.target(uk)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Holidays {
        Holidays::parse(SHIPPED).unwrap()
    }

    #[test]
    fn one_month_beginning_with_a_day() {
        for (day, last) in [
            ("2026-03-15", "2026-04-14"),
            ("2026-01-31", "2026-02-28"),
            ("2028-01-31", "2028-02-29"),
            ("2028-01-30", "2028-02-29"),
            ("2026-01-29", "2026-02-28"),
            ("2026-02-28", "2026-03-27"),
            ("2026-03-01", "2026-03-31"),
            ("2026-03-31", "2026-04-30"),
            ("2026-12-15", "2027-01-14"),
            ("2026-12-31", "2027-01-30"),
        ] {
            assert_eq!(month_beginning_with(day.parse().unwrap()).to_string(), last, "{day}");
        }
    }

    #[test]
    fn targets_skip_days_that_are_holidays_everywhere() {
        for (day, target) in [
            // No holiday: two weeks.
            ("2026-09-01", "2026-09-15"),
            // The summer bank holiday is not one in Scotland, so it is not skipped.
            ("2026-08-21", "2026-09-04"),
            // Christmas Day, the substitute for Boxing Day and New Year's Day are.
            ("2026-12-18", "2027-01-06"),
            // Good Friday is, Easter Monday is not.
            ("2026-04-02", "2026-04-17"),
            // A Saturday.
            ("2026-09-05", "2026-09-18"),
        ] {
            let day: Date = day.parse().unwrap();
            assert_eq!(shipped().target(day).unwrap().to_string(), target, "{day}");
        }
    }

    #[test]
    fn the_calendar_with_the_earlier_deadline_counts() {
        for (start, last, target) in [
            // 23:30 UTC in summer is the next day in the United Kingdom; the UTC day gives the earlier dates.
            ("2026-07-14T23:30:00.000Z", "2026-08-13", "2026-07-28"),
            ("2026-07-15T00:30:00.000Z", "2026-08-14", "2026-07-29"),
            // 31 August ends on 30 September; so does 1 September.
            ("2026-08-31T23:30:00.000Z", "2026-09-30", "2026-09-14"),
        ] {
            let deadlines = deadlines(start.parse().unwrap(), &shipped()).unwrap();
            assert_eq!((deadlines.last.to_string(), deadlines.target.to_string()), (last.into(), target.into()), "{start}");
        }
    }

    #[test]
    fn a_year_without_a_table_is_an_error() {
        let at = "2028-12-20T12:00:00.000Z".parse().unwrap();
        assert_eq!(deadlines(at, &shipped()), Err(HolidayFault::Year { year: 2029 }));
        assert_eq!(deadlines("2024-06-01T12:00:00.000Z".parse().unwrap(), &shipped()), Err(HolidayFault::Year { year: 2024 }));
    }

    #[test]
    fn contradictory_tables_are_refused() {
        for (from, to) in [
            ("affiant.uk-holidays/1", "affiant.uk-holidays/2"),
            ("years = [2025, ", "years = ["),
            ("name = \"2nd January\"", "nom = \"2nd January\""),
            ("parts = [\"scotland\"]", "parts = [\"scotland\", \"scotland\"]"),
            ("parts = [\"scotland\"]", "parts = [\"wales\"]"),
            ("2025-01-02", "2025-02-30"),
        ] {
            let text = SHIPPED.replacen(from, to, 1);
            assert_ne!(text, SHIPPED, "{from}");
            assert!(Holidays::parse(&text).is_err(), "{from} -> {to}");
        }
    }
}
