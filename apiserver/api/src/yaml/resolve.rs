//! What plain scalars mean in YAML 1.1, as Go's package of old has it.

use crate::time::looks_like_yaml_timestamp;
use crate::tree::{Number, Tree};

/// The meaning of a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Above what [`Scalar::Int`] holds.
    Uint(u64),
    Float(f64),
    /// Decoded as text, for compatibility; but text that looks so is quoted.
    Timestamp,
    Text,
}

impl Scalar {
    /// The short form of the tag.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "int",
            Self::Float(_) => "float",
            Self::Timestamp => "timestamp",
            Self::Text => "str",
        }
    }

    /// The value, whose text is also given. What JSON has no number for is `null`.
    pub(super) fn to_tree(self, text: &str) -> Tree {
        match self {
            Self::Bool(value) => value.into(),
            Self::Int(value) => value.into(),
            Self::Uint(value) => Tree::Number(Number::new(&value.to_string())),
            Self::Float(value) if value.is_finite() => {
                let number = Number::from(value);
                number.literal().parse::<i64>().map_or(Tree::Number(number), Tree::Int)
            }
            Self::Null | Self::Float(_) => Tree::Null,
            Self::Timestamp | Self::Text => text.into(),
        }
    }
}

/// What a scalar without quotes and without a tag means.
pub(super) fn plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes()[0] {
        b'.' => float(text),
        b'+' | b'-' | b'0'..=b'9' => {
            if looks_like_yaml_timestamp(text) {
                return Scalar::Timestamp;
            }
            let digits = text.replace('_', "");
            int(&digits).unwrap_or_else(|| float(&digits))
        }
        _ => Scalar::Text,
    }
}

/// A whole number with a sign and in any base: `0x1f`, `0b11`, `0o17`, and `017`, which is octal too.
fn int(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, radix) = match unsigned.get(..2) {
        Some("0x" | "0X") => (&unsigned[2..], 16),
        Some("0b" | "0B") => (&unsigned[2..], 2),
        Some("0o" | "0O") => (&unsigned[2..], 8),
        Some(_) if unsigned.starts_with('0') => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if text.starts_with('-') {
        return 0_i64.checked_sub_unsigned(size).map(Scalar::Int);
    }
    match i64::try_from(size) {
        Ok(value) => Some(Scalar::Int(value)),
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Scalar::Uint(size)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, where it fits a double.
fn float(text: &str) -> Scalar {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (number, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fine = digits(whole) && digits(fraction) && digits(exponent) && !exponent.is_empty();
    if fine && !(whole.is_empty() && fraction.is_empty()) {
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => return Scalar::Float(value),
            _ => {}
        }
    }
    Scalar::Text
}

/// A double with the digits that it needs, as Go's `%g` writes it: with an exponent from a million on.
pub(super) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    exponential(&format!("{value:e}"), &value)
}

/// The same with the digits that a float of 32 bits needs, which is how keys are written.
#[expect(clippy::cast_possible_truncation, reason = "upstream writes keys so")]
pub(super) fn float_key(value: f64) -> String {
    if value.is_finite() && (value as f32).is_finite() {
        let value = value as f32;
        exponential(&format!("{value:e}"), &value)
    } else {
        float_text(value)
    }
}

fn exponential(text: &str, plain: &dyn std::fmt::Display) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent @ (..-4 | 6..)) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => plain.to_string(),
    }
}
