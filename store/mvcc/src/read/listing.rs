//! A range whose values are read while its answer is sent, so that an answer of a hundred megabytes is never in memory.
//!
//! A message begins with its length; the index knows how long each value is, so the length is known before any is read.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proto::etcd::{RangeRequest, RangeResponse};
use proto::fault::Fault;

use super::header;
use super::range::{Sorting, has_filters};
use super::snapshot::missing;
use super::versions::Versions;
use crate::index::Index;
use crate::record::data_value_len;
use crate::store::Shared;
use crate::{Error, KeyRange, Kind, Result, View};

/// The keys of a range as they were, and how far they were read.
///
/// No view is held between pieces, so a slow reader does not keep the collector waiting; it is told `Compacted` instead.
pub struct Listing {
    shared: Arc<Shared>,
    index: Index,
    revision: i64,
    range: KeyRange,
    /// The key that the next piece begins with.
    next: Bytes,
    /// Keys and bytes that are still to be read.
    keys: usize,
    bytes: usize,
    response: RangeResponse,
}

impl View {
    /// The range, if it can be read in pieces and is at least so many bytes long: one of the present, in key order, with
    /// values.
    ///
    /// # Errors
    /// As [`View::range`](Self::range).
    pub fn listing(&self, request: &RangeRequest, least: usize) -> Result<Option<Listing>> {
        let plain = Sorting::of(request)?.is_none() && !has_filters(request);
        let snapshot = self.snapshot();
        let range = KeyRange::new(&request.key, &request.range_end);
        if !plain
            || request.keys_only
            || request.count_only
            || range.is_single()
            || snapshot.resolve(request.revision)? != snapshot.revision
        {
            return Ok(None);
        }
        let limit = usize::try_from(request.limit).ok().filter(|limit| *limit > 0);
        let limit = limit.unwrap_or(usize::MAX);
        let (mut keys, mut bytes, mut more) = (0, 0, false);
        let mut cursor = snapshot.index.cursor(range.start());
        while let Some((key, meta)) = cursor.entry() {
            if range.is_past(key) {
                break;
            }
            more = keys == limit;
            if more {
                break;
            }
            keys += 1;
            bytes += data_value_len(Kind::Put, meta.bytes as usize);
            cursor.advance();
        }
        if bytes < least {
            return Ok(None);
        }
        let response = RangeResponse {
            header: header(snapshot.revision),
            kvs: Vec::new(),
            more,
            count: snapshot.index.count(&range) as i64,
        };
        Ok(Some(Listing {
            shared: Arc::clone(self.shared()),
            index: snapshot.index.clone(),
            revision: snapshot.revision,
            next: range.start().clone(),
            range,
            keys,
            bytes,
            response,
        }))
    }
}

impl Listing {
    /// The answer but for its `kvs`.
    #[must_use]
    pub const fn response(&self) -> &RangeResponse {
        &self.response
    }

    /// Keys that are still to be read.
    #[must_use]
    pub const fn keys(&self) -> usize {
        self.keys
    }

    /// Bytes that are still to be read.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Some more of the field `kvs`, as it stands in the encoded answer: whole entries, about `room` bytes of them.
    /// `None` after the last.
    ///
    /// # Errors
    /// `Compacted` where the revision was given up meanwhile; else when the engine fails.
    pub fn next_piece(&mut self, room: usize) -> Result<Option<Bytes>> {
        if self.keys == 0 {
            return Ok(None);
        }
        // While it is held, nothing that is read here is collected.
        let view = View::new(Arc::clone(&self.shared));
        if self.revision < view.compacted() {
            return Err(Fault::Compacted.into());
        }
        let mut piece = BytesMut::with_capacity(room.min(self.bytes));
        let mut cursor = self.index.cursor(&self.next);
        let mut versions = Versions::new(self.shared.engine(), &self.next, self.range.end().as_deref());
        while self.keys > 0 {
            let Some((key, meta)) = cursor.entry() else {
                return Err(Error::Corrupt("the index is shorter than it was".to_owned()));
            };
            let bytes = data_value_len(Kind::Put, meta.bytes as usize);
            if !piece.is_empty() && piece.len() + bytes > room {
                self.next = Bytes::copy_from_slice(key);
                break;
            }
            match versions.find(key, meta.modified) {
                Some(value) if value.len() == bytes => piece.extend_from_slice(value),
                Some(value) => {
                    let text = format!("a version of {} bytes, not {bytes}", value.len());
                    return Err(Error::Corrupt(text));
                }
                None => {
                    versions.status()?;
                    return Err(missing(meta.modified));
                }
            }
            self.keys -= 1;
            self.bytes -= bytes;
            cursor.advance();
        }
        Ok(Some(piece.freeze()))
    }
}
