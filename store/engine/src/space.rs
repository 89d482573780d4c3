//! Key spaces: the one byte in front of every key.

/// A key space. Keys of different spaces never meet: a scan or a range deletion stays within one space.
///
/// The crate that owns a space defines its constant; the number is part of the format on disk and never changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Space(pub u8);

impl Space {
    /// The key as engines store it: the space's byte, then the key.
    pub fn prefixed(self, key: &[u8]) -> Vec<u8> {
        let mut full = Vec::with_capacity(key.len() + 1);
        full.push(self.0);
        full.extend_from_slice(key);
        full
    }

    /// The first stored key after this space, or `None` for the last space.
    pub fn end(self) -> Option<Vec<u8>> {
        self.0.checked_add(1).map(|next| vec![next])
    }
}
