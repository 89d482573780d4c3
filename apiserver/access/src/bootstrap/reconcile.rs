//! How the roles and bindings come into the store at a start (post-start hook `rbac/bootstrap-roles`).
//!
//! Several apiservers may do it at once, and do it at every start: who finds that another was faster looks again.

use std::time::Duration;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use apiserver_storage::cluster::Cluster;
use base::clock::Clock;
use thiserror::Error;
use tracing::{error, info, warn};

use super::objects;
use super::plan::{Plan, plan};
use super::prime::{found, made, prime};

/// How long it is tried.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// How often one object is looked at again because somebody else wrote it.
const ATTEMPTS: usize = 8;

static NAMESPACES: GroupResource = GroupResource::known("", "namespaces");

/// Why the apiserver cannot go on.
#[derive(Debug, Error)]
pub enum Error {
    /// The store did not answer in half a minute.
    #[error("unable to initialize roles: timed out waiting for the condition: {0}")]
    Store(#[source] Status),
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Objects that were not there.
    pub created: usize,
    /// Objects that lacked something.
    pub updated: usize,
    /// Bindings of another role.
    pub recreated: usize,
    /// Objects that lack something and want to be left alone.
    pub protected: usize,
    /// Objects that could not be written; each was logged.
    pub failed: usize,
}

/// What was done with one object.
enum Fate {
    Kept,
    Created,
    Updated,
    Recreated,
    Protected,
}

/// Brings all roles and bindings into the store, and adds to those that are there what they lack. What could not be written
/// is tried again each second, for half a minute.
///
/// # Errors
/// Where the store does not answer in that time. Single objects that cannot be written are no reason to stop.
pub async fn ensure(cluster: &dyn Cluster, clock: &dyn Clock) -> Result<Done, Error> {
    let begin = clock.monotonic();
    let mut left = objects();
    let (mut done, mut primed) = (Done::default(), false);
    loop {
        let late = clock.monotonic().saturating_sub(begin) >= PATIENCE;
        if !primed {
            match prime(cluster).await {
                Ok(()) => primed = true,
                Err(status) if late => return Err(Error::Store(status)),
                Err(status) => warn!(%status, "unable to initialize clusterroles, will retry"),
            }
        }
        if primed {
            left = attempt(cluster, left, &mut done).await;
        }
        if primed && (left.is_empty() || late) {
            done.failed = left.len();
            for (resource, object) in left {
                let (kind, name) = (&resource.resource, meta::name(&object));
                error!(%kind, name, "unable to reconcile; tried again when this server starts anew");
            }
            return Ok(done);
        }
        clock.sleep(PAUSE).await;
    }
}

type Wanted = (&'static GroupResource, Tree);

/// Goes through all once; gives those that failed.
async fn attempt(cluster: &dyn Cluster, wanted: Vec<Wanted>, done: &mut Done) -> Vec<Wanted> {
    let mut failed = Vec::new();
    for (resource, object) in wanted {
        let (kind, name) = (&resource.resource, meta::name(&object));
        match reconcile(cluster, resource, &object).await {
            Ok(Fate::Kept) => {}
            Ok(Fate::Created) => done.created += 1,
            Ok(Fate::Updated) => {
                info!(%kind, name, "added to what was there");
                done.updated += 1;
            }
            Ok(Fate::Recreated) => {
                info!(%kind, name, "made again for another role");
                done.recreated += 1;
            }
            Ok(Fate::Protected) => {
                warn!(%kind, name, "skipped, as it is protected from being brought up to date");
                done.protected += 1;
            }
            Err(status) => {
                warn!(%kind, name, %status, "unable to reconcile, will retry");
                failed.push((resource, object));
            }
        }
    }
    failed
}

async fn reconcile(cluster: &dyn Cluster, resource: &GroupResource, wanted: &Tree) -> Result<Fate, Status> {
    let mut last = Status::internal("exceeded maximum attempts");
    for _ in 0..ATTEMPTS {
        match once(cluster, resource, wanted).await {
            Err(status) if is_race(&status) => last = status,
            other => return other,
        }
    }
    Err(last)
}

/// Whether somebody else wrote the object in the meantime.
const fn is_race(status: &Status) -> bool {
    matches!(
        status.reason,
        Reason::AlreadyExists | Reason::NotFound | Reason::Conflict
    )
}

async fn once(cluster: &dyn Cluster, resource: &GroupResource, wanted: &Tree) -> Result<Fate, Status> {
    let (namespace, name) = (meta::namespace(wanted), meta::name(wanted));
    let Some(existing) = found(cluster.read(resource, namespace, name).await)? else {
        create(cluster, resource, wanted).await?;
        return Ok(Fate::Created);
    };
    match plan(&existing, wanted).map_err(Status::internal)? {
        Plan::Nothing => Ok(Fate::Kept),
        Plan::Protected => Ok(Fate::Protected),
        Plan::Update(object) => {
            cluster.update(resource, "", object).await?;
            Ok(Fate::Updated)
        }
        Plan::Recreate => {
            match cluster.delete(resource, namespace, name).await {
                Err(status) if status.reason != Reason::NotFound => return Err(status),
                _ => {}
            }
            create(cluster, resource, wanted).await?;
            Ok(Fate::Recreated)
        }
    }
}

async fn create(cluster: &dyn Cluster, resource: &GroupResource, wanted: &Tree) -> Result<(), Status> {
    let namespace = meta::namespace(wanted);
    if !namespace.is_empty() {
        ensure_namespace(cluster, namespace).await?;
    }
    cluster.create(resource, wanted.clone()).await.map(drop)
}

/// The namespaces of the system may not be there yet.
async fn ensure_namespace(cluster: &dyn Cluster, name: &str) -> Result<(), Status> {
    if found(cluster.read(&NAMESPACES, "", name).await)?.is_some() {
        return Ok(());
    }
    let mut namespace = Tree::map();
    meta::set_type(&mut namespace, "v1", "Namespace");
    meta::set_name(&mut namespace, name);
    made(cluster.create(&NAMESPACES, namespace).await)
}
