//! A table of flags, and the values that a command line and an environment give them.

use std::collections::BTreeMap;
use std::fmt;

use super::Error;
use super::value;

/// What values a flag takes; they are checked when read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Needs no value: `--x` means true.
    Bool,
    /// A whole number.
    Int,
    /// A whole number, zero or more.
    Uint,
    /// A duration in Go's syntax.
    Duration,
    /// Any text.
    Text,
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Without dashes.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The value when it is not given.
    pub default: &'static str,
    /// Other spellings, without dashes.
    pub aliases: &'static [&'static str],
    /// One sentence; a row without is left out of the help.
    pub help: &'static str,
    /// What becomes of its value.
    pub fate: Fate,
}

/// What becomes of the value of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is used.
    Used,
    /// It is accepted for compatibility and has no effect, for the reason given.
    Ignored(&'static str),
    /// Anything but the default is refused; the text says what to do instead.
    Refused(&'static str),
}

/// Rows under one heading of the help.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// One row a flag.
    pub rows: &'static [Flag],
}

/// All flags of a program.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// In the order of the help.
    pub groups: &'static [Group],
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody gave one.
    Default,
    /// The command line.
    Line,
    /// An environment variable.
    Environment,
    /// The configuration file.
    File,
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// As given.
    pub text: String,
    /// The flag or variable as the user wrote it.
    pub spelled: String,
    /// Where it comes from.
    pub source: Source,
}

/// The values of all flags of a table.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    values: BTreeMap<&'static str, Value>,
    /// What follows the flags.
    pub rest: Vec<String>,
}

/// How reading a command line ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With values.
    Values(Parsed),
    /// `-h`, `-help` or `--help` was there.
    Help,
}

/// `ETCD_PRE_VOTE` for `ETCD` and `pre-vote`.
pub fn env_name(prefix: &str, flag: &str) -> String {
    format!("{prefix}_{}", flag.to_ascii_uppercase().replace('-', "_"))
}

impl Table {
    /// All rows, in the order of the help.
    pub fn rows(&self) -> impl Iterator<Item = &'static Flag> + use<> {
        self.groups.iter().flat_map(|group| group.rows)
    }

    /// The row of a name or alias.
    pub fn find(&self, name: &str) -> Option<&'static Flag> {
        self.rows().find(|row| row.name == name || row.aliases.contains(&name))
    }

    /// Reads a command line (without the program's name) by Go's rules: one dash or two, `-x v` or `-x=v`, booleans only
    /// as `-x` or `-x=v`, flags end at `--` or at the first word without a dash.
    ///
    /// # Errors
    /// An unknown flag, a flag without its value, or a value that is not of its kind.
    pub fn parse(&self, args: &[String]) -> Result<Outcome, ParseError> {
        let mut parsed = Parsed::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let Some(body) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                parsed.rest.push(arg.clone());
                break;
            };
            let body = match body.strip_prefix('-') {
                Some("") => break,
                Some(body) => body,
                None => body,
            };
            if body.is_empty() || body.starts_with(['-', '=']) {
                return Err(ParseError::Syntax(arg.clone()));
            }
            let (name, given) = match body.split_once('=') {
                Some((name, text)) => (name, Some(text.to_owned())),
                None => (body, None),
            };
            let Some(row) = self.find(name) else {
                if matches!(name, "h" | "help") {
                    return Ok(Outcome::Help);
                }
                return Err(ParseError::Unknown {
                    name: name.to_owned(),
                    near: self.nearest(name),
                });
            };
            let text = match (given, row.kind) {
                (Some(text), _) => text,
                (None, Kind::Bool) => "true".to_owned(),
                (None, _) => args
                    .next()
                    .cloned()
                    .ok_or_else(|| ParseError::NoValue(name.to_owned()))?,
            };
            let spelled = format!("--{name}");
            if let Some(first) = parsed.get(row.name).filter(|value| value.spelled != spelled) {
                let first = first.spelled.clone();
                return Err(ParseError::Twice {
                    first,
                    second: spelled,
                    use_only: row.name,
                });
            }
            parsed.set(row, text, &spelled, Source::Line)?;
        }
        parsed.rest.extend(args.cloned());
        Ok(Outcome::Values(parsed))
    }

    /// Fills what the command line left open from variables named `<prefix>_<FLAG>`, and returns what an operator should
    /// be told: variables of no flag, and those that a flag overrides.
    ///
    /// # Errors
    /// A value that is not of its flag's kind.
    pub fn environment(
        &self,
        prefix: &str,
        variables: impl IntoIterator<Item = (String, String)>,
        parsed: &mut Parsed,
    ) -> Result<Vec<String>, ParseError> {
        let mut notes = Vec::new();
        let variables: BTreeMap<String, String> = variables
            .into_iter()
            .filter(|(key, _)| key.starts_with(&format!("{prefix}_")))
            .collect();
        for (key, text) in variables {
            let known = |row: &&Flag| {
                env_name(prefix, row.name) == key || row.aliases.iter().any(|alias| env_name(prefix, alias) == key)
            };
            match self.rows().find(known) {
                None => notes.push(format!("unrecognized environment variable {key}={text}; it is ignored")),
                Some(_) if text.is_empty() => {}
                Some(row) if parsed.is_set(row.name) => {
                    notes.push(format!(
                        "environment variable {key} is not used: --{} was given",
                        row.name
                    ));
                }
                Some(row) => parsed.set(row, text, &key, Source::Environment)?,
            }
        }
        Ok(notes)
    }

    /// The help text: one flag a paragraph under its group's heading, as upstream prints.
    pub fn help(&self) -> String {
        let mut text = String::new();
        for group in self.groups {
            text.extend(["\n", group.title, ":\n"]);
            for row in group.rows.iter().filter(|row| !row.help.is_empty()) {
                text.extend(["  --", row.name, " '", row.default, "'\n    ", row.help, "\n"]);
            }
        }
        text
    }

    fn nearest(&self, name: &str) -> Option<&'static str> {
        let names = self
            .rows()
            .flat_map(|row| std::iter::once(row.name).chain(row.aliases.iter().copied()));
        let best = names.map(|known| (distance(known, name), known)).min()?;
        (best.0 <= 3).then_some(best.1)
    }
}

/// How many characters must be put in, taken out or replaced to make one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

impl Parsed {
    /// Gives `row` a value, checked by its kind; `spelled` is how the user wrote the flag.
    ///
    /// # Errors
    /// A value that is not of the kind.
    pub fn set(&mut self, row: &Flag, text: String, spelled: &str, source: Source) -> Result<(), Error> {
        match row.kind {
            Kind::Bool => drop(value::boolean(spelled, &text)?),
            Kind::Int => drop(value::integer(spelled, &text)?),
            Kind::Uint => drop(value::unsigned(spelled, &text)?),
            Kind::Duration => drop(value::duration(spelled, &text)?),
            Kind::Text => {}
        }
        self.values.insert(
            row.name,
            Value {
                text,
                spelled: spelled.to_owned(),
                source,
            },
        );
        Ok(())
    }

    /// Whether the flag was given anywhere.
    pub fn is_set(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The value given, if any.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The value given, or the row's default.
    pub fn value(&self, row: &Flag) -> Value {
        self.get(row.name).cloned().unwrap_or_else(|| Value {
            text: row.default.to_owned(),
            spelled: format!("--{}", row.name),
            source: Source::Default,
        })
    }

    /// All values given, by flag.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }
}

/// A command line or environment that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// `---x`, `-=x` and the like.
    Syntax(String),
    /// No row has the name.
    Unknown {
        /// Without dashes.
        name: String,
        /// A flag that is spelled almost so.
        near: Option<&'static str>,
    },
    /// The flag was last, but takes a value.
    NoValue(String),
    /// Two spellings of one flag.
    Twice {
        /// The one that came first.
        first: String,
        /// The one that came second.
        second: String,
        /// The flag's own name, without dashes.
        use_only: &'static str,
    },
    /// The value is not of the flag's kind.
    Value(Error),
}

impl From<Error> for ParseError {
    fn from(error: Error) -> Self {
        Self::Value(error)
    }
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(arg) => write!(out, "bad flag syntax: {arg}; expected --flag or --flag=value"),
            Self::Unknown { name, near: Some(near) } => {
                write!(out, "flag provided but not defined: -{name}; did you mean --{near}?")
            }
            Self::Unknown { name, near: None } => {
                write!(out, "flag provided but not defined: -{name}; --help lists the flags")
            }
            Self::NoValue(name) => write!(out, "flag needs an argument: -{name}; give --{name}=value"),
            Self::Twice {
                first,
                second,
                use_only,
            } => {
                write!(out, "both {first} and {second} flags are set. Use only --{use_only}")
            }
            Self::Value(error) => error.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests;
