//! Groups of Perl: with names, without numbers, and flags.

use super::{Fault, Scan, up_to};

const NAME: &str = "invalid named capture";

impl<'p> Scan<'p> {
    /// What begins with `(?`.
    pub(super) fn perl_group(&mut self) -> Result<(), Fault<'p>> {
        for front in ["(?P<", "(?<"] {
            if let Some(name) = self.rest.strip_prefix(front)
                && !name.is_empty()
            {
                return self.named(name);
            }
        }
        self.flags()
    }

    /// A group with this name, and what stands behind it.
    fn named(&mut self, name: &'p str) -> Result<(), Fault<'p>> {
        let Some((name, rest)) = name.split_once('>') else {
            return Err(Fault(NAME, self.rest));
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(fits) {
            return Err(Fault(NAME, up_to(self.rest, rest)));
        }
        let opened = self.stack.open(true, self.fold);
        self.rest = rest;
        opened.map_err(|limit| self.beyond(limit))
    }

    /// `(?i)` for what follows, or `(?i:` for a group; the flags may be none.
    fn flags(&mut self) -> Result<(), Fault<'p>> {
        let mut letters = self.rest[2..].chars();
        // After a minus at least one flag must come.
        let (mut fold, mut taken_back, mut told) = (self.fold, false, true);
        for letter in letters.by_ref() {
            match letter {
                'i' => {
                    fold = !taken_back;
                    told = true;
                }
                'm' | 's' | 'U' => told = true,
                '-' if !taken_back => {
                    taken_back = true;
                    told = false;
                }
                ':' | ')' if told => {
                    let opened = match letter {
                        ':' => self.stack.open(false, self.fold),
                        _ => Ok(()),
                    };
                    self.fold = fold;
                    self.rest = letters.as_str();
                    return opened.map_err(|limit| self.beyond(limit));
                }
                _ => break,
            }
        }
        let read = up_to(self.rest, letters.as_str());
        Err(Fault("invalid or unsupported Perl syntax", read))
    }
}
