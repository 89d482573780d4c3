//! Letters in brackets.

use super::escape::{escaped, unicode_class};
use super::{CLASS_RANGE, Fault, PERL_CLASSES, Scan, up_to};

/// What may stand in `[:alpha:]`.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

impl<'p> Scan<'p> {
    pub(super) fn class(&mut self) -> Result<(), Fault<'p>> {
        let whole = self.rest;
        let (inside, negated) = match whole[1..].strip_prefix('^') {
            Some(inside) => (inside, true),
            None => (&whole[1..], false),
        };
        // How many parts there are, and whether the last is one letter.
        let (mut text, mut parts, mut one) = (inside, 0, false);
        while parts == 0 || !text.starts_with(']') {
            parts += 1;
            one = false;
            if let Some(rest) = self.named_part(text)? {
                text = rest;
                continue;
            }
            let (low, mut rest) = letter(text, whole)?;
            one = true;
            if let Some(high) = rest.strip_prefix('-')
                && !high.is_empty()
                && !high.starts_with(']')
            {
                let (high, behind) = letter(high, whole)?;
                if high < low {
                    return Err(Fault(CLASS_RANGE, up_to(text, behind)));
                }
                rest = behind;
                one = low == high;
            }
            text = rest;
        }
        self.rest = &text[1..];
        // One letter in brackets is that letter.
        let pushed = if one && parts == 1 && !negated && !self.fold {
            self.stack.letter_in_brackets()
        } else {
            self.stack.class()
        };
        pushed.map_err(|limit| self.beyond(limit))
    }

    /// A class within brackets: what stands behind it, if there is one.
    fn named_part(&mut self, text: &'p str) -> Result<Option<&'p str>, Fault<'p>> {
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some('['), Some(':')) => self.posix(text),
            (Some('\\'), Some('p' | 'P')) => unicode_class(text).map(Some),
            (Some('\\'), Some(letter)) if PERL_CLASSES.contains(&letter) => Ok(Some(letters.as_str())),
            _ => Ok(None),
        }
    }

    /// `[:alpha:]`; without an end it is a bracket and what follows.
    fn posix(&mut self, text: &'p str) -> Result<Option<&'p str>, Fault<'p>> {
        if self.no_posix {
            return Ok(None);
        }
        let Some((name, rest)) = text[2..].split_once(":]") else {
            self.no_posix = true;
            return Ok(None);
        };
        if POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Ok(Some(rest));
        }
        Err(Fault(CLASS_RANGE, up_to(text, rest)))
    }
}

/// A letter in brackets, and what stands behind it.
fn letter<'p>(text: &'p str, whole: &'p str) -> Result<(u32, &'p str), Fault<'p>> {
    let mut letters = text.chars();
    match letters.next() {
        None => Err(Fault("missing closing ]", whole)),
        Some('\\') => escaped(text),
        Some(letter) => Ok((letter.into(), letters.as_str())),
    }
}
