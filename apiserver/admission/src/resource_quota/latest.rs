//! The quotas of a namespace as they were last seen or written.
//!
//! The cache learns of a charge a moment after it was written. Whoever charges next needs the quota as it is by then, or
//! the store refuses the write.

use std::collections::HashMap;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use parking_lot::Mutex;

use super::quota::Quota;
use crate::Cluster;

const QUOTAS: GroupResource = GroupResource::known("", "resourcequotas");
/// How many quotas are remembered at most.
const KEPT: usize = 100;

/// The quotas that were written here and that the cache may not have yet.
#[derive(Debug, Default)]
pub(super) struct Latest {
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// By namespace and name: when it was written, in writes, and what.
    quotas: HashMap<(String, String), (u64, Tree)>,
    writes: u64,
}

fn key(quota: &Tree) -> (String, String) {
    (meta::namespace(quota).to_owned(), meta::name(quota).to_owned())
}

fn version(quota: &Tree) -> u64 {
    meta::resource_version(quota).parse().unwrap_or_default()
}

/// Whether a namespace has quotas.
pub(super) fn has_any(cluster: &dyn Cluster, namespace: &str) -> bool {
    !cluster.cached_list(&QUOTAS, namespace).is_empty()
}

/// A quota as it is stored; nothing where it is gone.
///
/// # Errors
/// What keeps the store from answering.
pub(super) async fn stored(cluster: &dyn Cluster, namespace: &str, name: &str) -> Result<Option<Quota>, Status> {
    match cluster.read(&QUOTAS, namespace, name).await {
        Ok(quota) => Ok(Some(Quota::read(quota))),
        Err(error) if error.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

impl Latest {
    /// The quotas of a namespace.
    pub(super) fn of(&self, cluster: &dyn Cluster, namespace: &str) -> Vec<Quota> {
        let cached = cluster.cached_list(&QUOTAS, namespace);
        let mut written = self.written.lock();
        let newest = cached.into_iter().map(|cached| {
            let key = key(&cached);
            match written.quotas.get(&key) {
                Some((_, newer)) if version(newer) > version(&cached) => newer.clone(),
                _ => {
                    written.quotas.remove(&key);
                    cached
                }
            }
        });
        newest.map(Quota::read).collect()
    }

    /// Writes what is used of a quota, if it is still as it was read.
    ///
    /// # Errors
    /// 409 where it is not, or what keeps the store from it.
    pub(super) async fn write(&self, cluster: &dyn Cluster, quota: &Quota) -> Result<(), Status> {
        let stored = cluster.update(&QUOTAS, "status", quota.charged()).await?;
        let mut written = self.written.lock();
        written.writes += 1;
        let write = written.writes;
        written.quotas.insert(key(&stored), (write, stored));
        if written.quotas.len() > KEPT {
            let oldest = written.quotas.iter().min_by_key(|(_, (write, _))| *write);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.and_then(|key| written.quotas.remove(&key));
        }
        Ok(())
    }
}
