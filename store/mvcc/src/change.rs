//! What a command changed, for everyone who must hear of it.

use std::sync::Arc;

use bytes::Bytes;
use proto::Encoded;
use proto::mvcc::Event;

use crate::Revision;

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was created or written again.
    Put,
    /// It was deleted.
    Delete,
}

/// One key changed.
#[derive(Clone, Debug)]
pub struct Change {
    /// The key.
    pub key: Bytes,
    /// What happened to it.
    pub kind: Kind,
    /// Where in the history it happened.
    pub modified: Revision,
    /// The encoded `KeyValue` of the event: all of it for a put, key and `mod_revision` for a deletion.
    pub kv: Bytes,
    /// The event without `prev_kv`.
    pub event: Encoded<Event>,
    /// The version before, where the key was alive.
    pub previous: Option<Revision>,
    /// The lease that now holds the key, 0 for none.
    pub lease: i64,
    /// The lease that held it before, 0 for none.
    pub previous_lease: i64,
}

/// All changes of one transaction.
#[derive(Clone, Debug)]
pub struct RevisionBatch {
    /// The store's revision after them.
    pub revision: i64,
    /// In the order of execution; never empty.
    pub changes: Vec<Change>,
}

/// What a write command answers, and what it changed.
#[derive(Clone, Debug)]
pub struct Outcome<T> {
    /// The answer; of its header only the revision is filled.
    pub response: T,
    /// `None` where nothing changed and so the revision stayed.
    pub changes: Option<Arc<RevisionBatch>>,
}
