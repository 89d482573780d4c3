//! Numbers that are not plain 64-bit integers.

use std::fmt;

use super::Text;

/// A number with a fraction or an exponent, or one that is too large for 64 bits; kept as it was written, since messages
/// quote it. Two are equal when they mean the same.
#[derive(Clone, Debug)]
pub struct Number(Text);

impl Number {
    /// A JSON number's literal; the caller has checked its grammar.
    pub(crate) fn new(literal: &str) -> Self {
        Self(literal.into())
    }

    /// As it was written.
    pub fn literal(&self) -> &str {
        &self.0
    }

    /// The nearest double; infinite where it is too large for one.
    pub fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        let mut text = Text::default();
        // Writing to a string does not fail.
        let _ = fmt::Write::write_fmt(&mut text, format_args!("{}", Shortest(value)));
        Self(text)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.as_f64() == other.as_f64()
    }
}

/// As Go's `encoding/json` writes it.
impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.as_f64();
        if value.is_finite() {
            Shortest(value).fmt(out)
        } else {
            out.write_str(&self.0)
        }
    }
}

/// The shortest digits that read back as the same double: plain between 1e-6 and 1e21, else with an exponent of at least
/// one digit and its sign, which is how ES6 and Go's JSON encoder write numbers.
struct Shortest(f64);

impl fmt::Display for Shortest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = format!("{value:e}");
            match text.split_once('e') {
                Some((digits, exponent)) if !exponent.starts_with('-') => write!(out, "{digits}e+{exponent}"),
                _ => out.write_str(&text),
            }
        } else {
            write!(out, "{value}")
        }
    }
}
