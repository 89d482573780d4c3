//! What a call is answered, as a history records it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call::{Step, is_zero};

/// What a call was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// To [`Call::Get`].
    Get {
        /// The keys, in their order.
        kvs: Vec<KeyValue>,
        /// How many there are, the limit left aside.
        count: i64,
    },
    /// To [`Call::Put`].
    Put {
        /// What was there before, if it was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prev: Option<KeyValue>,
    },
    /// To [`Call::Delete`].
    Delete {
        /// How many keys were deleted.
        deleted: i64,
        /// What was there before, if it was asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        prev: Vec<KeyValue>,
    },
    /// To [`Call::Txn`].
    Txn {
        /// Whether all conditions held.
        succeeded: bool,
        /// One for each request of the list that ran.
        replies: Vec<Reply>,
    },
    /// To [`Call::Cas`].
    Cas {
        /// Whether it wrote.
        succeeded: bool,
    },
    /// To [`Call::Compact`].
    Compact {},
    /// To [`Call::Watch`]: the client closed the stream.
    Watch {
        /// The client had waited, as long as the run allows, for everything up to this revision; 0: it had not.
        through: i64,
    },
    /// To [`Call::Grant`].
    Grant {
        /// Seconds granted.
        ttl: i64,
    },
    /// To [`Call::KeepAlive`].
    KeepAlive {
        /// Seconds it lives from now on; 0: it is gone.
        ttl: i64,
    },
    /// To [`Call::Revoke`].
    Revoke {},
    /// To [`Call::TimeToLive`].
    TimeToLive {
        /// Seconds left; negative: it is gone.
        ttl: i64,
    },
    /// To [`Call::Lists`].
    Lists {
        /// The steps of the call, reads with values.
        steps: Vec<Step>,
    },
    /// To [`Call::Add`].
    Add {},
    /// To [`Call::Members`].
    Members {
        /// The elements, in any order.
        values: Vec<i64>,
    },
    /// To [`Call::Transfer`].
    Transfer {},
    /// To [`Call::Balances`].
    Balances {
        /// What each account holds.
        accounts: BTreeMap<String, i64>,
    },
    /// To [`Call::Lock`]: the lock is held.
    Lock {
        /// The fencing token: the revision that created the lock's key.
        token: i64,
    },
    /// To [`Call::Unlock`].
    Unlock {},
    /// To [`Call::Guarded`]: the write was accepted.
    Guarded {},
    /// To [`Call::Campaign`]: leadership is won.
    Campaign {
        /// The fencing token: the revision that created the leader's key.
        token: i64,
    },
    /// To [`Call::Proclaim`].
    Proclaim {},
    /// To [`Call::Resign`].
    Resign {},
    /// To [`Call::Leader`].
    Leader {
        /// Who leads; `None`: nobody.
        leader: Option<Leader>,
    },
    /// To [`Call::Hash`].
    Hash {
        /// The hash.
        hash: u32,
        /// The revision it was taken at.
        revision: i64,
        /// What the member has compacted up to.
        compact_revision: i64,
    },
}

/// Who leads an election.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leader {
    /// What leadership was won with.
    pub token: i64,
    /// What was last proclaimed.
    pub value: String,
}

/// A key as stored. The key of a delete event has only its name and `mod_revision`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyValue {
    /// The key.
    pub key: String,
    /// Its value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// The revision that created it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub create_revision: i64,
    /// The revision that last wrote it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mod_revision: i64,
    /// How often it was written since it was created.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: i64,
    /// The lease it hangs on; 0: none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lease: i64,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It was written.
    Put,
    /// It was deleted.
    Delete,
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// The key after it.
    pub kv: KeyValue,
    /// The key before it, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<KeyValue>,
}

/// One message of a stream of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The store's revision, from the header.
    pub revision: i64,
    /// The watch was created; events come after its revision unless it named a start.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created: bool,
    /// The store ended the watch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub canceled: bool,
    /// Why it was ended: what was asked for is compacted up to here; 0: for another reason.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub compact_revision: i64,
    /// More of the same response follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fragment: bool,
    /// What happened, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

impl Response {
    /// It only says how far the stream has got.
    pub fn is_progress(&self) -> bool {
        self.events.is_empty() && !self.created && !self.canceled
    }
}
