//! Reading a command line, and what it held.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::kind::Value;
use super::shapes::{CertKey, PortRange};
use super::{Flag, Table};
use crate::flags::go::Span;

/// A command line that cannot be read; pflag's texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// `---x`, `--=x` and the like.
    #[error("bad flag syntax: {0}")]
    Syntax(String),
    /// No row has the name.
    #[error("unknown flag: --{0}")]
    Unknown(String),
    /// No row has the letter.
    #[error("unknown shorthand flag: '{letter}' in -{word}")]
    UnknownLetter {
        /// The letter.
        letter: char,
        /// What stood behind the dash, from the letter on.
        word: String,
    },
    /// The flag was last, but takes a value.
    #[error("flag needs an argument: --{0}")]
    NoValue(String),
    /// The letter was last, but takes a value.
    #[error("flag needs an argument: '{letter}' in -{word}")]
    NoValueLetter {
        /// The letter.
        letter: char,
        /// What stood behind the dash, from the letter on.
        word: String,
    },
    /// The value is not of the flag's kind.
    #[error("invalid argument {given:?} for {flag:?} flag: {reason}")]
    Value {
        /// What was given.
        given: String,
        /// The flag with its dashes, both names.
        flag: String,
        /// What is wrong.
        reason: String,
    },
}

/// The values of all flags of a table.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    values: BTreeMap<&'static str, Value>,
    given: BTreeMap<&'static str, Vec<String>>,
    /// What is no flag.
    pub rest: Vec<String>,
    /// What the user should be told of flags on their way out, in the order given.
    pub notes: Vec<String>,
}

impl Table {
    /// Reads a command line (without the program's name) by pflag's rules: `--x=v` or `--x v`, booleans only as `--x` or
    /// `--x=v`, letters also together and with their value behind them; other words may stand anywhere, and only words
    /// follow `--`.
    ///
    /// # Errors
    /// An unknown flag, a flag without its value, or a value that is not of its kind.
    pub fn parse(&self, args: &[String]) -> Result<Parsed, ParseError> {
        let mut parsed = Parsed {
            values: self.rows().map(|row| (row.name, row.unset())).collect(),
            ..Parsed::default()
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.strip_prefix('-') {
                None | Some("") => parsed.rest.push(arg.clone()),
                Some("-") => break,
                Some(body) => match body.strip_prefix('-') {
                    Some(body) => self.long(arg, body, &mut args, &mut parsed)?,
                    None => self.letters(body, &mut args, &mut parsed)?,
                },
            }
        }
        parsed.rest.extend(args.cloned());
        Ok(parsed)
    }

    fn long<'a>(
        &self,
        arg: &str,
        body: &str,
        args: &mut impl Iterator<Item = &'a String>,
        parsed: &mut Parsed,
    ) -> Result<(), ParseError> {
        if body.starts_with(['-', '=']) {
            return Err(ParseError::Syntax(arg.to_owned()));
        }
        let (name, given) = match body.split_once('=') {
            Some((name, text)) => (name, Some(text)),
            None => (body, None),
        };
        let row = self
            .find(&name.replace('_', "-"))
            .ok_or_else(|| ParseError::Unknown(name.to_owned()))?;
        let text = given
            .or_else(|| row.kind.bare())
            .or_else(|| args.next().map(String::as_str))
            .ok_or_else(|| ParseError::NoValue(name.to_owned()))?;
        parsed.add(row, text)
    }

    fn letters<'a>(
        &self,
        body: &str,
        args: &mut impl Iterator<Item = &'a String>,
        parsed: &mut Parsed,
    ) -> Result<(), ParseError> {
        let mut rest = body;
        while let Some(letter) = rest.chars().next() {
            let word = rest.to_owned();
            rest = &rest[letter.len_utf8()..];
            let Some(row) = self.rows().find(|row| row.short == Some(letter)) else {
                return Err(ParseError::UnknownLetter { letter, word });
            };
            let behind = rest.strip_prefix('=').filter(|text| !text.is_empty());
            let text = if let Some(text) = behind {
                rest = "";
                text
            } else if let Some(text) = row.kind.bare() {
                text
            } else if rest.is_empty() {
                let next = args.next().map(String::as_str);
                next.ok_or(ParseError::NoValueLetter { letter, word })?
            } else {
                std::mem::take(&mut rest)
            };
            parsed.add(row, text)?;
        }
        Ok(())
    }

    /// What is wrong with flags that were given a value though they take none but the default yet.
    pub fn refused(&self, parsed: &Parsed) -> Vec<String> {
        let late = self.rows().filter(|row| !row.later.is_empty());
        late.filter(|row| parsed.value(row.name) != Some(&row.unset()))
            .map(|row| {
                let given = parsed.given(row.name).join(",");
                format!("--{}={given} cannot be used: {}", row.name, row.later)
            })
            .collect()
    }
}

impl Parsed {
    /// Gives `row` a value beside those it has.
    fn add(&mut self, row: &'static Flag, text: &str) -> Result<(), ParseError> {
        let wrong = |reason| ParseError::Value {
            given: text.to_owned(),
            flag: match row.short {
                Some(letter) => format!("-{letter}, --{}", row.name),
                None => format!("--{}", row.name),
            },
            reason,
        };
        let further = row.kind.read(text).map_err(wrong)?;
        let first = !self.given.contains_key(row.name);
        match self.values.get_mut(row.name) {
            // The first value takes the default's place.
            Some(value) if !first => value.join(further),
            Some(Value::Ip(_)) if further == Value::Ip(None) => {}
            _ => {
                self.values.insert(row.name, further);
            }
        }
        self.given.entry(row.name).or_default().push(text.to_owned());
        if !row.deprecated.is_empty() {
            let note = format!("Flag --{} has been deprecated, {}", row.name, row.deprecated);
            self.notes.push(note);
        }
        Ok(())
    }

    /// Whether the flag was on the command line.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The texts that the flag was given.
    pub fn given(&self, name: &str) -> &[String] {
        self.given.get(name).map_or(&[], Vec::as_slice)
    }

    /// The value given, or the default; `None` for a flag that is not in the table.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Whether a boolean is true. Here as below: a flag of another kind has the kind's nothing.
    pub fn bool(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Bool(true)))
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(Value::Int(number)) => *number,
            Some(Value::Uint(number)) => i64::try_from(*number).unwrap_or(i64::MAX),
            _ => 0,
        }
    }

    /// Whole numbers.
    pub fn ints(&self, name: &str) -> &[i32] {
        match self.value(name) {
            Some(Value::Ints(numbers)) => numbers,
            _ => &[],
        }
    }

    /// A number.
    pub fn float(&self, name: &str) -> f64 {
        match self.value(name) {
            Some(Value::Float(number)) => *number,
            _ => 0.0,
        }
    }

    /// A duration.
    pub fn span(&self, name: &str) -> Span {
        match self.value(name) {
            Some(Value::Span(span)) => *span,
            _ => Span::default(),
        }
    }

    /// A text.
    pub fn text(&self, name: &str) -> &str {
        match self.value(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// An address.
    pub fn ip(&self, name: &str) -> Option<IpAddr> {
        match self.value(name) {
            Some(Value::Ip(ip)) => *ip,
            _ => None,
        }
    }

    /// Texts, those of all values.
    pub fn texts(&self, name: &str) -> &[String] {
        match self.value(name) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    /// Pairs, those of all values.
    pub fn pairs(&self, name: &str) -> BTreeMap<String, String> {
        match self.value(name) {
            Some(Value::Pairs(pairs)) => pairs.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// Lists by key, with those of all values.
    pub fn lists(&self, name: &str) -> BTreeMap<String, Vec<String>> {
        match self.value(name) {
            Some(Value::Lists(lists)) => lists.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// Pairs of files, those of all values.
    pub fn cert_keys(&self, name: &str) -> &[CertKey] {
        match self.value(name) {
            Some(Value::CertKeys(pairs)) => pairs,
            _ => &[],
        }
    }

    /// A range of ports.
    pub fn ports(&self, name: &str) -> PortRange {
        match self.value(name) {
            Some(Value::Ports(range)) => *range,
            _ => PortRange::default(),
        }
    }
}
