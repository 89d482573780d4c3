//! One object: as the store has it, or as the cache does where the client is content with that.

use std::sync::Arc;

use apiserver_api::status::{Reason, Status};
use apiserver_storage::object::Object;

use super::Machine;
use crate::catalog::{Kept, Resource};
use crate::request::query::{as_asked, parse_revision};

impl Machine {
    /// The object that is there.
    ///
    /// # Errors
    /// 404, or what kept the store from answering.
    pub(crate) async fn get(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        resource_version: &str,
    ) -> Result<Arc<Object>, Status> {
        let Kept { store, shelf, cached } = Self::kept(resource)?;
        let key = Self::key(shelf, namespace, name)?;
        let found = if resource_version.is_empty() {
            shelf.get(store, &key).await?
        } else {
            // Upstream answers 500 without a reason.
            let revision =
                parse_revision(resource_version).map_err(|message| Status::new(500, Reason::Unknown, message))?;
            let newest = if *cached { 1 } else { store.revision().await? };
            let reached = store.reaches(revision.max(newest)).await;
            reached.map_err(|error| as_asked(resource_version, error.into()))?;
            shelf.cache().get(&key)
        };
        found.ok_or_else(|| Self::not_found(resource, name))
    }
}
