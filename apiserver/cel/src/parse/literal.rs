//! The values of literals.

use super::token::Kind;
use crate::ast::Literal;

/// The value of a literal, or what is wrong with it.
pub(super) fn read(kind: Kind, text: &str, negative: bool) -> Result<Literal, String> {
    let sign = if negative { "-" } else { "" };
    match kind {
        Kind::Int => {
            let (digits, radix) = digits(text);
            i64::from_str_radix(&format!("{sign}{digits}"), radix)
                .map(Literal::Int)
                .map_err(|_| "invalid int literal".to_owned())
        }
        Kind::Uint => {
            let (digits, radix) = digits(text.trim_end_matches(['u', 'U']));
            u64::from_str_radix(digits, radix)
                .map(Literal::Uint)
                .map_err(|_| "invalid uint literal".to_owned())
        }
        Kind::Float => match format!("{sign}{text}").parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Literal::Double(value)),
            _ => Err("invalid double literal".to_owned()),
        },
        Kind::String => unescape(text, false).and_then(|bytes| {
            String::from_utf8(bytes)
                .map(Literal::String)
                .map_err(|_| "invalid unicode code point".to_owned())
        }),
        Kind::Bytes => unescape(&text[1..], true).map(Literal::Bytes),
        Kind::True => Ok(Literal::Bool(true)),
        Kind::False => Ok(Literal::Bool(false)),
        _ => Ok(Literal::Null),
    }
}

fn digits(text: &str) -> (&str, u32) {
    text.strip_prefix("0x").map_or((text, 10), |hex| (hex, 16))
}

/// What stands between the quotes; escapes of bytes are bytes, those of strings are characters.
fn unescape(text: &str, bytes: bool) -> Result<Vec<u8>, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let raw = text.starts_with(['r', 'R']);
    let quoted = if raw { &text[1..] } else { text.as_str() };
    let width = if quoted.len() >= 6 && (quoted.starts_with("\"\"\"") || quoted.starts_with("'''")) {
        3
    } else {
        1
    };
    let inner = &quoted[width..quoted.len() - width];
    if raw {
        return Ok(inner.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(one) = rest.next() {
        if one != '\\' {
            out.extend_from_slice(one.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        escape(&mut rest, bytes, &mut out)?;
    }
    Ok(out)
}

/// The sign that a letter after a backslash stands for.
const fn sign(letter: char) -> Option<u8> {
    Some(match letter {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        _ => return None,
    })
}

fn escape(rest: &mut std::str::Chars<'_>, bytes: bool, out: &mut Vec<u8>) -> Result<(), String> {
    let wrong = || "unable to unescape string".to_owned();
    let letter = rest.next().ok_or_else(wrong)?;
    if let Some(sign) = sign(letter) {
        out.push(sign);
        return Ok(());
    }
    let (count, radix) = match letter {
        'x' | 'X' => (2, 16),
        'u' if !bytes => (4, 16),
        'U' if !bytes => (8, 16),
        'u' | 'U' => return Err(wrong()),
        '0'..='3' => (2, 8),
        same => {
            out.extend_from_slice(same.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
    };
    let mut value = letter.to_digit(8).filter(|_| radix == 8).unwrap_or(0);
    for _ in 0..count {
        let digit = rest.next().and_then(|one| one.to_digit(radix)).ok_or_else(wrong)?;
        value = value
            .checked_mul(radix)
            .and_then(|one| one.checked_add(digit))
            .ok_or_else(wrong)?;
    }
    if bytes {
        out.push(value as u8);
        return Ok(());
    }
    let character = char::from_u32(value).ok_or_else(|| "invalid unicode code point".to_owned())?;
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Result<Literal, String> {
        read(Kind::String, text, false)
    }

    #[test]
    fn escapes_are_resolved() {
        for (text, value) in [
            (r#""a\n\x41\u263a\101""#, "a\nA☺A"),
            ("'''it''s'''", "it''s"),
            (r"r'\n'", r"\n"),
            ("''", ""),
        ] {
            assert_eq!(string(text), Ok(Literal::String(value.into())), "{text}");
        }
        assert_eq!(
            read(Kind::Bytes, r"b'\xff\303é'", false),
            Ok(Literal::Bytes(vec![255, 0o303, 0xc3, 0xa9]))
        );
    }

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(read(Kind::Int, "9223372036854775808", true), Ok(Literal::Int(i64::MIN)));
        assert_eq!(read(Kind::Int, "0x10", true), Ok(Literal::Int(-16)));
        assert_eq!(
            read(Kind::Int, "9223372036854775808", false),
            Err("invalid int literal".into())
        );
        assert_eq!(read(Kind::Uint, "0xffU", false), Ok(Literal::Uint(255)));
        assert_eq!(read(Kind::Float, "1e999", false), Err("invalid double literal".into()));
    }

    #[test]
    fn characters_that_do_not_exist_are_refused() {
        assert_eq!(string(r"'\ud800'"), Err("invalid unicode code point".into()));
    }
}
