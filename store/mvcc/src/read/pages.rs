//! A range in pages, for answers that are streamed.

use bytes::Bytes;
use proto::etcd::{RangeRequest, RangeResponse};
use proto::fault::Fault;

use super::range::keys_only;
use super::{Past, Row, Snapshot, header, walk};
use crate::{KeyRange, Reader, Result, View};

/// Keys of the first page, as upstream's.
const FIRST: usize = 10;
/// A past with more changed keys is given up for walking the versions, so that a slow reader holds little memory.
const MOST_CHANGED: usize = 100_000;

/// Reads a range at one revision, a page at a time. Merging all pages gives the answer of the plain range.
///
/// Between pages no view is held, so a slow reader does not keep the collector waiting; it is told `Compacted` instead.
pub struct RangePages {
    reader: Reader,
    range: KeyRange,
    next: Bytes,
    /// The revision that is read.
    revision: i64,
    /// The store's revision when the reading began.
    head: i64,
    past: Option<Past>,
    /// Keys still to be answered.
    left: usize,
    streamed: u64,
    page_keys: usize,
    max_bytes: usize,
    keys_only: bool,
    count_only: bool,
    done: bool,
}

impl RangePages {
    pub(crate) fn new(reader: Reader, request: RangeRequest, max_bytes: usize) -> Result<Self> {
        let view = reader.view();
        let revision = view.snapshot().resolve(request.revision)?;
        let range = KeyRange::new(&request.key, &request.range_end);
        Ok(Self {
            next: range.start().clone(),
            past: Some(Past::new(range.clone(), revision)),
            range,
            revision,
            head: view.revision(),
            left: usize::try_from(request.limit)
                .ok()
                .filter(|limit| *limit > 0)
                .unwrap_or(usize::MAX),
            streamed: 0,
            page_keys: FIRST,
            max_bytes,
            keys_only: request.keys_only,
            count_only: request.count_only,
            done: false,
            reader,
        })
    }

    /// The next page; the last one has the header, `more` and `count`, and is followed by `None`.
    ///
    /// # Errors
    /// `Compacted` where the revision was given up meanwhile; else when the engine fails.
    pub fn next_page(&mut self) -> Result<Option<RangeResponse>> {
        if self.done {
            return Ok(None);
        }
        let view = self.reader.view();
        if self.revision < view.compacted() {
            return Err(Fault::Compacted.into());
        }
        self.turn_back(&view)?;
        let snapshot = view.snapshot();
        let rest = self.range.starting_at(self.next.clone());
        let wanted = if self.count_only {
            0
        } else {
            self.page_keys.min(self.left)
        };
        let mut rows = self.rows(&snapshot, &rest, wanted.saturating_add(1))?;
        let mut more = rows.len() > wanted;
        rows.truncate(wanted);
        more |= self.cut(&snapshot, &mut rows)?;
        let kvs = if self.keys_only {
            keys_only(&rows)
        } else {
            snapshot.kvs(&rows)?
        };

        self.streamed += rows.len() as u64;
        self.left -= rows.len();
        if let Some(last) = rows.last() {
            self.next = successor(&last.key);
        }
        if more && self.left > 0 && !self.count_only {
            return Ok(Some(RangeResponse {
                kvs,
                ..RangeResponse::default()
            }));
        }
        self.done = true;
        let rest = self.range.starting_at(self.next.clone());
        let remaining = if more { self.count(&snapshot, &rest)? } else { 0 };
        Ok(Some(RangeResponse {
            header: header(self.head),
            kvs,
            more: more && !self.count_only,
            count: (self.streamed + remaining) as i64,
        }))
    }

    /// Takes in what has changed since the last page, unless that is too much.
    fn turn_back(&mut self, view: &View) -> Result<()> {
        let snapshot = view.snapshot();
        if self.streamed == 0 && snapshot.is_far(&self.range, self.revision) {
            self.past = None;
        }
        if let Some(past) = &mut self.past {
            past.advance(&snapshot)?;
            if past.len() > MOST_CHANGED {
                self.past = None;
            }
        }
        Ok(())
    }

    fn rows(&self, snapshot: &Snapshot<'_>, range: &KeyRange, limit: usize) -> Result<Vec<Row>> {
        if range.is_single() && range.start() != self.range.start() {
            return Ok(Vec::new());
        }
        match &self.past {
            Some(past) => Ok(past.rows(snapshot, range, limit)),
            None => walk::rows(snapshot, range, self.revision, limit),
        }
    }

    fn count(&self, snapshot: &Snapshot<'_>, range: &KeyRange) -> Result<u64> {
        match &self.past {
            Some(past) => Ok(past.count(snapshot, range)),
            None => walk::count(snapshot, range, self.revision),
        }
    }

    /// Reads what must be read, cuts the page where it grows too large, and sizes the next one. Whether it cut.
    fn cut(&mut self, snapshot: &Snapshot<'_>, rows: &mut Vec<Row>) -> Result<bool> {
        let full = rows.len();
        let sized = rows.iter().position(|row| row.meta.is_none());
        if sized.is_some() {
            snapshot.complete(rows)?;
        }
        let size = |row: &Row| {
            if self.keys_only {
                row.key.len()
            } else {
                row.meta.map_or(0, |m| m.bytes as usize)
            }
        };
        let mut bytes = 0;
        let fitting = rows
            .iter()
            .take_while(|row| {
                bytes += size(row);
                bytes <= self.max_bytes
            })
            .count();
        rows.truncate(fitting.max(1));
        if bytes > self.max_bytes {
            self.page_keys = (self.page_keys / 2).max(1);
        } else if bytes <= self.max_bytes / 2 && full == self.page_keys {
            self.page_keys = self.page_keys.saturating_mul(2);
        }
        Ok(rows.len() < full)
    }
}

/// The smallest key that is greater.
fn successor(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}
