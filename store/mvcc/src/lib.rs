//! Keys, revisions, transactions, history and watches: what a store of versions means.
//!
//! This crate must not know who asks and who listens: no network, no consensus, no clock, no randomness, no thread,
//! and no disk but through [`store_engine::Engine`]. Same commands, same bytes, on every member.
//!
//! Start reading at `store` (the published head, and the session that applies one batch), then `keys` (what lies in
//! the engine), `index` (live keys in memory), `read` (ranges at the head and in the past), `txn`, `gc` and `watch`.

mod change;
mod error;
mod export;
mod gc;
mod hash;
mod history;
mod import;
mod index;
mod key_range;
pub mod keys;
mod read;
mod record;
mod revision;
mod store;
mod txn;
pub mod validate;
mod versions;
pub mod watch;

#[cfg(test)]
mod testing;

pub use change::{Change, Kind, Outcome, RevisionBatch};
pub use error::{Error, Result};
pub use export::Export;
pub use gc::{Gc, GcStep};
pub use hash::HashKv;
pub use history::{HistoryPage, PageLimits};
pub use import::{Import, ImportOptions};
pub use index::KeyMeta;
pub use key_range::KeyRange;
pub use read::{Listing, RangePages};
pub use revision::Revision;
pub use store::{Mvcc, Reader, RollingHash, Session, View};
pub use txn::{is_readonly, is_serializable};
pub use versions::Version;
