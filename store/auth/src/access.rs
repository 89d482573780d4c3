//! Permissions as ranges of keys: the ranges of all roles of a user are merged, so that a request covered by their
//! union is allowed though no single permission covers it.

use bytes::Bytes;
use proto::auth::Permission;
use proto::auth::permission::Type;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The user's name, "" where none is known.
    pub user: &'a str,
    /// The auth revision at which the user was authenticated, 0 with no user.
    pub revision: u64,
}

/// What is done to keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Keys are looked at.
    Read,
    /// Keys are put or deleted.
    Write,
}

/// From a key up to another one, which is not part of it; `None` is the end of all keys.
type Span = (Bytes, Option<Bytes>);

/// Disjoint spans in order, with a gap between each two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Spans(Vec<Span>);

impl Spans {
    fn merge(mut spans: Vec<Span>) -> Self {
        spans.retain(|(from, to)| to.as_ref().is_none_or(|to| from < to));
        spans.sort_unstable();
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for (from, to) in spans {
            match merged.last_mut() {
                Some((_, None)) => break,
                Some((_, Some(end))) if from <= *end => {
                    if to.as_ref().is_none_or(|to| to > end) {
                        merged
                            .pop()
                            .into_iter()
                            .for_each(|(first, _)| merged.push((first, to.clone())));
                    }
                }
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    /// Whether every key of the range is in one of the spans. A range that holds no key at all is taken as its first.
    fn cover(&self, key: &[u8], range_end: &[u8]) -> bool {
        let after = self.0.partition_point(|(from, _)| from.as_ref() <= key);
        let Some((_, to)) = after.checked_sub(1).and_then(|at| self.0.get(at)) else {
            return false;
        };
        let Some(to) = to else { return true };
        match range_end {
            [0] => false,
            end => to.as_ref() > key && end <= to.as_ref(),
        }
    }
}

/// All that one user's roles allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowed {
    read: Spans,
    write: Spans,
}

impl Allowed {
    pub(crate) fn merge<'a>(permissions: impl Iterator<Item = &'a Permission>) -> Self {
        let (mut read, mut write) = (Vec::new(), Vec::new());
        for permission in permissions {
            let span = span(permission);
            match Type::try_from(permission.perm_type) {
                Ok(Type::Read) => read.push(span),
                Ok(Type::Write) => write.push(span),
                Ok(Type::Readwrite) => {
                    read.push(span.clone());
                    write.push(span);
                }
                Err(_) => {}
            }
        }
        Self {
            read: Spans::merge(read),
            write: Spans::merge(write),
        }
    }

    pub(crate) fn covers(&self, access: Access, key: &[u8], range_end: &[u8]) -> bool {
        match access {
            Access::Read => self.read.cover(key, range_end),
            Access::Write => self.write.cover(key, range_end),
        }
    }
}

fn span(permission: &Permission) -> Span {
    let from = permission.key.clone();
    let to = match permission.range_end.as_ref() {
        [] => Some([from.as_ref(), &[0]].concat().into()),
        [0] => None,
        _ => Some(permission.range_end.clone()),
    };
    (from, to)
}

/// Whether a permission's range can be granted: a key, a range that holds at least one, or an open-ended one
/// (upstream's `isValidPermissionRange`).
pub(crate) fn is_valid(permission: &Permission) -> bool {
    let (key, end) = (permission.key.as_ref(), permission.range_end.as_ref());
    !key.is_empty() && (end.is_empty() || end == [0] || key < end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn permission(key: &'static str, range_end: &'static str) -> Permission {
        Permission {
            perm_type: Type::Read.into(),
            key: key.into(),
            range_end: range_end.into(),
        }
    }

    fn covers(granted: &[(&'static str, &'static str)], key: &str, range_end: &str) -> bool {
        let granted: Vec<_> = granted.iter().map(|(key, end)| permission(key, end)).collect();
        Allowed::merge(granted.iter()).covers(Access::Read, key.as_bytes(), range_end.as_bytes())
    }

    #[test]
    fn single_keys_and_ranges() {
        assert!(covers(&[("a", "")], "a", ""));
        assert!(!covers(&[("a", "")], "b", ""));
        assert!(!covers(&[("a", "")], "a", "\0"), "one key is not all keys after it");
        assert!(!covers(&[("a", "")], "a", "b"));
        assert!(covers(&[("a", "")], "a", "a\0"));
        assert!(covers(&[("a", "c")], "b", ""));
        assert!(!covers(&[("a", "c")], "c", ""));
        assert!(covers(&[("a", "c")], "a", "c"));
        assert!(!covers(&[("a", "c")], "a", "\0"));
        assert!(covers(&[("a", "\0")], "b", "\0"));
        assert!(covers(&[("a", "\0")], "b", "z"));
        assert!(!covers(&[("b", "\0")], "a", "\0"));
        assert!(covers(&[("\0", "\0")], "\0", "\0"));
        assert!(!covers(&[], "a", ""));
    }

    #[test]
    fn the_union_counts() {
        assert!(covers(&[("a", "b"), ("b", "c")], "a", "c"));
        assert!(covers(&[("b", "d"), ("a", "c")], "a", "d"));
        assert!(!covers(&[("a", "b"), ("c", "d")], "a", "d"));
        assert!(covers(&[("a", ""), ("a\0", "c")], "a", "c"));
        assert!(covers(&[("a", "z"), ("b", "c")], "a", "y"));
        assert!(covers(&[("a", "c"), ("b", "\0")], "a", "\0"));
    }

    #[test]
    fn a_range_without_keys_needs_its_first() {
        assert!(covers(&[("c", "d")], "c", "a"));
        assert!(!covers(&[("a", "b")], "c", "a"));
        assert!(!covers(&[("x", "y")], "z", "y"));
    }

    proptest! {
        /// Against the plain definition, on keys of one byte.
        #[test]
        fn covers_what_every_key_allows(granted in prop::collection::vec((1_u8..20, 0_u8..20), 0..6), key in 1_u8..20, end in 1_u8..20) {
            let permissions: Vec<_> = granted.iter().map(|(key, end)| Permission {
                perm_type: Type::Readwrite.into(),
                key: vec![*key].into(),
                range_end: if *end == 0 { vec![0].into() } else { vec![*end].into() },
            }).collect();
            let inside = |key: u8| granted.iter().any(|(from, to)| *from <= key && (*to == 0 || key < *to));
            let allowed = Allowed::merge(permissions.iter());
            for access in [Access::Read, Access::Write] {
                prop_assert_eq!(allowed.covers(access, &[key], &[]), inside(key));
                prop_assert_eq!(allowed.covers(access, &[key], &[0]), (key..=255).all(inside));
                if key < end {
                    prop_assert_eq!(allowed.covers(access, &[key], &[end]), (key..end).all(inside));
                }
            }
        }
    }
}
