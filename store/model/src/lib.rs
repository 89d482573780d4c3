//! etcd's semantics as plainly as they can be written, in 1,300 lines, for the store to be compared with.
//!
//! [`Model::step`] takes a command of the log and answers what the store has to answer; ranges, watches and permissions
//! are asked of the state in between. Nothing here is fast, and nothing is shared with the store but the wire contract
//! (`proto`): a mistake stays unseen only where it was made twice. Where the store differs from etcd on purpose, the
//! model does as the store, and says so.
//!
//! This crate must not know how keys are stored, replicated or sent, and uses no other crate of the store. Start reading
//! at [`Model::step`], then `keys` and `txn`. How the two are compared stands in `tests/beside`.

mod auth;
mod check;
mod keys;
mod model;
mod permit;
mod txn;
mod watch;

pub use auth::Auth;
pub use model::{Lease, Model};
pub use permit::{CLUSTER, Caller, Wish};
