//! The Kubernetes API over HTTPS: one pipeline for all requests, one machine for all kinds.
//!
//! This crate must not know a kind by name where the table can say it. Start reading at the pipeline.
