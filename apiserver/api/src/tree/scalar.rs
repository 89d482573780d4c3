//! Words, numbers and strings of JSON.

use super::parse::{Reader, wrong};
use super::syntax::{Place, SyntaxError, controls_and};
use super::{Number, Text, Tree};

/// Bytes that do not stand for themselves in a string.
static ENDS: [bool; 256] = controls_and(b"\"\\");

fn text(bytes: &[u8]) -> Text {
    str::from_utf8(bytes).map_or_else(|_| Text::from_utf8_lossy(bytes), Text::new)
}

impl<'i> Reader<'i> {
    pub(super) fn scalar(&mut self, first: u8) -> Result<Tree, SyntaxError> {
        match first {
            b'"' => self.string().map(Tree::Text),
            b't' => self.word("true").map(|()| Tree::Bool(true)),
            b'f' => self.word("false").map(|()| Tree::Bool(false)),
            b'n' => self.word("null").map(|()| Tree::Null),
            b'-' | b'0'..=b'9' => self.number(first),
            found => Err(wrong(found, Place::Value)),
        }
    }

    /// The rest of a word whose first letter was read.
    fn word(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        for expected in &word.as_bytes()[1..] {
            let found = self.byte()?;
            if found != *expected {
                return Err(wrong(found, Place::Word(word, *expected)));
            }
        }
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self, place: Place) -> Result<(), SyntaxError> {
        let found = self.byte()?;
        if !found.is_ascii_digit() {
            return Err(wrong(found, place));
        }
        self.more_digits();
        Ok(())
    }

    fn more_digits(&mut self) {
        while self.input.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    /// The rest of a number whose first character was read.
    fn number(&mut self, mut first: u8) -> Result<Tree, SyntaxError> {
        let start = self.at - 1;
        if first == b'-' {
            first = self.byte()?;
            if !first.is_ascii_digit() {
                return Err(wrong(first, Place::Number));
            }
        }
        if first != b'0' {
            self.more_digits();
        }
        let mut whole = true;
        if self.input.get(self.at) == Some(&b'.') {
            self.at += 1;
            whole = false;
            self.digits(Place::Fraction)?;
        }
        if let Some(b'e' | b'E') = self.input.get(self.at) {
            self.at += 1;
            whole = false;
            if let Some(b'+' | b'-') = self.input.get(self.at) {
                self.at += 1;
            }
            self.digits(Place::Exponent)?;
        }
        // Digits, signs, points and letters only.
        let literal = str::from_utf8(&self.input[start..self.at]).unwrap_or_default();
        Ok(match literal.parse() {
            Ok(value) if whole => Tree::Int(value),
            _ => Tree::Number(Number::new(literal)),
        })
    }

    /// The rest of a string, after its quote.
    pub(super) fn string(&mut self) -> Result<Text, SyntaxError> {
        let plain = self.plain();
        if self.input.get(self.at) == Some(&b'"') {
            self.at += 1;
            return Ok(text(plain));
        }
        let mut bytes = plain.to_vec();
        loop {
            match self.byte()? {
                b'"' => return Ok(text(&bytes)),
                b'\\' => self.escape(&mut bytes)?,
                found => return Err(wrong(found, Place::Literal)),
            }
            bytes.extend_from_slice(self.plain());
        }
    }

    /// What stands before the next quote, backslash or control character.
    fn plain(&mut self) -> &'i [u8] {
        let rest = &self.input[self.at..];
        let end = rest.iter().position(|byte| ENDS[usize::from(*byte)]);
        let plain = &rest[..end.unwrap_or(rest.len())];
        self.at += plain.len();
        plain
    }

    /// What follows a backslash.
    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), SyntaxError> {
        text.push(match self.byte()? {
            found @ (b'"' | b'\\' | b'/') => found,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let letter = self.code_point()?;
                text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            found => return Err(wrong(found, Place::Escape)),
        });
        Ok(())
    }

    /// Four hexadecimal digits, and four more where they are half of a pair. Half a pair alone is U+FFFD.
    fn code_point(&mut self) -> Result<char, SyntaxError> {
        let unit = self.unit()?;
        if let 0xd800..0xdc00 = unit
            && self.input[self.at..].starts_with(b"\\u")
        {
            let before = self.at;
            self.at += 2;
            if let low @ 0xdc00..0xe000 = self.unit()? {
                let joined = 0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00));
                return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&mut self) -> Result<u32, SyntaxError> {
        let mut unit = 0;
        for _ in 0..4 {
            let found = self.byte()?;
            let digit = char::from(found).to_digit(16).ok_or(wrong(found, Place::Hex))?;
            unit = unit << 4 | digit;
        }
        Ok(unit)
    }
}
