//! What stands behind a backslash.

use super::{CLASS_RANGE, Fault, PERL_CLASSES, Scan, names, up_to};

impl<'p> Scan<'p> {
    /// A backslash outside of brackets.
    pub(super) fn backslash(&mut self) -> Result<(), Fault<'p>> {
        let mut letters = self.rest[1..].chars();
        let letter = letters.next();
        let behind = letters.as_str();
        let (rest, pushed) = match letter {
            Some('A' | 'b' | 'B' | 'z') => (behind, self.stack.place()),
            Some('C') => return Err(Fault(ESCAPE, up_to(self.rest, behind))),
            Some('Q') => {
                let (quoted, rest) = behind.split_once("\\E").unwrap_or((behind, ""));
                let pushed = quoted.chars().try_for_each(|_| self.stack.letter(self.fold));
                (rest, pushed)
            }
            Some('p' | 'P') => (unicode_class(self.rest)?, self.stack.class()),
            Some(letter) if PERL_CLASSES.contains(&letter) => (behind, self.stack.class()),
            _ => (escaped(self.rest)?.1, self.stack.letter(self.fold)),
        };
        self.rest = rest;
        pushed.map_err(|limit| self.beyond(limit))
    }
}

const ESCAPE: &str = "invalid escape sequence";
/// The last letter that there is.
const LAST: u32 = char::MAX as u32;

/// The letter that a text means which begins with a backslash, and what stands behind it.
pub(super) fn escaped(text: &str) -> Result<(u32, &str), Fault<'_>> {
    let mut letters = text[1..].chars();
    let Some(letter) = letters.next() else {
        return Err(Fault("trailing backslash at end of expression", ""));
    };
    let rest = letters.as_str();
    let octal = |text: &str| text.starts_with(|digit| ('0'..='7').contains(&digit));
    let plain = match letter {
        // A digit by itself would be what a group matched, which Go does not have.
        '1'..='7' if !octal(rest) => return Err(Fault(ESCAPE, up_to(text, rest))),
        '0'..='7' => {
            let more = rest.bytes().take(2).take_while(|digit| (b'0'..=b'7').contains(digit));
            let length = 2 + more.count();
            let value = u32::from_str_radix(&text[1..length], 8).unwrap_or_default();
            return Ok((value, &text[length..]));
        }
        'x' => return hexadecimal(text, rest),
        'a' => 7,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        letter if letter.is_ascii() && !letter.is_ascii_alphanumeric() => letter.into(),
        _ => return Err(Fault(ESCAPE, up_to(text, rest))),
    };
    Ok((plain, rest))
}

/// A letter by two digits, or by any number of them in braces.
fn hexadecimal<'p>(text: &'p str, digits: &'p str) -> Result<(u32, &'p str), Fault<'p>> {
    let mut letters = digits.strip_prefix('{').unwrap_or(digits).chars();
    let braced = digits.starts_with('{');
    let (mut value, mut count) = (0, 0);
    while braced || count < 2 {
        let letter = letters.next();
        if braced && count > 0 && letter == Some('}') {
            break;
        }
        let Some(digit) = letter.and_then(|letter| letter.to_digit(16)) else {
            // Without braces both letters are shown.
            if !braced && count == 0 && letter.is_some() {
                letters.next();
            }
            return Err(Fault(ESCAPE, up_to(text, letters.as_str())));
        };
        value = value * 16 + digit;
        count += 1;
        if value > LAST {
            return Err(Fault(ESCAPE, up_to(text, letters.as_str())));
        }
    }
    Ok((value, letters.as_str()))
}

/// `\pL` or `\p{Greek}`: what stands behind it.
pub(super) fn unicode_class(text: &str) -> Result<&str, Fault<'_>> {
    let name = &text[2..];
    let (name, rest) = match name.strip_prefix('{') {
        Some(name) => name.split_once('}').ok_or(Fault(CLASS_RANGE, text))?,
        None => name.split_at(name.chars().next().map_or(0, char::len_utf8)),
    };
    if names::is_known(name.strip_prefix('^').unwrap_or(name)) {
        return Ok(rest);
    }
    Err(Fault(CLASS_RANGE, up_to(text, rest)))
}
