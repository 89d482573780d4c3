//! Who asks, and whether it may: authentication, authorization, tokens, and upstream's bootstrap policy.
//!
//! Both are chains of parts behind one trait each; a part is one small file. Other objects (roles, bindings, secrets,
//! service accounts) are read through [`Cluster`](apiserver_storage::cluster::Cluster).
//!
//! This crate must not know HTTP, admission, or how objects are stored. Start reading at [`authenticate`] and [`authorize`];
//! [`rbac`] and [`node`] are the authorizers that decide by other objects, [`bootstrap`] is what they find in every cluster.

pub mod authenticate;
pub mod authorize;
pub mod bootstrap;
mod derived;
mod named;
pub mod node;
pub mod rbac;
pub mod tokens;

#[cfg(test)]
mod fake_cluster;
