//! Values of flags, command lines and environments in Go's syntax, and what is configured as JSON.
//!
//! An input: a byte that says which kind, then the text.

use base::flags::{
    Fate, Flag, Group, Kind, Outcome, Parsed, Table, boolean, duration, format_duration, host_port, integer, list,
    name_urls, unsigned, urls,
};
use base::telemetry::{Format, Level, Rotation};

use crate::support::must;
use crate::{Verdict, pieces};

const fn row(name: &'static str, kind: Kind, aliases: &'static [&'static str]) -> Flag {
    Flag {
        name,
        kind,
        default: "",
        aliases,
        help: "A flag.",
        fate: Fate::Used,
    }
}

/// One flag of each kind.
const TABLE: Table = Table {
    groups: &[Group {
        title: "All",
        rows: &[
            row("name", Kind::Text, &[]),
            row("pre-vote", Kind::Bool, &["experimental-pre-vote"]),
            row("quota-backend-bytes", Kind::Int, &[]),
            row("max-txn-ops", Kind::Uint, &[]),
            row(
                "corrupt-check-time",
                Kind::Duration,
                &["experimental-corrupt-check-time"],
            ),
        ],
    }],
};

/// Reads a text as one kind of value, and what was read as it is written.
///
/// # Panics
/// Where a value is another once it was written and read again.
pub fn run(data: &[u8]) -> Verdict {
    let Some((which, rest)) = data.split_first() else {
        return Verdict::Refused;
    };
    let text = pieces::text(rest);
    Verdict::of(match which % 7 {
        0 => duration("--x", &text).is_ok_and(|read| {
            let again = duration("--x", &format_duration(read));
            assert_eq!(again, Ok(read), "a duration of {text:?}");
            true
        }),
        1 => numbers(&text),
        2 => urls("--x", &text).is_ok_and(|read| {
            for url in &read {
                drop(host_port(url));
            }
            assert_eq!(urls("--x", &read.join(",")), Ok(read), "URLs of {text:?}");
            true
        }),
        3 => cluster(&text),
        4 => line(&text),
        5 => environment(&text),
        _ => {
            drop((boolean("--x", &text), list(&text), text.parse::<Format>()));
            text.parse::<Level>().is_ok() || Rotation::parse(&text).is_ok()
        }
    })
}

fn numbers(text: &str) -> bool {
    let signed = integer("--x", text);
    if let Ok(read) = signed {
        assert_eq!(integer("--x", &read.to_string()), Ok(read), "a number of {text:?}");
    }
    let unsigned_one = unsigned("--x", text);
    if let Ok(read) = unsigned_one {
        assert_eq!(unsigned("--x", &read.to_string()), Ok(read), "a number of {text:?}");
    }
    signed.is_ok() || unsigned_one.is_ok()
}

fn cluster(text: &str) -> bool {
    let Ok(read) = name_urls("--x", text) else { return false };
    let pairs: Vec<String> = read
        .iter()
        .flat_map(|(name, urls)| urls.iter().map(move |url| format!("{name}={url}")))
        .collect();
    assert_eq!(name_urls("--x", &pairs.join(",")), Ok(read), "a cluster of {text:?}");
    true
}

fn line(text: &str) -> bool {
    let args: Vec<String> = text.lines().map(str::to_owned).collect();
    let Ok(Outcome::Values(read)) = TABLE.parse(&args) else {
        return false;
    };
    match TABLE.parse(&given(&read)) {
        Ok(Outcome::Values(again)) => assert_eq!(values(&again), values(&read), "a line of {text:?}"),
        other => panic!("the flags of {text:?} cannot be given again: {other:?}"),
    }
    true
}

fn environment(text: &str) -> bool {
    let variables = text.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    });
    let mut parsed = Parsed::default();
    let understood = TABLE.environment("ETCD", variables, &mut parsed).is_ok();
    if understood {
        must("give variables as flags", TABLE.parse(&given(&parsed)));
    }
    understood
}

/// What was given, as a command line.
fn given(parsed: &Parsed) -> Vec<String> {
    let line = parsed.given().map(|(name, value)| format!("--{name}={}", value.text));
    line.collect()
}

fn values(parsed: &Parsed) -> Vec<(&'static str, String)> {
    parsed.given().map(|(name, value)| (name, value.text.clone())).collect()
}

/// Texts of every kind.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        (0, "1h30m"),
        (0, "1.5µs"),
        (0, "2562047h47m16.854775807s"),
        (0, "0"),
        (1, "-0x7fff_ffff"),
        (1, "18446744073709551615"),
        (1, "017"),
        (2, "http://b:2, https://[::1]:443,unix:///run/etcd.sock"),
        (3, "a=http://h:1,b=http://h:2,a=http://h:3"),
        (
            4,
            "--name\na=b\n-pre-vote\n--max-txn-ops=0b11\n-corrupt-check-time=5m\n--\nrest",
        ),
        (4, "--experimental-pre-vote=false\n--quota-backend-bytes\n-1"),
        (
            5,
            "ETCD_NAME=a\nETCD_PRE_VOTE=T\nETCD_EXPERIMENTAL_CORRUPT_CHECK_TIME=1s\nETCD_PORT=1\nPATH=/bin",
        ),
        (
            6,
            r#"{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}"#,
        ),
        (6, "dpanic"),
    ]
    .map(|(which, text)| [&[which][..], text.as_bytes()].concat())
    .into()
}
