//! The Kubernetes API over HTTPS: one pipeline for all requests, one machine for all kinds.
//!
//! This crate must not know a kind by name where the table can say it. Start reading at [`pipeline`], then [`machine`].

mod access;
mod answer;
pub mod catalog;
mod decode;
mod handlers;
pub mod machine;
pub mod listen;
mod options;
pub mod paths;
pub mod pipeline;
mod request;
mod subresource;
