//! JSON into a tree, with the messages of Go's decoder, which users know and search for.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use thiserror::Error;

use super::{Map, Number, Text, Tree};

/// How deep lists and objects may stand in each other. Upstream's decoder allows ten times more, which no object of any
/// use needs and which every later walk over the tree would pay for with stack.
pub const MAX_DEPTH: usize = 1_000;

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
    /// More than [`MAX_DEPTH`].
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

/// A document and what is odd about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The value. Of keys that stand twice the last counts; objects under the same key are merged, as Go decodes them.
    pub tree: Tree,
    /// The paths of keys that stand more than once, in the order of the document: `metadata.labels.x`,
    /// `spec.containers[0].name`. At most [`MAX_DUPLICATES`].
    pub duplicates: Vec<String>,
}

/// How many duplicates are told; upstream's decoder stops counting there too.
pub const MAX_DUPLICATES: usize = 100;

/// Reads one JSON value. Bytes in strings that are not UTF-8 become U+FFFD, as in Go.
///
/// # Errors
/// [`SyntaxError`].
pub fn parse(document: &[u8]) -> Result<Parsed, SyntaxError> {
    let mut reader = Reader::new(document);
    let tree = reader.value()?;
    if let Some(found) = reader.next_token() {
        return Err(wrong(found, Place::AfterAll));
    }
    let mut duplicates = Vec::new();
    if reader.twice {
        // Rare, so the paths are made in a second pass.
        walk(document, &mut |path, again| {
            if again && duplicates.len() < MAX_DUPLICATES && duplicates.last().is_none_or(|last| last != path) {
                duplicates.push(path.to_owned());
            }
        });
    }
    Ok(Parsed { tree, duplicates })
}

/// Puts things that have paths into the order in which a document has them, which is how a decoder that reads from front
/// to end meets them. What the document does not have comes last.
pub fn rank<T>(document: &[u8], found: &mut [T], path: impl Fn(&T) -> &str) {
    if found.len() < 2 {
        return;
    }
    let mut places: HashMap<String, usize> = found.iter().map(|item| (path(item).to_owned(), usize::MAX)).collect();
    let mut met = 0;
    walk(document, &mut |path, _| {
        met += 1;
        if let Some(place) = places.get_mut(path) {
            *place = met.min(*place);
        }
    });
    found.sort_by_key(|item| places.get(path(item)).copied());
}

/// Tells each key and item of a document that parses, with its path, and whether its object had that key before.
fn walk(document: &[u8], tell: &mut dyn FnMut(&str, bool)) {
    let mut reader = Reader::new(document);
    // What was parsed once parses again.
    let _ = reader.walk(&mut String::new(), tell);
}

fn wrong(found: u8, place: Place) -> SyntaxError {
    SyntaxError::Character { found, place }
}

/// Entries as they were read, as a map, and whether a key stood twice.
fn gathered(mut entries: Vec<(Text, Tree)>) -> (Map, bool) {
    if entries.is_sorted_by(|(a, _), (b, _)| a < b) {
        return (Map::sorted(entries), false);
    }
    // Stable, so that of equal keys the later stays the later.
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let read = entries.len();
    entries.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            merge(&mut earlier.1, std::mem::take(&mut later.1));
        }
        same
    });
    let twice = entries.len() < read;
    (Map::sorted(entries), twice)
}

fn merge(earlier: &mut Tree, later: Tree) {
    match (earlier, later) {
        (Tree::Map(earlier), Tree::Map(later)) => {
            for (key, value) in later {
                merge(earlier.entry(&key), value);
            }
        }
        (earlier, later) => *earlier = later,
    }
}

struct Reader<'i> {
    input: &'i [u8],
    at: usize,
    depth: usize,
    /// Whether a key stood twice in an object.
    twice: bool,
}

impl<'i> Reader<'i> {
    const fn new(input: &'i [u8]) -> Self {
        Self {
            input,
            at: 0,
            depth: 0,
            twice: false,
        }
    }

    /// The first byte that is not white space, left where it is.
    fn next_token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.input.get(self.at) {
            self.at += 1;
        }
        self.input.get(self.at).copied()
    }

    /// The next token's byte, taken.
    fn token(&mut self) -> Result<u8, SyntaxError> {
        let found = self.next_token().ok_or(SyntaxError::End)?;
        self.at += 1;
        Ok(found)
    }

    /// The next byte, taken.
    fn byte(&mut self) -> Result<u8, SyntaxError> {
        let found = *self.input.get(self.at).ok_or(SyntaxError::End)?;
        self.at += 1;
        Ok(found)
    }

    fn value(&mut self) -> Result<Tree, SyntaxError> {
        match self.token()? {
            b'{' => {
                let mut entries = Vec::new();
                self.object(|reader, key| {
                    entries.push((key, reader.value()?));
                    Ok(())
                })?;
                let (map, twice) = gathered(entries);
                self.twice |= twice;
                Ok(Tree::Map(map))
            }
            b'[' => {
                let mut items = Vec::new();
                self.array(|reader| {
                    items.push(reader.value()?);
                    Ok(())
                })?;
                Ok(Tree::List(items))
            }
            first => self.scalar(first),
        }
    }

    /// Reads a value that is not kept.
    fn walk(&mut self, path: &mut String, tell: &mut dyn FnMut(&str, bool)) -> Result<(), SyntaxError> {
        let outer = path.len();
        match self.token()? {
            b'{' => {
                let mut seen = HashSet::new();
                self.object(|reader, key| {
                    if outer > 0 {
                        path.push('.');
                    }
                    path.push_str(&key);
                    tell(path, !seen.insert(key));
                    reader.walk(path, tell)?;
                    path.truncate(outer);
                    Ok(())
                })
            }
            b'[' => {
                let mut at = 0;
                self.array(|reader| {
                    // Writing to a string does not fail.
                    let _ = write!(path, "[{at}]");
                    at += 1;
                    tell(path, false);
                    reader.walk(path, tell)?;
                    path.truncate(outer);
                    Ok(())
                })
            }
            first => self.scalar(first).map(|_| ()),
        }
    }

    fn inside(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(SyntaxError::Depth)
        } else {
            Ok(())
        }
    }

    /// What follows `{`.
    fn object(&mut self, mut entry: impl FnMut(&mut Self, Text) -> Result<(), SyntaxError>) -> Result<(), SyntaxError> {
        self.inside()?;
        let mut first = true;
        loop {
            match self.token()? {
                b'"' => {}
                b'}' if first => break,
                found => return Err(wrong(found, Place::Key)),
            }
            let key = self.string()?;
            match self.token()? {
                b':' => entry(self, key)?,
                found => return Err(wrong(found, Place::AfterKey)),
            }
            match self.token()? {
                b',' => first = false,
                b'}' => break,
                found => return Err(wrong(found, Place::AfterPair)),
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// What follows `[`.
    fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), SyntaxError>) -> Result<(), SyntaxError> {
        self.inside()?;
        if self.next_token() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                item(self)?;
                match self.token()? {
                    b',' => {}
                    b']' => break,
                    found => return Err(wrong(found, Place::AfterElement)),
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn scalar(&mut self, first: u8) -> Result<Tree, SyntaxError> {
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
    fn string(&mut self) -> Result<Text, SyntaxError> {
        let plain = self.plain();
        if self.input.get(self.at) == Some(&b'"') {
            self.at += 1;
            return Ok(Text::from_utf8_lossy(plain));
        }
        let mut text = plain.to_vec();
        loop {
            match self.byte()? {
                b'"' => return Ok(Text::from_utf8_lossy(&text)),
                b'\\' => self.escape(&mut text)?,
                found => return Err(wrong(found, Place::Literal)),
            }
            text.extend_from_slice(self.plain());
        }
    }

    /// What stands before the next quote, backslash or control character.
    fn plain(&mut self) -> &'i [u8] {
        let rest = &self.input[self.at..];
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20));
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
