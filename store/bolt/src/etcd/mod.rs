//! etcd's contents: which buckets there are, and how their keys and values are encoded.

pub(crate) mod buckets;
mod encoding;
mod export;
mod import;

use bytes::Bytes;
use proto::auth::{Role, User};
use proto::etcd::{AlarmMember, Member};
use serde::{Deserialize, Serialize};

pub(crate) use encoding::decode_revision;
pub use export::{Plan, measure, write};
pub use import::{Import, Versions};

/// One version of one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// The transaction that made it.
    pub main: i64,
    /// Its place in the transaction.
    pub sub: i64,
    /// Whether it is a deletion.
    pub tombstone: bool,
    /// An encoded `mvccpb.KeyValue`; of a deletion, one with the key only.
    pub value: Bytes,
}

/// A lease as etcd stores it (`leasepb.Lease`). Which keys it holds stands in the keys.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Lease {
    /// Its id.
    #[prost(int64, tag = "1")]
    pub id: i64,
    /// The time to live that was granted, in seconds.
    #[prost(int64, tag = "2")]
    pub ttl: i64,
    /// What was left of it at the last checkpoint, in seconds; 0 when there was none.
    #[prost(int64, tag = "3")]
    pub remaining_ttl: i64,
}

/// Who votes in raft, as etcd stores it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfState {
    /// Members that vote.
    #[serde(deserialize_with = "encoding::list", skip_serializing_if = "Vec::is_empty")]
    pub voters: Vec<u64>,
    /// Members that only listen.
    #[serde(deserialize_with = "encoding::list", skip_serializing_if = "Vec::is_empty")]
    pub learners: Vec<u64>,
    /// Members that vote beside `voters` while membership changes.
    #[serde(deserialize_with = "encoding::list", skip_serializing_if = "Vec::is_empty")]
    pub voters_outgoing: Vec<u64>,
    /// Members that become learners when the change is done.
    #[serde(deserialize_with = "encoding::list", skip_serializing_if = "Vec::is_empty")]
    pub learners_next: Vec<u64>,
    /// Whether the change ends by itself.
    pub auto_leave: bool,
}

/// A downgrade under way.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Downgrade {
    /// The version to go to, such as `3.5.0`.
    #[serde(rename = "target-version")]
    pub target_version: String,
    /// Whether there is one.
    pub enabled: bool,
}

/// All that a snapshot holds beside the versions of keys.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Contents {
    /// The raft index of the last applied entry.
    pub consistent_index: u64,
    /// Its term; 0 before 3.5.
    pub term: u64,
    /// Who voted then; since 3.5.
    pub conf_state: Option<ConfState>,
    /// The schema's version, such as `3.6.0`; since 3.6.
    pub storage_version: Option<String>,
    /// The revision of the compaction that was asked for last.
    pub scheduled_compaction: Option<i64>,
    /// The revision of the compaction that was done last.
    pub finished_compaction: Option<i64>,
    /// Leases.
    pub leases: Vec<Lease>,
    /// Whether clients must authenticate.
    pub auth_enabled: bool,
    /// Counts changes of users and roles.
    pub auth_revision: u64,
    /// Users.
    pub users: Vec<User>,
    /// Roles.
    pub roles: Vec<Role>,
    /// Members.
    pub members: Vec<Member>,
    /// Members that were removed, whose ids never come back.
    pub removed_members: Vec<u64>,
    /// The version that all members have agreed on, such as `3.6.0`; since 3.5.
    pub cluster_version: Option<String>,
    /// The downgrade asked for last; since 3.5.
    pub downgrade: Option<Downgrade>,
    /// Alarms.
    pub alarms: Vec<AlarmMember>,
}
