//! A cursor over one space, which keeps the database it reads open.

use std::sync::Arc;

use rocksdb::{DBRawIterator, ReadOptions};
use store_engine::{Cursor, Order, Result, Space};

use crate::error::map;
use crate::handle::Handle;

pub(crate) struct RocksCursor {
    // Before the handle: fields drop in order, and the iterator must go before its database.
    iterator: Option<DBRawIterator<'static>>,
    _handle: Arc<Handle>,
    space: Space,
    order: Order,
}

impl RocksCursor {
    pub(crate) fn new(handle: Arc<Handle>, space: Space, from: &[u8], to: Option<&[u8]>, order: Order) -> Self {
        let iterator = to.is_none_or(|to| from < to).then(|| {
            let mut options = ReadOptions::default();
            options.set_iterate_lower_bound(space.prefixed(from));
            if let Some(end) = to.map_or_else(|| space.end(), |to| Some(space.prefixed(to))) {
                options.set_iterate_upper_bound(end);
            }
            // A long scan would push out what single reads come back for, and filling the cache costs more than the reads.
            options.fill_cache(false);
            let iterator = handle.db.raw_iterator_opt(options);
            #[expect(unsafe_code, reason = "the iterator borrows from the handle beside it")]
            // SAFETY: only the lifetime changes. The database is inside an `Arc` which this cursor holds and so neither
            // moves nor closes before the cursor is dropped, and the iterator is the first field to drop.
            unsafe {
                std::mem::transmute::<DBRawIterator<'_>, DBRawIterator<'static>>(iterator)
            }
        });
        let mut cursor = Self {
            iterator,
            _handle: handle,
            space,
            order,
        };
        if let Some(iterator) = &mut cursor.iterator {
            match order {
                Order::Ascending => iterator.seek_to_first(),
                Order::Descending => iterator.seek_to_last(),
            }
        }
        cursor
    }
}

impl Cursor for RocksCursor {
    fn seek(&mut self, key: &[u8]) {
        let Some(iterator) = &mut self.iterator else { return };
        let key = self.space.prefixed(key);
        match self.order {
            Order::Ascending => iterator.seek(key),
            Order::Descending => iterator.seek_for_prev(key),
        }
    }

    fn valid(&self) -> bool {
        self.iterator.as_ref().is_some_and(DBRawIterator::valid)
    }

    fn key(&self) -> &[u8] {
        self.iterator
            .as_ref()
            .and_then(DBRawIterator::key)
            .and_then(|key| key.get(1..))
            .unwrap_or_default()
    }

    fn value(&self) -> &[u8] {
        self.iterator
            .as_ref()
            .and_then(DBRawIterator::value)
            .unwrap_or_default()
    }

    fn advance(&mut self) {
        let Some(iterator) = self.iterator.as_mut().filter(|iterator| iterator.valid()) else {
            return;
        };
        match self.order {
            Order::Ascending => iterator.next(),
            Order::Descending => iterator.prev(),
        }
    }

    fn status(&self) -> Result<()> {
        let Some(iterator) = &self.iterator else { return Ok(()) };
        iterator.status().map_err(|error| map("scan", error))
    }
}
