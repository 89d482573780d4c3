//! Leases: which live, how long, and what hangs on them.
//!
//! Two halves. [`Leases`] is the replicated table, changed only by applying the log. [`Expiry`] is the leader's
//! clock side: it decides nothing by itself, it says which leases to propose for expiry.
//!
//! This crate must not know how keys are stored (the caller passes the attachments in and deletes the keys of a
//! revoked lease itself), and must not ask for the time: `now` is an argument. Start reading at [`Leases`].

mod expiry;
mod table;

pub use expiry::{Expiry, Renewal};
pub use table::{Error, Lease, Leases, MAX_TTL, OpenError, SPACE};
