//! The position of one change in the history of the store.

/// Length of a revision's bytes.
pub(crate) const BYTES: usize = 16;

/// No store comes further, so that there is a revision behind each.
pub(crate) const LAST: i64 = i64::MAX / 2;
/// No transaction makes more changes than that: the index keeps 32 bits.
const LAST_SUB: i64 = u32::MAX as i64;

/// A change: the transaction that made it, and its place inside that transaction.
///
/// Both parts are never negative in what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// The store's revision after the transaction.
    pub main: i64,
    /// 0, 1, 2 .. in the order of execution.
    pub sub: i64,
}

impl Revision {
    /// A revision of its parts.
    #[must_use]
    pub const fn new(main: i64, sub: i64) -> Self {
        Self { main, sub }
    }

    /// Whether a change can have it.
    pub(crate) const fn is_possible(self) -> bool {
        1 <= self.main && self.main <= LAST && 0 <= self.sub && self.sub <= LAST_SUB
    }

    /// Both parts big-endian: the order of the bytes is the order of the revisions.
    pub(crate) fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.main.to_be_bytes());
        bytes[8..].copy_from_slice(&self.sub.to_be_bytes());
        bytes
    }

    /// The inverse of [`Self::to_bytes`].
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (main, sub) = bytes.split_first_chunk::<8>()?;
        Some(Self::new(
            i64::from_be_bytes(*main),
            i64::from_be_bytes(sub.try_into().ok()?),
        ))
    }

    /// The key under which etcd's `key` bucket holds the change: 17 bytes, 18 for a deletion.
    pub(crate) fn bucket_key(self, tombstone: bool) -> ([u8; 18], usize) {
        let mut bytes = [0; 18];
        bytes[..8].copy_from_slice(&self.main.to_be_bytes());
        bytes[8] = b'_';
        bytes[9..17].copy_from_slice(&self.sub.to_be_bytes());
        bytes[17] = b't';
        (bytes, if tombstone { 18 } else { 17 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_the_order() {
        let revisions = [
            Revision::new(1, 0),
            Revision::new(1, 300),
            Revision::new(2, 0),
            Revision::new(256, 1),
        ];
        assert!(revisions.windows(2).all(|pair| pair[0].to_bytes() < pair[1].to_bytes()));
        assert!(
            revisions
                .iter()
                .all(|r| Revision::from_bytes(&r.to_bytes()) == Some(*r))
        );
        assert_eq!(Revision::from_bytes(&[0; 15]), None);
    }

    #[test]
    fn bucket_keys_are_upstreams() {
        let (bytes, len) = Revision::new(2, 1).bucket_key(false);
        assert_eq!(&bytes[..len], b"\0\0\0\0\0\0\0\x02_\0\0\0\0\0\0\0\x01");
        let (bytes, len) = Revision::new(2, 1).bucket_key(true);
        assert_eq!(&bytes[..len], b"\0\0\0\0\0\0\0\x02_\0\0\0\0\0\0\0\x01t");
    }
}
