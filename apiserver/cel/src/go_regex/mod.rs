//! Regular expressions as Go reads them (RE2): whether it can, and else what it says.

mod class;
mod escape;
mod group;
mod limits;
mod names;
#[cfg(test)]
mod tests;

use self::limits::{Limit, Stack, Times};

/// What is wrong with an expression, in Go's words.
pub fn wrong(pattern: &str) -> Option<String> {
    let read = Scan::new(pattern).run();
    read.err().map(|Fault(wrong, text)| format!("{wrong}: `{text}`"))
}

/// What is wrong, and the part of the expression that Go shows with it.
struct Fault<'p>(&'static str, &'p str);

const CLASS_RANGE: &str = "invalid character class range";
const REPEAT_COUNT: &str = "invalid repeat count";
const UNEXPECTED_PAREN: &str = "unexpected )";
const MISSING_PAREN: &str = "missing closing )";

/// What has a meaning of its own wherever letters stand behind a backslash.
const PERL_CLASSES: [char; 6] = ['d', 'D', 's', 'S', 'w', 'W'];

struct Scan<'p> {
    whole: &'p str,
    /// What is left to read.
    rest: &'p str,
    /// What was read, as far as limits ask for it.
    stack: Stack,
    /// Whether large letters are small ones.
    fold: bool,
    /// Where the repetition begins that was read last.
    repeated: Option<&'p str>,
    /// Whether no `:]` is left.
    no_posix: bool,
}

impl<'p> Scan<'p> {
    fn new(whole: &'p str) -> Self {
        Self {
            whole,
            rest: whole,
            stack: Stack::new(),
            fold: false,
            repeated: None,
            no_posix: false,
        }
    }

    fn run(mut self) -> Result<(), Fault<'p>> {
        while let Some(letter) = self.rest.chars().next() {
            self.repeated = self.step(letter)?;
        }
        match self.stack.finish() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Fault(MISSING_PAREN, self.whole)),
            Err(limit) => Err(self.beyond(limit)),
        }
    }

    /// Reads on; gives where a repetition begins if that is what stands there.
    fn step(&mut self, letter: char) -> Result<Option<&'p str>, Fault<'p>> {
        let behind = &self.rest[letter.len_utf8()..];
        let fine = match letter {
            '(' if behind.starts_with('?') => return self.perl_group().map(|()| None),
            '(' => self.stack.open(true, self.fold),
            ')' => return self.close(behind).map(|()| None),
            '|' => self.stack.bar(),
            '[' => return self.class().map(|()| None),
            '\\' => return self.backslash().map(|()| None),
            '*' => return self.repeat(1, Times::Any).map(Some),
            '+' => return self.repeat(1, Times::Some).map(Some),
            '?' => return self.repeat(1, Times::Once).map(Some),
            '{' => match counts(self.rest) {
                Some((least, most, length)) => return self.counted(least, most, length).map(Some),
                None => self.stack.letter(self.fold),
            },
            '^' | '$' => self.stack.place(),
            '.' => self.stack.class(),
            _ => self.stack.letter(self.fold),
        };
        self.rest = behind;
        fine.map(|()| None).map_err(|limit| self.beyond(limit))
    }

    fn close(&mut self, behind: &'p str) -> Result<(), Fault<'p>> {
        match self.stack.close() {
            Ok(Some(fold)) => {
                self.fold = fold;
                self.rest = behind;
                Ok(())
            }
            Ok(None) => Err(Fault(UNEXPECTED_PAREN, self.whole)),
            Err(limit) => Err(self.beyond(limit)),
        }
    }

    fn counted(&mut self, least: u64, most: Option<u64>, length: usize) -> Result<&'p str, Fault<'p>> {
        if least.max(most.unwrap_or(0)) > limits::COPIES || most.is_some_and(|most| least > most) {
            return Err(Fault(REPEAT_COUNT, &self.rest[..length]));
        }
        self.repeat(length, Times::Counted(least, most))
    }

    /// A repetition, whose operator has so many bytes.
    fn repeat(&mut self, length: usize, times: Times) -> Result<&'p str, Fault<'p>> {
        let before = self.rest;
        let after = &before[length..];
        let after = after.strip_prefix('?').unwrap_or(after);
        if let Some(from) = self.repeated {
            return Err(Fault("invalid nested repetition operator", up_to(from, after)));
        }
        let operator = up_to(before, after);
        if !self.stack.ends_with_a_part() {
            return Err(Fault("missing argument to repetition operator", operator));
        }
        match self.stack.repeat(times) {
            Ok(true) => {
                self.rest = after;
                Ok(before)
            }
            Ok(false) => Err(Fault(REPEAT_COUNT, operator)),
            Err(limit) => Err(self.beyond(limit)),
        }
    }

    fn beyond(&self, limit: Limit) -> Fault<'p> {
        let wrong = match limit {
            Limit::Size => "expression too large",
            Limit::Height => "expression nests too deeply",
        };
        Fault(wrong, self.whole)
    }
}

/// What stands in a text before its end.
fn up_to<'p>(text: &'p str, end: &str) -> &'p str {
    &text[..text.len() - end.len()]
}

/// The least and the most of `{2}`, `{2,}` or `{2,3}`, and its length in bytes; any other brace stands for itself.
fn counts(text: &str) -> Option<(u64, Option<u64>, usize)> {
    let (least, rest) = number(text.strip_prefix('{')?)?;
    let (most, rest) = match rest.strip_prefix(',') {
        None => (Some(least), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (most, rest) = number(rest)?;
            (Some(most), rest)
        }
    };
    let rest = rest.strip_prefix('}')?;
    Some((least, most, text.len() - rest.len()))
}

/// A number without zeros before it, and what stands behind.
fn number(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(digits);
    let padded = digits.len() > 1 && digits.starts_with('0');
    (!digits.is_empty() && !padded).then(|| (digits.parse().unwrap_or(u64::MAX), rest))
}
