//! The range request: fetch, filter, sort, cut, in upstream's order.

use std::cmp::Ordering;

use bytes::Bytes;
use prost::Message;
use proto::Encoded;
use proto::etcd::range_request::{SortOrder, SortTarget};
use proto::etcd::{RangeRequest, RangeResponse};
use proto::fault::Fault;
use proto::mvcc::KeyValue;

use super::{Past, Row, Snapshot, header, walk};
use crate::{KeyMeta, KeyRange, Result, record};

/// A past that lies fewer revisions back than this is never walked.
const NEAR: u64 = 256;
/// Turning back this many changes costs about as much as one seek of the walk.
const CHANGES_PER_SEEK: u64 = 16;

/// How the answer is sorted, where key order does not do.
#[derive(Clone, Copy)]
pub(crate) struct Sorting {
    target: SortTarget,
    descending: bool,
    /// Whether all keys must be found before the first can be answered. A target without an order sorts upwards, but
    /// upstream has cut to the limit by then.
    needs_all: bool,
}

impl Sorting {
    /// What the request asks for; `None` is ascending key order, which is how keys are found.
    pub(crate) fn of(request: &RangeRequest) -> Result<Option<Self>, Fault> {
        let order = SortOrder::try_from(request.sort_order).map_err(|_| Fault::InvalidSortOption)?;
        let target = SortTarget::try_from(request.sort_target).map_err(|_| Fault::InvalidSortOption)?;
        Ok(match (target, order) {
            (SortTarget::Key, SortOrder::None | SortOrder::Ascend) => None,
            (_, order) => Some(Self {
                target,
                descending: order == SortOrder::Descend,
                needs_all: order != SortOrder::None,
            }),
        })
    }
}

/// Whether the request filters by revisions.
pub(crate) const fn has_filters(request: &RangeRequest) -> bool {
    request.min_mod_revision != 0
        || request.max_mod_revision != 0
        || request.min_create_revision != 0
        || request.max_create_revision != 0
}

fn passes(request: &RangeRequest, meta: KeyMeta) -> bool {
    let within = |number: i64, min: i64, max: i64| (min == 0 || number >= min) && (max == 0 || number <= max);
    within(meta.modified.main, request.min_mod_revision, request.max_mod_revision)
        && within(meta.create, request.min_create_revision, request.max_create_revision)
}

impl Snapshot<'_> {
    /// Answers the request as of this state.
    pub(crate) fn range(&self, request: &RangeRequest) -> Result<RangeResponse> {
        let sorting = Sorting::of(request)?;
        let revision = self.resolve(request.revision)?;
        let range = KeyRange::new(&request.key, &request.range_end);
        let filtered = has_filters(request);
        let all = filtered || sorting.is_some_and(|sorting| sorting.needs_all);
        let limit = usize::try_from(request.limit).unwrap_or(0);
        let fetch = match (request.count_only, limit, all) {
            (true, ..) => 0,
            (false, 0, _) | (false, _, true) => usize::MAX,
            (false, limit, false) => limit.saturating_add(1),
        };
        let (mut rows, count) = self.rows_at(&range, revision, fetch)?;

        if filtered || sorting.is_some() || request.keys_only {
            self.complete(&mut rows)?;
        }
        if filtered {
            rows.retain(|row| row.meta.is_some_and(|meta| passes(request, meta)));
        }
        if let Some(sorting) = sorting {
            self.sort(&mut rows, sorting)?;
        }
        let more = limit > 0 && rows.len() > limit;
        if more {
            rows.truncate(limit);
        }
        let kvs = if request.keys_only {
            keys_only(&rows)
        } else {
            self.kvs(&rows)?
        };
        Ok(RangeResponse {
            header: header(self.revision),
            kvs,
            more,
            count: count as i64,
        })
    }

    /// The keys of a range at a revision, at most `limit`, and how many there are.
    fn rows_at(&self, range: &KeyRange, revision: i64, limit: usize) -> Result<(Vec<Row>, u64)> {
        if revision == self.revision {
            return Ok((
                if limit == 0 {
                    Vec::new()
                } else {
                    self.rows(range, limit)
                },
                self.index.count(range),
            ));
        }
        if self.is_far(range, revision) {
            let rows = if limit == 0 {
                Vec::new()
            } else {
                walk::rows(self, range, revision, limit)?
            };
            let count = if limit == usize::MAX {
                rows.len() as u64
            } else {
                walk::count(self, range, revision)?
            };
            return Ok((rows, count));
        }
        let mut past = Past::new(range.clone(), revision);
        past.advance(self)?;
        Ok((past.rows(self, range, limit), past.count(self, range)))
    }

    /// Whether walking the versions is cheaper than turning back what happened since.
    pub(super) fn is_far(&self, range: &KeyRange, revision: i64) -> bool {
        // The walk sees only what the engine has.
        if revision > self.stored {
            return false;
        }
        let near = NEAR.max(self.index.count(range).saturating_mul(CHANGES_PER_SEEK));
        range.is_single() || self.revision.abs_diff(revision) > near
    }

    /// Reads the values of rows whose numbers are not known without.
    pub(super) fn complete(&self, rows: &mut [Row]) -> Result<()> {
        let unknown: Vec<Row> = rows.iter().filter(|row| row.meta.is_none()).cloned().collect();
        let mut values = self.values(&unknown)?.into_iter();
        for row in rows.iter_mut().filter(|row| row.meta.is_none()) {
            row.kv = values.next();
            row.meta = row
                .kv
                .as_ref()
                .map(|kv| record::read_meta(kv, row.revision))
                .transpose()?;
        }
        Ok(())
    }

    fn sort(&self, rows: &mut Vec<Row>, sorting: Sorting) -> Result<()> {
        let by = |key: fn(KeyMeta) -> i64| move |a: &Row, b: &Row| a.meta.map_or(0, key).cmp(&b.meta.map_or(0, key));
        match sorting.target {
            SortTarget::Key => order(rows, sorting, |a, b| a.key.cmp(&b.key)),
            SortTarget::Version => order(rows, sorting, by(|meta| meta.version)),
            SortTarget::Create => order(rows, sorting, by(|meta| meta.create)),
            SortTarget::Mod => order(rows, sorting, by(|meta| meta.modified.main)),
            SortTarget::Value => {
                let mut valued = Vec::with_capacity(rows.len());
                let values = self.values(rows)?;
                for (mut row, kv) in std::mem::take(rows).into_iter().zip(values) {
                    let value = record::read_kv(&kv)?.value;
                    row.kv = Some(kv);
                    valued.push((value, row));
                }
                order(&mut valued, sorting, |a, b| a.0.cmp(&b.0));
                *rows = valued.into_iter().map(|(_, row)| row).collect();
            }
        }
        Ok(())
    }

    /// Rows as they are answered, values included.
    pub(super) fn kvs(&self, rows: &[Row]) -> Result<Vec<Encoded<KeyValue>>> {
        Ok(self.values(rows)?.into_iter().map(Encoded::from_bytes).collect())
    }
}

fn order<T>(rows: &mut [T], sorting: Sorting, compare: impl Fn(&T, &T) -> Ordering) {
    rows.sort_by(|a, b| {
        if sorting.descending {
            compare(b, a)
        } else {
            compare(a, b)
        }
    });
}

/// Rows without their values, made from what the index knows.
pub(super) fn keys_only(rows: &[Row]) -> Vec<Encoded<KeyValue>> {
    let kv = |row: &Row| {
        let meta = row.meta.unwrap_or_default();
        let kv = KeyValue {
            key: row.key.clone(),
            create_revision: meta.create,
            mod_revision: row.revision.main,
            version: meta.version,
            value: Bytes::new(),
            lease: meta.lease,
        };
        Encoded::from_bytes(kv.encode_to_vec().into())
    };
    rows.iter().map(kv).collect()
}
