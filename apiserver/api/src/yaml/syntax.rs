//! What is wrong with a text that is no YAML, in the words of Go's parser.

use super::Error;
use super::token::Fault;

/// The problem and the line that Go tells: the scanner counts from 1, the parser from 0, and 0 is not told.
pub(super) fn syntax(fault: Fault) -> Error {
    let line = match fault.line {
        0 => fault.context,
        line => line + usize::from(fault.scanner),
    };
    match line {
        0 => Error::yaml(fault.problem),
        line => Error::yaml(format!("line {line}: {}", fault.problem)),
    }
}

/// What Go's reader says of bytes that are not UTF-8.
pub(super) fn encoding(document: &[u8], error: std::str::Utf8Error) -> &'static str {
    match (error.error_len(), document.get(error.valid_up_to())) {
        (None, _) => "incomplete UTF-8 octet sequence",
        (_, Some(0xc2..=0xf4)) => "invalid trailing UTF-8 octet",
        _ => "invalid leading UTF-8 octet",
    }
}

/// What may not stand in a document at all.
pub(super) const fn is_control(letter: char) -> bool {
    !matches!(letter, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}
