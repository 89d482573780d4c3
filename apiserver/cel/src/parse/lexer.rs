//! Splits the text of an expression into tokens, the longest that fits first.

use super::token::{Kind, Token};
use crate::source::{Issue, Source};

/// The tokens of a text, blanks and comments among them and an end after them, and what is no token.
pub(crate) fn scan(source: &Source) -> (Vec<Token>, Vec<Issue>) {
    let text = source.characters();
    let mut tokens = Vec::new();
    let mut issues = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match (Scan { text, start: at }).token() {
            Ok((kind, end)) => {
                tokens.push(Token { kind, start: at, end });
                at = end;
            }
            Err(fault) => {
                issues.push(Issue {
                    location: source.location(at),
                    message: format!(
                        "Syntax error: token recognition error at: '{}'",
                        source.slice(at, fault + 1)
                    ),
                });
                at = fault + 1;
            }
        }
    }
    tokens.push(Token {
        kind: Kind::Eof,
        start: text.len(),
        end: text.len(),
    });
    (tokens, issues)
}

/// Two answers: the end of what fits, or the place of the first character that fits nothing.
type Fit = Result<usize, usize>;

struct Scan<'t> {
    text: &'t [char],
    start: usize,
}

impl Scan<'_> {
    fn peek(&self, at: usize) -> Option<char> {
        self.text.get(at).copied()
    }

    fn is(&self, at: usize, one: char) -> bool {
        self.peek(at) == Some(one)
    }

    fn token(&self) -> Result<(Kind, usize), usize> {
        let start = self.start;
        let first = self.text[start];
        let one = |kind| Ok((kind, start + 1));
        let two = |second, long, short| {
            if self.is(start + 1, second) {
                Ok((long, start + 2))
            } else {
                Ok((short, start + 1))
            }
        };
        let only = |second, kind| {
            if self.is(start + 1, second) {
                Ok((kind, start + 2))
            } else {
                Err(start + 1)
            }
        };
        match first {
            '=' => only('=', Kind::Equals),
            '&' => only('&', Kind::And),
            '|' => only('|', Kind::Or),
            '!' => two('=', Kind::NotEquals, Kind::Not),
            '<' => two('=', Kind::LessEquals, Kind::Less),
            '>' => two('=', Kind::GreaterEquals, Kind::Greater),
            '[' => one(Kind::BracketOpen),
            ']' => one(Kind::BracketClose),
            '{' => one(Kind::BraceOpen),
            '}' => one(Kind::BraceClose),
            '(' => one(Kind::ParenOpen),
            ')' => one(Kind::ParenClose),
            ',' => one(Kind::Comma),
            '-' => one(Kind::Minus),
            '?' => one(Kind::Question),
            ':' => one(Kind::Colon),
            '+' => one(Kind::Plus),
            '*' => one(Kind::Star),
            '%' => one(Kind::Percent),
            '/' if self.is(start + 1, '/') => Ok((Kind::Comment, self.run(start, |one| one != '\n'))),
            '/' => one(Kind::Slash),
            '.' if self.peek(start + 1).is_some_and(|one| one.is_ascii_digit()) => {
                let digits = self.run(start + 1, |one| one.is_ascii_digit());
                Ok((Kind::Float, self.exponent(digits).unwrap_or(digits)))
            }
            '.' => one(Kind::Dot),
            '0'..='9' => Ok(self.number()),
            '"' | '\'' => self.string(start, false).map(|end| (Kind::String, end)),
            '`' => self.escaped().map(|end| (Kind::EscapedIdentifier, end)),
            'A'..='Z' | 'a'..='z' | '_' => Ok(self.word()),
            _ if blank(first) => Ok((Kind::Whitespace, self.run(start, blank))),
            _ => Err(start),
        }
    }

    /// The end of the run of characters that starts at a place.
    fn run(&self, from: usize, fits: impl Fn(char) -> bool) -> usize {
        from + self.text[from..].iter().take_while(|one| fits(**one)).count()
    }

    fn exponent(&self, at: usize) -> Option<usize> {
        if !self.peek(at).is_some_and(|one| one == 'e' || one == 'E') {
            return None;
        }
        let sign = self.peek(at + 1).is_some_and(|one| one == '+' || one == '-');
        let digits = at + 1 + usize::from(sign);
        let end = self.run(digits.min(self.text.len()), |one| one.is_ascii_digit());
        (end > digits).then_some(end)
    }

    fn number(&self) -> (Kind, usize) {
        let start = self.start;
        let unsigned = |end: usize| match self.peek(end) {
            Some('u' | 'U') => (Kind::Uint, end + 1),
            _ => (Kind::Int, end),
        };
        if self.is(start, '0') && self.is(start + 1, 'x') {
            let end = self.run(start + 2, |one| one.is_ascii_hexdigit());
            if end > start + 2 {
                return unsigned(end);
            }
        }
        let whole = self.run(start, |one| one.is_ascii_digit());
        if self.is(whole, '.') {
            let end = self.run(whole + 1, |one| one.is_ascii_digit());
            if end > whole + 1 {
                return (Kind::Float, self.exponent(end).unwrap_or(end));
            }
        }
        match self.exponent(whole) {
            Some(end) => (Kind::Float, end),
            None => unsigned(whole),
        }
    }

    /// An identifier, a keyword, or a string that letters stand before.
    fn word(&self) -> (Kind, usize) {
        let start = self.start;
        let letter = |at: usize, one: char| self.peek(at).is_some_and(|found| found.eq_ignore_ascii_case(&one));
        let quote = |at: usize| matches!(self.peek(at), Some('"' | '\''));
        if letter(start, 'r') && quote(start + 1) {
            if let Ok(end) = self.string(start + 1, true) {
                return (Kind::String, end);
            }
        } else if letter(start, 'b') {
            let raw = letter(start + 1, 'r');
            let open = start + 1 + usize::from(raw);
            if quote(open)
                && let Ok(end) = self.string(open, raw)
            {
                return (Kind::Bytes, end);
            }
        }
        let end = self.run(start, |one| one.is_ascii_alphanumeric() || one == '_');
        let text: String = self.text[start..end].iter().collect();
        let kind = match text.as_str() {
            "in" => Kind::In,
            "true" => Kind::True,
            "false" => Kind::False,
            "null" => Kind::Null,
            _ => Kind::Identifier,
        };
        (kind, end)
    }

    fn escaped(&self) -> Fit {
        let end = self.run(self.start + 1, |one| {
            one.is_ascii_alphanumeric() || matches!(one, '_' | '.' | '-' | '/' | ' ')
        });
        if end > self.start + 1 && self.is(end, '`') {
            Ok(end + 1)
        } else {
            Err(end)
        }
    }

    /// A string from its opening quote on: in three quotes, else in one.
    fn string(&self, open: usize, raw: bool) -> Fit {
        let quote = self.text[open];
        if self.is(open + 1, quote) {
            if self.is(open + 2, quote)
                && let Ok(end) = self.long(open + 3, quote, raw)
            {
                return Ok(end);
            }
            return Ok(open + 2);
        }
        let mut at = open + 1;
        loop {
            match self.peek(at) {
                Some(one) if one == quote => return Ok(at + 1),
                None | Some('\n' | '\r') => return Err(at),
                Some('\\') if !raw => at = self.escape(at)?,
                Some(_) => at += 1,
            }
        }
    }

    fn long(&self, from: usize, quote: char, raw: bool) -> Fit {
        let mut at = from;
        loop {
            match self.peek(at) {
                None => return Err(at),
                Some(one) if one == quote && self.is(at + 1, quote) && self.is(at + 2, quote) => return Ok(at + 3),
                Some('\\') if !raw => at = self.escape(at)?,
                Some(_) => at += 1,
            }
        }
    }

    /// The end of an escape sequence that starts with a backslash.
    fn escape(&self, at: usize) -> Fit {
        let hex = |count: usize| (at + 2..at + 2 + count, 16);
        let (digits, radix) = match self.peek(at + 1) {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`') => return Ok(at + 2),
            Some('x' | 'X') => hex(2),
            Some('u') => hex(4),
            Some('U') => hex(8),
            Some('0'..='3') => (at + 2..at + 4, 8),
            _ => return Err(at + 1),
        };
        let end = digits.end;
        for place in digits {
            if !self.peek(place).is_some_and(|one| one.is_digit(radix)) {
                return Err(place);
            }
        }
        Ok(end)
    }
}

fn blank(one: char) -> bool {
    matches!(one, '\t' | ' ' | '\r' | '\n' | '\u{c}')
}
