//! Field selectors: which objects are meant by what some of their fields say (`metadata.name=x,spec.nodeName!=y`).
//!
//! Which fields a kind can be selected by is the kind's business; here is only the language.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::tree::Text;

/// Why a text is no field selector, in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// A term without an operator.
    #[error("invalid selector: '{selector}'; can't understand '{term}'")]
    Term {
        /// The whole text.
        selector: String,
        /// The term.
        term: String,
    },
    /// A backslash before what needs none.
    #[error("invalid field selector: invalid escape sequence: {0}")]
    Escape(String),
    /// A character in a value that needs a backslash; its number is told, as upstream tells it.
    #[error("invalid field selector: unescaped character in value: {}", u32::from(*_0))]
    Unescaped(char),
}

/// One field and the value that it must have, or must not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The field's path.
    pub field: Text,
    /// The value, without escapes.
    pub value: Text,
    /// Whether the field must have the value.
    pub equal: bool,
}

/// As it is written in a query.
impl fmt::Display for Term {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = if self.equal { "=" } else { "!=" };
        write!(out, "{}{operator}{}", self.field, escape(&self.value))
    }
}

/// A selector: what fulfils all terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    terms: Vec<Term>,
}

impl Selector {
    /// Selects every object.
    pub const fn everything() -> Self {
        Self { terms: Vec::new() }
    }

    /// Selects what has one value in one field.
    pub fn one(field: &str, value: &str) -> Self {
        let (field, value) = (field.into(), value.into());
        let equal = true;
        Self {
            terms: vec![Term { field, value, equal }],
        }
    }

    /// Reads what a query says. Terms are parted by commas and have `=`, `==` or `!=`; in values a backslash stands before
    /// backslashes, commas and equals signs.
    ///
    /// # Errors
    /// [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = split(text);
        parts.sort_unstable();
        let mut terms = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let (field, equal, value) = operator(part).ok_or_else(|| Error::Term {
                selector: text.to_owned(),
                term: part.to_owned(),
            })?;
            terms.push(Term {
                field: field.into(),
                value: unescape(value)?.into(),
                equal,
            });
        }
        Ok(Self { terms })
    }

    /// Whether this restricts nothing.
    pub const fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// The terms, in the order of their text.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The value that a field must have.
    pub fn required_exact(&self, field: &str) -> Option<&str> {
        let term = self.terms.iter().find(|term| term.equal && term.field == field)?;
        Some(&term.value)
    }

    /// Whether an object is selected whose fields this looks up; a field that is not there reads as empty.
    pub fn matches<V: AsRef<str>>(&self, value: impl Fn(&str) -> V) -> bool {
        let fulfilled = |term: &Term| (value(&term.field).as_ref() == term.value) == term.equal;
        self.terms.iter().all(fulfilled)
    }
}

/// As it is written in a query.
impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            if at > 0 {
                out.write_str(",")?;
            }
            term.fmt(out)?;
        }
        Ok(())
    }
}

/// A value with the backslashes that it needs in a selector.
pub fn escape(value: &str) -> Cow<'_, str> {
    const SPECIAL: [char; 3] = ['\\', ',', '='];
    if !value.contains(SPECIAL) {
        return value.into();
    }
    let mut escaped = String::with_capacity(value.len() + 4);
    for letter in value.chars() {
        if SPECIAL.contains(&letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped.into()
}

/// The terms between commas that have no backslash before them.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, letter) in text.char_indices() {
        if letter == ',' && !escaped {
            parts.push(&text[start..at]);
            start = at + 1;
        }
        escaped = letter == '\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts
}

/// The field, whether it must be equal, and the value. The first operator counts.
fn operator(term: &str) -> Option<(&str, bool, &str)> {
    // `!` alone is part of the name.
    let at = term
        .char_indices()
        .map(|(at, _)| at)
        .find(|at| term[*at..].starts_with("!=") || term[*at..].starts_with('='))?;
    let (field, rest) = term.split_at(at);
    if let Some(value) = rest.strip_prefix("!=") {
        return Some((field, false, value));
    }
    let value = rest.strip_prefix("==").or_else(|| rest.strip_prefix('='))?;
    Some((field, true, value))
}

fn unescape(value: &str) -> Result<Cow<'_, str>, Error> {
    if !value.contains(['\\', ',', '=']) {
        return Ok(value.into());
    }
    let mut plain = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => plain.push(escaped),
                Some(other) => return Err(Error::Escape(format!("\\{other}"))),
                None => return Err(Error::Escape("\\".to_owned())),
            },
            ',' | '=' => return Err(Error::Unescaped(letter)),
            other => plain.push(other),
        }
    }
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Selector, Term, escape};

    #[test]
    fn selectors_print_in_normal_form() {
        for (text, printed) in [
            ("", ""),
            (",,", ""),
            ("metadata.name=c1", "metadata.name=c1"),
            ("metadata.name==c1,", "metadata.name=c1"),
            ("metadata.name!=c1", "metadata.name!=c1"),
            ("b=1,a=2", "a=2,b=1"),
            ("a=", "a="),
            ("=", "="),
            ("=x", "=x"),
            (r"metadata.name=a\,b", r"metadata.name=a\,b"),
            (r"a=\=\\", r"a=\=\\"),
            ("a!b=1", "a!b=1"),
        ] {
            assert_eq!(Selector::parse(text).unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_upstream_s_words() {
        for (text, message) in [
            (
                "metadata.name",
                "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
            ),
            (
                "a=1,metadata.name in (a)",
                "invalid selector: 'a=1,metadata.name in (a)'; can't understand 'metadata.name in (a)'",
            ),
            (r"a=\b", r"invalid field selector: invalid escape sequence: \b"),
            (r"a=\", r"invalid field selector: invalid escape sequence: \"),
            ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        ] {
            assert_eq!(Selector::parse(text).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn fields_are_matched() {
        let field = |name: &str| if name == "metadata.name" { "c1" } else { "" };
        for (text, matches) in [
            ("", true),
            ("metadata.name=c1", true),
            ("metadata.name=c2", false),
            ("metadata.name!=c2", true),
            ("metadata.name!=c1", false),
            ("metadata.name=c1,metadata.name=c2", false),
            ("spec.nodeName=", true),
            ("spec.nodeName!=", false),
        ] {
            assert_eq!(Selector::parse(text).unwrap().matches(field), matches, "{text}");
        }
        let selector = Selector::parse("a!=1,a=2,b!=3").unwrap();
        assert_eq!(
            (selector.required_exact("a"), selector.required_exact("b")),
            (Some("2"), None)
        );
        assert_eq!(Selector::one("a", "x,y").to_string(), r"a=x\,y");
        assert!(Selector::everything().is_everything());
    }

    proptest! {
        #[test]
        fn values_survive_their_escapes(value in ".{0,10}") {
            let selector = Selector::parse(&format!("a!={}", escape(&value))).unwrap();
            let term = Term { field: "a".into(), value: value.into(), equal: false };
            prop_assert_eq!(selector.terms(), [term]);
        }

        #[test]
        fn no_text_panics(text in "[ab=!,\\\\é]{0,10}") {
            if let Ok(selector) = Selector::parse(&text) {
                // In another order, maybe: `==` was sorted before it became `=`.
                let again = Selector::parse(&selector.to_string()).unwrap();
                prop_assert_eq!(again.terms().len(), selector.terms().len());
                prop_assert!(again.terms().iter().all(|term| selector.terms().contains(term)));
            }
        }
    }
}
