//! The server's metrics under upstream's names, one file a family, in registries that the server owns.
//!
//! Counters and histograms are moved where things happen; gauges that only mirror state are set by [`Page`] just before
//! somebody looks. What is counted of the store and the caches, of access and of admission stands in those crates.

mod addresses;
mod bodies;
mod build;
mod comparisons;
mod connections;
mod field_validation;
mod filters;
mod forgotten;
mod health;
mod in_flight;
mod labels;
mod long;
mod page;
mod port_repair;
mod process;
mod requests;
mod shown;
mod text;
mod watches;

use base::metrics::Make;
use prometheus::Registry;

pub(crate) use self::addresses::{Addresses, Wanted};
pub use self::build::Feature;
pub(crate) use self::health::Checks;
pub(crate) use self::labels::{Route, scope, verb};
pub(crate) use self::long::Open;
pub use self::page::Page;
pub(crate) use self::port_repair::{PortError, PortRepairs};
pub use self::shown::{Options as ShownOptions, Shown};
pub(crate) use self::watches::Meter;

/// All families.
pub struct Metrics {
    registry: Registry,
    /// What `/metrics/slis` shows.
    slis: Registry,
    pub(crate) requests: requests::Requests,
    pub(crate) bodies: bodies::Bodies,
    pub(crate) long: long::Long,
    pub(crate) watches: watches::Watches,
    pub(crate) in_flight: in_flight::InFlight,
    pub(crate) filters: filters::Filters,
    pub(crate) connections: connections::Connections,
    pub(crate) health: Checks,
    pub(crate) addresses: Addresses,
    pub(crate) port_repairs: PortRepairs,
    pub(crate) comparisons: comparisons::Comparisons,
    process: process::Process,
}

impl Metrics {
    /// Registers every family. `features` are those that can be switched, with what they are switched to.
    ///
    /// # Errors
    /// The registry already holds one of the names.
    pub fn new(registry: &Registry, features: &[Feature]) -> prometheus::Result<Self> {
        let make = Make::new(registry);
        let slis = Registry::new();
        let process = process::Process::new(&make)?;
        slis.register(Box::new(process.started()))?;
        build::register(&make, features)?;
        Ok(Self {
            requests: requests::Requests::new(&make)?,
            bodies: bodies::Bodies::new(&make)?,
            long: long::Long::new(&make)?,
            watches: watches::Watches::new(&make)?,
            in_flight: in_flight::InFlight::new(&make)?,
            filters: filters::Filters::new(&make)?,
            connections: connections::Connections::new(&make)?,
            health: Checks::new(&Make::new(&slis))?,
            addresses: Addresses::new(&make)?,
            port_repairs: PortRepairs::new(&make)?,
            comparisons: comparisons::Comparisons::new(&make)?,
            process,
            registry: registry.clone(),
            slis,
        })
    }

    /// When the process started, in whole seconds since 1970.
    pub(crate) fn started(&self) -> i64 {
        self.process.started().get() as i64
    }
}

#[cfg(test)]
pub(crate) mod tests;
