//! Live keys in memory: a copy-on-write B+tree that also knows how many keys lie below each node.
//!
//! Cloning an [`Index`] is taking a snapshot: nodes are shared until one side changes them. Nodes are kept in
//! allocations of exactly their size, keys of a leaf share their common beginning, so a key costs its distinct bytes
//! plus about 50. Start at [`Index`]; `block` holds keys, `node` the tree's steps, `cursor` walks it.

mod block;
mod builder;
mod cursor;
mod node;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

pub(crate) use builder::Builder;
pub(crate) use cursor::Cursor;
use node::Node;

use crate::{KeyRange, Revision};

/// What is known of a live key without reading its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyMeta {
    /// The revision at which the key came to life.
    pub create: i64,
    /// The revision of its last put.
    pub modified: Revision,
    /// How many puts since it came to life.
    pub version: i64,
    /// The lease that holds it, 0 for none.
    pub lease: i64,
    /// The length of its encoded `KeyValue`.
    pub bytes: u32,
}

impl KeyMeta {
    /// Whether puts can have led to it in a store that has come to `revision`.
    pub(crate) fn is_possible(&self, revision: i64) -> bool {
        self.modified.is_possible()
            && self.modified.main <= revision
            && (1..=self.modified.main).contains(&self.create)
            && self.version >= 1
    }
}

/// [`KeyMeta`] in 40 bytes.
#[derive(Clone, Copy, Debug)]
struct Packed {
    create: i64,
    main: i64,
    version: i64,
    lease: i64,
    sub: u32,
    bytes: u32,
}

impl From<KeyMeta> for Packed {
    fn from(meta: KeyMeta) -> Self {
        let KeyMeta {
            create,
            modified,
            version,
            lease,
            bytes,
        } = meta;
        // A transaction with 2^32 changes does not fit into a log entry.
        Self {
            create,
            main: modified.main,
            version,
            lease,
            sub: modified.sub as u32,
            bytes,
        }
    }
}

impl From<Packed> for KeyMeta {
    fn from(packed: Packed) -> Self {
        let Packed {
            create,
            main,
            version,
            lease,
            sub,
            bytes,
        } = packed;
        Self {
            create,
            modified: Revision::new(main, sub.into()),
            version,
            lease,
            bytes,
        }
    }
}

/// The live keys at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    root: Arc<Node>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            root: Arc::new(Node::empty()),
        }
    }
}

impl Index {
    /// How many keys live.
    pub(crate) fn len(&self) -> u64 {
        self.root.count()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<KeyMeta> {
        self.root.get(key).map(KeyMeta::from)
    }

    /// Inserts or replaces; answers what was there.
    pub(crate) fn insert(&mut self, key: &[u8], meta: KeyMeta) -> Option<KeyMeta> {
        let (replaced, split) = node::insert(&mut self.root, key, meta.into());
        if let Some(split) = split {
            self.root = Arc::new(Node::over(Arc::clone(&self.root), split));
        }
        replaced.map(KeyMeta::from)
    }

    /// Removes; answers what was there.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<KeyMeta> {
        // Looking first spares the copy of a shared path where there is nothing to remove.
        self.get(key)?;
        let removed = node::remove(&mut self.root, key);
        while let Some(child) = self.root.only_child() {
            self.root = child;
        }
        removed.map(KeyMeta::from)
    }

    /// How many keys of the range live.
    pub(crate) fn count(&self, range: &KeyRange) -> u64 {
        if range.is_single() {
            return self.get(range.start()).is_some().into();
        }
        let before = self.root.rank(range.start());
        let until = range.end().map_or_else(|| self.len(), |end| self.root.rank(&end));
        until.saturating_sub(before)
    }

    /// The key at a place in key order.
    pub(crate) fn nth(&self, place: u64) -> Option<(Bytes, KeyMeta)> {
        self.root.nth(place).map(|(key, meta)| (key.into(), meta.into()))
    }

    /// Stands at the first key that is not smaller than `from`.
    pub(crate) fn cursor(&self, from: &[u8]) -> Cursor<'_> {
        Cursor::new(&self.root, from)
    }
}
