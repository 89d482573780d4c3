//! Walking over a range of keys.

use crate::Result;

/// A position in a scan. It sees the store as it was when the scan was asked for, whatever is written meanwhile.
///
/// A new cursor stands on the first entry in its order. After the last entry, or after a failure, it is not valid and
/// [`Cursor::status`] tells the two apart.
pub trait Cursor: Send {
    /// Moves to the first entry at or after `key` in the cursor's order (descending: the last entry at or before it),
    /// but never outside the bounds of the scan.
    fn seek(&mut self, key: &[u8]);

    /// Whether it stands on an entry.
    fn valid(&self) -> bool;

    /// The entry's key, without the space's byte; empty when not valid.
    fn key(&self) -> &[u8];

    /// The entry's value; empty when not valid.
    fn value(&self) -> &[u8];

    /// Moves on to the next entry in the cursor's order; does nothing when not valid.
    fn advance(&mut self);

    /// Whether the walk so far met a failure.
    ///
    /// # Errors
    /// What stopped it.
    fn status(&self) -> Result<()>;
}
