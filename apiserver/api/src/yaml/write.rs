//! Trees as YAML, byte for byte as Go's package of old emits them: sorted keys, lists not indented, lines of eighty columns.

use std::fmt::Write;

use super::order::sort;
use super::resolve::{self, Scalar, float_text};
use super::style::{Style, allowed, is_base_60, is_printable};
use crate::tree::{Map, Tree};

/// Words are put on the next line from this column on.
const WIDTH: usize = 80;
/// How far what is inside stands from what it is inside of.
const INDENT: usize = 2;
/// What is inside of what stands at this column or behind it is written on one line: of what is nested as deep as it may be,
/// indentation would be hundreds of times what it says.
const INDENT_MAX: usize = 64 * INDENT;
/// Longer keys stand behind `?`.
const KEY_MAX: usize = 128;

/// A tree as YAML, with a line break at its end.
pub fn to_yaml(tree: &Tree) -> String {
    let mut writer = Writer {
        out: String::with_capacity(256),
        column: 0,
        whitespace: true,
        indention: true,
    };
    writer.node(tree, None, false);
    writer.indent(0);
    writer.out
}

struct Writer {
    out: String,
    column: usize,
    /// Whether white space was written last.
    whitespace: bool,
    /// Whether only indentation and its signs stand on this line.
    indention: bool,
}

impl Writer {
    fn put(&mut self, letter: char) {
        self.out.push(letter);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Goes to a column, on a new line where this one is in use.
    fn indent(&mut self, indent: usize) {
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    /// A sign of YAML's own, after a space where `apart`; `indents` when what follows may stand on the same line.
    fn sign(&mut self, sign: &str, apart: bool, indents: bool) {
        if apart && !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(sign);
        self.column += sign.len();
        self.whitespace = false;
        self.indention &= indents;
    }

    /// A value inside of what stands at a column, `in_map` where it belongs to a key.
    fn node(&mut self, tree: &Tree, outer: Option<usize>, in_map: bool) {
        match tree {
            Tree::List(items) if items.is_empty() => self.sign("[]", true, false),
            Tree::Map(map) if map.is_empty() => self.sign("{}", true, false),
            Tree::List(_) | Tree::Map(_) if outer.is_some_and(|outer| outer >= INDENT_MAX) => self.line(tree),
            Tree::List(items) => {
                let indent = match outer {
                    // A list below its key stands where the key stands.
                    Some(outer) if in_map && !self.indention => outer,
                    outer => inner(outer),
                };
                for item in items {
                    self.indent(indent);
                    self.sign("-", true, true);
                    self.node(item, Some(indent), false);
                }
            }
            Tree::Map(map) => self.map(map, inner(outer)),
            Tree::Text(text) => self.text(text, outer, false),
            Tree::Null => self.scalar("null", Style::Plain, outer, false),
            Tree::Bool(value) => self.scalar(&value.to_string(), Style::Plain, outer, false),
            Tree::Int(value) => self.scalar(&value.to_string(), Style::Plain, outer, false),
            Tree::Number(value) => {
                // Through JSON, so that what has no fraction is printed as whole.
                let text = value.to_string();
                let text = match resolve::plain(&text) {
                    Scalar::Float(value) => float_text(value),
                    _ => text,
                };
                self.scalar(&text, Style::Plain, outer, false);
            }
        }
    }

    /// A value in brackets, on the line where it begins.
    fn line(&mut self, tree: &Tree) {
        match tree {
            Tree::List(items) if !items.is_empty() => {
                self.open("[");
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.sign(",", false, false);
                    }
                    self.line(item);
                }
                self.sign("]", false, false);
            }
            Tree::Map(map) if !map.is_empty() => {
                self.open("{");
                let mut entries: Vec<(&str, &Tree)> = map.iter().collect();
                sort(&mut entries);
                for (at, (key, value)) in entries.into_iter().enumerate() {
                    if at > 0 {
                        self.sign(",", false, false);
                    }
                    if key.len() > KEY_MAX {
                        self.sign("?", true, false);
                    }
                    self.scalar(key, Style::Double, None, true);
                    self.sign(":", false, false);
                    self.line(value);
                }
                self.sign("}", false, false);
            }
            Tree::Text(text) => self.scalar(text, Style::Double, None, true),
            other => self.node(other, None, false),
        }
    }

    /// A bracket, behind which no space is needed.
    fn open(&mut self, bracket: &str) {
        self.sign(bracket, true, false);
        self.whitespace = true;
    }

    fn map(&mut self, map: &Map, indent: usize) {
        let mut entries: Vec<(&str, &Tree)> = map.iter().collect();
        sort(&mut entries);
        for (key, value) in entries {
            self.indent(indent);
            if key.len() <= KEY_MAX && !key.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
                self.text(key, Some(indent), true);
                self.sign(":", false, false);
            } else {
                self.sign("?", true, true);
                self.text(key, Some(indent), false);
                self.indent(indent);
                self.sign(":", true, true);
            }
            self.node(value, Some(indent), true);
        }
    }

    /// A string, in quotes where it would be read as something else.
    fn text(&mut self, text: &str, outer: Option<usize>, key: bool) {
        let style = if text.contains('\n') {
            Style::Literal
        } else if resolve::plain(text) == Scalar::Text && !is_base_60(text) {
            Style::Plain
        } else {
            Style::Double
        };
        self.scalar(text, style, outer, key);
    }

    fn scalar(&mut self, text: &str, wanted: Style, outer: Option<usize>, key: bool) {
        let style = allowed(text, wanted, key);
        let indent = outer.map_or(INDENT, |outer| outer + INDENT);
        match style {
            Style::Plain => self.words(text, indent, !key, None),
            Style::Single => {
                self.sign("'", true, false);
                self.words(text, indent, !key, Some('\''));
                self.sign("'", false, false);
            }
            Style::Double => self.double(text, indent, !key),
            Style::Literal => self.literal(text, indent),
        }
        self.whitespace = style == Style::Literal && self.whitespace;
        self.indention &= style == Style::Literal;
    }

    /// A text as it is, in single quotes or in none; quotes in it are doubled.
    fn words(&mut self, text: &str, indent: usize, fold: bool, quote: Option<char>) {
        if quote.is_none() && !self.whitespace {
            self.put(' ');
        }
        let (mut spaces, mut first) = (false, true);
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let next = letters.peek().copied();
            if letter == ' ' {
                let inside = quote.is_none() || (!first && next.is_some());
                if fold && !spaces && self.column > WIDTH && inside && next != Some(' ') {
                    self.indent(indent);
                } else {
                    self.put(' ');
                }
                spaces = true;
            } else {
                if Some(letter) == quote {
                    self.put(letter);
                }
                self.put(letter);
                self.indention = false;
                spaces = false;
            }
            first = false;
        }
    }

    fn double(&mut self, text: &str, indent: usize, fold: bool) {
        self.sign("\"", true, false);
        let mut spaces = false;
        let mut letters = text.chars().peekable();
        let mut first = true;
        while let Some(letter) = letters.next() {
            let next = letters.peek().copied();
            if !is_printable(letter) || matches!(letter, '\n' | '"' | '\\') {
                let start = self.out.len();
                escape(letter, &mut self.out);
                self.column += self.out.len() - start;
                spaces = false;
            } else if letter == ' ' {
                if fold && !spaces && self.column > WIDTH && !first && next.is_some() {
                    self.indent(indent);
                    if next == Some(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                spaces = true;
            } else {
                self.put(letter);
                spaces = false;
            }
            first = false;
        }
        self.sign("\"", false, false);
    }

    /// Lines as they are, below the sign.
    fn literal(&mut self, text: &str, indent: usize) {
        self.sign("|", true, false);
        if text.starts_with([' ', '\n']) {
            self.sign("2", false, false);
        }
        match text.strip_suffix('\n') {
            None => self.sign("-", false, false),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.sign("+", false, false),
            Some(_) => {}
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        for line in text.split_inclusive('\n') {
            if line != "\n" {
                self.indent(indent);
            }
            for letter in line.trim_end_matches('\n').chars() {
                self.put(letter);
                self.indention = false;
            }
            if line.ends_with('\n') {
                self.put_break();
                self.indention = true;
            }
        }
    }
}

fn inner(outer: Option<usize>) -> usize {
    outer.map_or(0, |outer| outer + INDENT)
}

fn escape(letter: char, out: &mut String) {
    let short = match letter {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => letter,
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(letter);
            // Writing to a string does not fail.
            let _ = match code {
                ..=0xff => write!(out, "\\x{code:02X}"),
                0x100..=0xffff => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            };
            return;
        }
    };
    out.extend(['\\', short]);
}
