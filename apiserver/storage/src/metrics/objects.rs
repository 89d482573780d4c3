//! `apiserver_storage_objects` and its like: how much there is, in the store and in the caches.

use apiserver_api::gvk::GroupResource;
use prometheus::IntGaugeVec;

use super::{Make, RESOURCE};

/// Gauges hold fifteen digits exactly; upstream leaves out the others.
const DIGITS: i64 = 1_000_000_000_000_000;
/// The one store, as upstream names the first.
const STORE: &str = "etcd-0";

pub(super) struct Objects {
    stored: IntGaugeVec,
    count: IntGaugeVec,
    bytes: IntGaugeVec,
    revision: IntGaugeVec,
    size: IntGaugeVec,
}

impl Objects {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            stored: make.gauges(
                "apiserver_storage_objects",
                "[STABLE] Stored objects by resource; apiserver_resource_objects says the same with the group apart.",
                &["resource"],
            )?,
            count: make.gauges("apiserver_resource_objects", "[ALPHA] Stored objects by resource.", &RESOURCE)?,
            bytes: make.gauges(
                "apiserver_resource_size_estimate_bytes",
                "[ALPHA] About how many bytes the stored objects of a resource have.",
                &RESOURCE,
            )?,
            revision: make.gauges(
                "apiserver_watch_cache_resource_version",
                "[ALPHA] The resource version up to which the cache of a resource has changed, its last fifteen digits.",
                &RESOURCE,
            )?,
            size: make.gauges(
                "apiserver_storage_size_bytes",
                "[STABLE] How many bytes of the disk the store's database takes.",
                &["storage_cluster_id"],
            )?,
        })
    }

    pub(super) fn set(&self, resource: &GroupResource, objects: usize, bytes: usize, revision: i64) {
        let labels = [resource.group.as_str(), resource.resource.as_str()];
        let whole = resource.to_string();
        self.stored.with_label_values(&[whole.as_str()]).set(objects as i64);
        self.count.with_label_values(&labels).set(objects as i64);
        self.bytes.with_label_values(&labels).set(bytes as i64);
        self.revision.with_label_values(&labels).set(revision % DIGITS);
    }

    pub(super) fn set_size(&self, bytes: i64) {
        self.size.with_label_values(&[STORE]).set(bytes);
    }
}
