//! Who may do what by roles and bindings: the authorizer, and the check that nobody gives away what they do not have.
//!
//! Roles and bindings are kept decoded, by name and by subject (`policy`), so that a decision reads no JSON. Start reading
//! at [`Rbac`], then [`rule::Rule`]; [`escalation`] is what the server asks before it writes a role or a binding.

pub mod covers;
pub mod escalation;
mod policy;
pub mod rule;

use std::sync::Arc;

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::status::Status;
use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;

use crate::authorize::chain::aggregate;
use crate::authorize::{Attributes, Authorizer, PathRule, ResourceRule, Rules, Verdict};
use crate::derived::{Derived, Held, Namespaced};
use policy::{Binding, Bindings, Roles, Subject};
use rule::Rule;

/// What the group is called.
pub const GROUP: &str = "rbac.authorization.k8s.io";
/// Roles of a namespace.
pub static ROLES: GroupResource = GroupResource::known(GROUP, "roles");
/// Roles of the cluster.
pub static CLUSTER_ROLES: GroupResource = GroupResource::known(GROUP, "clusterroles");
/// Who has a role in a namespace.
pub static ROLE_BINDINGS: GroupResource = GroupResource::known(GROUP, "rolebindings");
/// Who has a role everywhere.
pub static CLUSTER_ROLE_BINDINGS: GroupResource = GroupResource::known(GROUP, "clusterrolebindings");

/// Decides by the roles and bindings of the cluster. Deciding waits only where these have changed since the last decision:
/// the first that comes then decodes those of the cluster, or of its namespace, again.
pub struct Rbac {
    cluster: Arc<dyn Cluster>,
    roles: Derived<Roles>,
    bindings: Derived<Bindings>,
    namespaces: Namespaced<Local>,
}

/// The roles and bindings of a namespace.
#[derive(Default)]
struct Local {
    roles: Derived<Roles>,
    bindings: Derived<Bindings>,
}

/// Roles and bindings as they were at one moment.
struct Moment {
    roles: Arc<Held<Roles>>,
    bindings: Arc<Held<Bindings>>,
}

/// The roles and bindings that count in a namespace.
struct View {
    cluster: Moment,
    local: Option<Moment>,
}

/// Why the role of a binding gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unresolved {
    /// There is no such role in the namespace.
    Role(String),
    /// There is no such role of the cluster.
    ClusterRole(String),
    /// That is no kind of role.
    Kind(String),
}

impl Unresolved {
    /// As upstream's authorizer tells it, which calls resources by one of them.
    fn told(&self) -> String {
        match self {
            Self::Role(name) => Status::not_found(&GroupResource::known(GROUP, "role"), name).message,
            Self::ClusterRole(name) => Status::not_found(&GroupResource::known(GROUP, "clusterrole"), name).message,
            Self::Kind(kind) => format!("unsupported role reference kind: {}", quote(kind)),
        }
    }

    /// As whoever reads the role is answered.
    fn status(&self) -> Status {
        match self {
            Self::Role(name) => Status::not_found(&ROLES, name),
            Self::ClusterRole(name) => Status::not_found(&CLUSTER_ROLES, name),
            Self::Kind(_) => Status::unknown(self.told()),
        }
    }
}

impl Rbac {
    /// For the roles and bindings of this cluster.
    pub fn new(cluster: Arc<dyn Cluster>) -> Self {
        Self {
            cluster,
            roles: Derived::default(),
            bindings: Derived::default(),
            namespaces: Namespaced::default(),
        }
    }

    async fn view(&self, namespace: &str) -> View {
        let cluster = &*self.cluster;
        let roles = self.roles.now(cluster, &CLUSTER_ROLES, "", policy::roles).await;
        let bindings = self
            .bindings
            .now(cluster, &CLUSTER_ROLE_BINDINGS, "", Bindings::of)
            .await;
        let local = if namespace.is_empty() {
            None
        } else {
            let local = self.namespaces.of(cluster, namespace);
            let roles = local.roles.now(cluster, &ROLES, namespace, policy::roles).await;
            let bindings = local
                .bindings
                .now(cluster, &ROLE_BINDINGS, namespace, Bindings::of)
                .await;
            Some(Moment { roles, bindings })
        };
        let cluster = Moment { roles, bindings };
        View { cluster, local }
    }

    /// All rules that a user has in a namespace, or everywhere where it is empty; and what could not be found out.
    async fn held(&self, user: &User, namespace: &str) -> (Vec<Arc<[Rule]>>, Vec<Unresolved>) {
        let view = self.view(namespace).await;
        let (mut held, mut unresolved) = (Vec::new(), Vec::new());
        view.find(user, |found| {
            match found {
                Ok((_, _, rules)) => held.push(Arc::clone(rules)),
                Err(why) => unresolved.push(why),
            }
            None::<()>
        });
        (held, unresolved)
    }
}

/// A binding that a user is bound by, by which of its subjects, and what it gives.
type Found<'v> = Result<(&'v Binding, &'v Subject, &'v Arc<[Rule]>), Unresolved>;

impl View {
    /// Shows the bindings of a user, those of the cluster first, each kind in the order of their names, until one is what
    /// is looked for.
    fn find<'v, T>(&'v self, user: &User, mut look: impl FnMut(Found<'v>) -> Option<T>) -> Option<T> {
        let mut each = |bindings: &'v Bindings, roles: Option<&'v Roles>| {
            let mut bound = bindings.of_user(user);
            bound.find_map(|(binding, subject)| look(self.resolve(binding, subject, roles)))
        };
        each(&self.cluster.bindings.value, None).or_else(|| {
            let local = self.local.as_ref()?;
            each(&local.bindings.value, Some(&local.roles.value))
        })
    }

    fn resolve<'v>(&'v self, binding: &'v Binding, subject: &'v Subject, roles: Option<&'v Roles>) -> Found<'v> {
        let name = &binding.role;
        let rules = match binding.role_kind.as_str() {
            "ClusterRole" => {
                let rules = self.cluster.roles.value.get(name);
                rules.ok_or_else(|| Unresolved::ClusterRole(name.to_string()))?
            }
            "Role" => {
                let rules = roles.and_then(|roles| roles.get(name));
                rules.ok_or_else(|| Unresolved::Role(name.to_string()))?
            }
            other => return Err(Unresolved::Kind(other.to_owned())),
        };
        Ok((binding, subject, rules))
    }
}

#[async_trait]
impl Authorizer for Rbac {
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        let view = self.view(asked.namespace()).await;
        let mut unresolved = Vec::new();
        let allowed = view.find(asked.user, |found| match found {
            Ok((binding, subject, rules)) => {
                let allows = rules.iter().any(|rule| rule.allows(asked));
                allows.then(|| format!("RBAC: allowed by {}", binding.described(subject)))
            }
            Err(why) => {
                unresolved.push(why.told());
                None
            }
        });
        match allowed {
            Some(reason) => Verdict::allow(reason),
            None if unresolved.is_empty() => Verdict::no_opinion(),
            None => Verdict::undecided(format!("RBAC: {}", aggregate(unresolved))),
        }
    }

    async fn rules(&self, user: &User, namespace: &str) -> Rules {
        let (held, unresolved) = self.held(user, namespace).await;
        let mut told = Rules {
            error: aggregate(unresolved.iter().map(Unresolved::told).collect()),
            ..Rules::default()
        };
        for rule in held.iter().flat_map(|rules| rules.iter()) {
            if !rule.resources.is_empty() {
                told.resources.push(ResourceRule {
                    verbs: rule.verbs.clone(),
                    groups: rule.groups.clone(),
                    resources: rule.resources.clone(),
                    names: rule.names.clone(),
                });
            }
            if !rule.paths.is_empty() {
                told.paths.push(PathRule {
                    verbs: rule.verbs.clone(),
                    paths: rule.paths.clone(),
                });
            }
        }
        told
    }
}

#[cfg(test)]
mod tests;
