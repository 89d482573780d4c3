//! Amounts of resources (`resource.Quantity`): `500m`, `1.5Gi`, `1e3`, exact whatever their size; of a sum the first
//! thousand digits are.
//!
//! A quantity remembers which kind of suffix it was written with and prints with the same. It prints in normal form, with the
//! largest suffix that leaves no fraction, or as it was written where upstream takes that for the normal form. Nothing is
//! finer than a billionth. Every step takes time in proportion to the digits written: `1e999999999` is short. Adding and
//! comparing takes no longer than the shorter of the two and the digits of a sum do, so that many amounts may stand
//! beside one of a million digits.

mod natural;
mod parse;

use std::cmp::Ordering;
use std::fmt;

use crate::refusal::Shown;
use crate::tree::{Text, Tree};
use natural::Natural;
pub use parse::Error;

/// The power of ten of the finest part.
const NANO: i32 = -9;
/// The highest power of ten; what is greater is cut down to it, as texts cannot say it.
const MOST: i32 = i32::MAX;
/// A sum has so many digits; what is finer is cut off.
const SUM_DIGITS: i64 = 1024;
/// Where there is no suffix for them, so many zeros are written out.
const ZEROS_MAX: i64 = 4096;

/// The kind of suffix a quantity is printed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `12e6`
    DecimalExponent,
    /// `12Mi`, which is 12 * 2^20
    BinarySi,
    /// `12M`, which is 12 * 10^6
    DecimalSi,
}

/// An amount of a resource. Two are equal when they mean the same, however they are written.
#[derive(Clone, Debug)]
pub struct Quantity {
    number: Natural,
    negative: bool,
    /// The power of ten that `number` counts; not below [`NANO`].
    scale: i32,
    format: Format,
    /// As it was written, where it is printed so.
    text: Option<Text>,
}

impl Quantity {
    const fn zero(format: Format) -> Self {
        Self {
            number: Natural::ZERO,
            negative: false,
            scale: 0,
            format,
            text: None,
        }
    }

    /// A whole number.
    pub const fn new(value: i64, format: Format) -> Self {
        Self::scaled(value, 0, format)
    }

    /// So many thousandths.
    pub const fn milli(value: i64, format: Format) -> Self {
        Self::scaled(value, -3, format)
    }

    const fn scaled(value: i64, scale: i32, format: Format) -> Self {
        Self {
            number: Natural::Small(value.unsigned_abs() as u128),
            negative: value < 0,
            scale,
            format,
            text: None,
        }
    }

    /// Reads a quantity from text without white space around it.
    ///
    /// # Errors
    /// [`Error`], whose texts are upstream's.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::parse(text)
    }

    /// Reads a quantity from an object: a string, which may have white space around it, or a number. `null` is zero.
    ///
    /// # Errors
    /// As for [`Quantity::parse`].
    pub fn read(tree: &Tree) -> Result<Self, Error> {
        match tree {
            Tree::Null => Ok(Self::zero(Format::DecimalSi)),
            Tree::Text(text) => Self::parse(text.trim()),
            Tree::Int(value) => Self::parse(&value.to_string()),
            Tree::Number(value) => Self::parse(value.literal()),
            Tree::Bool(_) | Tree::List(_) | Tree::Map(_) => Err(Error::Format),
        }
    }

    /// The kind of suffix it prints with.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Whether it is nothing.
    pub const fn is_zero(&self) -> bool {
        self.number.is_zero()
    }

    /// How it stands to zero: `Less` where it is negative.
    pub const fn sign(&self) -> Ordering {
        match (self.is_zero(), self.negative) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        }
    }

    /// The whole number, a fraction rounded away from zero; at the bounds of 64 bits where it is beyond them.
    pub fn value(&self) -> i64 {
        self.scaled_value(0)
    }

    /// In thousandths, otherwise as [`Quantity::value`].
    pub fn milli_value(&self) -> i64 {
        self.scaled_value(-3)
    }

    /// In units of ten to the power of `scale`, otherwise as [`Quantity::value`].
    pub fn scaled_value(&self, scale: i32) -> i64 {
        let size = match self.whole(scale) {
            Some((number, exact)) => number.small().map(|value| value.saturating_add(u128::from(!exact))),
            None => None,
        };
        let size = size.and_then(|size| i128::try_from(size).ok()).unwrap_or(i128::MAX);
        let value = if self.negative { -size } else { size };
        value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// Counted in ten to the power of `scale` and rounded down, and whether it was exact; nothing where the number would
    /// have too many digits.
    fn whole(&self, scale: i32) -> Option<(Natural, bool)> {
        let zeros = i64::from(self.scale) - i64::from(scale);
        (zeros <= ZEROS_MAX || self.is_zero()).then(|| self.counted(scale))
    }

    /// Counted in ten to the power of `scale` and rounded down, and whether it was exact.
    fn counted(&self, scale: i32) -> (Natural, bool) {
        let places = self.scale.abs_diff(scale) as usize;
        if self.scale < scale {
            self.number.cut(places)
        } else {
            (self.number.shifted(places), true)
        }
    }

    /// How many digits there are before the point, or, less than none, zeros behind it. Zero is below all else.
    fn magnitude(&self) -> i64 {
        let scale = if self.is_zero() { NANO } else { self.scale };
        self.number.len() as i64 + i64::from(scale)
    }

    /// The nearest double.
    pub fn as_f64(&self) -> f64 {
        let size: f64 = format!("{}e{}", self.number, self.scale)
            .parse()
            .unwrap_or(f64::INFINITY);
        if self.negative { -size } else { size }
    }

    /// Adds another. Zero takes the other's kind of suffix.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, other.negative);
    }

    /// Takes another away. Zero takes the other's kind of suffix.
    pub fn sub(&mut self, other: &Self) {
        self.combine(other, !other.negative);
    }

    fn combine(&mut self, other: &Self, negative: bool) {
        self.text = None;
        let scale = match (self.is_zero(), other.is_zero()) {
            (true, _) => {
                self.format = other.format;
                other.scale
            }
            (false, true) => self.scale,
            (false, false) => self.scale.min(other.scale),
        };
        let finest = self.magnitude().max(other.magnitude()) - SUM_DIGITS;
        let scale = scale.max(i32::try_from(finest).unwrap_or(MOST));
        let ((mine, _), (theirs, _)) = (self.counted(scale), other.counted(scale));
        self.scale = scale;
        if self.negative == negative {
            self.number = mine.plus(&theirs);
        } else if mine < theirs {
            self.number = theirs.minus(&mine);
            self.negative = negative;
        } else {
            self.number = mine.minus(&theirs);
        }
        self.negative &= !self.is_zero();
    }

    /// Takes it so many times.
    pub fn mul(&mut self, factor: i64) {
        self.text = None;
        self.number = self.number.times(factor.unsigned_abs());
        self.negative = (self.negative != (factor < 0)) && !self.is_zero();
    }

    /// Turns the sign around.
    pub fn neg(&mut self) {
        self.text = None;
        self.negative = !self.negative && !self.is_zero();
    }

    /// Rounds away from zero what is finer than ten to the power of `scale`; says whether nothing was. What objects of the
    /// API hold is rounded to thousandths so.
    pub fn round_up(&mut self, scale: i32) -> bool {
        if self.scale >= scale {
            return true;
        }
        let (number, exact) = self.counted(scale);
        self.number = if exact { number } else { number.plus(&Natural::Small(1)) };
        self.scale = scale;
        self.text = None;
        exact
    }

    /// Compares without the signs.
    fn cmp_size(&self, other: &Self) -> Ordering {
        let magnitudes = self.magnitude().cmp(&other.magnitude());
        magnitudes.then_with(|| self.number.cmp_digits(&other.number))
    }

    /// The normal form: a number without fraction and a suffix.
    fn write_normal(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return out.write_str("0");
        }
        if self.negative {
            out.write_str("-")?;
        }
        if self.format == Format::BinarySi
            && self.cmp_size(&Self::new(1024, self.format)).is_ge()
            && let Some((number, true)) = self.whole(0)
        {
            return write_binary(number, out);
        }
        let zeros = self.number.zeros();
        let mut exponent = i64::from(self.scale) + zeros as i64;
        let over = exponent.rem_euclid(3);
        exponent -= over;
        let mut number = self.number.cut(zeros).0.shifted(over as usize);
        if self.format == Format::DecimalExponent || exponent - 18 > ZEROS_MAX {
            write!(out, "{number}")?;
            return if exponent == 0 {
                Ok(())
            } else {
                write!(out, "e{exponent}")
            };
        }
        // There is no suffix above exa; upstream would leave it out and print another number.
        if let Ok(places @ 1..) = usize::try_from(exponent - 18) {
            number = number.shifted(places);
            exponent = 18;
        }
        write!(out, "{number}")?;
        const SUFFIXES: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
        let place = usize::try_from((exponent - i64::from(NANO)) / 3).unwrap_or_default();
        out.write_str(SUFFIXES.get(place).unwrap_or(&""))
    }
}

fn write_binary(mut number: Natural, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut suffix = "";
    for larger in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] {
        let Some(part) = number.kilo() else { break };
        number = part;
        suffix = larger;
    }
    write!(out, "{number}{suffix}")
}

/// As it is stored and shown.
impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => out.write_str(text),
            None => self.write_normal(out),
        }
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sign().cmp(&other.sign()).then_with(|| {
            let order = self.cmp_size(other);
            if self.negative { order.reverse() } else { order }
        })
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Quantity {}

impl From<&Quantity> for Tree {
    fn from(quantity: &Quantity) -> Self {
        quantity.to_string().into()
    }
}

impl From<&Quantity> for Shown {
    fn from(quantity: &Quantity) -> Self {
        quantity.to_string().as_str().into()
    }
}

#[cfg(test)]
mod tests;
