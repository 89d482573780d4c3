//! Versions of many keys in key order, by one walk over the engine instead of a search for each.

use store_engine::{Cursor, Engine, Order};

use crate::{Result, Revision, keys};

/// Steps over other versions before a seek is cheaper.
const STEPS: usize = 8;

/// Finds versions whose keys come in ascending order.
pub(crate) struct Versions<'a> {
    cursor: Box<dyn Cursor + 'a>,
    wanted: Vec<u8>,
}

impl<'a> Versions<'a> {
    /// Stands before the versions of `first`; none after those of `last` are looked at.
    pub(crate) fn new(engine: &'a dyn Engine, first: &[u8], last: Option<&[u8]>) -> Self {
        let end = last.map(keys::data_end);
        Self {
            cursor: engine.scan(keys::DATA, &keys::data_start(first), end.as_deref(), Order::Ascending),
            wanted: Vec::new(),
        }
    }

    /// The data value of a version, if it is there. Keys must not come in descending order.
    pub(crate) fn find(&mut self, key: &[u8], revision: Revision) -> Option<&[u8]> {
        self.wanted.clear();
        keys::write_data_key(&mut self.wanted, key, revision);
        for _ in 0..STEPS {
            if !self.cursor.valid() || self.cursor.key() >= self.wanted.as_slice() {
                break;
            }
            self.cursor.advance();
        }
        if self.cursor.valid() && self.cursor.key() < self.wanted.as_slice() {
            self.cursor.seek(&self.wanted);
        }
        (self.cursor.valid() && self.cursor.key() == self.wanted).then(|| self.cursor.value())
    }

    /// Whether all that was not found is really not there.
    ///
    /// # Errors
    /// Where the engine failed.
    pub(crate) fn status(&self) -> Result<()> {
        Ok(self.cursor.status()?)
    }
}
