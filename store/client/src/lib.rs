//! An etcd v3 client: failover between endpoints, watches that resume, leases, locks and elections.
//!
//! It speaks the published API only, so it works with Keelson's store and with etcd alike. It must not know how a
//! store works inside, and no server code may depend on it. The retry rules are those of upstream's `clientv3`
//! (`client/v3/retry.go`): reads are repeated, writes only if they surely were not sent.
//!
//! Start reading at [`Client`], then `retry` (one call), `watch` (many watches on one stream), `lease` (renewal).

mod auth;
mod cas;
mod channel;
mod client;
mod cluster;
mod connect;
mod election;
mod error;
mod kv;
mod lease;
mod lock;
mod maintenance;
mod op;
mod options;
mod outbox;
mod pages;
mod place;
mod retry;
mod session;
mod token;
mod watch;

pub use cas::Swap;
pub use client::Client;
pub use election::{Election, Leadership, Observer};
pub use error::Error;
pub use kv::{Deleted, Page, Put as PutAnswer, TxnAnswer};
pub use lease::{Grant, KeepAlive, TimeToLive};
pub use lock::{Guard, Lock};
pub use maintenance::SnapshotStream;
pub use op::{Compare, Delete, Get, Is, Op, Put, Span, Txn};
pub use options::{Login, Options};
pub use pages::Pages;
pub use session::Session;
pub use watch::{Update, Watch, Watcher};

/// A key with its value, as the store gives it.
pub use proto::mvcc::KeyValue;
/// One change of a key.
pub use proto::mvcc::{Event, event::EventType};

/// The answer of this crate's calls.
pub type Result<T> = std::result::Result<T, Error>;
