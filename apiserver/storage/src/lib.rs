//! Objects in any etcd v3 store, and the cache that answers lists and watches.
//!
//! A [`cache::Cache`] keeps, for one kind, the bytes that go on the wire, not decoded trees: a list is a walk over a snapshot,
//! a watch a cursor in a history that all share. Limits are in bytes; who is too slow is told so.
//!
//! This crate must not know kinds and their rules, users, or HTTP. Start reading at [`cache`], then [`object::Object`].

pub mod cache;
pub mod cluster;
pub mod object;
