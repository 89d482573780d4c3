//! Spans of time as Go writes and reads them (`1h2m3.5s`), and as columns show ages (`3d4h`).

use std::fmt;

use thiserror::Error;

use super::layout::quote;

const MICROSECOND: i64 = 1_000;
const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// The greatest size, of the least span.
const SIZE_MAX: u64 = 1 << 63;

/// Why a text is no span, in the words of Go.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DurationError {
    /// Not numbers with units, or too long.
    #[error("time: invalid duration {}", quote(_0))]
    Invalid(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {}", quote(_0))]
    NoUnit(String),
    /// No such unit.
    #[error("time: unknown unit {} in duration {}", quote(unit), quote(text))]
    Unit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

/// A span of time in nanoseconds; up to 292 years, may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// So many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// So many seconds; at the bounds where they are beyond them.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    /// In nanoseconds.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// In whole seconds, the rest cut off.
    pub const fn seconds(self) -> i64 {
        self.0 / SECOND
    }

    /// Reads numbers with units: `300ms`, `-1.5h`, `2h45m`.
    ///
    /// # Errors
    /// Go's: `time: invalid duration "x"`.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let negative = text.starts_with('-');
        let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let (whole, behind) = digits(rest);
            let (fraction, unit) = behind.strip_prefix('.').map_or(("", behind), digits);
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let length = unit.find(|letter: char| letter == '.' || letter.is_ascii_digit());
            let (unit, behind) = unit.split_at(length.unwrap_or(unit.len()));
            if unit.is_empty() {
                // Numbers that are too large are told first.
                return Err(number(whole).map_or_else(invalid, |_| DurationError::NoUnit(text.to_owned())));
            }
            let value = number(whole).ok_or_else(invalid)?;
            let nanos = nanos(unit).ok_or_else(|| DurationError::Unit {
                unit: unit.to_owned(),
                text: text.to_owned(),
            })?;
            let part = value.checked_mul(nanos).filter(|part| *part <= SIZE_MAX);
            let sum = part.and_then(|part| part.checked_add(fraction_of(fraction, nanos)));
            total = sum
                .and_then(|sum| total.checked_add(sum))
                .filter(|total| *total <= SIZE_MAX)
                .ok_or_else(invalid)?;
            rest = behind;
        }
        if negative {
            return Ok(Self(0_i64.wrapping_sub_unsigned(total)));
        }
        i64::try_from(total).map(Self).map_err(|_| invalid())
    }

    /// An age as columns show it, the shorter the older: `5s`, `3m20s`, `7d`, `2y3d`.
    pub fn human(self) -> String {
        let (seconds, minutes, hours) = (self.0 / SECOND, self.0 / MINUTE, self.0 / HOUR);
        let (days, years) = (hours / 24, hours / 24 / 365);
        let two = |large: i64, unit: char, small: i64, smaller: char| match small {
            0 => format!("{large}{unit}"),
            _ => format!("{large}{unit}{small}{smaller}"),
        };
        // Clocks differ by a second; what is a little ahead counts as now.
        match (seconds, minutes, hours) {
            (..-1, ..) => "<invalid>".to_owned(),
            (..0, ..) => "0s".to_owned(),
            (..120, ..) => format!("{seconds}s"),
            (_, ..10, _) => two(minutes, 'm', seconds % 60, 's'),
            (_, ..180, _) => format!("{minutes}m"),
            (.., ..8) => two(hours, 'h', minutes % 60, 'm'),
            (.., ..48) => format!("{hours}h"),
            (.., ..192) => two(days, 'd', hours % 24, 'h'),
            (.., ..17_520) => format!("{days}d"),
            (.., ..70_080) => two(years, 'y', days % 365, 'd'),
            _ => format!("{years}y"),
        }
    }

    /// An age in its largest unit: `5s`, `3m`, `7d`, `2y`.
    pub fn short_human(self) -> String {
        let (seconds, minutes, hours) = (self.0 / SECOND, self.0 / MINUTE, self.0 / HOUR);
        match (seconds, minutes, hours) {
            (..-1, ..) => "<invalid>".to_owned(),
            (..0, ..) => "0s".to_owned(),
            (..60, ..) => format!("{seconds}s"),
            (_, ..60, _) => format!("{minutes}m"),
            (.., ..24) => format!("{hours}h"),
            (.., ..8_760) => format!("{}d", hours / 24),
            _ => format!("{}y", hours / 24 / 365),
        }
    }
}

/// As Go writes it: `1h0m0s`, `1.5s`, `20ms`, `0s`.
impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        if self.0 < 0 {
            out.write_str("-")?;
        }
        for (unit, name, next) in [
            (1, "ns", MICROSECOND),
            (MICROSECOND, "µs", MILLISECOND),
            (MILLISECOND, "ms", SECOND),
        ] {
            if size > 0 && size < next.unsigned_abs() {
                return decimal(size, unit.unsigned_abs(), out).and_then(|()| out.write_str(name));
            }
        }
        let (minute, hour) = (MINUTE.unsigned_abs(), HOUR.unsigned_abs());
        if size >= hour {
            write!(out, "{}h", size / hour)?;
        }
        if size >= minute {
            write!(out, "{}m", size % hour / minute)?;
        }
        decimal(size % minute, SECOND.unsigned_abs(), out)?;
        out.write_str("s")
    }
}

/// A size in a unit, with as many digits behind the point as it needs.
fn decimal(size: u64, unit: u64, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(out, "{}", size / unit)?;
    if size.is_multiple_of(unit) {
        return Ok(());
    }
    let places = unit.ilog10() as usize;
    let fraction = format!("{:0places$}", size % unit);
    write!(out, ".{}", fraction.trim_end_matches('0'))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// A whole number, zero where there are no digits; not above what a span can have of nanoseconds.
fn number(digits: &str) -> Option<u64> {
    let value = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    (value <= SIZE_MAX).then_some(value)
}

/// A fraction of a unit in nanoseconds. Digits beyond the nineteenth do not count, and the product is one of doubles.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in digits.bytes() {
        let next = value
            .checked_mul(10)
            .and_then(|next| next.checked_add(u64::from(digit - b'0')));
        let Some(next) = next.filter(|next| *next <= SIZE_MAX) else {
            break;
        };
        value = next;
        scale *= 10.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "Go reckons so")]
    let nanos = value as f64 * (unit as f64 / scale);
    nanos as u64
}

fn nanos(unit: &str) -> Option<u64> {
    let nanos = match unit {
        "ns" => 1,
        // The micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    };
    Some(nanos.unsigned_abs())
}
