//! Values that are a number or a string (`IntOrString`): ports by number or name, counts or shares of a whole.

use std::fmt;

use thiserror::Error;

use crate::go::quote;
use crate::refusal::Shown;
use crate::tree::{Text, Tree};

/// Why a value is no count and no share, in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// There is no value.
    #[error("nil value for IntOrString")]
    Missing,
    /// A string without a percent sign at its end.
    #[error("invalid value for IntOrString: invalid type: string is not a percentage")]
    NoPercentage,
    /// Something that is no number before the percent sign.
    #[error(
        "invalid value for IntOrString: invalid value {}: strconv.Atoi: parsing {}: {}",
        quote(value),
        quote(value.strip_suffix('%').unwrap_or(value)),
        if *range { "value out of range" } else { "invalid syntax" }
    )]
    NoNumber {
        /// The value.
        value: String,
        /// Whether it is a number that does not fit into 64 bits.
        range: bool,
    },
}

/// A number of 32 bits, or a string.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IntOrString {
    /// A number.
    Int(i32),
    /// A string.
    Text(Text),
}

impl IntOrString {
    /// Reads a value of an object, whose type was checked before; nothing where it is neither a number nor a string.
    pub fn read(tree: &Tree) -> Option<Self> {
        match tree {
            Tree::Int(value) => i32::try_from(*value).ok().map(Self::Int),
            Tree::Text(text) => Some(Self::Text(text.clone())),
            _ => None,
        }
    }

    /// Reads what a flag says: a number where it is one, else a string.
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Text(text.into()), Self::Int)
    }

    /// The number; that in the string where there is one, else zero.
    pub fn int_value(&self) -> i64 {
        match self {
            Self::Int(value) => i64::from(*value),
            Self::Text(text) => text.parse().unwrap_or_default(),
        }
    }

    /// The number before the percent sign; nothing where this is a number or no share. It is not checked further.
    pub fn percent(&self) -> Option<i64> {
        match self {
            Self::Int(_) => None,
            Self::Text(text) => text.strip_suffix('%')?.parse().ok(),
        }
    }

    /// The count that this means of a total: a number as it is, a share of the total (`GetScaledValueFromIntOrPercent`).
    ///
    /// # Errors
    /// [`Error::NoPercentage`], [`Error::NoNumber`].
    pub fn scaled(&self, total: i64, round_up: bool) -> Result<i64, Error> {
        let text = match self {
            Self::Int(value) => return Ok(i64::from(*value)),
            Self::Text(text) => text,
        };
        let digits = text.strip_suffix('%').ok_or(Error::NoPercentage)?;
        let share: i64 = digits.parse().map_err(|_| Error::NoNumber {
            value: text.to_string(),
            range: is_number(digits),
        })?;
        let product = i128::from(share) * i128::from(total);
        let count = product.div_euclid(100) + i128::from(round_up && product.rem_euclid(100) > 0);
        Ok(count.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }
}

/// The count that a value of an object means of a total.
///
/// # Errors
/// [`Error`].
pub fn scaled(tree: &Tree, total: i64, round_up: bool) -> Result<i64, Error> {
    IntOrString::read(tree).ok_or(Error::Missing)?.scaled(total, round_up)
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for IntOrString {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(out),
            Self::Text(text) => out.write_str(text),
        }
    }
}

impl From<&IntOrString> for Tree {
    fn from(value: &IntOrString) -> Self {
        match value {
            IntOrString::Int(value) => (*value).into(),
            IntOrString::Text(text) => text.clone().into(),
        }
    }
}

impl From<&IntOrString> for Shown {
    fn from(value: &IntOrString) -> Self {
        (&Tree::from(value)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, IntOrString, scaled};
    use crate::tree::Tree;

    #[test]
    fn values_are_read_and_written() {
        for (tree, value, number) in [
            (Tree::from(80_i64), IntOrString::Int(80), 80),
            (Tree::from("http"), IntOrString::Text("http".into()), 0),
            (Tree::from("25%"), IntOrString::Text("25%".into()), 0),
            (Tree::from("7"), IntOrString::Text("7".into()), 7),
        ] {
            assert_eq!(IntOrString::read(&tree).unwrap(), value);
            assert_eq!(Tree::from(&value), tree);
            assert_eq!(value.int_value(), number);
        }
        assert_eq!(IntOrString::read(&Tree::from(1_i64 << 31)), None);
        assert_eq!(IntOrString::parse("-3"), IntOrString::Int(-3));
        assert_eq!(IntOrString::parse("50%").percent(), Some(50));
        assert_eq!(
            (IntOrString::Int(50).percent(), IntOrString::parse("x%").percent()),
            (None, None)
        );
        assert_eq!(
            (IntOrString::Int(5).to_string(), IntOrString::parse("a").to_string()),
            ("5".into(), "a".into())
        );
    }

    #[test]
    fn shares_are_rounded_as_asked() {
        for (value, total, up, down) in [
            ("25%", 10, 3, 2),
            ("50%", 10, 5, 5),
            ("0%", 10, 0, 0),
            ("100%", 7, 7, 7),
            ("33%", 3, 1, 0),
            ("-50%", 3, -1, -2),
            ("4", 10, 4, 4),
        ] {
            let value = IntOrString::parse(value);
            assert_eq!(
                (value.scaled(total, true), value.scaled(total, false)),
                (Ok(up), Ok(down))
            );
        }
        assert_eq!(
            IntOrString::parse("9223372036854775807%").scaled(1000, true),
            Ok(i64::MAX)
        );
    }

    #[test]
    fn what_is_no_count_is_told_in_upstream_s_words() {
        for (tree, message) in [
            (Tree::Null, "nil value for IntOrString"),
            (
                Tree::from("x"),
                "invalid value for IntOrString: invalid type: string is not a percentage",
            ),
            (
                Tree::from("x%"),
                r#"invalid value for IntOrString: invalid value "x%": strconv.Atoi: parsing "x": invalid syntax"#,
            ),
            (
                Tree::from("99999999999999999999%"),
                "invalid value for IntOrString: invalid value \"99999999999999999999%\": strconv.Atoi: parsing \
                 \"99999999999999999999\": value out of range",
            ),
        ] {
            assert_eq!(scaled(&tree, 1, false).unwrap_err().to_string(), message);
        }
        assert_eq!(Error::Missing.to_string(), "nil value for IntOrString");
    }
}
