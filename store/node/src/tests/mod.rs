//! Members as their clients see them.

mod checkpoints;
pub(crate) mod cluster;
mod corruption;
mod data;
mod elections;
mod failures;
mod forward;
mod lease_reads;
mod leases;
mod members;
mod metrics;
mod net;
mod services;
mod upkeep;
