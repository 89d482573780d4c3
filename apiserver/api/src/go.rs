//! Texts as Go prints them, which is how upstream's messages quote what clients sent.

use std::fmt::Write;

/// A string in double quotes as `strconv.Quote` (and `%q`) writes it.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        // Writing to a string does not fail.
        let _ = match letter {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\u{7}' => out.write_str("\\a"),
            '\u{8}' => out.write_str("\\b"),
            '\u{c}' => out.write_str("\\f"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\u{b}' => out.write_str("\\v"),
            '\0'..='\u{1f}' | '\u{7f}' => write!(out, "\\x{:02x}", letter as u32),
            _ if is_print(letter) => out.write_char(letter),
            '\u{80}'..='\u{ffff}' => write!(out, "\\u{:04x}", letter as u32),
            _ => write!(out, "\\U{:08x}", letter as u32),
        };
    }
    out.push('"');
    out
}

/// A whole number as `strconv.ParseInt` reads it.
///
/// # Errors
/// What Go says of what is none.
pub fn parse_int(text: &str) -> Result<i64, String> {
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    let wrong = |why: &str| format!("strconv.ParseInt: parsing {}: {why}", quote(text));
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong("invalid syntax"));
    }
    text.parse().map_err(|_| wrong("value out of range"))
}

/// Whether Go prints a character as it is (`unicode.IsPrint`). Beyond ASCII its table is Unicode's letters, marks, numbers,
/// punctuation and symbols; Rust's `escape_debug` leaves the same alone.
pub(crate) fn is_print(letter: char) -> bool {
    if letter.is_ascii() {
        return matches!(letter, ' '..='~');
    }
    // Behind another: marks that join to what stands before are escaped where they begin a string.
    let mut text = [b'a', 0, 0, 0, 0];
    let end = 1 + letter.encode_utf8(&mut text[1..]).len();
    let shown = std::str::from_utf8(&text[..end]).unwrap_or_default();
    shown.escape_debug().eq(shown.chars())
}

#[cfg(test)]
mod tests {
    use super::{is_print, parse_int, quote};

    #[test]
    fn numbers_are_go_s() {
        assert_eq!((parse_int("+5"), parse_int("-07")), (Ok(5), Ok(-7)));
        let wrong = |text: &str| parse_int(text).unwrap_err();
        assert_eq!(wrong("x"), r#"strconv.ParseInt: parsing "x": invalid syntax"#);
        assert_eq!(wrong("-"), r#"strconv.ParseInt: parsing "-": invalid syntax"#);
        let long = r#"strconv.ParseInt: parsing "99999999999999999999": value out of range"#;
        assert_eq!(wrong("99999999999999999999"), long);
    }

    #[test]
    fn quotes_are_go_s() {
        assert_eq!(quote("a\"b\\c\n\t\u{1}\u{7f}"), r#""a\"b\\c\n\t\x01\x7f""#);
        assert_eq!(quote("é 世界 😀"), "\"é 世界 😀\"");
        assert_eq!(quote("\u{a0}\u{200b}\u{feff}\u{e000}"), r#""\u00a0\u200b\ufeff\ue000""#);
    }

    #[test]
    fn letters_and_marks_print_and_what_is_not_seen_does_not() {
        for letter in ['a', ' ', 'é', '\u{301}', '\u{483}', '\u{20dd}', '\u{fe0f}', '世', '😀'] {
            assert!(is_print(letter), "{letter:?}");
        }
        let unseen = [
            '\u{ad}', '\u{a0}', '\u{378}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{3000}', '\u{e000}', '\u{feff}',
        ];
        for letter in unseen {
            assert!(!is_print(letter), "{letter:?}");
        }
    }
}
