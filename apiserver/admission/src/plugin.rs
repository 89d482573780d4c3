//! What a plugin is told and what it may do (`admission.Attributes`, `MutationInterface`, `ValidationInterface`).

use apiserver_access::authorize::Authorizer;
use apiserver_api::gvk::{GroupVersionKind, GroupVersionResource};
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use apiserver_api::user::User;
use apiserver_api::warnings::Warnings;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;
use parking_lot::Mutex;
use prometheus::Registry;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A new object, or a subresource that is sent like one (`pods/binding`).
    Create,
    /// An object instead of another.
    Update,
    /// An object away.
    Delete,
    /// A connection to what an object stands for (`pods/exec`).
    Connect,
}

impl Operation {
    /// As reviews spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// A write on its way.
pub struct Request<'r> {
    /// What is being done.
    pub operation: Operation,
    /// What was sent, or what it is about.
    pub kind: GroupVersionKind,
    /// As what it was sent.
    pub resource: GroupVersionResource,
    /// `status`; mostly empty.
    pub subresource: &'r str,
    /// Empty for objects of the cluster; the name for a Namespace.
    pub namespace: &'r str,
    /// Empty where it is yet to be generated.
    pub name: &'r str,
    /// Who asks.
    pub user: &'r User,
    /// Nothing is kept.
    pub dry_run: bool,
    /// `CreateOptions`, `UpdateOptions`, `PatchOptions` or `DeleteOptions`, as JSON says them.
    pub options: &'r Tree,
    /// What is replaced or deleted, as it is stored; absent for what is new.
    pub old: Option<&'r Tree>,
    /// The time at the apiserver.
    pub now: Time,
    /// The other objects.
    pub cluster: &'r dyn Cluster,
    /// Who may do what.
    pub authorizer: &'r dyn Authorizer,
    /// What the client is warned of.
    pub warnings: &'r Mutex<Warnings>,
}

impl Request<'_> {
    /// Warns the client.
    pub fn warn(&self, text: impl Into<String>) {
        self.warnings.lock().add(text);
    }

    /// Whether it is about such objects themselves, not a subresource.
    pub fn is_of(&self, group: &str, resource: &str) -> bool {
        self.is_part(group, resource, "")
    }

    /// Whether it is about such a subresource.
    pub fn is_part(&self, group: &str, resource: &str, subresource: &str) -> bool {
        self.resource.resource == resource && self.resource.group == group && self.subresource == subresource
    }
}

/// What may change or refuse a write. Objects are of the stored version, with `apiVersion` and `kind`, and have their
/// defaults; what a plugin leaves must be as the kind's schema and defaults would leave it.
#[async_trait]
pub trait Plugin: Send + Sync {
    /// As `--enable-admission-plugins` spells it.
    fn name(&self) -> &'static str;

    /// Counts from now on what it finds, where there is anything to count but time.
    ///
    /// # Errors
    /// The registry already holds one of the names.
    fn measure(&mut self, _registry: &Registry) -> prometheus::Result<()> {
        Ok(())
    }

    /// Whether it has anything to say of such an operation.
    fn handles(&self, operation: Operation) -> bool;

    /// Changes the object, or refuses the write. Deletions have no object.
    ///
    /// # Errors
    /// What the client is answered.
    async fn admit(&self, _request: &Request<'_>, _object: Option<&mut Tree>) -> Result<(), Status> {
        Ok(())
    }

    /// Refuses the write, or lets it pass. Comes after everyone's changes and after the kind's own rules.
    ///
    /// # Errors
    /// What the client is answered.
    async fn validate(&self, _request: &Request<'_>, _object: Option<&Tree>) -> Result<(), Status> {
        Ok(())
    }
}
