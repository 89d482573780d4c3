//! The Kubernetes API over HTTPS: one pipeline for all requests, one machine for all kinds.
//!
//! This crate must not know a kind by name where the table can say it. Start reading at [`pipeline`], then [`machine`].

mod access;
mod answer;
pub mod catalog;
pub mod components;
pub mod connect;
mod deadline;
mod debug;
mod decode;
pub mod discovery;
mod door;
pub mod drain;
pub mod filters;
mod gather;
mod handlers;
pub mod health;
pub mod impersonate;
pub mod in_flight;
pub mod inside;
mod leftover;
pub mod listen;
pub mod machine;
pub mod metrics;
pub mod openapi;
mod options;
pub mod paths;
pub mod pipeline;
mod request;
mod review;
pub mod server;
mod subresource;
mod swagger_ui;
mod version;
mod visit;
pub mod zpages;
