//! The text of an expression, places in it, and what is wrong at them, printed as upstream prints it.

use std::fmt::Write;

/// The most issues that are printed, and the most syntax errors that are looked for.
pub(crate) const ISSUES_MAX: usize = 100;

/// The longest line that is shown under an issue, in bytes.
const SHOWN_MAX: usize = 16_384;

/// The text of one expression; places in it are counted in characters.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    text: String,
    characters: Vec<char>,
    /// Where each line but the first starts.
    lines: Vec<usize>,
}

/// A line, counted from 1, and a column, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Location {
    line: i64,
    column: i64,
}

impl Location {
    /// What has no place in the text.
    pub(crate) const NONE: Self = Self { line: -1, column: -1 };
}

/// Something wrong in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) location: Location,
    pub(crate) message: String,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let lines = characters
            .iter()
            .enumerate()
            .filter(|(_, one)| **one == '\n')
            .map(|(at, _)| at + 1)
            .collect();
        Self {
            text: text.to_owned(),
            characters,
            lines,
        }
    }

    pub(crate) fn characters(&self) -> &[char] {
        &self.characters
    }

    /// The text between two places.
    pub(crate) fn slice(&self, from: usize, to: usize) -> String {
        let to = to.min(self.characters.len());
        self.characters[from.min(to)..to].iter().collect()
    }

    /// The line and the column of a place. In an empty text upstream's scanner stands before the first column.
    pub(crate) fn location(&self, at: usize) -> Location {
        if self.characters.is_empty() {
            return Location { line: 1, column: -1 };
        }
        let before = self.lines.partition_point(|start| *start <= at);
        let start = before.checked_sub(1).map_or(0, |one| self.lines[one]);
        Location {
            line: before as i64 + 1,
            column: (at - start) as i64,
        }
    }

    /// All issues as upstream prints them: in the order of their places, each with its line and a mark below.
    pub(crate) fn print(&self, issues: &[Issue]) -> String {
        let mut sorted: Vec<&Issue> = issues.iter().collect();
        sorted.sort_by_key(|one| one.location);
        let mut lines: Vec<String> = sorted.iter().take(ISSUES_MAX).map(|one| self.print_one(one)).collect();
        if sorted.len() > ISSUES_MAX {
            lines.push(format!("{} more errors were truncated", sorted.len() - ISSUES_MAX));
        }
        lines.join("\n")
    }

    fn print_one(&self, issue: &Issue) -> String {
        let Location { line, column } = issue.location;
        let mut text = format!("ERROR: <input>:{line}:{}: {}", column + 1, issue.message);
        let Some(shown) = self.line(line).filter(|one| one.len() <= SHOWN_MAX) else {
            return text;
        };
        let shown = shown.replace('\t', " ");
        let _ = write!(text, "\n | {shown}\n | ");
        let mut characters = shown.chars();
        // A wide character is marked by a wide mark, so that the marks stay below what they mark.
        for one in characters.by_ref().take(usize::try_from(column).unwrap_or(0)) {
            text.push(if one.len_utf8() > 1 { '\u{ff0e}' } else { '.' });
        }
        let wide = characters.next().is_some_and(|one| one.len_utf8() > 1);
        text.push(if wide { '\u{ff3e}' } else { '^' });
        text
    }

    fn line(&self, line: i64) -> Option<&str> {
        let index = usize::try_from(line - 1).ok()?;
        (!self.text.is_empty())
            .then(|| self.text.split('\n').nth(index))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(source: &Source, place: usize, message: &str) -> Issue {
        Issue {
            location: source.location(place),
            message: message.to_owned(),
        }
    }

    #[test]
    fn issues_are_printed_in_the_order_of_their_places() {
        let source = Source::new("ab\ncd");
        let issues = [at(&source, 4, "second"), at(&source, 1, "first")];
        assert_eq!(
            source.print(&issues),
            "ERROR: <input>:1:2: first\n | ab\n | .^\nERROR: <input>:2:2: second\n | cd\n | .^"
        );
    }

    #[test]
    fn wide_characters_have_wide_marks_and_tabs_become_blanks() {
        let source = Source::new("\té☺");
        assert_eq!(
            source.print(&[at(&source, 2, "no")]),
            "ERROR: <input>:1:3: no\n |  é☺\n | .\u{ff0e}\u{ff3e}"
        );
    }

    #[test]
    fn what_has_no_place_shows_no_line() {
        let source = Source::new("a");
        let issue = Issue {
            location: Location::NONE,
            message: "too deep".into(),
        };
        assert_eq!(source.print(&[issue]), "ERROR: <input>:-1:0: too deep");
    }

    #[test]
    fn more_issues_than_a_hundred_are_counted() {
        let source = Source::new("a");
        let issues = vec![at(&source, 0, "no"); ISSUES_MAX + 2];
        assert!(source.print(&issues).ends_with("\n2 more errors were truncated"));
    }
}
