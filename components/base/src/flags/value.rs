//! Values in the syntax of Go's flag package.

use std::time::Duration;

use super::Error;

/// Units of a duration in nanoseconds, longest spelling first where one begins another.
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

const DURATION: &str = "a duration such as 100ms, 10s, 5m0s or 1h30m";

/// Reads a duration: `100ms`, `1.5h`, `5m0s`, `0`. Below zero is refused: no option here has a meaning for it.
///
/// # Errors
/// Anything else, a number without a unit included.
pub fn duration(flag: &str, text: &str) -> Result<Duration, Error> {
    parse_duration(text.strip_prefix('+').unwrap_or(text)).ok_or_else(|| Error::new(flag, text, DURATION))
}

fn parse_duration(mut text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    if text.is_empty() {
        return None;
    }
    let mut nanos: u128 = 0;
    while !text.is_empty() {
        let (whole, rest) = digits(text);
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(rest) => digits(rest),
            None => ("", rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit_end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let (name, rest) = rest.split_at(unit_end);
        let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == name)?;
        let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        nanos = nanos.checked_add(whole.checked_mul(*unit)?)?;
        // Nine digits after the point say all that a nanosecond of an hour can.
        let fraction = &fraction[..fraction.len().min(18)];
        if !fraction.is_empty() {
            let part = fraction.parse::<u128>().ok()? * unit / 10u128.pow(fraction.len() as u32);
            nanos = nanos.checked_add(part)?;
        }
        text = rest;
    }
    // Go's durations are 63 bits of nanoseconds.
    (nanos <= i64::MAX as u128).then(|| Duration::from_nanos(nanos as u64))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Writes a duration as Go does: `5m0s`, `1h30m0s`, `1.5s`, `100ms`, `0s`.
pub fn format_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    if nanos < 1_000_000_000 {
        let (unit, size) = match nanos {
            0..1_000 => ("ns", 1),
            1_000..1_000_000 => ("µs", 1_000),
            _ => ("ms", 1_000_000),
        };
        return format!("{}{unit}", decimal(nanos, size));
    }
    let minutes = nanos / 60_000_000_000;
    let seconds = decimal(nanos % 60_000_000_000, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// `nanos / size` without trailing zeros; `size` is a power of ten.
fn decimal(nanos: u128, size: u128) -> String {
    let (whole, rest) = (nanos / size, nanos % size);
    if rest == 0 {
        return whole.to_string();
    }
    let width = size.ilog10() as usize;
    format!("{whole}.{}", format!("{rest:0width$}").trim_end_matches('0'))
}

/// Reads a boolean in one of Go's spellings.
///
/// # Errors
/// Any other text.
pub fn boolean(flag: &str, text: &str) -> Result<bool, Error> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Error::new(flag, text, "true or false")),
    }
}

/// Reads a whole number, also in Go's `0x`, `0o`, `0b` and `1_000` spellings.
///
/// # Errors
/// Anything else, or a number outside 64 bits.
pub fn integer(flag: &str, text: &str) -> Result<i64, Error> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = magnitude(digits)
        .map(i128::from)
        .map(|value| if negative { -value } else { value });
    magnitude
        .and_then(|value| i64::try_from(value).ok())
        .ok_or_else(|| Error::new(flag, text, "a whole number of at most 64 bits"))
}

/// Reads a whole number that is not negative; spellings as in [`integer`].
///
/// # Errors
/// Anything else.
pub fn unsigned(flag: &str, text: &str) -> Result<u64, Error> {
    magnitude(text).ok_or_else(|| Error::new(flag, text, "a whole number, zero or more"))
}

fn magnitude(text: &str) -> Option<u64> {
    let plain = text.replace('_', "");
    if !text.starts_with(|c: char| c.is_ascii_digit()) || text.ends_with('_') || text.contains("__") {
        return None;
    }
    let lower = plain.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = lower.strip_prefix(prefix) {
            return u64::from_str_radix(rest, radix).ok().filter(|_| !rest.starts_with('+'));
        }
    }
    if plain.len() > 1 && plain.starts_with('0') {
        return u64::from_str_radix(&plain, 8).ok();
    }
    plain.parse().ok()
}

/// Splits at commas; empty text is an empty list.
pub fn list(text: &str) -> Vec<String> {
    if text.is_empty() {
        Vec::new()
    } else {
        text.split(',').map(|part| part.trim().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_as_go_does() {
        for (text, millis, written) in [
            ("0", 0, "0s"),
            ("100ms", 100, "100ms"),
            ("5m0s", 300_000, "5m0s"),
            ("1h30m", 5_400_000, "1h30m0s"),
            ("1.5s", 1_500, "1.5s"),
            (".5h", 1_800_000, "30m0s"),
            ("+2h", 7_200_000, "2h0m0s"),
            ("1m2s3ms", 62_003, "1m2.003s"),
        ] {
            let read = duration("--x", text).unwrap();
            assert_eq!(
                (read, format_duration(read).as_str()),
                (Duration::from_millis(millis), written)
            );
        }
        assert_eq!(format_duration(Duration::from_nanos(1_500)), "1.5µs");
        assert_eq!(format_duration(Duration::from_nanos(7)), "7ns");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        let beyond = "340282366920938463463374607431768211.9us";
        for text in [
            "",
            "5",
            "5x",
            "s",
            "1h 2m",
            "-1s",
            ".",
            "5 s",
            "99999999999h",
            "1.2.3s",
            beyond,
        ] {
            assert!(duration("--x", text).is_err(), "{text}");
        }
        let error = duration("--corrupt-check-time", "5").unwrap_err().to_string();
        let expected =
            "invalid value \"5\" for --corrupt-check-time: expected a duration such as 100ms, 10s, 5m0s or 1h30m";
        assert_eq!(error, expected);
    }

    #[test]
    fn numbers_have_gos_spellings() {
        for (text, value) in [
            ("0", 0),
            ("-5", -5),
            ("+7", 7),
            ("0x10", 16),
            ("017", 15),
            ("1_000", 1000),
            ("0b11", 3),
        ] {
            assert_eq!(integer("--x", text), Ok(value), "{text}");
        }
        for text in [
            "",
            "-",
            "1_",
            "1__0",
            "x",
            "0x",
            "9223372036854775808",
            "1.5",
            "08",
            "--1",
        ] {
            assert!(integer("--x", text).is_err(), "{text}");
        }
        assert_eq!(unsigned("--x", "4294967295"), Ok(4_294_967_295));
        assert!(unsigned("--x", "-1").is_err());
        assert_eq!(integer("--x", "-9223372036854775808"), Ok(i64::MIN));
    }

    #[test]
    fn booleans_and_lists() {
        assert_eq!(boolean("--x", "T"), Ok(true));
        assert_eq!(boolean("--x", "0"), Ok(false));
        assert!(boolean("--x", "yes").is_err());
        assert_eq!(list("a, b,c"), ["a", "b", "c"]);
        assert!(list("").is_empty());
    }
}
