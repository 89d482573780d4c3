//! A new object.

use std::sync::Arc;

use apiserver_admission::Operation;
use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use apiserver_kinds::Asked;
use apiserver_storage::object::Object;
use apiserver_storage::shelf::Written;

use super::admit::Admitted;
use super::{Machine, Served, Write, fields, metadata};
use crate::catalog::{Kept, Resource};

/// How often a generated name is thrown away that is taken.
const NAMES: usize = 8;

impl Machine {
    /// Makes an object of what was sent, which is of the stored version and has its defaults.
    ///
    /// # Errors
    /// 409 where it is there, 422 and whatever admission says, or what kept the store from answering.
    pub(crate) async fn create(&self, write: &Write<'_>, mut object: Tree) -> Result<Served, Status> {
        let Write { call, resource, .. } = write;
        metadata::wipe(&mut object);
        metadata::settle_namespace(resource, write.namespace, &mut object)?;
        metadata::dedup_owners(call, &mut object, false);
        fields::note(write, None, &mut object);
        let (name, asked_for) = (meta::name(&object).to_owned(), write.name);
        let write = Write { name: &name, ..*write };
        let admitted = Admitted::write(&write, Operation::Create, &write.options.tree, None);
        self.admit(&admitted, &mut object).await?;
        metadata::dedup_owners(call, &mut object, true);
        self.check_grant(&write, asked_for, &object, None).await?;
        if !meta::name(&object).is_empty() || meta::generate_name(&object).is_empty() {
            return self.place(&write, object).await;
        }
        // A name that the server makes is not the client's fault when it is taken.
        let mut last = None;
        for _ in 0..NAMES {
            let mut named = object.clone();
            let generated = metadata::generate_name(meta::generate_name(&named), &*self.random);
            meta::set_name(&mut named, &generated);
            let write = Write {
                name: &generated,
                ..write
            };
            match self.place(&write, named).await {
                Err(status) if status.reason == Reason::AlreadyExists => last = Some(status),
                outcome => return outcome,
            }
        }
        Err(last.unwrap_or_else(|| Status::internal("no name was generated")))
    }

    /// Checks an object that was admitted, and stores it.
    async fn place(&self, write: &Write<'_>, mut object: Tree) -> Result<Served, Status> {
        let taken = self.take(write, &mut object, None).await?;
        let placed = self.check_and_place(write, object).await;
        if placed.is_ok() {
            taken.keep().await;
        } else {
            taken.give_back().await;
        }
        placed
    }

    async fn check_and_place(&self, write: &Write<'_>, mut object: Tree) -> Result<Served, Status> {
        let resource = write.resource;
        self.check_new(write, &mut object).await?;
        let options = &write.options.tree;
        let admitted = Admitted::write(write, Operation::Create, options, None);
        self.validate(&admitted, Some(&object)).await?;
        let name = meta::name(&object).to_owned();
        // Where an object says how names for it begin, upstream takes any for one that was generated.
        let is_generated = !meta::generate_name(&object).is_empty();
        let Kept { store, shelf, .. } = Self::kept(resource)?;
        let key = shelf.key(write.namespace, &name);
        if write.options.dry_run {
            if shelf.is_known(store, &key).await? {
                return Err(taken(resource, &name, is_generated, shelf.cache().get(&key)));
            }
            return Ok(Served::Made(object));
        }
        if !meta::resource_version(&object).is_empty() {
            // Upstream finds it out as late, and in no dry run.
            let message = "resourceVersion should not be set on objects to be created";
            return Err(Status::new(500, Reason::Unknown, message));
        }
        let ttl = self.ttl(resource);
        match shelf.put_or_thin(store, &key, 0, object, ttl).await? {
            Written::Done(object) => Ok(Served::Stored(object)),
            Written::Conflict(current) => Err(taken(resource, &name, is_generated, current)),
        }
    }

    /// Takes a new object through the rules of its kind.
    pub(super) async fn check_new(&self, write: &Write<'_>, object: &mut Tree) -> Result<(), Status> {
        metadata::fill(object, write.call.now, &*self.random);
        let user = write.call.user.to_tree();
        let asked = Asked {
            now: write.call.now,
            user: &user,
        };
        for warning in write.resource.kind.rules.early_warnings(object) {
            write.call.warn(warning);
        }
        let refused = self.refused_of_new(write, object).await;
        for warning in write.resource.kind.create_besides(&asked, object, refused)? {
            write.call.warn(warning);
        }
        Ok(())
    }
}

/// 409: the name is taken, by this object.
fn taken(resource: &Resource, name: &str, is_generated: bool, by: Option<Arc<Object>>) -> Status {
    let mut status = if is_generated {
        let taken = GroupResource::new(&resource.group_kind().group, resource.kind.plural);
        Status::generate_name_conflict(&taken, name, 1)
    } else {
        Status::already_exists(&resource.group_resource, name)
    };
    if by.is_some_and(|object| meta::is_deleting(&object.tree())) {
        status.message = format!("object is being deleted: {}", status.message);
    }
    status
}
