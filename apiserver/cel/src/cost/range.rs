//! Sizes and costs as ranges from the least to the most that is possible.

/// The cost of walking through one character.
pub(super) const TRAVERSAL: f64 = 0.1;
/// The cost of one character of a pattern.
pub(super) const PATTERN: f64 = 0.25;

/// The least and the most of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl Range {
    pub(crate) const UNKNOWN: Self = Self { min: 0, max: u64::MAX };
    pub(crate) const ZERO: Self = Self::fixed(0);
    pub(crate) const ONE: Self = Self::fixed(1);

    pub(crate) const fn fixed(value: u64) -> Self {
        Self { min: value, max: value }
    }

    pub(crate) const fn new(min: u64, max: u64) -> Self {
        Self { min, max }
    }

    pub(super) const fn add(self, other: Self) -> Self {
        Self {
            min: self.min.saturating_add(other.min),
            max: self.max.saturating_add(other.max),
        }
    }

    pub(super) const fn times(self, other: Self) -> Self {
        Self {
            min: self.min.saturating_mul(other.min),
            max: self.max.saturating_mul(other.max),
        }
    }

    /// Times a factor, rounded up.
    pub(super) fn by(self, factor: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "upstream reckons in doubles")]
        let by = |one: u64| (one as f64 * factor).ceil() as u64;
        Self {
            min: by(self.min),
            max: by(self.max),
        }
    }

    /// The cost of walking through as many characters.
    pub(super) fn walked(self) -> Self {
        self.by(TRAVERSAL)
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}
