//! A set of neighbouring keys, as the API names it by `key` and `range_end`.

use bytes::Bytes;

/// The keys that a request means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyRange {
    start: Bytes,
    end: End,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum End {
    /// The start alone.
    Single,
    /// Every key from the start on.
    Open,
    /// Up to a key, without it.
    Before(Bytes),
}

impl KeyRange {
    /// Reads the API's convention: an empty `range_end` is the one key, `"\0"` is all keys from `key` on.
    #[must_use]
    pub fn new(key: &Bytes, range_end: &Bytes) -> Self {
        let end = match range_end.as_ref() {
            b"" => End::Single,
            b"\0" => End::Open,
            _ => End::Before(range_end.clone()),
        };
        Self {
            start: key.clone(),
            end,
        }
    }

    /// The one key.
    #[must_use]
    pub fn single(key: Bytes) -> Self {
        Self {
            start: key,
            end: End::Single,
        }
    }

    /// Every key there is.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            start: Bytes::new(),
            end: End::Open,
        }
    }

    /// The same range without the keys before `start`.
    #[must_use]
    pub(crate) fn starting_at(&self, start: Bytes) -> Self {
        Self {
            start,
            end: self.end.clone(),
        }
    }

    /// Whether the key is meant.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        match &self.end {
            End::Single => key == self.start,
            End::Open => key >= self.start.as_ref(),
            End::Before(end) => key >= self.start.as_ref() && key < end.as_ref(),
        }
    }

    /// Whether one key is named, and not a range.
    #[must_use]
    pub const fn is_single(&self) -> bool {
        matches!(self.end, End::Single)
    }

    /// Whether no key can be meant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&self.end, End::Before(end) if *end <= self.start)
    }

    /// The first key.
    #[must_use]
    pub const fn start(&self) -> &Bytes {
        &self.start
    }

    /// The first key that is too far, where there is one.
    #[must_use]
    pub fn end(&self) -> Option<Bytes> {
        match &self.end {
            End::Single => {
                let mut next = Vec::with_capacity(self.start.len() + 1);
                next.extend_from_slice(&self.start);
                next.push(0);
                Some(next.into())
            }
            End::Open => None,
            End::Before(end) => Some(end.clone()),
        }
    }

    /// Whether `key` lies at or behind the end.
    pub(crate) fn is_past(&self, key: &[u8]) -> bool {
        match &self.end {
            End::Single => key > self.start.as_ref(),
            End::Open => false,
            End::Before(end) => key >= end.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(key: &'static str, end: &'static str) -> KeyRange {
        KeyRange::new(&key.into(), &end.into())
    }

    #[test]
    fn contains_what_the_api_says() {
        assert!(range("a", "").contains(b"a"));
        assert!(!range("a", "").contains(b"a\0"));
        assert!(range("a", "c").contains(b"bzz"));
        assert!(!range("a", "c").contains(b"c"));
        assert!(range("b", "\0").contains(b"zzz"));
        assert!(!range("b", "\0").contains(b"a"));
        assert!(range("\0", "\0").contains(b"\0"));
    }

    #[test]
    fn an_inverted_range_is_empty() {
        assert!(range("b", "a").is_empty());
        assert!(range("b", "b").is_empty());
        assert!(!range("b", "").is_empty());
        assert!(!range("b", "\0").is_empty());
        assert_eq!(range("b", "").end(), Some(Bytes::from_static(b"b\0")));
    }
}
