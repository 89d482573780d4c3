//! Admission of a write: what each plugin is told of it.

use apiserver_admission::{Operation, Request};
use apiserver_api::gvk::GroupVersionKind;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::{Deletion, Machine, Write};
use crate::catalog::Resource;
use crate::request::Call;

/// A write as admission sees it.
pub(super) struct Admitted<'a> {
    pub(super) call: &'a Call,
    pub(super) resource: &'a Resource,
    pub(super) subresource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) operation: Operation,
    pub(super) dry_run: bool,
    pub(super) options: &'a Tree,
    pub(super) old: Option<&'a Tree>,
}

impl<'a> Admitted<'a> {
    pub(super) fn write(write: &'a Write<'a>, operation: Operation, options: &'a Tree, old: Option<&'a Tree>) -> Self {
        Self {
            call: write.call,
            resource: write.resource,
            subresource: write.subresource,
            namespace: write.namespace,
            name: write.name,
            operation,
            dry_run: write.options.dry_run,
            options,
            old,
        }
    }

    pub(super) fn delete(deletion: &'a Deletion<'a>, old: &'a Tree) -> Self {
        Self {
            call: deletion.call,
            resource: deletion.resource,
            subresource: "",
            namespace: deletion.namespace,
            name: deletion.name,
            operation: Operation::Delete,
            dry_run: deletion.options.dry_run,
            options: &deletion.options.tree,
            old: Some(old),
        }
    }

    fn request<'r>(&'r self, machine: &'r Machine) -> Request<'r> {
        // A namespace is in itself.
        let is_namespace = self.resource.kind.folder == "namespaces" && self.resource.kind.group.is_empty();
        Request {
            operation: self.operation,
            kind: self.kind(),
            resource: self.resource.group_version_resource(),
            subresource: self.subresource,
            namespace: if is_namespace { self.name } else { self.namespace },
            name: self.name,
            user: &self.call.user,
            dry_run: self.dry_run,
            options: self.options,
            old: self.old,
            now: self.call.now,
            cluster: machine,
            authorizer: &*machine.authorizer,
            warnings: &self.call.warnings,
        }
    }

    fn kind(&self) -> GroupVersionKind {
        let speaks = self.resource.subresource(self.subresource).and_then(|sub| sub.speaks);
        match speaks {
            Some((group, version, kind)) => GroupVersionKind::new(group, version, kind),
            None => self.resource.group_version_kind(),
        }
    }
}

impl Machine {
    /// Lets every plugin change the object or refuse the write.
    pub(super) async fn admit(&self, write: &Admitted<'_>, object: &mut Tree) -> Result<(), Status> {
        // Reviews and the like are not kept anywhere, and nothing is bounded by them.
        if write.resource.shelf().is_some() {
            self.catalog.filled().await?;
        }
        self.admission.admit(&write.request(self), Some(object)).await
    }

    /// Lets every plugin change or refuse what is sent of a part of an object.
    pub(crate) async fn admit_part(&self, write: &Write<'_>, object: &mut Tree, old: &Tree) -> Result<(), Status> {
        let options = write.options.named("UpdateOptions");
        self.admit(&Admitted::write(write, Operation::Update, &options, Some(old)), object)
            .await
    }

    /// Lets every plugin refuse the write.
    pub(super) async fn validate(&self, write: &Admitted<'_>, object: Option<&Tree>) -> Result<(), Status> {
        self.admission.validate(&write.request(self), object).await
    }

    /// Lets every plugin change how a client is to be connected (`PodExecOptions` and the like), or refuse it.
    pub(crate) async fn admit_connect(
        &self,
        call: &Call,
        resource: &Resource,
        subresource: &str,
        options: &mut Tree,
    ) -> Result<(), Status> {
        let none = Tree::Null;
        let admitted = Admitted {
            call,
            resource,
            subresource,
            namespace: &call.info.namespace,
            name: &call.info.name,
            operation: Operation::Connect,
            dry_run: false,
            options: &none,
            old: None,
        };
        self.admit(&admitted, options).await?;
        self.validate(&admitted, Some(options)).await
    }

    /// Lets every plugin refuse a deletion.
    pub(super) async fn admit_delete(&self, write: &Admitted<'_>) -> Result<(), Status> {
        self.catalog.filled().await?;
        let request = write.request(self);
        self.admission.admit(&request, None).await?;
        self.admission.validate(&request, None).await
    }
}
