//! Moments and spans as objects write them: RFC 3339 in UTC, to the second or the microsecond, and Go's durations.
//!
//! There is no clock here: what time it is, the caller knows. Years run as in the Gregorian calendar, also before it.

mod duration;
mod layout;

use std::fmt;

pub use duration::{Duration, DurationError};
pub use layout::ParseError;
pub(crate) use layout::looks_like_yaml_timestamp;

const DAY: i64 = 86_400;
const SECOND: i128 = 1_000_000_000;
/// Go's zero time, the first second of year 1.
const ZERO: i64 = -62_135_596_800;

/// A moment, to the nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Since 1970, may be negative.
    seconds: i64,
    nanos: u32,
}

impl Time {
    /// So many whole seconds after the beginning of 1970.
    pub const fn from_unix(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    /// So many nanoseconds after the beginning of 1970.
    pub fn from_unix_nanos(nanos: i128) -> Self {
        let seconds = nanos.div_euclid(SECOND);
        Self {
            seconds: seconds.clamp(i64::MIN.into(), i64::MAX.into()) as i64,
            nanos: nanos.rem_euclid(SECOND) as u32,
        }
    }

    /// Reads a `Time`: RFC 3339, with or without a fraction.
    ///
    /// # Errors
    /// Go's: `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        layout::RFC3339.parse(text)
    }

    /// Reads a `MicroTime`: RFC 3339 with six digits of a fraction.
    ///
    /// # Errors
    /// Go's.
    pub fn parse_micro(text: &str) -> Result<Self, ParseError> {
        layout::RFC3339_MICRO.parse(text)
    }

    /// Whole seconds since the beginning of 1970.
    pub const fn unix(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since the beginning of 1970.
    pub fn unix_nanos(self) -> i128 {
        i128::from(self.seconds) * SECOND + i128::from(self.nanos)
    }

    /// Whether this is Go's zero time, which objects write as `null`.
    pub const fn is_zero(self) -> bool {
        self.seconds == ZERO && self.nanos == 0
    }

    /// How long after another moment this is; negative where it is before it, at the bounds where it is beyond them.
    pub fn since(self, earlier: Self) -> Duration {
        let nanos = self.unix_nanos() - earlier.unix_nanos();
        Duration::from_nanos(nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }

    /// As a `MicroTime` is written: `2026-01-02T03:04:05.000006Z`. What is finer is cut off.
    pub fn to_micro(self) -> String {
        let whole = self.to_string();
        let whole = whole.trim_end_matches('Z');
        format!("{whole}.{:06}Z", self.nanos / 1000)
    }
}

/// As a `Time` is written: `2026-01-02T03:04:05Z`. What is finer is cut off.
impl fmt::Display for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.seconds.div_euclid(DAY));
        let second = self.seconds.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Days since the beginning of 1970. Years are counted from March, so that the leap day ends them.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month < 3);
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let month = (month + 9) % 12;
    // 153 days in five months from March on, 146,097 in 400 years, 719,468 from year 0 to 1970.
    let in_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + in_year - 719_468
}

/// The year, month and day of a day since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, in_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    // Leap days are taken out, of which the last of four years, of a century and of 400 years are special.
    let year = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month < 3), month, day)
}

/// How many days a month has.
const fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests;
