//! A whole number of any size: 128 bits where they are enough, else decimal digits, on which every step here is linear.

use std::cmp::Ordering;
use std::fmt;

/// So many decimal digits always fit into 128 bits.
const SMALL_DIGITS: usize = 38;

/// A whole number, not negative.
#[derive(Clone, Debug)]
pub(super) enum Natural {
    /// Most numbers.
    Small(u128),
    /// Digits from 0 to 9, the most significant first, without zeros before them.
    Big(Vec<u8>),
}

impl Natural {
    pub(super) const ZERO: Self = Self::Small(0);

    /// Digits of ASCII, which may have zeros before them.
    pub(super) fn parse(digits: impl Iterator<Item = u8>) -> Self {
        Self::from_digits(digits.map(|digit| digit.wrapping_sub(b'0')).collect())
    }

    fn from_digits(mut digits: Vec<u8>) -> Self {
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        if digits.len() - zeros > SMALL_DIGITS {
            digits.drain(..zeros);
            return Self::Big(digits);
        }
        let value = digits[zeros..]
            .iter()
            .fold(0, |value: u128, digit| value * 10 + u128::from(*digit));
        Self::Small(value)
    }

    fn digits(&self) -> Vec<u8> {
        match self {
            Self::Small(0) => Vec::new(),
            Self::Small(value) => value.to_string().bytes().map(|digit| digit - b'0').collect(),
            Self::Big(digits) => digits.clone(),
        }
    }

    /// How many decimal digits; none for zero.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Small(0) => 0,
            Self::Small(value) => value.ilog10() as usize + 1,
            Self::Big(digits) => digits.len(),
        }
    }

    pub(super) const fn is_zero(&self) -> bool {
        matches!(self, Self::Small(0))
    }

    /// The number where it fits.
    pub(super) fn small(&self) -> Option<u128> {
        match self {
            Self::Small(value) => Some(*value),
            Self::Big(_) => None,
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
            Self::Big(digits) => digits.iter().rev().take_while(|digit| **digit == 0).count(),
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
            _ => {
                let mut digits = self.digits();
                digits.resize(digits.len() + places, 0);
                Self::from_digits(digits)
            }
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
            Self::Big(digits) => {
                let exact = digits[kept..].iter().all(|digit| *digit == 0);
                (Self::from_digits(digits[..kept].to_vec()), exact)
            }
        }
    }

    /// Times another number.
    pub(super) fn times(&self, factor: u64) -> Self {
        if let Some(product) = self.small().and_then(|value| value.checked_mul(factor.into())) {
            return Self::Small(product);
        }
        let mut digits = self.digits();
        let mut carry = 0_u128;
        for digit in digits.iter_mut().rev() {
            carry += u128::from(*digit) * u128::from(factor);
            *digit = (carry % 10) as u8;
            carry /= 10;
        }
        let mut whole = Self::Small(carry).digits();
        whole.append(&mut digits);
        Self::from_digits(whole)
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
        Self::from_digits(long)
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
        Self::from_digits(digits)
    }

    /// Divided by 1024, where nothing is left over.
    pub(super) fn kilo(&self) -> Option<Self> {
        match self {
            Self::Small(value) => (value % 1024 == 0).then_some(Self::Small(value / 1024)),
            Self::Big(digits) => {
                let mut rest = 0_u32;
                let quotient = digits
                    .iter()
                    .map(|digit| {
                        rest = rest * 10 + u32::from(*digit);
                        let digit = rest / 1024;
                        rest %= 1024;
                        digit as u8
                    })
                    .collect();
                (rest == 0).then(|| Self::from_digits(quotient))
            }
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
            (a, b) => a.len().cmp(&b.len()).then_with(|| a.digits().cmp(&b.digits())),
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
            Self::Big(digits) => digits.iter().try_for_each(|digit| digit.fmt(out)),
        }
    }
}
