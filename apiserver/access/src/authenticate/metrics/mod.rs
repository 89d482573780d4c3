//! What is counted of authentication, under upstream's names, in a registry that the program owns.

mod cache;
mod certificate;
mod request;
mod service_account;

pub(super) use request::Attempt;

use base::metrics::Make;
use prometheus::Registry;

/// All families.
pub struct Metrics {
    pub(super) cache: cache::Cache,
    pub(super) certificates: certificate::Certificates,
    pub(super) requests: request::Requests,
    pub(super) service_accounts: service_account::ServiceAccounts,
}

impl Metrics {
    /// Registers every family.
    ///
    /// # Errors
    /// The registry already holds one of the names.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let make = Make::new(registry);
        Ok(Self {
            cache: cache::Cache::new(&make)?,
            certificates: certificate::Certificates::new(&make)?,
            requests: request::Requests::new(&make)?,
            service_accounts: service_account::ServiceAccounts::new(&make)?,
        })
    }
}
