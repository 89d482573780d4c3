//! How many objects are left after a page, kept for whoever goes on with it: to count them all is to walk over them all.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// So many pages are remembered; whoever goes on with an older one pays for counting.
const KEPT: usize = 64;

/// What was left after pages of one kind.
#[derive(Debug, Default)]
pub(crate) struct Remaining(Mutex<VecDeque<Left>>);

#[derive(Debug)]
struct Left {
    revision: i64,
    /// What the keys of the list begin with, by its length: it is a part of the key below.
    prefix: usize,
    /// The first key that the page did not have.
    from: String,
    count: usize,
}

impl Remaining {
    /// Keeps how many objects a list has from a key on, at a revision.
    pub(crate) fn keep(&self, revision: i64, prefix: &str, from: String, count: usize) {
        let mut all = self.0.lock();
        if all.len() == KEPT {
            all.pop_front();
        }
        all.push_back(Left {
            revision,
            prefix: prefix.len(),
            from,
            count,
        });
    }

    /// How many objects a list has from a key on, at a revision, if that is remembered.
    pub(crate) fn get(&self, revision: i64, prefix: &str, from: &str) -> Option<usize> {
        let all = self.0.lock();
        let same = |left: &&Left| left.revision == revision && left.prefix == prefix.len() && left.from == from;
        all.iter().rev().find(same).map(|left| left.count)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Remaining};

    #[test]
    fn what_was_left_is_known_of_the_same_list_at_the_same_revision() {
        let left = Remaining::default();
        left.keep(7, "/pods/", "/pods/a/x\0".to_owned(), 40);
        left.keep(7, "/pods/a/", "/pods/a/x\0".to_owned(), 4);
        assert_eq!(left.get(7, "/pods/", "/pods/a/x\0"), Some(40));
        assert_eq!(left.get(7, "/pods/a/", "/pods/a/x\0"), Some(4));
        assert_eq!(left.get(8, "/pods/", "/pods/a/x\0"), None);
        assert_eq!(left.get(7, "/pods/", "/pods/a/y\0"), None);
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let left = Remaining::default();
        for revision in 0..=KEPT as i64 {
            left.keep(revision, "/", "/a".to_owned(), 1);
        }
        assert_eq!((left.get(0, "/", "/a"), left.get(1, "/", "/a")), (None, Some(1)));
    }
}
