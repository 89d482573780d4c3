//! The apiserver before real clients: kubectl of several versions, kube-rs, Python, Node, helm, Prometheus, curl, openssl.
//!
//! Each test starts its own store and its own apiserver. Clients that come from registries are fetched by
//! `deploy/clients.sh`; a test whose client is not there says so and does nothing.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod clients;
#[allow(dead_code, unused_imports, reason = "the tests of the store use all of it")]
#[path = "../e2e/harness/mod.rs"]
mod harness;
mod helm;
mod hostile;
mod http;
mod kube_rs;
mod kubectl;
mod node;
mod pair;
mod prometheus;
mod proxy;
mod python;
mod tls;
mod transcript;
