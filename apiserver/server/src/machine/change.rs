//! A change that the server makes of an object by itself: no rules, no admission, but what the change says.

use std::ops::ControlFlow;

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_storage::shelf::Written;

use super::existing::Attempt;
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
        let key = Self::key(Self::shelf(resource)?, place.namespace, place.name)?;
        let mut existing = Self::existing(resource, &key).await?;
        for _ in 0..TRIES {
            let Some(stored) = &existing.object else {
                return Err(Self::not_found(resource, place.name));
            };
            let old = resource.typed(stored.tree());
            let checked = preconditions.check(place, &key, &old);
            let outcome = match checked.and_then(|()| change(&old)) {
                Ok(new) if new == old => Ok(Attempt::Unwritten(Served::Stored(stored.clone()))),
                Ok(new) if dry_run => Ok(Attempt::Unwritten(Served::Made(new))),
                Ok(new) => self.put_change(resource, &key, stored.revision, new).await,
                Err(status) => Err(status),
            };
            match Self::settle(resource, &key, &existing, outcome).await? {
                ControlFlow::Break(served) => return Ok(served),
                ControlFlow::Continue(next) => existing = next,
            }
        }
        Err(Status::conflict(&resource.group_resource, place.name, CHANGED))
    }

    async fn put_change(
        &self,
        resource: &Resource,
        key: &str,
        expected: i64,
        new: Tree,
    ) -> Result<Attempt<Served>, Status> {
        let Kept { store, shelf, .. } = Self::kept(resource)?;
        let ttl = self.ttl(resource);
        Ok(match shelf.put(store, key, expected, new, ttl).await? {
            Written::Done(object) => Attempt::Done(Served::Stored(object)),
            Written::Conflict(current) => Attempt::Again(current),
        })
    }
}
