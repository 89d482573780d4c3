//! Reading moments the way Go's `time.Parse` reads the layouts that Kubernetes and YAML have, with its messages.

use std::ops::RangeInclusive;

use thiserror::Error;

use super::{Time, days, days_in};

/// Why a text is no moment, in the words of Go.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// A part is not what the layout has there.
    #[error(
        "parsing time {} as \"{layout}\": cannot parse {} as \"{part}\"",
        quote(text),
        quote(rest)
    )]
    Part {
        /// The text.
        text: String,
        /// The layout.
        layout: &'static str,
        /// What is left of the text.
        rest: String,
        /// The layout's part that it should have begun with.
        part: &'static str,
    },
    /// A part is not among those that there are.
    #[error("parsing time {}: {part} out of range", quote(text))]
    Range {
        /// The text.
        text: String,
        /// What part.
        part: &'static str,
    },
    /// There is more than a moment.
    #[error("parsing time {}: extra text: {}", quote(text), quote(extra))]
    Extra {
        /// The text.
        text: String,
        /// What stands behind it.
        extra: String,
    },
}

/// A text in quotes as package `time` writes it: what is not ASCII byte by byte.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            ' '..='\u{7f}' => quoted.push(letter),
            _ => {
                let mut bytes = [0; 4];
                let bytes = letter.encode_utf8(&mut bytes).bytes();
                quoted.extend(
                    bytes
                        .flat_map(|byte| format!("\\x{byte:02x}").into_bytes())
                        .map(char::from),
                );
            }
        }
    }
    quoted.push('"');
    quoted
}

/// What a layout is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Characters that stand for themselves.
    Literal(&'static str),
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// So many digits behind a point.
    Fraction(usize),
    /// `Z` or `+07:00`.
    Zone,
}

/// A layout of Go.
pub(super) struct Layout {
    /// As Go writes it.
    text: &'static str,
    /// Whether months, days, minutes and seconds have two digits; else one is enough.
    padded: bool,
    parts: &'static [(Part, &'static str)],
}

const DATE: [(Part, &str); 5] = [
    (Part::Year, "2006"),
    (Part::Literal("-"), "-"),
    (Part::Month, "01"),
    (Part::Literal("-"), "-"),
    (Part::Day, "02"),
];

/// A day and a time of day, with `$between` between them and `$more` behind.
macro_rules! moment {
    ($between:literal $(, $more:expr)*) => {
        &[
            DATE[0],
            DATE[1],
            DATE[2],
            DATE[3],
            DATE[4],
            (Part::Literal($between), $between),
            (Part::Hour, "15"),
            (Part::Literal(":"), ":"),
            (Part::Minute, "04"),
            (Part::Literal(":"), ":"),
            (Part::Second, "05"),
            $($more,)*
        ]
    };
}

const ZONE: (Part, &str) = (Part::Zone, "Z07:00");

pub(super) const RFC3339: Layout = Layout {
    text: "2006-01-02T15:04:05Z07:00",
    padded: true,
    parts: moment!("T", ZONE),
};

pub(super) const RFC3339_MICRO: Layout = Layout {
    text: "2006-01-02T15:04:05.000000Z07:00",
    padded: true,
    parts: moment!("T", (Part::Fraction(6), ".000000"), ZONE),
};

/// What YAML 1.1 takes for a timestamp, as far as Go's YAML package does.
const YAML: [Layout; 4] = [
    yaml(moment!("T", ZONE)),
    yaml(moment!("t", ZONE)),
    yaml(moment!(" ")),
    yaml(&DATE),
];

const fn yaml(parts: &'static [(Part, &'static str)]) -> Layout {
    Layout {
        text: "",
        padded: false,
        parts,
    }
}

/// Whether a plain YAML scalar is a timestamp, so that a string which looks so needs quotes.
pub(crate) fn looks_like_yaml_timestamp(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4 && text.as_bytes().get(4) == Some(&b'-') && YAML.iter().any(|layout| layout.parse(text).is_ok())
}

/// A moment as far as it was read.
#[derive(Default)]
struct Read {
    year: i64,
    month: i64,
    day: i64,
    second: i64,
    nanos: u32,
    /// Seconds east of Greenwich.
    offset: i64,
}

/// Why a part cannot be read.
enum Fault {
    Malformed,
    Range(&'static str),
}

impl Layout {
    pub(super) fn parse(&self, text: &str) -> Result<Time, ParseError> {
        let mut read = Read::default();
        let mut rest = text;
        for (part, layout) in self.parts {
            rest = self.part(*part, rest, &mut read).map_err(|(fault, rest)| match fault {
                Fault::Range(part) => range(text, part),
                Fault::Malformed => ParseError::Part {
                    text: text.to_owned(),
                    layout: self.text,
                    rest: rest.to_owned(),
                    part: layout,
                },
            })?;
        }
        if !rest.is_empty() {
            return Err(ParseError::Extra {
                text: text.to_owned(),
                extra: rest.to_owned(),
            });
        }
        if !(1..=days_in(read.month, read.year)).contains(&read.day) {
            return Err(range(text, "day"));
        }
        let seconds = days(read.year, read.month, read.day) * super::DAY + read.second - read.offset;
        Ok(Time {
            seconds,
            nanos: read.nanos,
        })
    }

    /// Reads one part. What follows it, or what is wrong and where.
    fn part<'t>(&self, part: Part, text: &'t str, read: &mut Read) -> Result<&'t str, (Fault, &'t str)> {
        let malformed = || (Fault::Malformed, text);
        let number = |padded, range, name| number(text, padded, range, name).map_err(|fault| (fault, text));
        match part {
            Part::Literal(literal) => text.strip_prefix(literal).ok_or_else(malformed),
            Part::Year => {
                let (year, rest) = text.split_at_checked(4).ok_or_else(malformed)?;
                read.year = whole(year).ok_or_else(malformed)?;
                Ok(rest)
            }
            Part::Month => {
                let (month, rest) = number(self.padded, 1..=12, "month")?;
                read.month = month;
                Ok(rest)
            }
            Part::Day => {
                // Whether the month has it is asked when all is read.
                let (day, rest) = number(self.padded, 0..=99, "day")?;
                read.day = day;
                Ok(rest)
            }
            Part::Hour => {
                let (hour, rest) = number(false, 0..=23, "hour")?;
                read.second = hour * 3600;
                Ok(rest)
            }
            Part::Minute => {
                let (minute, rest) = number(self.padded, 0..=59, "minute")?;
                read.second += minute * 60;
                Ok(rest)
            }
            Part::Second => {
                let (second, rest) = number(self.padded, 0..=59, "second")?;
                read.second += second;
                let fixed = self.parts.iter().any(|(part, _)| matches!(part, Part::Fraction(_)));
                // A fraction may stand here though no layout shows it.
                let count = if fixed { 0 } else { fraction_digits(rest) };
                if count == 0 {
                    return Ok(rest);
                }
                read.nanos = nanos(&rest[1..=count]);
                Ok(&rest[count + 1..])
            }
            Part::Fraction(count) => {
                if fraction_digits(text) < count {
                    return Err(malformed());
                }
                read.nanos = nanos(&text[1..=count]);
                Ok(&text[count + 1..])
            }
            Part::Zone => {
                let (offset, rest) = zone(text).map_err(|fault| (fault, text))?;
                read.offset = offset;
                Ok(rest)
            }
        }
    }
}

/// A number of one digit or two between its bounds.
fn number<'t>(
    text: &'t str,
    padded: bool,
    range: RangeInclusive<i64>,
    name: &'static str,
) -> Result<(i64, &'t str), Fault> {
    match digits(text, padded) {
        None => Err(Fault::Malformed),
        Some((value, _)) if !range.contains(&value) => Err(Fault::Range(name)),
        Some(found) => Ok(found),
    }
}

fn range(text: &str, part: &'static str) -> ParseError {
    let text = text.to_owned();
    ParseError::Range { text, part }
}

fn whole(text: &str) -> Option<i64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// One digit or two; with `padded` always two.
fn digits(text: &str, padded: bool) -> Option<(i64, &str)> {
    let count = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(count);
    (count == 2 || (count == 1 && !padded)).then(|| Some((whole(number)?, rest)))?
}

/// How many digits stand behind a point or a comma at the beginning.
fn fraction_digits(text: &str) -> usize {
    let rest = text.strip_prefix(['.', ',']).unwrap_or_default();
    rest.bytes().take_while(u8::is_ascii_digit).count()
}

/// Digits behind a point in nanoseconds; more than nine are cut off.
fn nanos(digits: &str) -> u32 {
    let digits = digits.bytes().map(|digit| u32::from(digit - b'0'));
    digits
        .chain(std::iter::repeat(0))
        .take(9)
        .fold(0, |nanos, digit| nanos * 10 + digit)
}

/// `Z`, or hours and minutes east of Greenwich. 24 hours and 60 minutes are fine with Go.
fn zone(text: &str) -> Result<(i64, &str), Fault> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Ok((0, rest));
    }
    let (zone, rest) = text.split_at_checked(6).ok_or(Fault::Malformed)?;
    let bytes = zone.as_bytes();
    let pair = |at: usize| zone.get(at..at + 2).and_then(whole);
    if bytes[3] != b':' {
        return Err(Fault::Malformed);
    }
    let (hours, minutes) = (pair(1), pair(4));
    if hours > Some(24) {
        return Err(Fault::Range("time zone offset hour"));
    }
    let (Some(hours), Some(minutes)) = (hours, minutes) else {
        return Err(Fault::Malformed);
    };
    if minutes > 60 {
        return Err(Fault::Range("time zone offset minute"));
    }
    let offset = hours * 3600 + minutes * 60;
    match bytes[0] {
        b'+' => Ok((offset, rest)),
        b'-' => Ok((-offset, rest)),
        _ => Err(Fault::Malformed),
    }
}
