//! The end of objects that others have to clear away after: a namespace, a definition of a kind. The first deletion only says
//! that it has begun.

use std::sync::Arc;

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::{End, EndRules};
use apiserver_storage::object::Object;
use apiserver_storage::shelf::Written;

use super::admit::Admitted;
use super::delete::{Deleted, Deletion};
use super::existing::Attempt;
use super::{Machine, Served};
use crate::catalog::Kept;
use crate::options::Propagation;

impl Machine {
    /// Begins the end of an object, or says that it has begun; `None` where nothing keeps it any more, so that it is deleted
    /// as others are.
    pub(super) async fn begin_end(
        &self,
        deletion: &Deletion<'_>,
        rules: &dyn EndRules,
        stored: &Arc<Object>,
        old: &Tree,
    ) -> Result<Option<Attempt<Deleted>>, Status> {
        let Deletion { resource, options, .. } = *deletion;
        check_preconditions(deletion, old)?;
        if meta::is_deleting(old) {
            let waits = !rules.is_over(old);
            return Ok(waits.then(|| Attempt::Unwritten(Deleted::Object(Served::Stored(stored.clone()), false))));
        }
        if deletion.admission {
            self.admit_delete(&Admitted::delete(deletion, old)).await?;
        }
        let now = deletion.call.now;
        let end = End {
            now,
            orphan: options
                .orphan
                .or(options.propagation.map(|policy| policy == Propagation::Orphan)),
            foreground: options
                .orphan
                .map(|orphan| !orphan)
                .or(options.propagation.map(|policy| policy == Propagation::Foreground)),
        };
        let mut new = old.clone();
        meta::set(&mut new, "deletionTimestamp", now.to_string());
        rules.begin(&mut new, &end);
        if options.dry_run {
            return Ok(Some(Attempt::Unwritten(Deleted::Object(Served::Made(new), false))));
        }
        let Kept { store, shelf, .. } = Self::kept(resource)?;
        let ttl = self.ttl(resource);
        let written = shelf.put(store, &stored.key, stored.revision, new, ttl).await?;
        Ok(Some(match written {
            Written::Done(object) => Attempt::Done(Deleted::Object(Served::Stored(object), false)),
            Written::Conflict(current) => Attempt::Again(current),
        }))
    }
}

/// 409 where it is not the object, or not the version of it, that was meant: in other words than for other kinds.
fn check_preconditions(deletion: &Deletion<'_>, old: &Tree) -> Result<(), Status> {
    let Deletion {
        resource,
        name,
        options,
        ..
    } = *deletion;
    for (what, wanted, found) in [
        ("UID", options.uid.as_deref(), meta::uid(old)),
        (
            "ResourceVersion",
            options.resource_version.as_deref(),
            meta::resource_version(old),
        ),
    ] {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            let error =
                format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}");
            return Err(Status::conflict(&resource.group_resource, name, error));
        }
    }
    Ok(())
}
