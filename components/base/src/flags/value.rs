//! Values in the syntax of Go's flag package.

use std::time::Duration;

use super::{Error, go};

const DURATION: &str = "a duration such as 100ms, 10s, 5m0s or 1h30m";

/// Reads a duration: `100ms`, `1.5h`, `5m0s`, `0`. Below zero is refused: no option here has a meaning for it.
///
/// # Errors
/// Anything else, a number without a unit included.
pub fn duration(flag: &str, text: &str) -> Result<Duration, Error> {
    go::span(text)
        .ok()
        .filter(|_| !text.starts_with('-'))
        .map(go::Span::as_duration)
        .ok_or_else(|| Error::new(flag, text, DURATION))
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
    go::boolean(text).map_err(|_| Error::new(flag, text, "true or false"))
}

/// Reads a whole number, also in Go's `0x`, `0o`, `0b` and `1_000` spellings.
///
/// # Errors
/// Anything else, or a number outside 64 bits.
pub fn integer(flag: &str, text: &str) -> Result<i64, Error> {
    go::int(text, 64).map_err(|_| Error::new(flag, text, "a whole number of at most 64 bits"))
}

/// Reads a whole number that is not negative; spellings as in [`integer`].
///
/// # Errors
/// Anything else.
pub fn unsigned(flag: &str, text: &str) -> Result<u64, Error> {
    go::uint(text).map_err(|_| Error::new(flag, text, "a whole number, zero or more"))
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
