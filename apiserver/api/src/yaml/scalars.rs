//! Scalars in their five styles, as the scanner reads them.

use super::scan::Scanner;
use super::token::{Fault, Kind};

/// White space between the words of a scalar, which is folded when it holds line breaks.
#[derive(Default)]
struct Gap {
    blanks: String,
    first_break: Option<char>,
    more_breaks: String,
}

impl Gap {
    /// Writes what this comes to: the blanks, a space for one line break, or all line breaks but the first.
    fn flush(&mut self, text: &mut String) {
        match self.first_break {
            None => text.push_str(&self.blanks),
            Some('\n') if self.more_breaks.is_empty() => text.push(' '),
            Some('\n') => text.push_str(&self.more_breaks),
            Some(other) => {
                text.push(other);
                text.push_str(&self.more_breaks);
            }
        }
        *self = Self::default();
    }

    fn line(&mut self, letter: char) {
        if self.first_break.is_none() {
            self.blanks.clear();
            self.first_break = Some(letter);
        } else {
            self.more_breaks.push(letter);
        }
    }
}

impl Scanner<'_> {
    /// A scalar without quotes.
    pub(super) fn plain(&mut self) -> Result<Kind, Fault> {
        let start = self.mark.line;
        let indent = self.indent + 1;
        let mut text = String::new();
        let mut gap = Gap::default();
        loop {
            if self.at_document_sign() || self.byte(0) == b'#' {
                break;
            }
            let before = self.at;
            while !self.ends_word(0) && !self.ends_plain() {
                if self.at == before {
                    gap.flush(&mut text);
                }
                self.skip();
            }
            text.push_str(self.text.get(before..self.at).unwrap_or_default());
            if !self.is_blank() && !self.is_break() {
                break;
            }
            self.gap(&mut gap, |scanner, gap| {
                let early = gap.first_break.is_some() && scanner.mark.column < indent;
                if early && scanner.byte(0) == b'\t' {
                    return Err(scanner.fault("found a tab character that violates indentation", start));
                }
                Ok(())
            })?;
            if self.flow_level == 0 && self.mark.column < indent {
                break;
            }
        }
        if gap.first_break.is_some() {
            self.simple_key_allowed = true;
        }
        Ok(Kind::Scalar { text, plain: true })
    }

    /// Whether a sign stands here that no plain scalar has.
    fn ends_plain(&self) -> bool {
        match self.byte(0) {
            b':' => self.ends_word(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }

    /// Passes blanks and line breaks.
    fn gap(&mut self, gap: &mut Gap, check: impl Fn(&Self, &Gap) -> Result<(), Fault>) -> Result<(), Fault> {
        loop {
            if self.is_blank() {
                check(self, gap)?;
                if gap.first_break.is_none() {
                    self.read(&mut gap.blanks);
                } else {
                    self.skip();
                }
            } else if let Some(letter) = self.skip_line() {
                gap.line(letter);
            } else {
                return Ok(());
            }
        }
    }

    /// A scalar in quotes.
    pub(super) fn quoted(&mut self) -> Result<Kind, Fault> {
        let start = self.mark.line;
        let quote = self.byte(0);
        self.skip();
        let mut text = String::new();
        loop {
            if self.at_document_sign() {
                return Err(self.fault("found unexpected document indicator", start));
            }
            if self.byte(0) == 0 {
                return Err(self.fault("found unexpected end of stream", start));
            }
            let mut gap = Gap::default();
            // An escaped line break joins two lines without a space.
            let joined = self.quoted_word(quote, start, &mut text)?;
            if self.byte(0) == quote {
                break;
            }
            if joined {
                gap.first_break = Some('\0');
            }
            self.gap(&mut gap, |_, _| Ok(()))?;
            if joined {
                text.push_str(&gap.more_breaks);
            } else {
                gap.flush(&mut text);
            }
        }
        self.skip();
        Ok(Kind::Scalar { text, plain: false })
    }

    /// What stands between blanks; whether an escaped line break ended it.
    fn quoted_word(&mut self, quote: u8, start: usize, text: &mut String) -> Result<bool, Fault> {
        while !self.ends_word(0) {
            match (self.byte(0), quote) {
                (b'\'', b'\'') if self.byte(1) == b'\'' => {
                    text.push('\'');
                    self.skip();
                    self.skip();
                }
                (first, _) if first == quote => break,
                (b'\\', b'"') if self.line_break(1).is_some() => {
                    self.skip();
                    self.skip_line();
                    return Ok(true);
                }
                (b'\\', b'"') => self.escape(start, text)?,
                _ => self.read(text),
            }
        }
        Ok(false)
    }

    /// A backslash and what follows it.
    fn escape(&mut self, start: usize, text: &mut String) -> Result<(), Fault> {
        let mut digits = 0;
        let letter = match self.byte(1) {
            b'0' => '\0',
            b'a' => '\u{7}',
            b'b' => '\u{8}',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\u{b}',
            b'f' => '\u{c}',
            b'r' => '\r',
            b'e' => '\u{1b}',
            quoted @ (b' ' | b'"' | b'\'' | b'\\') => char::from(quoted),
            b'N' => '\u{85}',
            b'_' => '\u{a0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            length @ (b'x' | b'u' | b'U') => {
                digits = match length {
                    b'x' => 2,
                    b'u' => 4,
                    _ => 8,
                };
                '\0'
            }
            _ => return Err(self.fault("found unknown escape character", start)),
        };
        self.skip();
        self.skip();
        if digits == 0 {
            text.push(letter);
            return Ok(());
        }
        let mut code = 0_u32;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.byte(ahead)).to_digit(16) else {
                return Err(self.fault("did not find expected hexdecimal number", start));
            };
            code = code.wrapping_shl(4) | digit;
        }
        let Some(letter) = char::from_u32(code) else {
            return Err(self.fault("found invalid Unicode character escape code", start));
        };
        for _ in 0..digits {
            self.skip();
        }
        text.push(letter);
        Ok(())
    }

    /// A scalar of whole lines behind `|` or `>`.
    pub(super) fn block_scalar(&mut self) -> Result<String, Fault> {
        let start = self.mark.line;
        let literal = self.byte(0) == b'|';
        self.skip();
        let (keep, step) = self.block_header(start)?;
        let mut indent = step.map_or(0, |step| self.indent.max(0) + step);
        let mut text = String::new();
        let mut breaks = String::new();
        let mut last_break: Option<char> = None;
        let mut leading_blank = false;
        self.block_breaks(&mut indent, &mut breaks, start)?;
        while self.mark.column == indent && self.byte(0) != 0 {
            let blank = self.is_blank();
            // Between two lines of words one line break is a space.
            match last_break.take() {
                Some('\n') if !literal && !leading_blank && !blank => {
                    if breaks.is_empty() {
                        text.push(' ');
                    }
                }
                other => text.extend(other),
            }
            text.push_str(&breaks);
            breaks.clear();
            leading_blank = blank;
            let before = self.at;
            while self.byte(0) != 0 && !self.is_break() {
                self.skip();
            }
            text.push_str(self.text.get(before..self.at).unwrap_or_default());
            last_break = self.skip_line();
            self.block_breaks(&mut indent, &mut breaks, start)?;
        }
        if keep != Some(false) {
            text.extend(last_break);
        }
        if keep == Some(true) {
            text.push_str(&breaks);
        }
        Ok(text)
    }

    /// Behind `|`: whether line breaks at the end are all kept (`+`) or all dropped (`-`), and how deep the lines stand.
    fn block_header(&mut self, start: usize) -> Result<(Option<bool>, Option<isize>), Fault> {
        let (mut keep, mut step) = (None, None);
        loop {
            match self.byte(0) {
                sign @ (b'+' | b'-') if keep.is_none() => keep = Some(sign == b'+'),
                b'0' if step.is_none() => {
                    return Err(self.fault("found an indentation indicator equal to 0", start));
                }
                digit @ b'1'..=b'9' if step.is_none() => step = Some(isize::from(digit - b'0')),
                _ => break,
            }
            self.skip();
        }
        self.end_line(start)?;
        Ok((keep, step))
    }

    /// Passes indentation and empty lines; finds how deep the block stands where that is not known.
    fn block_breaks(&mut self, indent: &mut isize, breaks: &mut String, start: usize) -> Result<(), Fault> {
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.mark.column < *indent) && self.byte(0) == b' ' {
                self.skip();
            }
            deepest = deepest.max(self.mark.column);
            if (*indent == 0 || self.mark.column < *indent) && self.byte(0) == b'\t' {
                let problem = "found a tab character where an indentation space is expected";
                return Err(self.fault(problem, start));
            }
            match self.skip_line() {
                Some(letter) => breaks.push(letter),
                None => break,
            }
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
