//! What a client asks of the store, as a history records it.

use serde::{Deserialize, Serialize};

use super::Kind;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) const fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// One request of a client, or of the small protocol a workload plays on top of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Call {
    /// Reads keys.
    Get(Get),
    /// Writes one key.
    Put(Put),
    /// Deletes keys.
    Delete(Delete),
    /// Compares, then runs one of two lists of requests, all at one revision.
    Txn(Txn),
    /// A transaction that writes `to` if the key's value is `from`.
    Cas {
        /// The key.
        key: String,
        /// The value it must have; `None`: it must not exist.
        from: Option<String>,
        /// The value to write.
        to: String,
    },
    /// Forgets the history of keys before a revision.
    Compact {
        /// The oldest revision that stays readable.
        revision: i64,
    },
    /// A stream of events; open until it is answered, and what it delivers in between are its responses.
    Watch(Watch),
    /// Grants a lease.
    Grant {
        /// The id the client chose.
        lease: i64,
        /// Seconds asked for.
        ttl: i64,
    },
    /// Renews a lease once.
    KeepAlive {
        /// Its id.
        lease: i64,
    },
    /// Ends a lease.
    Revoke {
        /// Its id.
        lease: i64,
    },
    /// Asks how long a lease still lives.
    TimeToLive {
        /// Its id.
        lease: i64,
    },
    /// A transaction over lists: reads and appends, all at one point.
    Lists {
        /// The steps in order; reads without values.
        steps: Vec<Step>,
    },
    /// Adds one element to the set of the history.
    Add {
        /// The element, added by no other call.
        value: i64,
    },
    /// Reads the whole set.
    Members {},
    /// Moves an amount between accounts.
    Transfer {
        /// The account that gives.
        from: String,
        /// The account that takes.
        to: String,
        /// How much.
        amount: i64,
    },
    /// Reads all accounts.
    Balances {},
    /// Waits for a lock.
    Lock {
        /// Its name.
        name: String,
    },
    /// Gives a lock back.
    Unlock {
        /// Its name.
        name: String,
        /// What it was held with.
        token: i64,
    },
    /// Writes to what the lock guards, fenced by the token; refused if a newer token was seen.
    Guarded {
        /// The lock's name.
        name: String,
        /// What it is held with.
        token: i64,
    },
    /// Waits for leadership.
    Campaign {
        /// The election's name.
        name: String,
        /// What is proclaimed on winning.
        value: String,
    },
    /// Says something new as the leader.
    Proclaim {
        /// The election's name.
        name: String,
        /// What leadership was won with.
        token: i64,
        /// What is proclaimed.
        value: String,
    },
    /// Gives leadership up.
    Resign {
        /// The election's name.
        name: String,
        /// What leadership was won with.
        token: i64,
    },
    /// Asks who leads.
    Leader {
        /// The election's name.
        name: String,
    },
    /// Asks a member for the hash of its keys.
    Hash {
        /// Up to this revision; 0: its current one.
        revision: i64,
    },
}

/// Keys to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    /// The first key.
    pub key: String,
    /// The first key beyond; "\0": no end; `None`: only `key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// As of this revision; 0: now. A transaction reads what is there now.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub revision: i64,
    /// At most so many keys; 0: all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub limit: i64,
    /// May be answered from a member's past.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub serializable: bool,
}

/// A key to write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    /// The key.
    pub key: String,
    /// Its new value.
    pub value: String,
    /// The lease it hangs on; 0: none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lease: i64,
    /// Answer with what was there before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prev_kv: bool,
}

/// Keys to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// The first key.
    pub key: String,
    /// As in [`Get::end`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Answer with what was there before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prev_kv: bool,
}

/// A transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Txn {
    /// All must hold for `then` to run; none at all: it runs.
    pub compare: Vec<Compare>,
    /// Runs if all hold.
    pub then: Vec<Request>,
    /// Runs otherwise.
    #[serde(default)]
    pub otherwise: Vec<Request>,
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Reads keys.
    Get(Get),
    /// Writes one key.
    Put(Put),
    /// Deletes keys.
    Delete(Delete),
}

/// A condition on one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// The key.
    pub key: String,
    /// How what is stored has to stand to the target.
    pub is: Relation,
    /// What is compared, and with what.
    pub target: Target,
}

/// How two values stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Stored = target.
    Equal,
    /// Stored != target.
    NotEqual,
    /// Stored > target.
    Greater,
    /// Stored < target.
    Less,
}

/// What of a key is compared. A missing key has 0 everywhere and no value: no condition on its value holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Its value.
    Value(String),
    /// How often it was written since it was created.
    Version(i64),
    /// The revision that created it.
    Create(i64),
    /// The revision that last wrote it.
    Mod(i64),
    /// The lease it hangs on.
    Lease(i64),
}

/// A stream of events to open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// The first key.
    pub key: String,
    /// As in [`Get::end`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The first revision wanted; 0: what comes after the watch was created.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start_revision: i64,
    /// Events that are not wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Kind>,
    /// Events carry what was there before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prev_kv: bool,
    /// Empty responses come now and then, to say how far the stream has got.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub progress_notify: bool,
    /// The events of one revision may come in several responses.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fragment: bool,
}

/// One step of a transaction over lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Appends to a list.
    Append {
        /// The list.
        key: String,
        /// The element; no other step appends it to this list.
        value: i64,
    },
    /// Reads a list.
    Read {
        /// The list.
        key: String,
        /// What it held; `None` in a call, and in an answer never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        values: Option<Vec<i64>>,
    },
}

/// Whether `key` is one of those named by `start` and `end` (see [`Get::end`]).
pub fn covers(start: &str, end: Option<&str>, key: &str) -> bool {
    match end {
        None => key == start,
        Some("\0") => key >= start,
        Some(end) => key >= start && key < end,
    }
}
