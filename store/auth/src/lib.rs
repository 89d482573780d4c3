//! Users, roles, and who may touch which keys.
//!
//! [`Auth`] is the replicated part: the management operations are applied from the log, each checks everything before
//! it writes, and each that changes something raises the auth revision, so that a request authenticated before is
//! refused. Hashing passwords and handing out tokens belong to the caller.
//!
//! This crate must not know requests on keys (which access a request needs is decided in `store/machine`), and asks
//! neither for the time nor for randomness. Start reading at [`Auth`], then [`access`].

pub mod access;
mod roles;
mod store;
mod users;

pub use access::{Access, Caller};
pub use store::{Auth, Credentials, OpenError, ROOT, SPACE, record};

#[cfg(test)]
mod tests;
