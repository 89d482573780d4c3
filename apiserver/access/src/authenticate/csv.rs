//! Values between commas as Go's `encoding/csv` reads them, which tells what is wrong in its words.

/// What is wrong, and where; columns are bytes, and all count from one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}parse error on line {line}, column {column}: {what}", .begins.map(|line| format!("record on line {line}; ")).unwrap_or_default())]
pub(super) struct Error {
    /// Where the record begins, where that is another line.
    begins: Option<usize>,
    line: usize,
    column: usize,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum What {
    #[error("bare \" in non-quoted field")]
    Bare,
    #[error("extraneous or missing \" in quoted-field")]
    Quote,
}

/// The records of a text. Lines without anything are none.
pub(super) fn records(text: &str) -> Result<Vec<Vec<String>>, Error> {
    let mut reader = Reader {
        lines: text.split_inclusive('\n'),
        line: 0,
        column: 1,
        rest: "",
    };
    let mut records = Vec::new();
    while reader.next_line() {
        if !ending(reader.rest) {
            records.push(reader.record()?);
        }
    }
    Ok(records)
}

/// Whether nothing but the end of a line is left.
fn ending(rest: &str) -> bool {
    matches!(rest, "" | "\n" | "\r\n" | "\r")
}

struct Reader<'t> {
    lines: std::str::SplitInclusive<'t, char>,
    line: usize,
    column: usize,
    /// What is left of the line.
    rest: &'t str,
}

impl Reader<'_> {
    fn next_line(&mut self) -> bool {
        let Some(line) = self.lines.next() else {
            self.rest = "";
            return false;
        };
        (self.rest, self.column) = (line, 1);
        self.line += 1;
        true
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
        self.column += bytes;
    }

    fn record(&mut self) -> Result<Vec<String>, Error> {
        let begins = self.line;
        let mut fields = Vec::new();
        loop {
            let more = if self.rest.starts_with('"') {
                self.advance(1);
                self.quoted(begins, &mut fields)?
            } else {
                self.plain(begins, &mut fields)?
            };
            if !more {
                return Ok(fields);
            }
        }
    }

    /// Reads a field up to the next comma; says whether there was one.
    fn plain(&mut self, begins: usize, fields: &mut Vec<String>) -> Result<bool, Error> {
        let comma = self.rest.find(',');
        let field = match comma {
            Some(at) => &self.rest[..at],
            None => without_ending(self.rest),
        };
        if let Some(at) = field.find('"') {
            return Err(self.wrong(begins, self.column + at, What::Bare));
        }
        fields.push(field.to_owned());
        if let Some(at) = comma {
            self.advance(at + 1);
        }
        Ok(comma.is_some())
    }

    /// Reads a field up to the quote that ends it, perhaps on a later line.
    fn quoted(&mut self, begins: usize, fields: &mut Vec<String>) -> Result<bool, Error> {
        let mut field = String::new();
        loop {
            let Some(at) = self.rest.find('"') else {
                // A line's end is part of the field, and always a plain one.
                field.push_str(without_ending(self.rest));
                let ended = self.rest.ends_with('\n');
                if ended {
                    field.push('\n');
                }
                self.advance(self.rest.len());
                if self.next_line() {
                    continue;
                }
                return Err(self.wrong(begins, self.column, What::Quote));
            };
            field.push_str(&self.rest[..at]);
            self.advance(at + 1);
            if self.rest.starts_with('"') {
                field.push('"');
                self.advance(1);
            } else if self.rest.starts_with(',') {
                self.advance(1);
                fields.push(field);
                return Ok(true);
            } else if ending(self.rest) {
                fields.push(field);
                return Ok(false);
            } else {
                return Err(self.wrong(begins, self.column - 1, What::Quote));
            }
        }
    }

    fn wrong(&self, begins: usize, column: usize, what: What) -> Error {
        Error {
            begins: (begins != self.line).then_some(begins),
            line: self.line,
            column,
            what,
        }
    }
}

fn without_ending(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::records;

    #[test]
    fn fields_stand_between_commas_and_may_be_quoted() {
        let text = "a,b,c\r\n\n\"x\",\"y, \"\"z\"\"\",\"two\r\nlines\"\n,,\nlast";
        let expected: [&[&str]; 4] = [
            &["a", "b", "c"],
            &["x", "y, \"z\"", "two\nlines"],
            &["", "", ""],
            &["last"],
        ];
        assert_eq!(records(text).unwrap(), expected);
        assert_eq!(records("").unwrap(), Vec::<Vec<String>>::new());
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_of_go() {
        for (text, told) in [
            (
                "a,b\"c,d\n",
                "parse error on line 1, column 4: bare \" in non-quoted field",
            ),
            (
                "a\n\"b\"c\n",
                "parse error on line 2, column 3: extraneous or missing \" in quoted-field",
            ),
            (
                "\"a\nb\"c\n",
                "record on line 1; parse error on line 2, column 2: extraneous or missing \" in quoted-field",
            ),
            (
                "\"abc",
                "parse error on line 1, column 5: extraneous or missing \" in quoted-field",
            ),
        ] {
            assert_eq!(records(text).unwrap_err().to_string(), told, "{text}");
        }
    }
}
