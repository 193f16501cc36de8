//! Instants: UTC in milliseconds, a monotonic counter in microseconds, and civil dates.
//!
//! The types are ours so that pure code can be handed a time and tests can build one from a number.

use alloc::{format, string::String};
use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

const MS_PER_DAY: i64 = 86_400_000;
/// 9999-12-31T23:59:59.999Z: four-digit years keep one text form per instant.
const LAST_MS: i64 = 253_402_300_799_999;

/// A text is not an instant or a date in its one accepted form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotATime {
    expected: &'static str,
}

impl fmt::Display for NotATime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not of the form {}", self.expected)
    }
}

impl core::error::Error for NotATime {}

/// An instant of UTC in milliseconds, from 1970 to 9999, written `2026-09-01T12:00:00.000Z` (RFC 3339).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utc(i64);

impl Utc {
    /// Milliseconds since 1970-01-01T00:00:00Z; values outside 1970–9999 are brought to the nearest end.
    pub const fn from_ms(ms: i64) -> Self {
        if ms < 0 {
            Self(0)
        } else if ms > LAST_MS {
            Self(LAST_MS)
        } else {
            Self(ms)
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// The instant `ms` later.
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`, negative if `earlier` is later.
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// The civil day in UTC.
    pub fn date(self) -> Date {
        Date::from_days(self.0.div_euclid(MS_PER_DAY))
    }

    /// Whole seconds, as key validity windows are written: `2026-09-01T00:00:00Z`.
    pub fn to_seconds_text(self) -> String {
        let text = format!("{self}");
        format!("{}Z", &text[..19])
    }

    /// Reads `2026-09-01T00:00:00Z`, and only that form.
    pub fn parse_seconds(text: &str) -> Result<Self, NotATime> {
        let fault = NotATime { expected: "2026-09-01T00:00:00Z" };
        let stem = text.strip_suffix('Z').filter(|stem| stem.len() == 19).ok_or(fault)?;
        format!("{stem}.000Z").parse()
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.rem_euclid(MS_PER_DAY);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}.{:03}Z", self.date(), ms % 1000)
    }
}

impl FromStr for Utc {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let fault = NotATime { expected: "2026-09-01T12:00:00.000Z" };
        let bytes = text.as_bytes();
        let shape = bytes.len() == 24
            && bytes[10] == b'T'
            && bytes[13] == b':'
            && bytes[16] == b':'
            && bytes[19] == b'.'
            && bytes[23] == b'Z';
        if !shape || !text.is_ascii() {
            return Err(fault);
        }
        let date: Date = text[..10].parse().map_err(|_| fault.clone())?;
        let field = |range: core::ops::Range<usize>, limit: i64| {
            digits(&bytes[range]).filter(|value| *value < limit).ok_or_else(|| fault.clone())
        };
        // Second 60 is refused: UTC milliseconds here carry no leap seconds, and nothing may be guessed.
        let (hour, minute, second) = (field(11..13, 24)?, field(14..16, 60)?, field(17..19, 60)?);
        let ms = field(20..23, 1000)?;
        Ok(Self(date.days() * MS_PER_DAY + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms))
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// A civil day of the Gregorian calendar, from 1970 to 9999, written `2026-09-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    days: i32,
}

impl Date {
    /// A day that exists, or nothing.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        let date = Self { days: days_from_civil(year, month, day) };
        (date.civil() == (year, month, day)).then_some(date)
    }

    fn from_days(days: i64) -> Self {
        Self { days: i32::try_from(days).unwrap_or(i32::MAX) }
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i64 {
        i64::from(self.days)
    }

    /// The day `days` later (or earlier, if negative).
    pub fn plus_days(self, days: i32) -> Self {
        Self { days: self.days.saturating_add(days).clamp(0, 2_932_896) }
    }

    /// Year, month 1–12, day 1–31.
    pub fn civil(self) -> (i32, u32, u32) {
        // Howard Hinnant, "chrono-compatible low-level date algorithms".
        let z = self.days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        (year, month.unsigned_abs(), day.unsigned_abs())
    }

    /// 0 = Monday … 6 = Sunday.
    pub fn weekday(self) -> u32 {
        (self.days + 3).rem_euclid(7).unsigned_abs()
    }

    /// Midnight UTC at which the day starts.
    pub fn start(self) -> Utc {
        Utc::from_ms(self.days() * MS_PER_DAY)
    }
}

fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let (month, day) = (month.cast_signed(), i32::try_from(day).unwrap_or(i32::MAX / 2));
    let year = year - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let fault = NotATime { expected: "2026-09-01" };
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(fault);
        }
        let field = |range: core::ops::Range<usize>| digits(&bytes[range]);
        let (Some(year), Some(month), Some(day)) = (field(0..4), field(5..7), field(8..10)) else {
            return Err(fault);
        };
        // Four and two digits always fit.
        Self::new(year as i32, month as u32, day as u32).ok_or(fault)
    }
}

/// A count of microseconds that never goes back, from the start of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mono(u64);

impl Mono {
    /// `us` microseconds after the start of the run.
    pub const fn from_us(us: u64) -> Self {
        Self(us)
    }

    /// Microseconds since the start of the run.
    pub const fn us(self) -> u64 {
        self.0
    }

    /// The moment `ms` milliseconds later.
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1000)))
    }

    /// Milliseconds since `earlier`, 0 if `earlier` is later.
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1000
    }
}

/// One moment on both clocks, read together by the shell and handed to everybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock: for intervals and timers.
    pub mono: Mono,
    /// The wall clock: for the record.
    pub utc: Utc,
}

impl Now {
    /// What the record keeps of this moment.
    pub fn stamp(self) -> Stamp {
        Stamp { mono_us: self.mono.us(), utc: self.utc }
    }
}

/// A moment as recorded, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// Microseconds since the start of the run.
    pub mono_us: u64,
    /// The wall clock.
    pub utc: Utc,
}

macro_rules! serde_as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

serde_as_text!(Utc);
serde_as_text!(Date);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn instants_have_one_text_form() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_788_264_000_000, "2026-09-01T12:00:00.000Z"),
            (LAST_MS, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Utc::from_ms(ms).to_string(), text);
            assert_eq!(text.parse(), Ok(Utc::from_ms(ms)));
        }
        for bad in [
            "",
            "2026-09-01T12:00:00Z",
            "2026-09-01 12:00:00.000Z",
            "2026-09-01T24:00:00.000Z",
            "2026-02-29T00:00:00.000Z",
            "2026-09-01T12:00:60.000Z",
            "2026-09-01T12:00:00.000z",
            "+026-09-01T12:00:00.000Z",
            "2026-09-01T12:00:00.0000",
            "1969-12-31T23:59:59.999Z",
            "2026-13-01T00:00:00.000Z",
            "2026-00-01T00:00:00.000Z",
            "2026-09-00T00:00:00.000Z",
            "2026-09-01T12:00:00.00éZ",
        ] {
            assert!(bad.parse::<Utc>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_round_trips() {
        let mut date = Date::new(1970, 1, 1).unwrap();
        for days in 0..146_097 * 2 {
            assert_eq!(date.days(), days);
            let (year, month, day) = date.civil();
            assert_eq!(Date::new(year, month, day), Some(date));
            date = date.plus_days(1);
        }
        assert_eq!(Date::new(2026, 11, 21).unwrap().weekday(), 5);
    }

    #[test]
    fn validity_windows_are_whole_seconds() {
        let instant = Utc::parse_seconds("2026-09-01T00:00:00Z").unwrap();
        assert_eq!(instant.to_seconds_text(), "2026-09-01T00:00:00Z");
        assert!(Utc::parse_seconds("2026-09-01T00:00:00.000Z").is_err());
    }
}
