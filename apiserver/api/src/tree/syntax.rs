//! Why bytes are not JSON, in the words of Go's decoder.

use thiserror::Error;

/// A table of bytes: true for control characters and for these.
pub(super) const fn controls_and(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 0x20 {
        table[at] = true;
        at += 1;
    }
    at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

/// Why bytes are not JSON, in the words of Go's `encoding/json`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SyntaxError {
    /// The text stops too early.
    #[error("unexpected end of JSON input")]
    End,
    /// A byte that cannot stand there.
    #[error("invalid character {} {place}", character(*found))]
    Character {
        /// The byte.
        found: u8,
        /// What was read, or expected.
        place: Place,
    },
    /// More than [`super::MAX_DEPTH`].
    #[error("exceeded max depth")]
    Depth,
}

/// Where an unexpected character stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Place {
    /// Anything could begin.
    #[error("looking for beginning of value")]
    Value,
    /// After `{` or `,` in an object.
    #[error("looking for beginning of object key string")]
    Key,
    /// Where `:` must be.
    #[error("after object key")]
    AfterKey,
    /// Where `,` or `}` must be.
    #[error("after object key:value pair")]
    AfterPair,
    /// Where `,` or `]` must be.
    #[error("after array element")]
    AfterElement,
    /// After the value, where nothing may be.
    #[error("after top-level value")]
    AfterAll,
    /// A control character.
    #[error("in string literal")]
    Literal,
    /// After a backslash.
    #[error("in string escape code")]
    Escape,
    /// After `\u`.
    #[error("in \\u hexadecimal character escape")]
    Hex,
    /// After a minus.
    #[error("in numeric literal")]
    Number,
    /// After the point.
    #[error("after decimal point in numeric literal")]
    Fraction,
    /// After `e`.
    #[error("in exponent of numeric literal")]
    Exponent,
    /// In `true`, `false` or `null`.
    #[error("in literal {_0} (expecting {expected})", expected = character(*_1))]
    Word(&'static str, u8),
}

/// A byte as Go quotes it.
fn character(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        0x07 => r"'\a'".to_owned(),
        0x08 => r"'\b'".to_owned(),
        0x0c => r"'\f'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        0x0b => r"'\v'".to_owned(),
        0x00..=0x1f | 0x7f => format!(r"'\x{byte:02x}'"),
        // Go takes the byte for a code point.
        0x80..=0xa0 | 0xad => format!(r"'\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}
