//! The letters of a YAML text, one after the other.

use super::scan::Scanner;
use super::token::Fault;

impl Scanner<'_> {
    /// The byte so far ahead; 0 behind the end.
    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    /// The line break so far ahead as a text gets it, and its bytes.
    pub(super) fn line_break(&self, ahead: usize) -> Option<(char, usize)> {
        match (self.byte(ahead), self.byte(ahead + 1), self.byte(ahead + 2)) {
            (b'\r', b'\n', _) | (0xc2, 0x85, _) => Some(('\n', 2)),
            (b'\r' | b'\n', ..) => Some(('\n', 1)),
            (0xe2, 0x80, 0xa8) => Some(('\u{2028}', 3)),
            (0xe2, 0x80, 0xa9) => Some(('\u{2029}', 3)),
            _ => None,
        }
    }

    pub(super) fn is_break(&self) -> bool {
        self.line_break(0).is_some()
    }

    pub(super) fn is_blank(&self) -> bool {
        matches!(self.byte(0), b' ' | b'\t')
    }

    /// Whether a blank, a line break or the end is so far ahead.
    pub(super) fn ends_word(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), 0 | b' ' | b'\t') || self.line_break(ahead).is_some()
    }

    /// Passes a character that is no line break.
    pub(super) fn skip(&mut self) {
        self.at += match self.byte(0) {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0.. => 4,
        };
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Passes a line break and gives it as a text gets it.
    pub(super) fn skip_line(&mut self) -> Option<char> {
        let (letter, length) = self.line_break(0)?;
        self.at += length;
        self.mark.index += length;
        self.mark.line += 1;
        self.mark.column = 0;
        Some(letter)
    }

    /// Passes a character and keeps it.
    pub(super) fn read(&mut self, text: &mut String) {
        let start = self.at;
        self.skip();
        text.push_str(self.text.get(start..self.at).unwrap_or_default());
    }

    /// Whether `---` or `...` stands here alone at the beginning of a line.
    pub(super) fn at_document_sign(&self) -> bool {
        let sign = self.text.as_bytes().get(self.at..self.at + 3);
        self.mark.column == 0 && matches!(sign, Some(b"---" | b"...")) && self.ends_word(3)
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank() {
            self.skip();
        }
    }

    /// Passes a comment up to its line break.
    pub(super) fn skip_comment(&mut self) {
        if self.byte(0) == b'#' {
            while self.byte(0) != 0 && !self.is_break() {
                self.skip();
            }
        }
    }

    /// Passes the rest of a line, on which nothing may stand but a comment.
    pub(super) fn end_line(&mut self, start: usize) -> Result<(), Fault> {
        self.skip_blanks();
        self.skip_comment();
        if self.byte(0) != 0 && self.skip_line().is_none() {
            return Err(self.fault("did not find expected comment or line break", start));
        }
        Ok(())
    }
}
