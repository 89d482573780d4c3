//! Regular expressions as Go reads them (RE2), as far as they can be wrong in ways that people write.

/// What is wrong with an expression, in Go's words.
pub fn wrong(pattern: &str) -> Option<String> {
    let letters: Vec<char> = pattern.chars().collect();
    let mut scan = Scan {
        letters: &letters,
        at: 0,
        depth: 0,
        repeatable: false,
        repeated_from: None,
    };
    while scan.at < letters.len() {
        if let Err(wrong) = scan.step() {
            return Some(wrong);
        }
    }
    (scan.depth > 0).then(|| format!("missing closing ): `{pattern}`"))
}

struct Scan<'p> {
    letters: &'p [char],
    at: usize,
    /// How many groups are open.
    depth: usize,
    /// Whether what stands before can be repeated.
    repeatable: bool,
    /// Where the repetition began that stands right before.
    repeated_from: Option<usize>,
}

impl Scan<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    fn text(&self, from: usize, to: usize) -> String {
        self.letters[from..to.min(self.letters.len())].iter().collect()
    }

    fn all(&self) -> String {
        self.letters.iter().collect()
    }

    fn took(&mut self, count: usize, repeatable: bool) {
        self.at += count;
        self.repeatable = repeatable;
        self.repeated_from = None;
    }

    fn step(&mut self) -> Result<(), String> {
        match self.letters[self.at] {
            '(' => self.open(),
            ')' if self.depth == 0 => Err(format!("unexpected ): `{}`", self.all())),
            ')' => {
                self.depth -= 1;
                self.took(1, true);
                Ok(())
            }
            '[' => self.class(),
            '\\' => self.escape(),
            '*' | '+' | '?' => self.repeat(1),
            '{' => self.braces(),
            '|' => {
                self.took(1, false);
                Ok(())
            }
            _ => {
                self.took(1, true);
                Ok(())
            }
        }
    }

    fn open(&mut self) -> Result<(), String> {
        if self.peek(1) != Some('?') {
            self.depth += 1;
            self.took(1, false);
            return Ok(());
        }
        let start = self.at;
        let named = matches!((self.peek(2), self.peek(3)), (Some('P'), Some('<'))) || self.is_plain_name();
        let end = if named { '>' } else { ':' };
        let flag = |letter: &char| "imsU-".contains(*letter);
        let stop = (start + 2..self.letters.len()).find(|at| {
            let letter = self.letters[*at];
            letter == end || letter == ')' || (!named && !flag(&letter))
        });
        match stop.map(|at| (at, self.letters[at])) {
            Some((at, found)) if found == end => {
                self.depth += 1;
                self.took(at + 1 - start, false);
                Ok(())
            }
            Some((at, ')')) if !named => {
                self.took(at + 1 - start, false);
                Ok(())
            }
            Some((at, _)) => Err(format!(
                "invalid or unsupported Perl syntax: `{}`",
                self.text(start, at + 1)
            )),
            None => Err(format!("missing closing ): `{}`", self.all())),
        }
    }

    /// `(?<name>`, which looks like a look behind.
    fn is_plain_name(&self) -> bool {
        self.peek(2) == Some('<') && !matches!(self.peek(3), Some('=' | '!') | None)
    }

    fn class(&mut self) -> Result<(), String> {
        let start = self.at;
        let mut at = start + 1 + usize::from(self.peek(1) == Some('^'));
        let mut first = true;
        loop {
            match self.letters.get(at) {
                None => return Err(format!("missing closing ]: `{}`", self.text(start, self.letters.len()))),
                Some(']') if !first => break,
                Some('\\') => at += 2,
                Some('[') if self.letters.get(at + 1) == Some(&':') => at += self.posix(at)?,
                Some(_) => at += 1,
            }
            first = false;
        }
        self.bounds(start, at)?;
        self.took(at + 1 - start, true);
        Ok(())
    }

    /// How long `[:alpha:]` is; a bracket that begins no such name is a letter.
    fn posix(&self, at: usize) -> Result<usize, String> {
        const NAMES: &[&str] = &[
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        let rest = self.text(at + 2, self.letters.len());
        let Some((name, _)) = rest.split_once(":]") else {
            return Ok(1);
        };
        if NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Ok(name.chars().count() + 4);
        }
        Err(format!("invalid character class range: `[:{name}:]`"))
    }

    /// Ranges of plain letters go upward.
    fn bounds(&self, start: usize, end: usize) -> Result<(), String> {
        let inside = &self.letters[start + 1..end];
        for part in inside.windows(3) {
            if let [low, '-', high] = *part {
                let plain = |letter: char| letter.is_alphanumeric();
                if plain(low) && plain(high) && low > high && !inside.contains(&'\\') {
                    return Err(format!("invalid character class range: `{low}-{high}`"));
                }
            }
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        match self.peek(1) {
            None => Err("trailing backslash at end of expression: ``".to_owned()),
            Some('A' | 'b' | 'B' | 'z' | 'C') => {
                self.took(2, true);
                Ok(())
            }
            Some('Q') => {
                let rest = self.text(self.at + 2, self.letters.len());
                let quoted = rest.split("\\E").next().unwrap_or_default().chars().count();
                let closed = usize::from(rest.contains("\\E")) * 2;
                self.took(2 + quoted + closed, true);
                Ok(())
            }
            Some('p' | 'P' | 'x') => {
                let braced = self.peek(2) == Some('{');
                let end = (self.at + 2..self.letters.len()).find(|at| self.letters[*at] == '}');
                let length = match end {
                    Some(end) if braced => end + 1 - self.at,
                    _ if self.peek(1) == Some('x') => 4,
                    _ => 3,
                };
                self.took(length.min(self.letters.len() - self.at), true);
                Ok(())
            }
            Some('1'..='9') => Err(format!(
                "invalid escape sequence: `{}`",
                self.text(self.at, self.at + 2)
            )),
            Some(letter) if letter.is_ascii_alphabetic() && !"dDsSwWafnrtvE".contains(letter) => {
                Err(format!("invalid escape sequence: `\\{letter}`"))
            }
            Some(_) => {
                self.took(2, true);
                Ok(())
            }
        }
    }

    /// How long `{2,3}` is; what is none stands for itself.
    fn count(&self) -> Option<usize> {
        let end = (self.at..self.letters.len()).find(|at| self.letters[*at] == '}')?;
        let inside = self.text(self.at + 1, end);
        let (least, most) = inside.split_once(',').unwrap_or((&inside, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        (!least.is_empty() && digits(least) && digits(most)).then_some(end + 1 - self.at)
    }

    fn braces(&mut self) -> Result<(), String> {
        if let Some(length) = self.count() {
            return self.repeat(length);
        }
        self.took(1, true);
        Ok(())
    }

    fn repeat(&mut self, length: usize) -> Result<(), String> {
        const MOST: u64 = 1000;
        let (start, operator) = (self.at, self.text(self.at, self.at + length));
        let lazy = usize::from(self.peek(length) == Some('?'));
        if let Some(from) = self.repeated_from {
            let text = self.text(from, start + length);
            return Err(format!("invalid nested repetition operator: `{text}`"));
        }
        if !self.repeatable {
            return Err(format!("missing argument to repetition operator: `{operator}`"));
        }
        let numbers = operator
            .trim_matches(['{', '}'])
            .split(',')
            .filter(|text| length > 1 && !text.is_empty());
        let numbers: Vec<u64> = numbers.map(|text| text.parse().unwrap_or(u64::MAX)).collect();
        if numbers.iter().any(|number| *number > MOST) || !numbers.is_sorted() {
            return Err(format!("invalid repeat count: `{operator}`"));
        }
        self.took(length + lazy, true);
        self.repeated_from = Some(start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn what_go_cannot_read_is_told_in_its_words() {
        for (pattern, expected) in [
            ("", None),
            (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z]+)*$", None),
            (r"^(?:a|b){1,3}?\d+[[:alpha:]^\]]$", None),
            (r"(?P<n>a)(?i)b(?<m>c)\pL\x{41}\Q(\E", None),
            ("a{,2}{x", None),
            ("(a", Some("missing closing ): `(a`")),
            ("a)", Some("unexpected ): `a)`")),
            ("a[b", Some("missing closing ]: `[b`")),
            ("*a", Some("missing argument to repetition operator: `*`")),
            ("a|+", Some("missing argument to repetition operator: `+`")),
            ("a**", Some("invalid nested repetition operator: `**`")),
            ("a\\", Some("trailing backslash at end of expression: ``")),
            (r"\y", Some(r"invalid escape sequence: `\y`")),
            (r"(a)\1", Some(r"invalid escape sequence: `\1`")),
            ("(?=a)", Some("invalid or unsupported Perl syntax: `(?=`")),
            ("a{1001}", Some("invalid repeat count: `{1001}`")),
            ("a{2,1}", Some("invalid repeat count: `{2,1}`")),
            ("[z-a]", Some("invalid character class range: `z-a`")),
            ("[[:x:]]", Some("invalid character class range: `[:x:]`")),
        ] {
            assert_eq!(wrong(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
