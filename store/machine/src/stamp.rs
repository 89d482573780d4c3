//! What an entry of the log brings along besides its command.

use proto::store::Command;
use proto::store::command::Action;

/// Where an entry stands, and its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Its place in the log.
    pub index: u64,
    /// The term of the leader that wrote it.
    pub term: u64,
    /// That leader's wall clock, milliseconds since 1970.
    pub now_ms: u64,
}

/// The `auth_revision` of a command that the cluster proposes for itself.
///
/// A client's command carries its token's revision, 0 without a token, so no client can speak as the cluster.
pub const OWN: u64 = u64::MAX;

/// A command of the cluster's own: an alarm raised, an automatic compaction, an expiry.
pub const fn own(now_ms: u64, origin: u64, action: Action) -> Command {
    Command {
        now_ms,
        user: String::new(),
        auth_revision: OWN,
        origin,
        id: 0,
        action: Some(action),
    }
}
