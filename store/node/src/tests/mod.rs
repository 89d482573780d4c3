//! Members as their clients see them.

pub(crate) mod cluster;
mod corruption;
mod data;
mod failures;
mod leases;
mod members;
mod services;
mod upkeep;
