//! One member of a store, assembled: consensus and the machine below, the whole client API above, as plain async calls.
//!
//! This crate must not know how requests arrive: no gRPC, no HTTP, no flags, no sockets. Other members are reached
//! through [`Peers`] and `store_raft::Transport`, which whoever assembles the member provides; time, randomness, disk and
//! tasks are handed in too, so a simulation runs the same code.
//!
//! Start reading at [`assemble`], then [`Member`]. A write goes through `propose` and `forward`, a read through `read`;
//! `sink` is where applied effects come out. One service a file: `kv` and `stream`, `watch`, `lease` (time in `expiry`),
//! `membership`, `maintenance` with `alarm`, `snapshot` and `corrupt`, `auth`, `concurrency`.

mod admit;
mod alarm;
mod assemble;
mod auth;
mod bootstrap;
mod caller;
mod compactor;
mod concurrency;
pub mod config;
mod corrupt;
mod error;
mod expiry;
pub mod folder;
mod force;
mod forward;
mod gate;
mod gc;
mod health;
mod identity;
mod kv;
mod leaders;
mod lease;
mod life;
mod listing;
mod maintenance;
mod member;
mod membership;
mod metered;
pub mod metrics;
mod offload;
mod peer;
mod peers;
mod propose;
mod quota;
mod read;
mod sink;
mod slow;
mod snapshot;
mod stream;
mod time;
mod watch;

pub use assemble::{Error as AssembleError, LogTuning, OnFatal, Parts, abort_on_fatal, assemble};
pub use auth::Error as TokenError;
pub use bootstrap::Error as BootstrapError;
pub use caller::Caller;
pub use concurrency::Observe;
pub use config::{CompactionMode, Config, InitialState};
pub use error::{Error, Result};
pub use folder::{Folder, IdentityStore, MemoryIdentity};
pub use health::{CheckResult, Health, HealthQuery, Probe, Report};
pub use identity::{Identity, cluster_id, member_id};
pub use life::Stop;
pub use listing::{RangeAnswer, RangePieces};
pub use member::{Member, Versions};
pub use peers::Peers;
pub use snapshot::{Snapshot, save_snapshot};
pub use stream::RangeStream;
pub use watch::WatchSession;

/// The etcd version whose behaviour this is; clients derive from it what the server can do.
pub const VERSION: &str = "3.7.0";

#[cfg(test)]
mod tests;
