//! The way from the root of a document to one of its values, as text and as a hash of that.
//!
//! Keys may be a million bytes long and have a million keys below them: a path is never looked at from its beginning again.

use std::fmt::Write;
use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

/// A way.
#[derive(Clone)]
pub(super) struct Way {
    path: String,
    hasher: DefaultHasher,
    root: DefaultHasher,
}

/// A point on a way to which one goes back.
pub(super) struct Mark {
    length: usize,
    hasher: DefaultHasher,
}

impl Way {
    /// At the root.
    pub(super) fn new() -> Self {
        let root = RandomState::new().build_hasher();
        Self {
            path: String::new(),
            hasher: root.clone(),
            root,
        }
    }

    /// `spec.containers[0].name`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What the path hashes to.
    pub(super) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    /// What another path hashes to.
    pub(super) fn hash_of(&self, path: &str) -> u64 {
        let mut hasher = self.root.clone();
        hasher.write(path.as_bytes());
        hasher.finish()
    }

    /// Where it is now.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            length: self.path.len(),
            hasher: self.hasher.clone(),
        }
    }

    /// On to a key.
    pub(super) fn enter_key(&mut self, key: &str) {
        let from = self.path.len();
        if from > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        self.hasher.write(&self.path.as_bytes()[from..]);
    }

    /// On to an item.
    pub(super) fn enter_item(&mut self, at: usize) {
        let from = self.path.len();
        // Writing to a string does not fail.
        let _ = write!(self.path, "[{at}]");
        self.hasher.write(&self.path.as_bytes()[from..]);
    }

    /// Back.
    pub(super) fn leave_to(&mut self, mark: &Mark) {
        self.path.truncate(mark.length);
        self.hasher = mark.hasher.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::Way;

    #[test]
    fn a_way_hashes_as_its_path() {
        let mut way = Way::new();
        let root = way.mark();
        way.enter_key("spec");
        way.enter_item(12);
        let list = way.mark();
        for key in ["name", "a key that is longer than a word", ""] {
            way.enter_key(key);
            assert_eq!(way.path(), format!("spec[12].{key}"));
            assert_eq!(way.hash(), way.hash_of(way.path()));
            way.leave_to(&list);
        }
        assert_eq!((way.path(), way.hash()), ("spec[12]", way.hash_of("spec[12]")));
        way.leave_to(&root);
        assert_eq!(way.hash(), way.hash_of(""));
        assert_ne!(way.hash(), way.hash_of("spec"));
    }
}
