//! What may change or refuse a write between the client's words and the kind's own rules.
//!
//! A plugin is one small file that implements [`Plugin`]; the chain asks them in upstream's order, first all that may change
//! the object, then all that may refuse it. They read other objects through [`Cluster`].
//!
//! This crate must not know HTTP or how objects are stored. Start reading at [`plugin`].

pub mod plugin;

pub use apiserver_storage::cluster::Cluster;
pub use plugin::{Operation, Plugin, Request};
