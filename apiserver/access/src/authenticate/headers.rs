//! The headers of a request as plain values.

use std::borrow::Cow;

/// The headers of a request: names and values, in the order in which they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    all: &'a [(&'a str, &'a [u8])],
}

impl<'a> Headers<'a> {
    /// These.
    pub const fn new(all: &'a [(&'a str, &'a [u8])]) -> Self {
        Self { all }
    }

    /// All values under a name.
    pub(super) fn values(self, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
        self.all
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| String::from_utf8_lossy(value))
    }

    /// The first value under a name; empty where there is none.
    pub(super) fn first(self, name: &str) -> Cow<'a, str> {
        self.values(name).next().unwrap_or_default()
    }

    /// The headers whose names begin so: the rest of the name, and the value.
    pub(super) fn beginning(self, prefix: &str) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        self.all.iter().filter_map(move |(name, value)| {
            let rest = after(name, prefix)?;
            Some((rest, String::from_utf8_lossy(value)))
        })
    }
}

/// What comes after a prefix of a header's name.
pub(super) fn after<'n>(name: &'n str, prefix: &str) -> Option<&'n str> {
    let (head, rest) = name.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
