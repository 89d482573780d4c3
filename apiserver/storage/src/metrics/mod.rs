//! What is counted of the store and of the caches, under upstream's names, in a registry that the program owns.
//!
//! What happens to a resource is counted on handles that its shelf holds: nothing is looked up by labels on the way. What
//! only mirrors state is set by [`Store::refresh_metrics`] just before somebody looks.

mod cache;
mod lazy;
pub(crate) mod lists;
mod objects;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::gvk::GroupResource;
use apiserver_api::tree::Text;
use base::metrics::Make;
use prometheus::{Histogram, Registry};

use crate::store::Store;

/// The labels by which a resource is named.
const RESOURCE: [&str; 2] = ["group", "resource"];
/// The store must say how large it is in this time; upstream's patience.
const PATIENCE: Duration = Duration::from_secs(1);

/// All families.
pub struct Metrics {
    requests: requests::Requests,
    lists: lists::Lists,
    cache: cache::Caches,
    objects: objects::Objects,
    /// Objects that shared a lease, once it is no longer given out.
    pub(crate) leased: Histogram,
}

/// The handles of one resource.
pub(crate) struct Counts {
    pub(crate) requests: requests::Counts,
    pub(crate) lists: lists::Counts,
    pub(crate) cache: cache::Counts,
}

impl Metrics {
    /// Registers every family.
    ///
    /// # Errors
    /// The registry already holds one of the names.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let make = Make::new(registry);
        let help = "[ALPHA] Objects that were attached to one lease.";
        let buckets = [10.0, 50.0, 100.0, 500.0, 1000.0, 2500.0, 5000.0];
        Ok(Self {
            requests: requests::Requests::new(&make)?,
            lists: lists::Lists::new(&make)?,
            cache: cache::Caches::new(&make)?,
            objects: objects::Objects::new(&make)?,
            leased: make.histogram("etcd_lease_object_counts", help, &buckets)?,
        })
    }

    /// The handles of a resource.
    pub(crate) fn of(&self, resource: &GroupResource) -> Counts {
        let labels: Labels = Arc::new([resource.group.clone(), resource.resource.clone()]);
        Counts {
            requests: self.requests.of(&labels),
            lists: self.lists.of(&labels),
            cache: self.cache.of(&labels),
        }
    }
}

impl Store {
    /// Brings the gauges that mirror state up to date; called before the registry is read.
    pub async fn refresh_metrics(&self) {
        // Before the caches are filled nothing is known of what there is.
        if self.clock.now() > 0 {
            for shelf in self.shelves() {
                let (objects, bytes) = shelf.cache().size();
                let gauges = &self.metrics.objects;
                gauges.set(shelf.resource(), objects, bytes, shelf.cache().mark().revision);
            }
        }
        match tokio::time::timeout(PATIENCE, self.client.status()).await {
            Ok(Ok(status)) => self.metrics.objects.set_size(status.db_size),
            Ok(Err(error)) => tracing::info!(%error, "failed to get storage metrics"),
            Err(_) => tracing::info!("failed to get storage metrics: the store did not answer within {PATIENCE:?}"),
        }
    }
}

/// Group and plural name of a resource.
type Labels = Arc<[Text; 2]>;

#[cfg(test)]
mod tests;
