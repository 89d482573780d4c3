//! A tree as JSON, byte for byte as Go's encoder writes a map: sorted keys, no spaces, `<`, `>` and `&` escaped.

use super::{Map, Tree};

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
    /// As JSON on many lines, two spaces a level.
    pub fn to_pretty_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        self.write_pretty(0, &mut out);
        out
    }

    fn write_pretty(&self, level: usize, out: &mut Vec<u8>) {
        match self {
            Self::List(items) if !items.is_empty() => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    next_line(at > 0, level + 1, out);
                    item.write_pretty(level + 1, out);
                }
                next_line(false, level, out);
                out.push(b']');
            }
            Self::Map(map) if !map.is_empty() => {
                out.push(b'{');
                for (at, (key, value)) in map.iter().enumerate() {
                    next_line(at > 0, level + 1, out);
                    quoted(key, out);
                    out.extend_from_slice(b": ");
                    value.write_pretty(level + 1, out);
                }
                next_line(false, level, out);
                out.push(b'}');
            }
            other => other.write_json(out),
        }
    }
}

fn next_line(comma: bool, level: usize, out: &mut Vec<u8>) {
    if comma {
        out.push(b',');
    }
    out.push(b'\n');
    out.resize(out.len() + level * 2, b' ');
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

/// Appends a JSON string.
pub fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0x00..=0x1f | b'<' | b'>' | b'&' => &unicode(u16::from(*byte)),
            // U+2028 and U+2029 end lines in JavaScript.
            0xe2 if matches!(bytes[at..], [_, 0x80, 0xa8 | 0xa9, ..]) => {
                out.extend_from_slice(&bytes[plain..at]);
                out.extend_from_slice(&unicode(0x2000 | u16::from(bytes[at + 2] & 0x7f)));
                plain = at + 3;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..at]);
        out.extend_from_slice(escape);
        plain = at + 1;
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

fn unicode(unit: u16) -> [u8; 6] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u16| DIGITS[usize::from(unit >> shift & 15)];
    [b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]
}
