//! The memory engine's cursor: a copy of the map's root and the entry it stands on.

use std::ops::Bound;

use bytes::Bytes;

use super::Map;
use crate::{Cursor, Order, Result, Space};

pub(super) struct MapCursor {
    map: Map,
    space: Space,
    from: Vec<u8>,
    /// First key behind the scan; `None` in the last space.
    to: Option<Vec<u8>>,
    order: Order,
    entry: Option<(Bytes, Bytes)>,
}

impl MapCursor {
    pub(super) fn new(map: Map, space: Space, from: &[u8], to: Option<&[u8]>, order: Order) -> Self {
        let from = space.prefixed(from);
        let to = to.map_or_else(|| space.end(), |to| Some(space.prefixed(to)));
        let mut cursor = Self {
            map,
            space,
            from,
            to,
            order,
            entry: None,
        };
        cursor.entry = cursor.first(cursor.lower(), cursor.upper());
        cursor
    }

    fn lower(&self) -> Bound<&[u8]> {
        Bound::Included(&self.from)
    }

    fn upper(&self) -> Bound<&[u8]> {
        self.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded)
    }

    /// The first entry in the cursor's order between two bounds.
    fn first(&self, lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Option<(Bytes, Bytes)> {
        let (Bound::Included(low) | Bound::Excluded(low)) = lower else {
            return None;
        };
        if let Bound::Included(high) | Bound::Excluded(high) = upper {
            // An empty range; the map's own range would panic on a reversed one.
            let inclusive = matches!((lower, upper), (Bound::Included(_), Bound::Included(_)));
            if low > high || (low == high && !inclusive) {
                return None;
            }
        }
        let mut range = self.map.range::<_, [u8]>((lower, upper));
        let found = match self.order {
            Order::Ascending => range.next(),
            Order::Descending => range.next_back(),
        };
        found.map(|(key, value)| (key.clone(), value.clone()))
    }
}

impl Cursor for MapCursor {
    fn seek(&mut self, key: &[u8]) {
        let key = self.space.prefixed(key);
        let behind = |to: &Vec<u8>| key >= *to;
        self.entry = match self.order {
            Order::Ascending => {
                let lower = Bound::Included(key.as_slice().max(&self.from));
                self.first(lower, self.upper())
            }
            Order::Descending if self.to.as_ref().is_some_and(behind) => self.first(self.lower(), self.upper()),
            Order::Descending => self.first(self.lower(), Bound::Included(&key)),
        };
    }

    fn valid(&self) -> bool {
        self.entry.is_some()
    }

    fn key(&self) -> &[u8] {
        self.entry
            .as_ref()
            .and_then(|(key, _)| key.get(1..))
            .unwrap_or_default()
    }

    fn value(&self) -> &[u8] {
        self.entry.as_ref().map(|(_, value)| value.as_ref()).unwrap_or_default()
    }

    fn advance(&mut self) {
        let Some((key, _)) = self.entry.take() else { return };
        self.entry = match self.order {
            Order::Ascending => self.first(Bound::Excluded(&key), self.upper()),
            Order::Descending => self.first(self.lower(), Bound::Excluded(&key)),
        };
    }

    fn status(&self) -> Result<()> {
        Ok(())
    }
}
