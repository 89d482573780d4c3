//! A whole number of any size: 128 bits where they are enough, else decimal digits, on which every step here is linear. Two
//! are compared without a look at more digits than the shorter has.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// So many decimal digits always fit into 128 bits.
const SMALL_DIGITS: usize = 38;

/// A whole number, not negative.
#[derive(Clone, Debug)]
pub(super) enum Natural {
    /// Most numbers.
    Small(u128),
    /// Digits from 0 to 9, the most significant first, without zeros before them or at their end, and how many zeros follow.
    Big(Vec<u8>, usize),
}

impl Natural {
    pub(super) const ZERO: Self = Self::Small(0);

    /// Digits of ASCII, which may have zeros before them.
    pub(super) fn parse(digits: impl Iterator<Item = u8>) -> Self {
        Self::from_digits(digits.map(|digit| digit.wrapping_sub(b'0')).collect(), 0)
    }

    /// Digits, and zeros that follow them.
    fn from_digits(mut digits: Vec<u8>, mut zeros: usize) -> Self {
        let is_digit = |digit: &u8| *digit != 0;
        let Some(first) = digits.iter().position(is_digit) else {
            return Self::ZERO;
        };
        digits.drain(..first);
        let kept = digits.iter().rposition(is_digit).map_or(0, |last| last + 1);
        zeros += digits.len() - kept;
        digits.truncate(kept);
        if kept + zeros > SMALL_DIGITS {
            return Self::Big(digits, zeros);
        }
        let zeros = std::iter::repeat_n(&0, zeros);
        let digits = digits.iter().chain(zeros);
        Self::Small(digits.fold(0, |value, digit| value * 10 + u128::from(*digit)))
    }

    /// The digits before the zeros at the end.
    fn significant(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Small(value) => {
                let mut digits: Vec<u8> = value.to_string().bytes().map(|digit| digit - b'0').collect();
                digits.truncate(self.len() - self.zeros());
                Cow::Owned(digits)
            }
            Self::Big(digits, _) => Cow::Borrowed(digits),
        }
    }

    fn digits(&self) -> Vec<u8> {
        let mut digits = self.significant().into_owned();
        digits.resize(self.len(), 0);
        digits
    }

    /// How many decimal digits; none for zero.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Small(0) => 0,
            Self::Small(value) => value.ilog10() as usize + 1,
            Self::Big(digits, zeros) => digits.len() + zeros,
        }
    }

    pub(super) const fn is_zero(&self) -> bool {
        matches!(self, Self::Small(0))
    }

    /// The number where it fits.
    pub(super) fn small(&self) -> Option<u128> {
        match self {
            Self::Small(value) => Some(*value),
            Self::Big(..) => None,
        }
    }

    /// Zeros at the end.
    pub(super) fn zeros(&self) -> usize {
        match self {
            Self::Small(0) => 0,
            Self::Small(value) => {
                let mut rest = *value;
                let mut zeros = 0;
                while rest % 10 == 0 {
                    rest /= 10;
                    zeros += 1;
                }
                zeros
            }
            Self::Big(_, zeros) => *zeros,
        }
    }

    /// Times ten to the power of `places`.
    pub(super) fn shifted(&self, places: usize) -> Self {
        let power = u32::try_from(places)
            .ok()
            .and_then(|places| 10_u128.checked_pow(places));
        match (self, power) {
            (Self::Small(0), _) => Self::ZERO,
            (Self::Small(value), Some(power)) if value.checked_mul(power).is_some() => Self::Small(value * power),
            _ => Self::from_digits(self.significant().into_owned(), self.zeros() + places),
        }
    }

    /// Divided by ten to the power of `places`, and whether nothing was cut off.
    pub(super) fn cut(&self, places: usize) -> (Self, bool) {
        let kept = self.len().saturating_sub(places);
        match self {
            _ if kept == 0 => (Self::ZERO, self.is_zero() || places == 0),
            Self::Small(value) => {
                // Fewer places than digits, so the power fits.
                let power = 10_u128.pow(places as u32);
                (Self::Small(value / power), value % power == 0)
            }
            Self::Big(digits, zeros) => {
                let (digits, kept) = (&digits[..kept.min(digits.len())], kept.saturating_sub(digits.len()));
                (Self::from_digits(digits.to_vec(), kept), places <= *zeros)
            }
        }
    }

    /// Times another number.
    pub(super) fn times(&self, factor: u64) -> Self {
        if let Some(product) = self.small().and_then(|value| value.checked_mul(factor.into())) {
            return Self::Small(product);
        }
        let mut digits = self.significant().into_owned();
        let mut carry = 0_u128;
        for digit in digits.iter_mut().rev() {
            carry += u128::from(*digit) * u128::from(factor);
            *digit = (carry % 10) as u8;
            carry /= 10;
        }
        let mut whole = Self::Small(carry).digits();
        whole.append(&mut digits);
        Self::from_digits(whole, self.zeros())
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        if let (Self::Small(a), Self::Small(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Self::Small(sum);
        }
        let (mut long, short) = ordered(self.digits(), other.digits());
        let mut carry = 0;
        let short = short.iter().rev().chain(std::iter::repeat(&0));
        for (digit, other) in long.iter_mut().rev().zip(short) {
            let sum = *digit + other + carry;
            *digit = sum % 10;
            carry = sum / 10;
        }
        if carry > 0 {
            long.insert(0, carry);
        }
        Self::from_digits(long, 0)
    }

    /// This without another, which must not be greater.
    pub(super) fn minus(&self, other: &Self) -> Self {
        if let (Self::Small(a), Self::Small(b)) = (self, other) {
            return Self::Small(a.saturating_sub(*b));
        }
        let (mut digits, other) = (self.digits(), other.digits());
        let mut borrow = 0;
        let other = other.iter().rev().chain(std::iter::repeat(&0));
        for (digit, other) in digits.iter_mut().rev().zip(other) {
            let taken = other + borrow;
            borrow = u8::from(*digit < taken);
            *digit = *digit + 10 * borrow - taken;
        }
        Self::from_digits(digits, 0)
    }

    /// Divided by 1024, where nothing is left over.
    pub(super) fn kilo(&self) -> Option<Self> {
        match self {
            Self::Small(value) => (value % 1024 == 0).then_some(Self::Small(value / 1024)),
            Self::Big(..) => {
                let mut rest = 0_u32;
                let quotient = self
                    .digits()
                    .into_iter()
                    .map(|digit| {
                        rest = rest * 10 + u32::from(digit);
                        let digit = rest / 1024;
                        rest %= 1024;
                        digit as u8
                    })
                    .collect();
                (rest == 0).then(|| Self::from_digits(quotient, 0))
            }
        }
    }

    /// Compares the digits from the first on, as of two numbers below one.
    pub(super) fn cmp_digits(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Small(a), Self::Small(b)) if self.len() == other.len() => a.cmp(b),
            // Neither has zeros at its end: of two that begin alike the longer is greater.
            (a, b) => a.significant().cmp(&b.significant()),
        }
    }
}

fn ordered(a: Vec<u8>, b: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    if a.len() < b.len() { (b, a) } else { (a, b) }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Small(a), Self::Small(b)) => a.cmp(b),
            (a, b) => a.len().cmp(&b.len()).then_with(|| a.cmp_digits(b)),
        }
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Natural {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Natural {}

impl fmt::Display for Natural {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small(value) => value.fmt(out),
            Self::Big(..) => self.digits().into_iter().try_for_each(|digit| digit.fmt(out)),
        }
    }
}
