//! Compares, and the way through a transaction that they decide.

use std::cmp::Ordering;

use proto::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use proto::etcd::request_op::Request;
use proto::etcd::{Compare, TxnRequest};

use super::Path;
use crate::read::{Row, Snapshot};
use crate::{KeyMeta, KeyRange, Result, record};

/// Values read at once for a compare over a range.
const CHUNK: usize = 256;

/// Evaluates the compares of a transaction and of those nested in the branch it takes.
pub(crate) fn path(snapshot: &Snapshot<'_>, request: &TxnRequest) -> Result<Path> {
    let mut succeeded = true;
    for compare in &request.compare {
        if !holds(snapshot, compare)? {
            succeeded = false;
            break;
        }
    }
    let mut path = Path {
        succeeded,
        nested: Vec::new(),
    };
    for op in path.branch(request) {
        if let Some(Request::RequestTxn(txn)) = &op.request {
            let nested = self::path(snapshot, txn)?;
            path.nested.push(nested);
        }
    }
    Ok(path)
}

fn holds(snapshot: &Snapshot<'_>, compare: &Compare) -> Result<bool> {
    let range = KeyRange::new(&compare.key, &compare.range_end);
    let by_value = compare.target == i32::from(CompareTarget::Value);
    let rows = snapshot.rows(&range, usize::MAX);
    if rows.is_empty() {
        // No value can be told from the empty one, so a compare with the value of nothing fails.
        return Ok(!by_value && accepts(compare, number(compare, KeyMeta::default())));
    }
    if !by_value {
        return Ok(rows
            .iter()
            .all(|row| accepts(compare, number(compare, row.meta.unwrap_or_default()))));
    }
    for chunk in rows.chunks(CHUNK) {
        if !values_hold(snapshot, compare, chunk)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn values_hold(snapshot: &Snapshot<'_>, compare: &Compare, rows: &[Row]) -> Result<bool> {
    let expected = match &compare.target_union {
        Some(TargetUnion::Value(value)) => value.as_ref(),
        _ => b"",
    };
    for kv in snapshot.values(rows)? {
        if !accepts(compare, record::read_kv(&kv)?.value.as_ref().cmp(expected)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Compares the number that is meant; one that was not sent, or was sent for another target, is 0.
fn number(compare: &Compare, meta: KeyMeta) -> Ordering {
    let sent = &compare.target_union;
    let (found, expected) = match CompareTarget::try_from(compare.target) {
        Ok(CompareTarget::Version) => (
            meta.version,
            if let Some(TargetUnion::Version(number)) = sent {
                *number
            } else {
                0
            },
        ),
        Ok(CompareTarget::Create) => (
            meta.create,
            if let Some(TargetUnion::CreateRevision(number)) = sent {
                *number
            } else {
                0
            },
        ),
        Ok(CompareTarget::Mod) => (
            meta.modified.main,
            if let Some(TargetUnion::ModRevision(number)) = sent {
                *number
            } else {
                0
            },
        ),
        Ok(CompareTarget::Lease) => (
            meta.lease,
            if let Some(TargetUnion::Lease(number)) = sent {
                *number
            } else {
                0
            },
        ),
        // A target that nobody knows compares as equal.
        Ok(CompareTarget::Value) | Err(_) => (0, 0),
    };
    found.cmp(&expected)
}

fn accepts(compare: &Compare, found: Ordering) -> bool {
    match CompareResult::try_from(compare.result) {
        Ok(CompareResult::Equal) => found.is_eq(),
        Ok(CompareResult::Greater) => found.is_gt(),
        Ok(CompareResult::Less) => found.is_lt(),
        Ok(CompareResult::NotEqual) => found.is_ne(),
        Err(_) => true,
    }
}
