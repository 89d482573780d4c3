//! The entries of two objects side by side.

use apiserver_api::tree::{Map, Tree};

/// Each name that is in either, in order, with what is under it in both.
pub(super) fn pairs<'t>(
    left: &'t Map,
    right: &'t Map,
) -> impl Iterator<Item = (&'t str, Option<&'t Tree>, Option<&'t Tree>)> {
    let mut left = left.iter().peekable();
    let mut right = right.iter().peekable();
    std::iter::from_fn(move || {
        let (a, b) = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) => (a.0 <= b.0, a.0 >= b.0),
            (a, b) => (a.is_some(), b.is_some()),
        };
        let a = if a { left.next() } else { None };
        let b = if b { right.next() } else { None };
        let (name, _) = a.or(b)?;
        Some((name, a.map(|entry| entry.1), b.map(|entry| entry.1)))
    })
}
