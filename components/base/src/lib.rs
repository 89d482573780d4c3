//! Common ground of every program: tasks, clock, randomness, telemetry, metrics, TLS, flags.
//!
//! This crate must not know what a member, an apiserver or a kubelet is: nothing here names a protocol or a component.
//! Start reading at [`task::Tasks`] (how work is started and ended) and [`tls::ServerTls`] (how a port is secured).

pub mod certs;
pub mod clock;
pub mod flags;
pub mod folder;
pub mod metrics;
pub mod random;
pub mod task;
pub mod telemetry;
pub mod tls;

mod date;
