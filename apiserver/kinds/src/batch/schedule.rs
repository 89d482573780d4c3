//! Schedules as cron writes them: `*/5 * * * mon-fri`, `@daily`, `@every 1h30m`.

use apiserver_api::go::quote;
use apiserver_api::time::Duration;

use super::time_zones;

/// The numbers that a field may have, and the names of some.
struct Bounds {
    least: i64,
    most: i64,
    names: &'static [&'static str],
}

const FIELDS: [Bounds; 5] = [
    Bounds {
        least: 0,
        most: 59,
        names: &[],
    },
    Bounds {
        least: 0,
        most: 23,
        names: &[],
    },
    Bounds {
        least: 1,
        most: 31,
        names: &[],
    },
    Bounds {
        least: 1,
        most: 12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Bounds {
        least: 0,
        most: 6,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];
const NAMED: [&str; 7] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
];

/// Checks a schedule.
///
/// # Errors
/// What is wrong with it, in the words of the library that upstream reads schedules with.
pub(super) fn validate(schedule: &str) -> Result<(), String> {
    let schedule = without_zone(schedule)?;
    if schedule.starts_with('@') {
        return validate_named(schedule);
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let (count, shown) = (fields.len(), fields.join(" "));
        return Err(format!("expected exactly 5 fields, found {count}: [{shown}]"));
    }
    for (field, bounds) in fields.iter().zip(&FIELDS) {
        for range in field.split(',').filter(|range| !range.is_empty()) {
            validate_range(range, bounds)?;
        }
    }
    Ok(())
}

/// What stands behind the time zone, where a schedule begins with one.
fn without_zone(schedule: &str) -> Result<&str, String> {
    let named = ["TZ=", "CRON_TZ="];
    let Some(rest) = named.iter().find_map(|prefix| schedule.strip_prefix(prefix)) else {
        return Ok(schedule);
    };
    let (zone, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    time_zones::check(zone).map_err(|error| format!("provided bad location {zone}: {error}"))?;
    Ok(rest.trim())
}

fn validate_named(schedule: &str) -> Result<(), String> {
    if NAMED.contains(&schedule) {
        return Ok(());
    }
    let Some(span) = schedule.strip_prefix("@every ") else {
        return Err(format!("unrecognized descriptor: {schedule}"));
    };
    let parsed = Duration::parse(span).map_err(|error| format!("failed to parse duration {schedule}: {error}"));
    parsed.map(|_| ())
}

fn validate_range(range: &str, bounds: &Bounds) -> Result<(), String> {
    let (ends, step) = match range.split('/').collect::<Vec<_>>()[..] {
        [ends] => (ends, Ok(1)),
        [ends, step] => (ends, number(step)),
        [ends, ..] => (ends, Err(format!("too many slashes: {range}"))),
        [] => (range, Ok(1)),
    };
    let (start, mut end) = match ends.split('-').collect::<Vec<_>>()[..] {
        ["*" | "?", ..] | [] => (bounds.least, bounds.most),
        [one] => {
            let one = value(one, bounds)?;
            (one, one)
        }
        [first, last] => (value(first, bounds)?, value(last, bounds)?),
        [first, ..] => {
            value(first, bounds)?;
            return Err(format!("too many hyphens: {range}"));
        }
    };
    let step = step?;
    if range.contains('/') && !ends.contains('-') {
        end = bounds.most;
    }
    let Bounds { least, most, .. } = bounds;
    if start < *least {
        Err(format!("beginning of range ({start}) below minimum ({least}): {range}"))
    } else if end > *most {
        Err(format!("end of range ({end}) above maximum ({most}): {range}"))
    } else if start > end {
        Err(format!(
            "beginning of range ({start}) beyond end of range ({end}): {range}"
        ))
    } else if step == 0 {
        Err(format!("step of range should be a positive number: {range}"))
    } else {
        Ok(())
    }
}

/// A number, or the name of one.
fn value(text: &str, bounds: &Bounds) -> Result<i64, String> {
    let named = bounds.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    named.map_or_else(|| number(text), |at| Ok(at as i64 + bounds.least))
}

fn number(text: &str) -> Result<i64, String> {
    match text.parse::<i64>() {
        Ok(number) if number < 0 => Err(format!("negative number ({number}) not allowed: {text}")),
        Ok(number) => Ok(number),
        Err(_) => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let why = if is_number {
                "value out of range"
            } else {
                "invalid syntax"
            };
            Err(format!(
                "failed to parse int from {text}: strconv.Atoi: parsing {}: {why}",
                quote(text)
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn schedules_are_read_as_cron_reads_them() {
        for schedule in [
            "* * * * *",
            "*/5 0-6/2 1,15 JAN-mar mon-fri",
            "0 0 31 2 ?",
            "5/10 * * * *",
            "@hourly",
            "@every 1h30m",
            "TZ=Europe/Berlin 0 0 * * *",
        ] {
            assert_eq!(super::validate(schedule), Ok(()), "{schedule}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_the_library_s_words() {
        for (schedule, told) in [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("5-2 * * * *", "beginning of range (5) beyond end of range (2): 5-2"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("1/2/3 * * * *", "too many slashes: 1/2/3"),
            (
                "x * * * *",
                "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            ("@often", "unrecognized descriptor: @often"),
            (
                "TZ=Mars 0 0 * * *",
                "provided bad location Mars: unknown time zone Mars",
            ),
            (
                "CRON_TZ=/etc/passwd 0 0 * * *",
                "provided bad location /etc/passwd: time: invalid location name",
            ),
        ] {
            assert_eq!(super::validate(schedule), Err(told.to_owned()), "{schedule}");
        }
    }
}
