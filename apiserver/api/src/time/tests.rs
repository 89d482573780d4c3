//! Moments and spans against what Go reads, writes and says.

use proptest::prelude::*;

use super::{Duration, Time, date, days, looks_like_yaml_timestamp};

#[test]
fn moments_print_in_utc() {
    for (text, seconds, printed) in [
        ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00Z", 1_767_225_600, "2026-01-01T00:00:00Z"),
        ("2024-02-29T23:59:59Z", 1_709_251_199, "2024-02-29T23:59:59Z"),
        ("2026-01-01T02:00:00+02:00", 1_767_225_600, "2026-01-01T00:00:00Z"),
        ("2025-12-31T18:30:00-05:30", 1_767_225_600, "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.999999999Z", 1_767_225_600, "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00,5Z", 1_767_225_600, "2026-01-01T00:00:00Z"),
        ("2026-01-01T0:00:00Z", 1_767_225_600, "2026-01-01T00:00:00Z"),
        ("1969-12-31T23:59:59Z", -1, "1969-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", super::ZERO, "0001-01-01T00:00:00Z"),
        ("0000-02-29T00:00:00Z", -62_162_121_600, "0000-02-29T00:00:00Z"),
        ("9999-12-31T23:59:59-01:00", 253_402_304_399, "10000-01-01T00:59:59Z"),
        ("2026-01-01T00:00:00+24:60", 1_767_135_600, "2025-12-30T23:00:00Z"),
    ] {
        let time = Time::parse(text).unwrap();
        assert_eq!((time.unix(), time.to_string().as_str()), (seconds, printed), "{text}");
        assert_eq!(Time::from_unix(seconds).to_string(), printed);
    }
    let zero = Time::parse("0001-01-01T00:00:00Z").unwrap();
    assert!(zero.is_zero() && !Time::from_unix(0).is_zero());
}

#[test]
fn micro_times_have_six_digits() {
    let time = Time::parse_micro("2026-01-02T03:04:05.000006Z").unwrap();
    assert_eq!(time.unix_nanos(), 1_767_323_045_000_006_000);
    assert_eq!(
        (time.to_micro().as_str(), time.to_string().as_str()),
        ("2026-01-02T03:04:05.000006Z", "2026-01-02T03:04:05Z")
    );
    assert_eq!(Time::from_unix_nanos(-1).to_micro(), "1969-12-31T23:59:59.999999Z");
    assert_eq!(Time::from_unix_nanos(-1).unix_nanos(), -1);
    assert_eq!(
        Time::parse_micro("2026-01-02T03:04:05.000006+01:00")
            .unwrap()
            .to_micro(),
        "2026-01-02T02:04:05.000006Z"
    );
}

#[test]
fn what_is_no_moment_is_refused_in_go_s_words() {
    const SECONDS: &str = "2006-01-02T15:04:05Z07:00";
    for (text, rest, part) in [
        ("", "", "2006"),
        ("x", "x", "2006"),
        ("v", "v", "2006"),
        ("20a6-01-01", "20a6-01-01", "2006"),
        ("2026", "", "-"),
        ("2026x01", "x01", "-"),
        ("2026-1-01T00:00:00Z", "1-01T00:00:00Z", "01"),
        ("2026-01-1T00:00:00Z", "1T00:00:00Z", "02"),
        ("2026-01-01", "", "T"),
        ("2026-01-01 00:00:00Z", " 00:00:00Z", "T"),
        ("2026-01-01T", "", "15"),
        ("2026-01-01T00:0:00Z", "0:00Z", "04"),
        ("2026-01-01T00:00:0Z", "0Z", "05"),
        ("2026-01-01T00:00:00", "", "Z07:00"),
        ("2026-01-01T00:00:00z", "z", "Z07:00"),
        ("2026-01-01T00:00:00+0100", "+0100", "Z07:00"),
        ("2026-01-01T00:00:00*01:00", "*01:00", "Z07:00"),
        ("2026-01-01T00:00:00+0é:00", "+0é:00", "Z07:00"),
    ] {
        let (shown, rest) = (super::layout::quote(text), super::layout::quote(rest));
        let message = format!("parsing time {shown} as \"{SECONDS}\": cannot parse {rest} as \"{part}\"");
        assert_eq!(Time::parse(text).unwrap_err().to_string(), message);
    }
    for (text, message) in [
        ("2026-13-01T00:00:00Z", ": month out of range"),
        ("2026-00-01T00:00:00Z", ": month out of range"),
        ("2026-02-29T00:00:00Z", ": day out of range"),
        ("2026-02-00T00:00:00Z", ": day out of range"),
        ("2026-01-01T24:00:00Z", ": hour out of range"),
        ("2026-01-01T00:60:00Z", ": minute out of range"),
        ("2026-01-01T00:00:60Z", ": second out of range"),
        ("2026-01-01T00:00:00+25:00", ": time zone offset hour out of range"),
        ("2026-01-01T00:00:00+00:61", ": time zone offset minute out of range"),
        ("2026-01-01T00:00:00Zx\"", r#": extra text: "x\"""#),
    ] {
        let message = format!("parsing time {}{message}", super::layout::quote(text));
        assert_eq!(Time::parse(text).unwrap_err().to_string(), message);
    }
    assert_eq!(
        Time::parse_micro("2026-01-01T00:00:00Z").unwrap_err().to_string(),
        "parsing time \"2026-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" as \".000000\""
    );
    assert_eq!(
        Time::parse("é\u{1}").unwrap_err().to_string(),
        r#"parsing time "\xc3\xa9\x01" as "2006-01-02T15:04:05Z07:00": cannot parse "\xc3\xa9\x01" as "2006""#
    );
}

#[test]
fn strings_that_yaml_takes_for_timestamps() {
    for text in [
        "2026-01-01",
        "2026-1-1",
        "2026-01-01T00:00:00Z",
        "2026-1-1t1:2:3.5+01:00",
        "2026-01-01 00:00:00.5",
    ] {
        assert!(looks_like_yaml_timestamp(text), "{text}");
    }
    for text in [
        "",
        "2026",
        "2026-",
        "2026-13-01",
        "20260-01-01",
        "2026-01-01 00:00:00 -5",
        "x2026-01-01",
        "2026-02-30",
    ] {
        assert!(!looks_like_yaml_timestamp(text), "{text}");
    }
}

#[test]
fn durations_are_go_s() {
    for (text, printed) in [
        ("0", "0s"),
        ("0s", "0s"),
        ("-0s", "0s"),
        ("5s", "5s"),
        ("+5s", "5s"),
        ("1.5h", "1h30m0s"),
        ("1h2m3s", "1h2m3s"),
        ("300ms", "300ms"),
        ("1500ms", "1.5s"),
        ("1us", "1µs"),
        ("1µs", "1µs"),
        ("1.1μs", "1.1µs"),
        ("12ns", "12ns"),
        ("-1.5m", "-1m30s"),
        (".5s", "500ms"),
        ("1.s", "1s"),
        ("60m", "1h0m0s"),
        ("1m0.000000001s", "1m0.000000001s"),
        ("9223372036854775807ns", "2562047h47m16.854775807s"),
        ("-9223372036854775808ns", "-2562047h47m16.854775808s"),
        ("0.9223372036854775807h", "55m20.413933267s"),
    ] {
        assert_eq!(Duration::parse(text).unwrap().to_string(), printed, "{text}");
    }
    for (text, message) in [
        ("", r#"time: invalid duration """#),
        ("x", r#"time: invalid duration "x""#),
        ("-", r#"time: invalid duration "-""#),
        (".s", r#"time: invalid duration ".s""#),
        ("5", r#"time: missing unit in duration "5""#),
        ("1h5", r#"time: missing unit in duration "1h5""#),
        ("5x", r#"time: unknown unit "x" in duration "5x""#),
        ("1d", r#"time: unknown unit "d" in duration "1d""#),
        ("5é", r#"time: unknown unit "\xc3\xa9" in duration "5\xc3\xa9""#),
        (
            "9223372036854775808ns",
            r#"time: invalid duration "9223372036854775808ns""#,
        ),
        ("9999999999999h", r#"time: invalid duration "9999999999999h""#),
        (
            "99999999999999999999",
            r#"time: invalid duration "99999999999999999999""#,
        ),
    ] {
        assert_eq!(Duration::parse(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn ages_are_the_shorter_the_older() {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    for (seconds, human, short) in [
        (-2, "<invalid>", "<invalid>"),
        (-1, "0s", "0s"),
        (0, "0s", "0s"),
        (59, "59s", "59s"),
        (119, "119s", "1m"),
        (120, "2m", "2m"),
        (200, "3m20s", "3m"),
        (10 * MINUTE + 5, "10m", "10m"),
        (179 * MINUTE, "179m", "2h"),
        (3 * HOUR, "3h", "3h"),
        (7 * HOUR + 59 * MINUTE, "7h59m", "7h"),
        (8 * HOUR + 59 * MINUTE, "8h", "8h"),
        (47 * HOUR, "47h", "1d"),
        (48 * HOUR, "2d", "2d"),
        (49 * HOUR, "2d1h", "2d"),
        (8 * DAY + HOUR, "8d", "8d"),
        (2 * YEAR - 1, "729d", "1y"),
        (2 * YEAR, "2y", "2y"),
        (2 * YEAR + 3 * DAY, "2y3d", "2y"),
        (8 * YEAR + 3 * DAY, "8y", "8y"),
    ] {
        let age = Duration::from_seconds(seconds);
        assert_eq!(
            (age.human().as_str(), age.short_human().as_str()),
            (human, short),
            "{seconds}"
        );
    }
    let (old, young) = (Time::from_unix(100), Time::from_unix_nanos(345_500_000_000));
    assert_eq!(
        (young.since(old).to_string().as_str(), young.since(old).human().as_str()),
        ("4m5.5s", "4m5s")
    );
    assert_eq!(
        (young.since(old).seconds(), old.since(young).nanos()),
        (245, -245_500_000_000)
    );
}

proptest! {
    #[test]
    fn days_are_dates(day in -1_000_000_i64..4_000_000) {
        let (year, month, of_month) = date(day);
        prop_assert_eq!(days(year, month, of_month), day);
        let (_, next_month, next) = date(day + 1);
        prop_assert!(next == of_month + 1 && next_month == month || next == 1 && of_month == super::days_in(month, year));
    }

    #[test]
    fn what_prints_is_read_again(nanos in -62_135_596_800_000_000_000_i128..253_402_300_799_000_000_000) {
        let time = Time::from_unix_nanos(nanos);
        prop_assert_eq!(Time::parse(&time.to_string()).unwrap().unix(), time.unix());
        prop_assert_eq!(Time::parse_micro(&time.to_micro()).unwrap().to_micro(), time.to_micro());
    }

    #[test]
    fn spans_are_read_again(nanos: i64) {
        let span = Duration::from_nanos(nanos);
        // A fraction of a second passes through doubles, which are exact for so few digits.
        prop_assert_eq!(Duration::parse(&span.to_string()).unwrap(), span);
    }

    #[test]
    fn no_text_panics(text in "[-+0-9:.,TtZ é]{0,30}") {
        let _ = (Time::parse(&text), Time::parse_micro(&text), Duration::parse(&text), looks_like_yaml_timestamp(&text));
    }
}
