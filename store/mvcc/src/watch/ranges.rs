//! Finds the ranges that contain a key, without looking at all of them.
//!
//! Rows sorted by start, read as a balanced tree (the middle of each stretch is its root), each root with the greatest
//! end of its stretch. The ends are worked out again at the first search after a change.

use bytes::Bytes;

use crate::KeyRange;

#[derive(Debug)]
struct Row {
    start: Bytes,
    /// `None` is open.
    end: Option<Bytes>,
    id: usize,
}

#[derive(Debug, Default)]
pub(super) struct Ranges {
    rows: Vec<Row>,
    /// By root: the row with the greatest end of the root's stretch.
    greatest: Vec<u32>,
    stale: bool,
}

impl Ranges {
    pub(super) fn insert(&mut self, range: &KeyRange, id: usize) {
        let row = Row {
            start: range.start().clone(),
            end: range.end(),
            id,
        };
        let at = self.place(&row.start, id);
        self.rows.insert(at, row);
        self.stale = true;
    }

    pub(super) fn remove(&mut self, range: &KeyRange, id: usize) {
        let at = self.place(range.start(), id);
        if self
            .rows
            .get(at)
            .is_some_and(|row| row.id == id && row.start == range.start())
        {
            self.rows.remove(at);
            self.stale = true;
        }
    }

    fn place(&self, start: &Bytes, id: usize) -> usize {
        self.rows.partition_point(|row| (&row.start, row.id) < (start, id))
    }

    /// Calls with the id of every range that contains the key.
    pub(super) fn containing(&mut self, key: &[u8], visit: &mut impl FnMut(usize)) {
        if std::mem::take(&mut self.stale) {
            self.greatest = vec![0; self.rows.len()];
            work_out(&self.rows, &mut self.greatest, 0, self.rows.len());
        }
        self.search(0, self.rows.len(), key, visit);
    }

    fn search(&self, low: usize, high: usize, key: &[u8], visit: &mut impl FnMut(usize)) {
        if low == high {
            return;
        }
        let root = usize::midpoint(low, high);
        if !is_before_end(&self.rows[self.greatest[root] as usize], key) {
            return;
        }
        self.search(low, root, key, visit);
        let row = &self.rows[root];
        if row.start.as_ref() <= key {
            if is_before_end(row, key) {
                visit(row.id);
            }
            self.search(root + 1, high, key, visit);
        }
    }
}

fn is_before_end(row: &Row, key: &[u8]) -> bool {
    row.end.as_ref().is_none_or(|end| key < end.as_ref())
}

fn work_out(rows: &[Row], greatest: &mut [u32], low: usize, high: usize) -> Option<usize> {
    if low == high {
        return None;
    }
    let root = usize::midpoint(low, high);
    let sides = [
        work_out(rows, greatest, low, root),
        work_out(rows, greatest, root + 1, high),
    ];
    let further = |a: usize, b: usize| match (&rows[a].end, &rows[b].end) {
        (None, _) => a,
        (_, None) => b,
        (Some(x), Some(y)) => {
            if x >= y {
                a
            } else {
                b
            }
        }
    };
    let found = sides.into_iter().flatten().fold(root, further);
    greatest[root] = found as u32;
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Bytes> {
        proptest::collection::vec(0_u8..4, 1..3).prop_map(Bytes::from)
    }

    proptest! {
        #[test]
        fn finds_just_those_that_contain_the_key(
            ranges in proptest::collection::vec((key(), key()), 0..40),
            gone in proptest::collection::vec(any::<bool>(), 40),
            keys in proptest::collection::vec(key(), 1..10),
        ) {
            let ranges: Vec<_> = ranges.iter().map(|(start, end)| KeyRange::new(start, end)).collect();
            let mut tree = Ranges::default();
            for (id, range) in ranges.iter().enumerate() {
                tree.insert(range, id);
            }
            tree.containing(&keys[0], &mut |_| {});
            for (id, range) in ranges.iter().enumerate().filter(|(id, _)| gone[*id]) {
                tree.remove(range, id);
            }
            for key in &keys {
                let mut found = Vec::new();
                tree.containing(key, &mut |id| found.push(id));
                let unique: BTreeSet<_> = found.iter().copied().collect();
                prop_assert_eq!(unique.len(), found.len());
                let expected: BTreeSet<_> = (0..ranges.len())
                    .filter(|id| !gone[*id] && ranges[*id].contains(key))
                    .collect();
                prop_assert_eq!(unique, expected);
            }
        }
    }
}
