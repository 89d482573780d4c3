//! What values a flag takes, and how several of one flag add up.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::shapes::{self, CertKey, PortRange};
use super::{Flag, csv};
use crate::flags::go::{self, Span};

/// What values a flag takes. Where nothing else is said, the last value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Needs no value: `--x` means true.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// The same, zero or more.
    Uint,
    /// Whole numbers of 32 bits, separated by commas; values add up.
    Ints,
    /// A number.
    Float,
    /// A number of half the size.
    Float32,
    /// A duration in Go's syntax, which may be negative.
    Duration,
    /// Any text.
    Text,
    /// An IP address; empty text is none.
    Ip,
    /// Texts as a line of comma-separated values; values add up.
    Texts,
    /// Any text; values add up.
    Array,
    /// `key=value` pairs separated by commas; a key alone has an empty value; values add up.
    Options,
    /// One `key=value` pair; values add up.
    Claims,
    /// `key=value` pairs as a line of comma-separated values, whose keys may hold commas; values add up.
    Pairs,
    /// `key:value` pairs separated by commas, each key with any number of values, the key perhaps left out; values add up.
    Lists,
    /// `cert,key` or `cert,key:names`; values add up.
    CertKeys,
    /// A range of ports.
    Ports,
    /// An amount such as `512` or `2Ki`.
    Quantity,
    /// A level of detail: a whole number of 31 bits, zero or more.
    Level,
    /// `pattern=level` pairs separated by commas; values add up.
    Patterns,
    /// `true` (also without value), `false`, `raw`, or a version to report.
    Version,
}

/// A value as its flag's kind reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Int`] and [`Kind::Level`].
    Int(i64),
    /// Of [`Kind::Uint`].
    Uint(u64),
    /// Of [`Kind::Ints`].
    Ints(Vec<i32>),
    /// Of [`Kind::Float`] and [`Kind::Float32`].
    Float(f64),
    /// Of [`Kind::Duration`].
    Span(Span),
    /// Of [`Kind::Text`], [`Kind::Quantity`] and [`Kind::Version`].
    Text(String),
    /// Of [`Kind::Ip`].
    Ip(Option<IpAddr>),
    /// Of [`Kind::Texts`] and [`Kind::Array`].
    Texts(Vec<String>),
    /// Of [`Kind::Options`], [`Kind::Claims`] and [`Kind::Pairs`].
    Pairs(BTreeMap<String, String>),
    /// Of [`Kind::Lists`]; values without a key stand under the empty one.
    Lists(BTreeMap<String, Vec<String>>),
    /// Of [`Kind::CertKeys`].
    CertKeys(Vec<CertKey>),
    /// Of [`Kind::Ports`].
    Ports(PortRange),
    /// Of [`Kind::Patterns`].
    Patterns(Vec<(String, i64)>),
}

impl Kind {
    /// What stands behind the flag's name in the help; pflag's words.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Bool => "",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Ints => "int32Slice",
            Self::Float => "float",
            Self::Float32 => "float32",
            Self::Duration => "duration",
            Self::Text => "string",
            Self::Ip => "ip",
            Self::Texts => "strings",
            Self::Array => "stringArray",
            Self::Options | Self::Claims => "mapStringString",
            Self::Pairs => "stringToString",
            Self::Lists => "colonSeparatedMultimapStringString",
            Self::CertKeys => "namedCertKey",
            Self::Ports => "portRange",
            Self::Quantity => "quantity",
            Self::Level => "Level",
            Self::Patterns => "pattern=N,...",
            Self::Version => "version[=true]",
        }
    }

    /// The value of a flag that is there without one.
    pub(super) const fn bare(self) -> Option<&'static str> {
        match self {
            Self::Bool | Self::Version => Some("true"),
            _ => None,
        }
    }

    /// The kind's nothing.
    pub(super) fn nothing(self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::Int | Self::Level => Value::Int(0),
            Self::Uint => Value::Uint(0),
            Self::Ints => Value::Ints(Vec::new()),
            Self::Float | Self::Float32 => Value::Float(0.0),
            Self::Duration => Value::Span(Span::default()),
            Self::Text | Self::Quantity | Self::Version => Value::Text(String::new()),
            Self::Ip => Value::Ip(None),
            Self::Texts | Self::Array => Value::Texts(Vec::new()),
            Self::Options | Self::Claims | Self::Pairs => Value::Pairs(BTreeMap::new()),
            Self::Lists => Value::Lists(BTreeMap::new()),
            Self::CertKeys => Value::CertKeys(Vec::new()),
            Self::Ports => Value::Ports(PortRange::default()),
            Self::Patterns => Value::Patterns(Vec::new()),
        }
    }

    /// Reads one value.
    ///
    /// # Errors
    /// What is wrong with it, in the words of Go and upstream.
    pub(super) fn read(self, text: &str) -> Result<Value, String> {
        Ok(match self {
            Self::Bool => Value::Bool(go::boolean(text)?),
            Self::Int => Value::Int(go::int(text, 64)?),
            Self::Uint => Value::Uint(go::uint(text)?),
            Self::Level => Value::Int(go::decimal(text, 31)? as i64),
            Self::Ints => {
                let numbers: Result<Vec<i32>, String> = text
                    .split(',')
                    .map(|one| go::int(one, 32).map(|number| number as i32))
                    .collect();
                Value::Ints(numbers?)
            }
            Self::Float => Value::Float(go::float(text, f64::MAX)?),
            Self::Float32 => Value::Float(go::float(text, f64::from(f32::MAX))?),
            Self::Duration => Value::Span(go::span(text)?),
            Self::Text => Value::Text(text.to_owned()),
            Self::Quantity => shapes::amount(text).map(|()| Value::Text(text.to_owned()))?,
            Self::Version => version(text)?,
            Self::Ip => ip(text)?,
            Self::Texts if text.is_empty() => Value::Texts(Vec::new()),
            Self::Texts => Value::Texts(csv::fields(text)?),
            Self::Array => Value::Texts(vec![text.to_owned()]),
            Self::Options => Value::Pairs(options(text)),
            Self::Claims => Value::Pairs(BTreeMap::from([claim(text)?])),
            Self::Pairs => Value::Pairs(pairs(text)?),
            Self::Lists => Value::Lists(lists(text)),
            Self::CertKeys => Value::CertKeys(vec![CertKey::parse(text)?]),
            Self::Ports => Value::Ports(PortRange::parse(text)?),
            Self::Patterns => Value::Patterns(shapes::patterns(text)?),
        })
    }
}

impl Value {
    /// Puts a further value of the same flag to this one.
    pub(super) fn join(&mut self, further: Self) {
        match (self, further) {
            (Self::Ints(all), Self::Ints(more)) => all.extend(more),
            (Self::Texts(all), Self::Texts(more)) => all.extend(more),
            (Self::Pairs(all), Self::Pairs(more)) => all.extend(more),
            (Self::CertKeys(all), Self::CertKeys(more)) => all.extend(more),
            (Self::Patterns(all), Self::Patterns(more)) => all.extend(more),
            (Self::Lists(all), Self::Lists(more)) => {
                for (key, values) in more {
                    all.entry(key).or_default().extend(values);
                }
            }
            // An empty text leaves an address as it was.
            (Self::Ip(_), Self::Ip(None)) => {}
            (value, further) => *value = further,
        }
    }
}

impl Flag {
    /// The value when none is given. A default that cannot be read is the kind's nothing; tables are tested to have none.
    pub(super) fn unset(&self) -> Value {
        let read = (!self.default.is_empty()).then(|| self.kind.read(self.default).ok());
        read.flatten().unwrap_or_else(|| self.kind.nothing())
    }
}

fn version(text: &str) -> Result<Value, String> {
    let word = match text {
        "raw" => text,
        _ if text.starts_with('v') => text,
        _ if go::boolean(text)? => "true",
        _ => "false",
    };
    Ok(Value::Text(word.to_owned()))
}

fn ip(text: &str) -> Result<Value, String> {
    if text.is_empty() {
        return Ok(Value::Ip(None));
    }
    let ip = text.trim().parse().ok();
    ip.map(|ip| Value::Ip(Some(ip)))
        .ok_or_else(|| format!("failed to parse IP: {text:?}"))
}

fn options(text: &str) -> BTreeMap<String, String> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn claim(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=');
    pair.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| "malformed pair, expect string=string".to_owned())
}

fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let wrong = |part: &str| format!("{part} must be formatted as key=value");
    let parts = match text.matches('=').count() {
        0 => return Err(wrong(text)),
        // One pair may hold commas without quotes.
        1 => vec![text.trim_matches('"').to_owned()],
        _ => csv::fields(text)?,
    };
    let pair = |part: &String| {
        let pair = part.split_once('=').ok_or_else(|| wrong(part))?;
        Ok((pair.0.to_owned(), pair.1.to_owned()))
    };
    parts.iter().map(pair).collect()
}

fn lists(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::<_, Vec<String>>::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once(':').unwrap_or(("", part));
        let values = found.entry(key.trim().to_owned()).or_default();
        values.push(value.trim().to_owned());
    }
    found
}
