//! Objects in any etcd v3 store, and the cache that answers lists and watches.
//!
//! A [`store::Store`] follows one watch on everything and keeps a [`cache::Cache`] for each kind: the bytes that go on the wire,
//! not decoded trees. A list is a walk over a snapshot, a watch a cursor in a history that all share. Limits are in bytes;
//! who is too slow is told so. A [`shelf::Shelf`] is where the objects of one kind are read and written.
//!
//! This crate must not know kinds and their rules, users, or HTTP. Start reading at [`store`], then [`shelf`], [`list`],
//! [`watch`].

mod awaited;
pub mod cache;
pub mod cluster;
mod digest;
pub mod error;
mod feed;
pub mod frame;
mod leases;
pub mod list;
pub mod metrics;
pub mod object;
mod remaining;
pub mod select;
pub mod shelf;
pub mod store;
#[cfg(test)]
mod testing;
pub mod token;
pub mod watch;
