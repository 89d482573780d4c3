//! The help as pflag and cobra lay it out: a section a group, flags by name, and on a terminal wrapped to its width.

use std::fmt::Write;

use super::kind::Kind;
use super::{Flag, Table};

/// How far sentences are moved in where they stand under their flag.
const INDENT: usize = 16;
/// Columns that stay free at the right.
const SLACK: usize = 5;
/// Less than this is too narrow to wrap.
const NARROW: usize = 24;

impl Table {
    /// All sections, wrapped for `columns`; for zero columns a flag has one line, and sentences stand in a column.
    pub fn help(&self, columns: usize) -> String {
        let mut text = String::new();
        for group in self.groups {
            let mut rows: Vec<&Flag> = group.rows.iter().filter(|row| !row.hidden).collect();
            rows.sort_by_key(|row| row.name);
            if rows.is_empty() {
                continue;
            }
            // Writing to a string does not fail.
            let _ = write!(text, "\n{} flags:\n\n", group.title);
            let widest = rows.iter().map(|row| row.head().len()).max().unwrap_or_default();
            for row in rows {
                let (head, usage) = (row.head(), row.usage());
                let _ = if columns > NARROW {
                    let body = wrap(&usage, columns.saturating_sub(INDENT));
                    writeln!(text, "{head}\n{:INDENT$}{}", "", indent(&body, INDENT))
                } else {
                    writeln!(text, "{head:widest$}   {}", indent(&usage, widest + 3))
                };
            }
        }
        text
    }
}

impl Flag {
    /// Its names, and what is put behind them.
    fn head(&self) -> String {
        let name = match self.short {
            Some(letter) => format!("  -{letter}, --{}", self.name),
            None => format!("      --{}", self.name),
        };
        match self.kind.word() {
            "" => name,
            word => format!("{name} {word}"),
        }
    }

    /// What it does and what it is when it is not given.
    fn usage(&self) -> String {
        let mut text = self.help.to_owned();
        if !self.later.is_empty() {
            text.push_str(" (not here yet)");
        }
        text.extend(self.more.map(|more| more()));
        if let Some(default) = self.shown_default() {
            text.extend([" (default ", &default, ")"]);
        }
        if !self.deprecated.is_empty() {
            text.extend([" (DEPRECATED: ", self.deprecated, ")"]);
        }
        text
    }

    /// The default as pflag writes it, unless it is one that pflag leaves out.
    fn shown_default(&self) -> Option<String> {
        let default = self.default;
        match self.kind {
            Kind::Ints | Kind::CertKeys | Kind::Pairs => Some(format!("[{default}]")),
            _ if matches!(default, "" | "false" | "0" | "0s") => None,
            Kind::Text => Some(format!("{default:?}")),
            Kind::Texts | Kind::Array => Some(format!("[{default}]")),
            _ => Some(default.to_owned()),
        }
    }
}

/// Breaks lines at spaces so that none is longer than `width` less the slack, but for words that are longer by themselves.
fn wrap(text: &str, width: usize) -> String {
    if width < NARROW {
        return text.to_owned();
    }
    let room = width - SLACK;
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        // A little too long is still a line.
        while rest.len() > room + SLACK {
            let mut end = room;
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let Some((before, _)) = rest[..end].rsplit_once(' ').filter(|(before, _)| !before.is_empty()) else {
                break;
            };
            lines.push(before);
            rest = &rest[before.len() + 1..];
        }
        lines.push(rest);
    }
    lines.join("\n")
}

/// Moves all lines but the first in.
fn indent(text: &str, by: usize) -> String {
    text.replace('\n', &format!("\n{:by$}", ""))
}
