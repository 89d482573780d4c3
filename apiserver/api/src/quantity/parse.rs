//! Quantities out of text.

use thiserror::Error;

use super::natural::Natural;
use super::{Format, MOST, NANO, Quantity};

/// Why a text is no quantity, in upstream's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// It does not look like one.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// There are no digits before the suffix.
    #[error("unable to parse numeric part of quantity")]
    Number,
    /// No such suffix.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// Numbers of so many digits fit into 64 bits; upstream keeps the text of such alone.
const KEPT_DIGITS: usize = 18;

/// A text taken apart.
struct Parts<'t> {
    negative: bool,
    /// Digits before the point, without zeros before them.
    whole: &'t str,
    /// Digits after the point.
    fraction: &'t str,
    suffix: &'t str,
    /// Whether there is any digit before the suffix.
    has_digits: bool,
}

/// What a suffix means: a power of ten or of two.
enum Suffix {
    Ten(i32, Format),
    Two(u32),
}

pub(super) fn parse(text: &str) -> Result<Quantity, Error> {
    if text.is_empty() {
        return Err(Error::Format);
    }
    let parts = split(text).ok_or(Error::Format)?;
    let suffix = suffix(parts.suffix).ok_or(Error::Suffix)?;
    let mut quantity = match short(text, &parts, &suffix) {
        Some(quantity) => quantity,
        None if !parts.has_digits => return Err(Error::Number),
        None => long(&parts, &suffix),
    };
    if quantity.magnitude() > i64::from(MOST) + 1 {
        quantity.number = Natural::Small(1);
        quantity.scale = MOST;
        quantity.text = None;
    }
    Ok(quantity)
}

/// `[+-]? digits [. digits] letters [+-]? digits`; digits may be missing anywhere.
fn split(text: &str) -> Option<Parts<'_>> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, rest) = digits(unsigned);
    let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), digits);
    let letters = suffix.trim_start_matches(['e', 'E', 'i', 'n', 'u', 'm', 'k', 'K', 'M', 'G', 'T', 'P']);
    let exponent = letters.strip_prefix(['+', '-']).unwrap_or(letters);
    digits(exponent).1.is_empty().then(|| Parts {
        negative,
        whole: whole.trim_start_matches('0'),
        fraction,
        suffix,
        has_digits: !whole.is_empty() || !fraction.is_empty(),
    })
}

/// The digits at the beginning, and the rest.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

fn suffix(text: &str) -> Option<Suffix> {
    let power = match text {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        "Ki" => return Some(Suffix::Two(10)),
        "Mi" => return Some(Suffix::Two(20)),
        "Gi" => return Some(Suffix::Two(30)),
        "Ti" => return Some(Suffix::Two(40)),
        "Pi" => return Some(Suffix::Two(50)),
        "Ei" => return Some(Suffix::Two(60)),
        _ => {
            let exponent = text.strip_prefix(['e', 'E'])?;
            return Some(Suffix::Ten(exponent.parse().ok()?, Format::DecimalExponent));
        }
    };
    Some(Suffix::Ten(power, Format::DecimalSi))
}

/// Numbers that fit into 64 bits. Where their text is in normal form it is kept; the test for that is upstream's, which
/// also keeps some texts that are not, such as `1.500`.
fn short(text: &str, parts: &Parts<'_>, suffix: &Suffix) -> Option<Quantity> {
    let count = parts.whole.len().max(1) + parts.fraction.len();
    let mut quantity = Quantity::zero(Format::DecimalSi);
    quantity.negative = parts.negative;
    let normal = match *suffix {
        Suffix::Ten(power, format) => {
            let scale = i64::from(power) - parts.fraction.len() as i64;
            if count > KEPT_DIGITS || scale < i64::from(NANO) {
                return None;
            }
            quantity.scale = i32::try_from(scale).ok()?;
            quantity.format = format;
            quantity.number = number(parts);
            scale % 3 == 0 && !parts.whole.is_empty() && quantity.number.zeros() < 3
        }
        Suffix::Two(power) => {
            // Ten binary digits are three decimal ones; 15 of those are exact in upstream's reckoning.
            let room = 14_usize.saturating_sub(power as usize * 3 / 10);
            if !parts.fraction.is_empty() || count > room {
                return None;
            }
            quantity.format = Format::BinarySi;
            let value = number(parts);
            quantity.number = value.times(1 << power);
            value.small().is_some_and(|value| value % 8 != 0)
        }
    };
    if quantity.number.is_zero() {
        quantity.negative = false;
    }
    quantity.text = normal.then(|| text.into());
    Some(quantity)
}

fn number(parts: &Parts<'_>) -> Natural {
    Natural::parse(parts.whole.bytes().chain(parts.fraction.bytes()))
}

/// Any other number. What is finer than a billionth is rounded up, away from zero; binary ones are capped at 63 bits.
fn long(parts: &Parts<'_>, suffix: &Suffix) -> Quantity {
    let mut value = number(parts);
    let mut scale = -(parts.fraction.len() as i64);
    let mut format = match *suffix {
        Suffix::Ten(power, format) => {
            scale += i64::from(power);
            format
        }
        Suffix::Two(power) => {
            value = value.times(1 << power);
            Format::BinarySi
        }
    };
    if scale < i64::from(NANO) {
        let places = usize::try_from(i64::from(NANO) - scale).unwrap_or(usize::MAX);
        let (cut, exact) = value.cut(places);
        value = if exact { cut } else { cut.plus(&Natural::Small(1)) };
        scale = NANO.into();
    }
    let mut quantity = Quantity {
        negative: parts.negative && !value.is_zero(),
        number: value,
        // Between a billionth and what the suffix says.
        scale: i32::try_from(scale).unwrap_or(MOST),
        format,
        text: None,
    };
    if format == Format::BinarySi {
        let most = Quantity::new(i64::MAX, format);
        if quantity.cmp_size(&most).is_gt() {
            quantity.number = most.number;
            quantity.scale = 0;
        } else if !quantity.is_zero() && quantity.cmp_size(&Quantity::new(1, format)).is_lt() {
            format = Format::DecimalSi;
        }
    }
    quantity.format = format;
    quantity
}
