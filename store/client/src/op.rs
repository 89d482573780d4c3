//! Requests, put together step by step: the same values serve as calls and as parts of a transaction.

use bytes::Bytes;
use proto::etcd::compare::{CompareTarget, TargetUnion};
use proto::etcd::range_request::{SortOrder, SortTarget};
use proto::etcd::request_op::Request;
use proto::etcd::{self, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest};

/// The keys that a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub(crate) key: Bytes,
    pub(crate) range_end: Bytes,
}

impl Span {
    /// One key.
    pub fn key(key: impl Into<Bytes>) -> Self {
        Self {
            key: key.into(),
            range_end: Bytes::new(),
        }
    }

    /// From one key up to another, which is not part of it.
    pub fn range(from: impl Into<Bytes>, to: impl Into<Bytes>) -> Self {
        Self {
            key: from.into(),
            range_end: to.into(),
        }
    }

    /// This key and all that sort after it.
    pub fn from(key: impl Into<Bytes>) -> Self {
        let key: Bytes = key.into();
        Self {
            key: if key.is_empty() { NUL } else { key },
            range_end: NUL,
        }
    }

    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self::from(NUL)
    }

    /// All keys that begin with this. Nothing means every key.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix: Bytes = prefix.into();
        if prefix.is_empty() {
            return Self::all();
        }
        let range_end = prefix_end(&prefix);
        Self { key: prefix, range_end }
    }
}

impl<K: Into<Bytes>> From<K> for Span {
    fn from(key: K) -> Self {
        Self::key(key)
    }
}

const NUL: Bytes = Bytes::from_static(b"\0");

/// The first key after all that begin with `prefix`; "\0" (no end) if there is none.
fn prefix_end(prefix: &[u8]) -> Bytes {
    match prefix.iter().rposition(|&byte| byte < 0xff) {
        Some(at) => {
            let mut end = prefix[..=at].to_vec();
            end[at] += 1;
            end.into()
        }
        None => NUL,
    }
}

/// Reads keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Get(pub(crate) RangeRequest);

impl Get {
    /// What is under these keys.
    pub fn new(span: impl Into<Span>) -> Self {
        let Span { key, range_end } = span.into();
        Self(RangeRequest {
            key,
            range_end,
            ..RangeRequest::default()
        })
    }

    /// All keys that begin with this.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        Self::new(Span::prefix(prefix))
    }

    /// At most so many; 0 means all.
    #[must_use]
    pub const fn limit(mut self, limit: i64) -> Self {
        self.0.limit = limit;
        self
    }

    /// As they were at this revision; 0 means now.
    #[must_use]
    pub const fn revision(mut self, revision: i64) -> Self {
        self.0.revision = revision;
        self
    }

    /// Without values.
    #[must_use]
    pub const fn keys_only(mut self) -> Self {
        self.0.keys_only = true;
        self
    }

    /// Only how many there are.
    #[must_use]
    pub const fn count_only(mut self) -> Self {
        self.0.count_only = true;
        self
    }

    /// From what the asked member knows, which may be old: faster, and without a leader.
    #[must_use]
    pub const fn serializable(mut self) -> Self {
        self.0.serializable = true;
        self
    }

    /// In this order.
    #[must_use]
    pub const fn sort(mut self, target: SortTarget, order: SortOrder) -> Self {
        self.0.sort_target = target as i32;
        self.0.sort_order = order as i32;
        self
    }

    /// Only keys changed at or after this revision.
    #[must_use]
    pub const fn min_mod_revision(mut self, revision: i64) -> Self {
        self.0.min_mod_revision = revision;
        self
    }

    /// Only keys created at or before this revision.
    #[must_use]
    pub const fn max_create_revision(mut self, revision: i64) -> Self {
        self.0.max_create_revision = revision;
        self
    }

    /// The oldest of the keys: who came first.
    #[must_use]
    pub const fn first_created(self) -> Self {
        self.sort(SortTarget::Create, SortOrder::Ascend).limit(1)
    }

    /// The youngest of the keys.
    #[must_use]
    pub const fn last_created(self) -> Self {
        self.sort(SortTarget::Create, SortOrder::Descend).limit(1)
    }

    /// Any other field of the request.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut RangeRequest)) -> Self {
        change(&mut self.0);
        self
    }
}

impl<S: Into<Span>> From<S> for Get {
    fn from(span: S) -> Self {
        Self::new(span)
    }
}

/// Writes one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Put(pub(crate) PutRequest);

impl Put {
    /// This value under this key.
    pub fn new(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self(PutRequest {
            key: key.into(),
            value: value.into(),
            ..PutRequest::default()
        })
    }

    /// The key dies with this lease.
    #[must_use]
    pub const fn lease(mut self, lease: i64) -> Self {
        self.0.lease = lease;
        self
    }

    /// Answer with what was there before.
    #[must_use]
    pub const fn prev_kv(mut self) -> Self {
        self.0.prev_kv = true;
        self
    }

    /// Keep the value and change the lease only. The key must exist and no value may be given.
    #[must_use]
    pub const fn ignore_value(mut self) -> Self {
        self.0.ignore_value = true;
        self
    }

    /// Keep the lease and change the value only. The key must exist and no lease may be given.
    #[must_use]
    pub const fn ignore_lease(mut self) -> Self {
        self.0.ignore_lease = true;
        self
    }
}

/// Deletes keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete(pub(crate) DeleteRangeRequest);

impl Delete {
    /// These keys.
    pub fn new(span: impl Into<Span>) -> Self {
        let Span { key, range_end } = span.into();
        Self(DeleteRangeRequest {
            key,
            range_end,
            prev_kv: false,
        })
    }

    /// All keys that begin with this.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        Self::new(Span::prefix(prefix))
    }

    /// Answer with what was deleted.
    #[must_use]
    pub const fn prev_kv(mut self) -> Self {
        self.0.prev_kv = true;
        self
    }
}

impl<S: Into<Span>> From<S> for Delete {
    fn from(span: S) -> Self {
        Self::new(span)
    }
}

/// How the left side must be to the right side.
pub use proto::etcd::compare::CompareResult as Is;

/// A condition of a transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Compare(etcd::Compare);

impl Compare {
    fn new(span: impl Into<Span>, target: CompareTarget, is: Is, union: TargetUnion) -> Self {
        let Span { key, range_end } = span.into();
        let (target, result) = (target as i32, is as i32);
        Self(etcd::Compare {
            result,
            target,
            key,
            range_end,
            target_union: Some(union),
        })
    }

    /// The revision of the last change; 0 if the key does not exist.
    pub fn mod_revision(span: impl Into<Span>, is: Is, revision: i64) -> Self {
        Self::new(span, CompareTarget::Mod, is, TargetUnion::ModRevision(revision))
    }

    /// The revision at which the key came to be; 0 if it does not exist.
    pub fn create_revision(span: impl Into<Span>, is: Is, revision: i64) -> Self {
        Self::new(span, CompareTarget::Create, is, TargetUnion::CreateRevision(revision))
    }

    /// How often the key was written since it came to be; 0 if it does not exist.
    pub fn version(span: impl Into<Span>, is: Is, version: i64) -> Self {
        Self::new(span, CompareTarget::Version, is, TargetUnion::Version(version))
    }

    /// The value. Never true for a key that does not exist.
    pub fn value(span: impl Into<Span>, is: Is, value: impl Into<Bytes>) -> Self {
        Self::new(span, CompareTarget::Value, is, TargetUnion::Value(value.into()))
    }

    /// The lease; 0 if there is none.
    pub fn lease(span: impl Into<Span>, is: Is, lease: i64) -> Self {
        Self::new(span, CompareTarget::Lease, is, TargetUnion::Lease(lease))
    }

    /// The key exists.
    pub fn exists(key: impl Into<Bytes>) -> Self {
        Self::create_revision(Span::key(key), Is::Greater, 0)
    }

    /// The key does not exist.
    pub fn missing(key: impl Into<Bytes>) -> Self {
        Self::create_revision(Span::key(key), Is::Equal, 0)
    }
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Op(RequestOp);

impl From<Get> for Op {
    fn from(get: Get) -> Self {
        Self(RequestOp {
            request: Some(Request::RequestRange(get.0)),
        })
    }
}

impl From<Put> for Op {
    fn from(put: Put) -> Self {
        Self(RequestOp {
            request: Some(Request::RequestPut(put.0)),
        })
    }
}

impl From<Delete> for Op {
    fn from(delete: Delete) -> Self {
        Self(RequestOp {
            request: Some(Request::RequestDeleteRange(delete.0)),
        })
    }
}

impl From<Txn> for Op {
    fn from(txn: Txn) -> Self {
        Self(RequestOp {
            request: Some(Request::RequestTxn(txn.0)),
        })
    }
}

/// All or nothing: if every condition holds, one list of steps, else the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Txn(pub(crate) TxnRequest);

impl Txn {
    /// No conditions and no steps yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more condition.
    #[must_use]
    pub fn when(mut self, compare: Compare) -> Self {
        self.0.compare.push(compare.0);
        self
    }

    /// One more step if all conditions hold.
    #[must_use]
    pub fn then(mut self, op: impl Into<Op>) -> Self {
        self.0.success.push(op.into().0);
        self
    }

    /// One more step if a condition does not hold.
    #[must_use]
    pub fn or_else(mut self, op: impl Into<Op>) -> Self {
        self.0.failure.push(op.into().0);
        self
    }

    /// Whether nothing in it writes.
    pub(crate) fn is_read_only(&self) -> bool {
        self.0
            .success
            .iter()
            .chain(&self.0.failure)
            .all(|op| matches!(op.request, Some(Request::RequestRange(_))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_one() {
        let end = |prefix: &'static [u8]| Span::prefix(prefix).range_end;
        assert_eq!(end(b"a"), "b");
        assert_eq!(end(b"a/"), "a0");
        assert_eq!(end(b"a\xff\xff"), "b");
        assert_eq!(end(b"\xff"), NUL);
        assert_eq!(
            Span::prefix(""),
            Span {
                key: NUL,
                range_end: NUL
            }
        );
    }

    #[test]
    fn only_ranges_make_a_transaction_read_only() {
        assert!(Txn::new().then(Get::new("a")).or_else(Get::prefix("b")).is_read_only());
        assert!(!Txn::new().then(Get::new("a")).or_else(Put::new("b", "")).is_read_only());
        assert!(
            !Txn::new().then(Txn::new()).is_read_only(),
            "a nested one is not looked into, as upstream"
        );
    }
}
