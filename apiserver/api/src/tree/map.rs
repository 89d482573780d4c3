//! An object's entries, sorted by key.

use super::{Text, Tree};

/// So many entries are few.
const FEW: usize = 16;

/// An object. Keys are unique and in order of their bytes, which is the order in which they are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    entries: Vec<(Text, Tree)>,
}

impl Map {
    /// Nothing.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Entries that are sorted and unique already.
    pub(super) fn sorted(entries: Vec<(Text, Tree)>) -> Self {
        debug_assert!(entries.is_sorted_by(|(a, _), (b, _)| a < b));
        Self { entries }
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|(name, _)| name.as_str().cmp(key))
    }

    /// Where the entry of a key is. Few are looked through: names mostly differ in their lengths already, which is faster than
    /// to order them.
    fn position(&self, key: &str) -> Option<usize> {
        if self.entries.len() > FEW {
            return self.find(key).ok();
        }
        self.entries.iter().position(|(name, _)| name.as_str() == key)
    }

    /// How many entries.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there is such an entry, be it `null`.
    pub fn contains(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        let at = self.position(key)?;
        Some(&self.entries[at].1)
    }

    /// The value under a key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Tree> {
        let at = self.position(key)?;
        Some(&mut self.entries[at].1)
    }

    /// The value under a key, `null` if it was not there.
    pub fn entry(&mut self, key: &str) -> &mut Tree {
        let at = self.find(key).unwrap_or_else(|at| {
            self.entries.insert(at, (key.into(), Tree::Null));
            at
        });
        &mut self.entries[at].1
    }

    /// Writes a value; returns what it replaced.
    pub fn insert(&mut self, key: &str, value: Tree) -> Option<Tree> {
        match self.find(key) {
            Ok(at) => Some(std::mem::replace(&mut self.entries[at].1, value)),
            Err(at) => {
                self.entries.insert(at, (key.into(), value));
                None
            }
        }
    }

    /// Takes an entry away.
    pub fn remove(&mut self, key: &str) -> Option<Tree> {
        let at = self.position(key)?;
        Some(self.entries.remove(at).1)
    }

    /// Takes entries in that are sorted by key. What stands in both becomes what this makes of it.
    pub fn absorb(&mut self, others: impl IntoIterator<Item = (Text, Tree)>, mut both: impl FnMut(&mut Tree, Tree)) {
        let own = std::mem::take(&mut self.entries);
        let mut others = others.into_iter().peekable();
        let mut all = Vec::with_capacity(own.len() + others.size_hint().0);
        for (key, mut value) in own {
            while let Some(other) = others.next_if(|(other, _)| *other < key) {
                all.push(other);
            }
            while let Some((_, other)) = others.next_if(|(other, _)| *other == key) {
                both(&mut value, other);
            }
            all.push((key, value));
        }
        all.extend(others);
        *self = Self::sorted(all);
    }

    /// Keeps the entries of which this says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Tree) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
    }

    /// The entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tree)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The entries in order, their values to change.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Tree)> {
        self.entries.iter_mut().map(|(key, value)| (key.as_str(), value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.iter().map(|(key, _)| key)
    }
}

impl IntoIterator for Map {
    type Item = (Text, Tree);
    type IntoIter = std::vec::IntoIter<(Text, Tree)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// Of entries with the same key the last is kept.
impl<K: Into<Text>, V: Into<Tree>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut entries: Vec<(Text, Tree)> = entries
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        if !entries.is_sorted_by(|(a, _), (b, _)| a < b) {
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    earlier.1 = std::mem::take(&mut later.1);
                }
                same
            });
        }
        Self { entries }
    }
}
