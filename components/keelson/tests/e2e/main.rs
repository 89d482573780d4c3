//! End-to-end tests: real processes, real sockets, real disks, and etcd's own tools as the judge.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod apiserver;
mod backups;
#[path = "../../../../store/client/tests/real/suite/mod.rs"]
mod client_suite;
mod clients;
mod corruption;
mod crashes;
mod disk_errors;
mod harness;
mod kubernetes_traffic;
mod limits;
mod lists;
mod load;
mod looks;
mod membership;
mod metrics;
mod moved;
mod same_output;
mod script;
mod secured;
mod starts;
mod up;
