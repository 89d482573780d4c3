//! A change that the server makes of an object by itself: no rules, no admission, but what the change says.

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_storage::shelf::Written;

use super::{CHANGED, Machine, Served, TRIES, metadata};
use crate::catalog::{Kept, Resource};

/// Where an object is.
pub(crate) struct Place<'p> {
    pub(crate) resource: &'p Resource,
    /// Empty for objects of the cluster.
    pub(crate) namespace: &'p str,
    pub(crate) name: &'p str,
}

/// Which object, and which version of it, a change is meant for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preconditions {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

impl Preconditions {
    /// 409 where it is another one.
    fn check(&self, place: &Place<'_>, key: &str, old: &Tree) -> Result<(), Status> {
        let wanted = |what: &str, wanted: Option<&str>, found: &str| match wanted {
            Some(wanted) if wanted != found => {
                let error = metadata::unmet(key, what, wanted, found);
                Err(Status::conflict(&place.resource.group_resource, place.name, error))
            }
            _ => Ok(()),
        };
        wanted("UID", self.uid.as_deref(), meta::uid(old))?;
        let version = self.resource_version.as_deref();
        wanted("ResourceVersion", version, meta::resource_version(old))
    }
}

impl Machine {
    /// Puts what `change` makes of an object in its place, as often as it takes.
    ///
    /// # Errors
    /// 404, 409 where it is not the one that was meant, what `change` says, or what kept the store from answering.
    pub(crate) async fn change(
        &self,
        place: &Place<'_>,
        preconditions: &Preconditions,
        dry_run: bool,
        change: impl Fn(&Tree) -> Result<Tree, Status> + Send + Sync,
    ) -> Result<Served, Status> {
        let resource = place.resource;
        let Kept { store, shelf, .. } = Self::kept(resource)?;
        let key = Self::key(shelf, place.namespace, place.name)?;
        for _ in 0..TRIES {
            let Some(stored) = shelf.get(store, &key).await? else {
                return Err(Self::not_found(resource, place.name));
            };
            let old = resource.typed(stored.tree());
            preconditions.check(place, &key, &old)?;
            let new = change(&old)?;
            if new == old {
                return Ok(Served::Stored(stored));
            }
            if dry_run {
                return Ok(Served::Made(new));
            }
            let ttl = self.ttl(resource);
            if let Written::Done(object) = shelf.put(store, &key, stored.revision, new, ttl).await? {
                return Ok(Served::Stored(object));
            }
        }
        Err(Status::conflict(&resource.group_resource, place.name, CHANGED))
    }
}
