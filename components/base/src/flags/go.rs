//! Numbers and durations as Go's `strconv` and `time` read them, with the texts that Go has for what is wrong.

use std::fmt;
use std::time::Duration;

use super::value::format_duration;

/// Units of a duration in nanoseconds.
const UNITS: &[(&str, u128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A span of time that may be below zero: 64 bits of nanoseconds, as Go keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(i64);

impl Span {
    /// In nanoseconds.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whether it is below zero, which most options refuse only after all flags are read.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Without its sign if that is a plus; below zero is zero.
    pub const fn as_duration(self) -> Duration {
        Duration::from_nanos(if self.0 < 0 { 0 } else { self.0.unsigned_abs() })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let size = Duration::from_nanos(self.0.unsigned_abs());
        write!(out, "{sign}{}", format_duration(size))
    }
}

/// Reads a duration: `100ms`, `-1.5h`, `5m0s`, `0` (`time.ParseDuration`).
///
/// # Errors
/// Anything else, a number without a unit included; Go's text.
pub fn span(text: &str) -> Result<Span, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(Span(0));
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {text:?}"));
        }
        let unit = UNITS.iter().find(|(unit, _)| *unit == name);
        let (_, unit) = unit.ok_or_else(|| format!("time: unknown unit {name:?} in duration {text:?}"))?;
        nanos = part(whole, fraction, *unit)
            .and_then(|part| nanos.checked_add(part))
            .ok_or_else(invalid)?;
        rest = after;
    }
    let signed = i128::try_from(nanos).map_err(|_| invalid())?;
    let signed = i64::try_from(if negative { -signed } else { signed });
    signed.map(Span).map_err(|_| invalid())
}

/// `whole.fraction` of a unit, in nanoseconds.
fn part(whole: &str, fraction: &str, unit: u128) -> Option<u128> {
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Nine digits after the point say all that a nanosecond of an hour can.
    let fraction = &fraction[..fraction.len().min(18)];
    let rest = if fraction.is_empty() {
        0
    } else {
        fraction.parse::<u128>().ok()? * unit / 10u128.pow(fraction.len() as u32)
    };
    whole.checked_mul(unit)?.checked_add(rest)
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Syntax,
    Range,
}

impl Wrong {
    fn text(self, function: &str, text: &str) -> String {
        let what = match self {
            Self::Syntax => "invalid syntax",
            Self::Range => "value out of range",
        };
        format!("strconv.{function}: parsing {text:?}: {what}")
    }
}

/// Reads a whole number of at most `bits` bits with its sign, also as `0x1f`, `0o17`, `017`, `0b1` and `1_000`.
///
/// # Errors
/// Anything else, or a number that does not fit; Go's text.
pub fn int(text: &str, bits: u32) -> Result<i64, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let limit = 1i128 << (bits - 1);
    let number = magnitude(digits).and_then(|size| {
        let number = if negative { -i128::from(size) } else { i128::from(size) };
        let fits = (-limit..limit).contains(&number);
        i64::try_from(number).ok().filter(|_| fits).ok_or(Wrong::Range)
    });
    number.map_err(|wrong| wrong.text("ParseInt", text))
}

/// Reads a whole number without a sign; spellings as in [`int`].
///
/// # Errors
/// Anything else, or more than 64 bits; Go's text.
pub fn uint(text: &str) -> Result<u64, String> {
    magnitude(text).map_err(|wrong| wrong.text("ParseUint", text))
}

/// Reads a plain decimal number of at most `bits` bits without a sign.
///
/// # Errors
/// Anything else; Go's text.
pub fn decimal(text: &str, bits: u32) -> Result<u64, String> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if plain {
        text.parse::<u64>()
            .ok()
            .filter(|number| number.checked_shr(bits).unwrap_or(0) == 0)
            .ok_or(Wrong::Range)
    } else {
        Err(Wrong::Syntax)
    };
    number.map_err(|wrong| wrong.text("ParseUint", text))
}

fn magnitude(text: &str) -> Result<u64, Wrong> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) || text.ends_with('_') || text.contains("__") {
        return Err(Wrong::Syntax);
    }
    let plain = text.replace('_', "").to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = plain.strip_prefix(prefix) {
            return in_radix(rest, radix);
        }
    }
    if plain.len() > 1 && plain.starts_with('0') {
        return in_radix(&plain, 8);
    }
    in_radix(&plain, 10)
}

fn in_radix(digits: &str, radix: u32) -> Result<u64, Wrong> {
    use std::num::IntErrorKind::PosOverflow;
    if digits.starts_with('+') {
        return Err(Wrong::Syntax);
    }
    u64::from_str_radix(digits, radix).map_err(|error| match error.kind() {
        PosOverflow => Wrong::Range,
        _ => Wrong::Syntax,
    })
}

/// Reads a number with a point or an exponent; `largest` is the greatest that its type holds.
///
/// # Errors
/// Anything else, or one that does not fit; Go's text.
pub fn float(text: &str, largest: f64) -> Result<f64, String> {
    let wrong = match text.parse::<f64>() {
        Ok(number) if number.abs() <= largest || !text.contains(|c: char| c.is_ascii_digit()) => return Ok(number),
        Ok(_) => Wrong::Range,
        Err(_) => Wrong::Syntax,
    };
    Err(wrong.text("ParseFloat", text))
}

/// Reads a boolean in one of Go's spellings.
///
/// # Errors
/// Any other text; Go's text.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Wrong::Syntax.text("ParseBool", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_may_be_negative_and_are_written_as_go_does() {
        for (text, nanos, written) in [
            ("-1s", -1_000_000_000, "-1s"),
            ("+1.5h", 5_400_000_000_000, "1h30m0s"),
            ("-0", 0, "0s"),
            ("2540400h10m10s", 9_145_440_610_000_000_000, "2540400h10m10s"),
            ("-9223372036854775808ns", i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            let read = span(text).unwrap();
            assert_eq!((read.nanos(), read.to_string().as_str()), (nanos, written));
        }
        assert_eq!(span("-5m").unwrap().as_duration(), Duration::ZERO);
        assert_eq!(span("5m").unwrap().as_duration(), Duration::from_secs(300));
    }

    #[test]
    fn what_is_no_duration_is_told_as_go_tells_it() {
        for (text, expected) in [
            ("", "time: invalid duration \"\""),
            ("5", "time: missing unit in duration \"5\""),
            ("5d", "time: unknown unit \"d\" in duration \"5d\""),
            ("1h 2m", "time: unknown unit \"h \" in duration \"1h 2m\""),
            (".s", "time: invalid duration \".s\""),
            ("--1s", "time: invalid duration \"--1s\""),
            (
                "9223372036854775808ns",
                "time: invalid duration \"9223372036854775808ns\"",
            ),
        ] {
            assert_eq!(span(text).unwrap_err(), expected);
        }
    }

    #[test]
    fn what_is_no_number_is_told_as_go_tells_it() {
        assert_eq!(int("-0x10", 64), Ok(-16));
        assert_eq!(int("-2147483648", 32), Ok(-2_147_483_648));
        let out = "strconv.ParseInt: parsing \"2147483648\": value out of range";
        assert_eq!(int("2147483648", 32).unwrap_err(), out);
        assert_eq!(
            int("x", 64).unwrap_err(),
            "strconv.ParseInt: parsing \"x\": invalid syntax"
        );
        assert!(int("99999999999999999999", 64).unwrap_err().ends_with("out of range"));
        assert_eq!(uint("017"), Ok(15));
        assert!(uint("-1").unwrap_err().starts_with("strconv.ParseUint"));
        assert_eq!(decimal("10", 31), Ok(10));
        assert!(decimal("0x1", 31).unwrap_err().ends_with("invalid syntax"));
        assert!(decimal("2147483648", 31).unwrap_err().ends_with("out of range"));
        assert_eq!(float(".001", f64::MAX), Ok(0.001));
        assert!(
            float("1e39", f64::from(f32::MAX))
                .unwrap_err()
                .ends_with("out of range")
        );
        assert!(float("1e999", f64::MAX).unwrap_err().ends_with("out of range"));
        let none = "strconv.ParseFloat: parsing \"ten\": invalid syntax";
        assert_eq!(float("ten", f64::MAX).unwrap_err(), none);
        let none = "strconv.ParseBool: parsing \"yes\": invalid syntax";
        assert_eq!(boolean("yes").unwrap_err(), none);
    }
}
