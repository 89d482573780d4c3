//! An object instead of another: by a whole object that was sent, or by a patch of what is there.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use apiserver_access::authorize::{Attributes, On, forbidden};
use apiserver_admission::Operation;
use apiserver_api::gvk::GroupKind;
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use apiserver_kinds::Asked;
use apiserver_patch::apply::keep_times;
use apiserver_storage::object::Object;
use apiserver_storage::shelf::Written;
use async_trait::async_trait;

use super::admit::Admitted;
use super::existing::{Attempt, Existing};
use super::patch::Patch;
use super::{CHANGED, Machine, Served, TRIES, Write, fields, metadata};
use crate::catalog::{Kept, Resource};
use crate::request::query::parse_revision;

/// A change of an object that is worked out from something else that was sent: its scale, or where it is to run.
#[async_trait]
pub(crate) trait Edit: Sync {
    /// What the object becomes, of the stored version. It says the resource version that it must have, if any.
    async fn edit(&self, machine: &Machine, write: &Write<'_>, old: &Tree) -> Result<Tree, Status>;

    /// Which object it is meant for, where what was sent says so before it is worked out.
    fn uid(&self) -> Option<&str> {
        None
    }
}

/// What an object is to become.
pub(crate) enum Desired<'d> {
    /// What this makes of it, which was admitted in its own form.
    Edit(&'d dyn Edit),
    /// This, of the stored version and with its defaults.
    Object(Tree),
    /// What a patch makes of what is there.
    Patch(Patch<'d>),
}

impl Desired<'_> {
    /// Whether it is meant for the object of this revision and no other: what is wrong with it then stays wrong.
    fn is_for(&self, revision: Option<i64>) -> bool {
        let Self::Object(object) = self else { return false };
        let version = meta::resource_version(object);
        revision.is_some_and(|revision| version.parse() == Ok(revision))
    }

    /// Which object it is meant for, where that is known before what is there is looked at; empty for any.
    fn uid(&self) -> &str {
        match self {
            Self::Edit(edit) => edit.uid().unwrap_or_default(),
            Self::Object(object) => meta::uid(object),
            Self::Patch(_) => "",
        }
    }

    /// Whether managed fields may be left out, as upstream does where an object is too large with them: not where they are
    /// what the client is after.
    fn may_thin(&self) -> bool {
        match self {
            Self::Edit(_) => false,
            Self::Object(_) => true,
            Self::Patch(patch) => !patch.is_apply(),
        }
    }
}

/// Where an object is to be written, and how.
struct Slot<'s> {
    key: &'s str,
    /// The object may lose its managed fields where it is too large with them.
    may_thin: bool,
}

/// What was written, and whether it was made.
type Replaced = (Served, bool);

impl Machine {
    /// Holds an object that was sent against its address.
    ///
    /// # Errors
    /// 400 where they name different ones.
    pub(crate) fn check_address(write: &Write<'_>, object: &mut Tree) -> Result<(), Status> {
        metadata::settle_namespace(write.resource, write.namespace, object)?;
        metadata::check_name(write.name, object)
    }

    /// Replaces the object, and says whether it was made.
    ///
    /// # Errors
    /// 404, 409 where it is another version, 422 and whatever admission says, or what kept the store from answering.
    pub(crate) async fn replace(&self, write: &Write<'_>, desired: &Desired<'_>) -> Result<(Served, bool), Status> {
        let shelf = Self::shelf(write.resource)?;
        let key = Self::key(shelf, write.namespace, write.name)?;
        let mut existing = Self::existing(write.resource, &key).await?;
        for _ in 0..TRIES {
            let outcome = self.attempt(write, desired, &key, &existing).await;
            let outcome = match outcome {
                Err(status) if desired.is_for(existing.revision()) => return Err(status),
                outcome => outcome,
            };
            match Self::settle(write.resource, &key, &existing, outcome).await? {
                ControlFlow::Break(replaced) => return Ok(replaced),
                ControlFlow::Continue(next) => existing = next,
            }
        }
        Err(Status::conflict(&write.resource.group_resource, write.name, CHANGED))
    }

    async fn attempt(
        &self,
        write: &Write<'_>,
        desired: &Desired<'_>,
        key: &str,
        existing: &Existing,
    ) -> Result<Attempt<Replaced>, Status> {
        let Some(stored) = &existing.object else {
            return self.attempt_new(write, desired, key).await;
        };
        let resource = write.resource;
        let old = resource.typed(stored.tree());
        check_uid(write, desired, key, &old)?;
        let mut new = self.desired(write, desired, Some(&old)).await?;
        check_version(write, &mut new, stored)?;
        let taken = self.take(write, &mut new, Some(&old)).await?;
        let slot = Slot {
            key,
            may_thin: desired.may_thin(),
        };
        let written = self.check_and_write(write, &slot, stored, new, &old).await;
        if matches!(written, Ok(Attempt::Done(_))) {
            taken.keep().await;
        } else {
            taken.give_back().await;
        }
        written
    }

    /// Checks what an object is to become, and writes it.
    async fn check_and_write(
        &self,
        write: &Write<'_>,
        slot: &Slot<'_>,
        stored: &Arc<Object>,
        mut new: Tree,
        old: &Tree,
    ) -> Result<Attempt<Replaced>, Status> {
        self.check_change(write, &mut new, old).await?;
        let begun = Instant::now();
        let compared = keep_times(old, &mut new);
        self.metrics.comparisons.observe(compared, begun.elapsed());
        let options = write.options.named("UpdateOptions");
        let admitted = Admitted::write(write, Operation::Update, &options, Some(old));
        self.validate(&admitted, Some(&new)).await?;
        if is_last_finalizer_gone(write.resource, &new, old) {
            return self.finish_deletion(write, stored, new).await;
        }
        if new == *old {
            return Ok(Attempt::Unwritten((Served::Stored(stored.clone()), false)));
        }
        if write.options.dry_run {
            return Ok(Attempt::Unwritten((Served::Made(new), false)));
        }
        Ok(match self.put(write.resource, slot, stored.revision, new).await? {
            Written::Done(object) => Attempt::Done((Served::Stored(object), false)),
            Written::Conflict(current) => Attempt::Again(current),
        })
    }

    /// The attempt where nothing is there.
    async fn attempt_new(
        &self,
        write: &Write<'_>,
        desired: &Desired<'_>,
        key: &str,
    ) -> Result<Attempt<Replaced>, Status> {
        let resource = write.resource;
        let is_apply = matches!(desired, Desired::Patch(patch) if patch.is_apply());
        if !(is_apply || (resource.kind.rules.creates_on_update() && write.subresource.is_empty())) {
            return Err(Self::not_found(resource, write.name));
        }
        if !desired.uid().is_empty() {
            return Err(metadata::uid_conflict(resource, write.name, key, desired.uid(), ""));
        }
        let mut new = self.desired(write, desired, None).await?;
        if !meta::uid(&new).is_empty() {
            let error = format!(
                "uid mismatch: the provided object specified uid {}, and no existing object was found",
                meta::uid(&new)
            );
            return Err(Status::conflict(&resource.group_resource, write.name, error));
        }
        if !write.subresource.is_empty() {
            return Err(Self::not_found(resource, write.name));
        }
        // Of what is made it counts for nothing, but it has to be one.
        version_of(&new)?;
        let taken = self.take(write, &mut new, None).await?;
        let slot = Slot {
            key,
            may_thin: desired.may_thin(),
        };
        let written = self.check_and_make(write, &slot, new).await;
        if matches!(written, Ok(Attempt::Done(_))) {
            taken.keep().await;
        } else {
            taken.give_back().await;
        }
        written
    }

    /// Checks an object that an update or an apply makes, and writes it.
    async fn check_and_make(
        &self,
        write: &Write<'_>,
        slot: &Slot<'_>,
        mut new: Tree,
    ) -> Result<Attempt<Replaced>, Status> {
        self.check_new(write, &mut new).await?;
        self.may_create(write).await?;
        let options = write.options.named("CreateOptions");
        let admitted = Admitted::write(write, Operation::Create, &options, None);
        self.validate(&admitted, Some(&new)).await?;
        if let Some(metadata) = new.get_mut("metadata") {
            metadata.remove("resourceVersion");
        }
        if write.options.dry_run {
            return Ok(Attempt::Done((Served::Made(new), true)));
        }
        Ok(match self.put(write.resource, slot, 0, new).await? {
            Written::Done(object) => Attempt::Done((Served::Stored(object), true)),
            Written::Conflict(current) => Attempt::Again(current),
        })
    }

    async fn put(&self, resource: &Resource, slot: &Slot<'_>, expected: i64, object: Tree) -> Result<Written, Status> {
        let Kept { store, shelf, .. } = Self::kept(resource)?;
        let ttl = self.ttl(resource);
        Ok(if slot.may_thin {
            shelf.put_or_thin(store, slot.key, expected, object, ttl).await?
        } else {
            shelf.put(store, slot.key, expected, object, ttl).await?
        })
    }

    /// What the object is to become, with its managed fields, and admitted.
    async fn desired(&self, write: &Write<'_>, desired: &Desired<'_>, old: Option<&Tree>) -> Result<Tree, Status> {
        let resource = write.resource;
        let mut new = match desired {
            Desired::Edit(edit) => {
                let Some(old) = old else {
                    return Err(Self::not_found(resource, write.name));
                };
                return edit.edit(self, write, old).await;
            }
            Desired::Object(object) => {
                let mut new = object.clone();
                metadata::dedup_owners(write.call, &mut new, false);
                fields::note(write, old, &mut new);
                new
            }
            Desired::Patch(patch) => {
                let mut new = patch.apply(write, old)?;
                metadata::settle_namespace(resource, write.namespace, &mut new)?;
                metadata::check_name(write.name, &new)?;
                new
            }
        };
        let is_new = old.is_none();
        let operation = if is_new { Operation::Create } else { Operation::Update };
        let options = write
            .options
            .named(if is_new { "CreateOptions" } else { "UpdateOptions" });
        let admitted = Admitted::write(write, operation, &options, old);
        self.admit(&admitted, &mut new).await?;
        metadata::dedup_owners(write.call, &mut new, true);
        self.check_grant(write, write.name, &new, old).await?;
        Ok(new)
    }

    async fn check_change(&self, write: &Write<'_>, new: &mut Tree, old: &Tree) -> Result<(), Status> {
        metadata::settle_namespace(write.resource, write.namespace, new)?;
        let user = write.call.user.to_tree();
        let asked = Asked {
            now: write.call.now,
            user: &user,
        };
        let kind = write.resource.kind;
        let warnings = if kind.rules.part(write.subresource).is_some() {
            kind.prepare_part(write.subresource, &asked, new, old)?;
            let refused = self.refused_of_status(write, new, old).await;
            kind.check_part(write.subresource, &asked, new, old, refused)?
        } else {
            kind.update(&asked, new, old)?
        };
        for warning in warnings {
            write.call.warn(warning);
        }
        Ok(())
    }

    /// Checks that who may update may also create.
    async fn may_create(&self, write: &Write<'_>) -> Result<(), Status> {
        let on = crate::access::resource(write.resource, write.namespace, write.name, "");
        let asked = Attributes {
            user: &write.call.user,
            verb: "create",
            on: On::Resource(on),
        };
        let verdict = self.authorizer.authorize(&asked).await;
        if verdict.is_allowed() {
            return Ok(());
        }
        Err(forbidden(&asked, &verdict.reason))
    }

    /// An update took the last finalizer of an object that is being deleted: it goes.
    async fn finish_deletion(
        &self,
        write: &Write<'_>,
        stored: &Arc<Object>,
        new: Tree,
    ) -> Result<Attempt<Replaced>, Status> {
        if write.options.dry_run {
            return Ok(Attempt::Unwritten((Served::Made(new), false)));
        }
        let Kept { store, shelf, .. } = Self::kept(write.resource)?;
        Ok(match shelf.delete(store, stored).await? {
            // What is answered is what it would have become. Several may take the last finalizer at a time.
            Written::Done(_) | Written::Conflict(None) => {
                self.clear_after(write.resource, &new).await;
                Attempt::Done((Served::Made(new), false))
            }
            Written::Conflict(Some(current)) => Attempt::Again(Some(current)),
        })
    }
}

/// An object that says which one it is must be that one.
fn check_uid(write: &Write<'_>, desired: &Desired<'_>, key: &str, old: &Tree) -> Result<(), Status> {
    let (wanted, found) = (desired.uid(), meta::uid(old));
    if wanted.is_empty() || wanted == found {
        return Ok(());
    }
    Err(metadata::uid_conflict(write.resource, write.name, key, wanted, found))
}

/// Which version an object says it is of; 0 where it says none.
fn version_of(object: &Tree) -> Result<i64, Status> {
    parse_revision(meta::resource_version(object)).map_err(|error| {
        // Upstream's own words, and its code without a reason.
        let message = error
            .split_once(": strconv")
            .map_or(error.clone(), |(_, why)| format!("strconv{why}"));
        Status::new(500, Reason::Unknown, message)
    })
}

/// An object that says which version it is of must be of the one that is there.
fn check_version(write: &Write<'_>, new: &mut Tree, stored: &Object) -> Result<(), Status> {
    let resource = write.resource;
    let revision = version_of(new)?;
    if revision == 0 {
        if resource.kind.rules.updates_unconditionally() {
            meta::set_resource_version(new, &stored.revision.to_string());
            return Ok(());
        }
        let mut refusals = Refusals::new();
        let path = Path::of("metadata");
        refusals.invalid(&path.field("resourceVersion"), 0_i64, "must be specified for an update");
        let kind = GroupKind::new(resource.kind.group, resource.kind.plural);
        return Err(Status::invalid(&kind, write.name, &refusals));
    }
    if revision != stored.revision {
        return Err(Status::conflict(&resource.group_resource, write.name, CHANGED));
    }
    Ok(())
}

/// Whether an update leaves nothing that keeps a deleted object.
fn is_last_finalizer_gone(resource: &Resource, new: &Tree, old: &Tree) -> bool {
    meta::finalizers(new).len() == 0
        && resource.kind.rules.end().is_none_or(|end| end.is_over(new))
        && meta::is_deleting(old)
        && meta::deletion_grace_period_seconds(old).unwrap_or_default() == 0
}
