//! A tree as JSON, byte for byte as Go's encoder writes a map: sorted keys, no spaces, `<`, `>` and `&` escaped.

use memchr::memchr;

use super::syntax::controls_and;
use super::{Map, Order, Tree};

impl Tree {
    /// As JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.write_json(&mut out);
        out
    }

    /// Appends this as JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(value) => append(out, value),
            Self::Number(value) => append(out, value),
            Self::Text(text) => quoted(text, out),
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Self::Map(map) => map.write_json(out),
        }
    }
}

impl Tree {
    /// Appends this as JSON with keys in this order.
    pub fn write_json_in(&self, order: &Order, out: &mut Vec<u8>) {
        match self {
            Self::List(items) if !order.0.is_empty() => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write_json_in(order, out);
                }
                out.push(b']');
            }
            Self::Map(map) if !order.0.is_empty() => {
                out.push(b'{');
                for (at, (key, value, below)) in order.entries(map).enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    quoted(key, out);
                    out.push(b':');
                    value.write_json_in(below, out);
                }
                out.push(b'}');
            }
            other => other.write_json(out),
        }
    }

    /// As JSON with keys in this order on many lines, two spaces for each of the first levels.
    pub fn to_pretty_json(&self, order: &Order) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        self.write_pretty(order, 0, &mut out);
        out
    }

    fn write_pretty(&self, order: &Order, level: usize, out: &mut Vec<u8>) {
        match self {
            Self::List(items) if !items.is_empty() => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    next_line(at > 0, level + 1, out);
                    item.write_pretty(order, level + 1, out);
                }
                next_line(false, level, out);
                out.push(b']');
            }
            Self::Map(map) if !map.is_empty() => {
                out.push(b'{');
                for (at, (key, value, below)) in order.entries(map).enumerate() {
                    next_line(at > 0, level + 1, out);
                    quoted(key, out);
                    out.extend_from_slice(b": ");
                    value.write_pretty(below, level + 1, out);
                }
                next_line(false, level, out);
                out.push(b'}');
            }
            other => other.write_json(out),
        }
    }
}

/// What stands deeper than so many levels is not indented further: of what is nested as deep as it may be, indentation would
/// be hundreds of times what it says.
const INDENTED_MAX: usize = 64;

fn next_line(comma: bool, level: usize, out: &mut Vec<u8>) {
    if comma {
        out.push(b',');
    }
    out.push(b'\n');
    out.resize(out.len() + level.min(INDENTED_MAX) * 2, b' ');
}

impl Map {
    /// Appends this as JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (key, value)) in self.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            quoted(key, out);
            out.push(b':');
            value.write_json(out);
        }
        out.push(b'}');
    }
}

fn append(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing to memory does not fail.
    let _ = std::io::Write::write_fmt(out, format_args!("{value}"));
}

/// Bytes that a JSON string may have to escape.
static SPECIAL: [bool; 256] = controls_and(b"\"\\<>&\xe2");

/// Appends a JSON string.
pub fn quoted(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    while let Some(at) = rest.iter().position(|byte| SPECIAL[usize::from(*byte)]) {
        out.extend_from_slice(&rest[..at]);
        rest = escaped(&rest[at..], out);
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends the first character, escaped where it must be; returns what follows it.
fn escaped<'t>(text: &'t [u8], out: &mut Vec<u8>) -> &'t [u8] {
    let (first, rest) = (text[0], &text[1..]);
    match first {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x0c => out.extend_from_slice(b"\\f"),
        // U+2028 and U+2029 end lines in JavaScript; other characters that begin like them stand for themselves.
        0xe2 => match rest {
            [0x80, last @ (0xa8 | 0xa9), rest @ ..] => {
                out.extend_from_slice(&unicode(0x2000 | u16::from(last & 0x7f)));
                return rest;
            }
            _ => out.push(first),
        },
        _ => out.extend_from_slice(&unicode(u16::from(first))),
    }
    rest
}

fn unicode(unit: u16) -> [u8; 6] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u16| DIGITS[usize::from(unit >> shift & 15)];
    [b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]
}

/// Appends JSON as it is written here, but with those letters as they are that only pages of HTML and scripts need escaped:
/// whoever only reads it again has no use for six bytes in place of one.
pub fn bare(mut json: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr(b'\\', json) {
        let (before, rest) = json.split_at(at);
        out.extend_from_slice(before);
        // Of other escapes the first two bytes are passed at once, since the second may be a backslash again.
        let (letter, length): (&[u8], _) = match rest.get(1..6) {
            Some(b"u003c") => (b"<", 6),
            Some(b"u003e") => (b">", 6),
            Some(b"u0026") => (b"&", 6),
            Some(b"u2028") => ("\u{2028}".as_bytes(), 6),
            Some(b"u2029") => ("\u{2029}".as_bytes(), 6),
            _ => (&rest[..rest.len().min(2)], rest.len().min(2)),
        };
        out.extend_from_slice(letter);
        json = &rest[length..];
    }
    out.extend_from_slice(json);
}
