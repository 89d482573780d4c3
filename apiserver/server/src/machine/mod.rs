//! The one machine that all kinds pass: reads from the caches, writes through admission and the kind's rules into the store.

mod admit;
mod change;
mod claims;
mod collection;
mod create;
mod delete;
mod end;
mod existing;
mod fields;
mod get;
mod grants;
mod inside;
mod late;
mod list;
mod metadata;
mod outgoing;
mod patch;
mod posted;
mod replace;
mod speech;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use apiserver_access::authenticate;
use apiserver_access::authorize::Authorizer;
use apiserver_access::rbac::Rbac;
use apiserver_access::tokens::Requests;
use apiserver_admission::Chain;
use apiserver_api::go::quote;
use apiserver_api::names::path_segment;
use apiserver_api::status::Status;
use apiserver_api::tree::{Text, Tree};
use apiserver_storage::object::Object;
use apiserver_storage::shelf::Shelf;
use base::clock::Clock;
use base::random::Random;

pub(crate) use self::change::{Place, Preconditions};
pub(crate) use self::delete::{Deleted, Deletion, check_preconditions};
pub(crate) use self::fields::note;
pub use self::late::Late;
pub(crate) use self::list::select;
pub(crate) use self::patch::{Patch, PatchKind};
pub(crate) use self::replace::{Desired, Edit};
pub(crate) use self::speech::Speech;
pub(crate) use self::watch::{Tell, event, stream};
use crate::catalog::{Catalog, Kept, Resource};
use crate::components::Components;
use crate::connect::Connect;
use crate::impersonate::Impersonation;
use crate::inside::addresses::ServiceAddresses;
use crate::metrics::Metrics;
use crate::options::WriteOptions;
use crate::request::Call;

/// The machine.
pub struct Machine {
    /// What is served.
    pub catalog: Catalog,
    /// What may change or refuse a write.
    pub admission: Chain,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The rights that roles give, which nobody may give away who does not have them.
    pub rbac: Arc<Rbac>,
    /// Who finds out who asks, and whose a token is.
    pub authenticator: authenticate::Chain,
    /// What is remembered of those who act as others.
    pub impersonation: Impersonation,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance: names, identities, and when watches end.
    pub random: Arc<dyn Random>,
    /// Who makes tokens of service accounts, if anybody does.
    pub token_requests: Option<Requests>,
    /// The addresses of services.
    pub services: Option<ServiceAddresses>,
    /// How long events are kept.
    pub event_ttl: Duration,
    /// A watch lasts this long at least where the client does not say, and twice as long at most; zero is for ever.
    pub watch_min: Duration,
    /// How many objects of a collection are deleted at once.
    pub collection_workers: usize,
    /// What leads to nodes, pods and services themselves.
    pub connect: Connect,
    /// The other parts of the control plane.
    pub components: Components,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// How often a write is tried that others keep getting ahead of.
const TRIES: usize = 16;

/// What a client is told whose object changed since it read it.
const CHANGED: &str = "the object has been modified; please apply your changes to the latest version and try again";

/// 500: upstream's store takes no such key, and says no more of it.
fn invalid_key(key: &str) -> Status {
    Status::unknown(format!("invalid key: {}", quote(key)))
}

/// An object on its way to the client: as it is stored, or as it would be.
#[derive(Clone, Debug)]
pub(crate) enum Served {
    /// It is in the store.
    Stored(Arc<Object>),
    /// It is not: a dry run's, or what is only answered. Of the stored version.
    Made(Tree),
}

impl Served {
    /// As a tree of the stored version, with its type.
    pub(crate) fn tree(&self, resource: &Resource) -> Tree {
        match self {
            Self::Stored(object) => resource.typed(object.tree()),
            Self::Made(tree) => tree.clone(),
        }
    }
}

/// A write on its way.
pub(crate) struct Write<'w> {
    pub(crate) call: &'w Call,
    pub(crate) resource: &'w Resource,
    /// What is sent and answered.
    pub(crate) speech: &'w dyn Speech,
    /// Empty for the object itself.
    pub(crate) subresource: &'w str,
    /// Empty for objects of the cluster.
    pub(crate) namespace: &'w str,
    /// Empty where it is yet to be generated.
    pub(crate) name: &'w str,
    pub(crate) options: &'w WriteOptions,
}

impl Machine {
    /// The shelf of a resource that is kept.
    pub(crate) fn shelf(resource: &Resource) -> Result<&Arc<Shelf>, Status> {
        Ok(&Self::kept(resource)?.shelf)
    }

    /// The same with the store behind it.
    pub(crate) fn kept(resource: &Resource) -> Result<&Kept, Status> {
        resource
            .kept()
            .ok_or_else(|| Status::internal(format!("{} are not kept", resource.kind.plural)))
    }

    /// The key of an object.
    ///
    /// # Errors
    /// 400 where the name can be none, 500 where the namespace cannot.
    fn key(shelf: &Shelf, namespace: &str, name: &str) -> Result<Text, Status> {
        let wrong = path_segment(name);
        if !wrong.is_empty() {
            let wrong = wrong.join(";");
            return Err(Status::bad_request(format!(
                "Name parameter invalid: {}: {wrong}",
                quote(name)
            )));
        }
        if matches!(namespace, "." | "..") {
            return Err(invalid_key(&format!("/{}/{namespace}/{name}", shelf.name())));
        }
        Ok(shelf.key(namespace, name))
    }

    /// Checks that there can be such a namespace.
    fn check_folder(shelf: &Shelf, namespace: &str) -> Result<(), Status> {
        if matches!(namespace, "." | "..") {
            return Err(invalid_key(&format!("/{}/{namespace}", shelf.name())));
        }
        Ok(())
    }

    /// For how long an object is kept, where that is not for ever.
    pub(crate) fn ttl(&self, resource: &Resource) -> Option<Duration> {
        (resource.kind.folder == "events").then_some(self.event_ttl)
    }

    /// 404.
    pub(crate) fn not_found(resource: &Resource, name: &str) -> Status {
        Status::not_found(&resource.group_resource, name)
    }
}
