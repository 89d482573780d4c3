//! Label selectors: which objects are meant by what their labels say.
//!
//! A selector comes from a query (`a=b,c in (d,e)`, see [`Selector::parse`]) or from an object (`matchLabels`,
//! `matchExpressions`, see [`Selector::from_object`]). Matching allocates nothing.

mod object;
mod parse;

use std::fmt;

use thiserror::Error;

use crate::names;
use crate::path::Path;
use crate::refusal::Refusals;
use crate::tree::{Map, Text, Tree};
pub use object::{Leniency, format, validate, validate_labels, validate_name, validate_requirement};

/// Why a selector cannot be made, in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Error(String);

/// How a requirement's key and values stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `key=value`
    Equals,
    /// `key==value`, which means the same.
    DoubleEquals,
    /// `key!=value`, or no such key
    NotEquals,
    /// `key in (a,b)`
    In,
    /// `key notin (a,b)`, or no such key
    NotIn,
    /// `key`
    Exists,
    /// `!key`
    DoesNotExist,
    /// `key>1`
    GreaterThan,
    /// `key<1`
    LessThan,
}

/// One thing that labels must fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    key: Text,
    operator: Operator,
    /// In order.
    values: Vec<Text>,
}

impl Requirement {
    /// A requirement, checked as upstream's `NewRequirement`.
    ///
    /// # Errors
    /// What is wrong with the key, the values or their count.
    pub fn new(key: &str, operator: Operator, mut values: Vec<Text>) -> Result<Self, Error> {
        let mut refusals = Refusals::new();
        let messages = names::qualified_name(key);
        if !messages.is_empty() {
            refusals.invalid(&Path::of("key"), key, &messages.join("; "));
        }
        let path = Path::of("values");
        let count = match operator {
            Operator::In | Operator::NotIn => values
                .is_empty()
                .then_some("for 'in', 'notin' operators, values set can't be empty"),
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals => {
                (values.len() != 1).then_some("exact-match compatibility requires one single value")
            }
            Operator::Exists | Operator::DoesNotExist => {
                (!values.is_empty()).then_some("values set must be empty for exists and does not exist")
            }
            Operator::GreaterThan | Operator::LessThan => {
                (values.len() != 1).then_some("for 'Gt', 'Lt' operators, exactly one value is required")
            }
        };
        if let Some(detail) = count {
            let shown: Tree = values.iter().cloned().collect();
            refusals.invalid(&path, &shown, detail);
        }
        for (at, value) in values.iter().enumerate() {
            let numeric = matches!(operator, Operator::GreaterThan | Operator::LessThan);
            if numeric && value.parse::<i64>().is_err() {
                let detail = "for 'Gt', 'Lt' operators, the value must be an integer";
                refusals.invalid(&path.index(at), value.as_str(), detail);
            }
        }
        for (at, value) in values.iter().enumerate() {
            let messages = names::label_value(value);
            if !messages.is_empty() {
                refusals.invalid(&path.index(at).key(key), value.as_str(), &messages.join("; "));
            }
        }
        if !refusals.is_empty() {
            return Err(Error(refusals.to_string()));
        }
        values.sort_unstable();
        let key = key.into();
        Ok(Self { key, operator, values })
    }

    /// The label.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How the label's value stands to the values.
    pub const fn operator(&self) -> Operator {
        self.operator
    }

    /// The values in order, none for those that ask whether the label is there.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &str> {
        self.values.iter().map(Text::as_str)
    }

    /// The one value that the label must have, where there is only one.
    pub fn exact(&self) -> Option<&str> {
        match (self.operator, self.values.as_slice()) {
            (Operator::Equals | Operator::DoubleEquals | Operator::In, [value]) => Some(value),
            _ => None,
        }
    }

    /// Whether it is fulfilled by the label's value, `None` where there is no such label.
    pub fn matches(&self, value: Option<&str>) -> bool {
        match self.operator {
            Operator::Equals | Operator::DoubleEquals | Operator::In => value.is_some_and(|value| self.has(value)),
            Operator::NotEquals | Operator::NotIn => !value.is_some_and(|value| self.has(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan => self.bounds(value).is_some_and(|(value, bound)| value > bound),
            Operator::LessThan => self.bounds(value).is_some_and(|(value, bound)| value < bound),
        }
    }

    fn has(&self, value: &str) -> bool {
        self.values.binary_search_by(|one| one.as_str().cmp(value)).is_ok()
    }

    fn bounds(&self, value: Option<&str>) -> Option<(i64, i64)> {
        Some((value?.parse().ok()?, self.values.first()?.parse().ok()?))
    }
}

/// As it is written in a query.
impl fmt::Display for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, operator, .. } = self;
        match operator {
            Operator::Exists => return out.write_str(key),
            Operator::DoesNotExist => return write!(out, "!{key}"),
            Operator::Equals => write!(out, "{key}="),
            Operator::DoubleEquals => write!(out, "{key}=="),
            Operator::NotEquals => write!(out, "{key}!="),
            Operator::GreaterThan => write!(out, "{key}>"),
            Operator::LessThan => write!(out, "{key}<"),
            Operator::In => write!(out, "{key} in ("),
            Operator::NotIn => write!(out, "{key} notin ("),
        }?;
        for (at, value) in self.values().enumerate() {
            if at > 0 {
                out.write_str(",")?;
            }
            out.write_str(value)?;
        }
        match operator {
            Operator::In | Operator::NotIn => out.write_str(")"),
            _ => Ok(()),
        }
    }
}

/// A selector: everything that fulfils all requirements, or nothing at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Sorted by key; `None` selects nothing.
    requirements: Option<Vec<Requirement>>,
}

/// Selects every object.
impl Default for Selector {
    fn default() -> Self {
        Self::everything()
    }
}

impl Selector {
    /// Selects every object.
    pub const fn everything() -> Self {
        Self {
            requirements: Some(Vec::new()),
        }
    }

    /// Selects no object.
    pub const fn nothing() -> Self {
        Self { requirements: None }
    }

    /// Selects what fulfils all of these.
    pub fn all(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self {
            requirements: Some(requirements),
        }
    }

    /// Reads what a query or a flag says: `a=b,c!=d,e in (x,y),!f,g,h>1`.
    ///
    /// # Errors
    /// In upstream's words: `found '=', expected: !, identifier, or 'end of string'`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::parse(text).map(Self::all)
    }

    /// Reads a `LabelSelector`. None selects nothing, an empty one everything.
    ///
    /// # Errors
    /// What is wrong with a requirement.
    pub fn from_object(selector: &Tree) -> Result<Self, Error> {
        object::read(selector)
    }

    /// Whether this restricts nothing.
    pub fn is_everything(&self) -> bool {
        self.requirements.as_ref().is_some_and(Vec::is_empty)
    }

    /// Whether this selects nothing, whatever the labels.
    pub const fn is_nothing(&self) -> bool {
        self.requirements.is_none()
    }

    /// The requirements in order of their keys; none where nothing is selected.
    pub fn requirements(&self) -> &[Requirement] {
        self.requirements.as_deref().unwrap_or_default()
    }

    /// The value that a label must have, where the first requirement on it allows only one.
    pub fn required_exact(&self, key: &str) -> Option<&str> {
        self.requirements().iter().find(|one| one.key == key)?.exact()
    }

    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &Map) -> bool {
        self.matches_by(|key| labels.get(key).map(|value| value.as_str().unwrap_or_default()))
    }

    /// Whether an object is selected whose labels this looks up.
    pub fn matches_by<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        match &self.requirements {
            Some(requirements) => requirements.iter().all(|one| one.matches(label(&one.key))),
            None => false,
        }
    }
}

/// As it is written in a query. Nothing and everything both print as nothing.
impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, requirement) in self.requirements().iter().enumerate() {
            if at > 0 {
                out.write_str(",")?;
            }
            requirement.fmt(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
