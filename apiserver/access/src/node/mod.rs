//! What kubelets may do: each what its own node and the pods on it need (`--authorization-mode=Node`).
//!
//! What belongs to a node is found out in `graph`, of what pods and volumes say that they need (`references`). What a
//! node writes of itself is checked by the admission plugin `NodeRestriction`.

mod graph;
mod references;

use std::sync::Arc;

use apiserver_api::go::quote;
use apiserver_api::user::User;
use apiserver_storage::cluster::Cluster;
use async_trait::async_trait;

use crate::authorize::{Attributes, Authorizer, On, Resource, Rules, Verdict};
use crate::bootstrap;
use crate::rbac::rule::Rule;
use graph::{Graph, Kind};

/// The group of all nodes.
pub const NODES: &str = "system:nodes";
/// The names of nodes as users begin with it.
pub const USER_PREFIX: &str = "system:node:";
/// The namespace of the leases by which nodes say that they live.
const LEASES: &str = "kube-node-lease";

/// The node that a user is: `Some("")` for a node that does not say which, `None` for who is none
/// (`nodeidentifier.NodeIdentity`).
pub fn identity(user: &User) -> Option<&str> {
    let name = user.name.strip_prefix(USER_PREFIX)?;
    user.is_in(NODES).then_some(name)
}

/// Allows nodes what they need, and has no opinion of anybody else.
pub struct Nodes {
    graph: Graph,
    /// What every node may do that has nothing to do with which node it is.
    rules: Vec<Rule>,
}

impl Nodes {
    /// For the pods and volumes of this cluster.
    pub fn new(cluster: Arc<dyn Cluster>) -> Self {
        Self {
            graph: Graph::new(cluster),
            rules: bootstrap::node_rules(),
        }
    }

    async fn on_resource(&self, node: &str, verb: &str, on: &Resource<'_>) -> Option<Verdict> {
        Some(match (on.group, on.resource) {
            ("", "secrets") => self.read(node, Kind::Secret, verb, on).await,
            ("", "configmaps") => self.read(node, Kind::ConfigMap, verb, on).await,
            ("", "persistentvolumeclaims") if on.subresource == "status" => self.claim_status(node, verb, on).await,
            ("", "persistentvolumeclaims") => self.get(node, Kind::Claim, verb, on).await,
            ("", "persistentvolumes") => self.get(node, Kind::Volume, verb, on).await,
            ("resource.k8s.io", "resourceclaims") => self.get(node, Kind::ResourceClaim, verb, on).await,
            ("storage.k8s.io", "volumeattachments") => self.get(node, Kind::Attachment, verb, on).await,
            ("", "serviceaccounts") => self.service_account(node, verb, on).await,
            ("coordination.k8s.io", "leases") => lease(node, verb, on),
            ("storage.k8s.io", "csinodes") => csi_node(node, verb, on),
            ("resource.k8s.io", "resourceslices") => self.slice(node, verb, on).await,
            ("", "nodes") => own_node(node, verb, on),
            ("", "pods") => self.pod(node, verb, on).await,
            _ => return None,
        })
    }

    /// The object must be one of the node's.
    async fn related(&self, node: &str, kind: Kind, on: &Resource<'_>) -> Verdict {
        if on.name.is_empty() {
            return Verdict::undecided("No Object name found");
        }
        self.connected(node, kind, on).await
    }

    async fn connected(&self, node: &str, kind: Kind, on: &Resource<'_>) -> Verdict {
        if self.graph.connects(node, kind, on.namespace, on.name).await {
            Verdict::allow("")
        } else {
            Verdict::undecided(format!("no relationship found between node '{node}' and this object"))
        }
    }

    async fn get(&self, node: &str, kind: Kind, verb: &str, on: &Resource<'_>) -> Verdict {
        if verb != "get" {
            return Verdict::undecided("can only get individual resources of this type");
        }
        if !on.subresource.is_empty() {
            return Verdict::undecided("cannot get subresource");
        }
        self.related(node, kind, on).await
    }

    /// Kubelets watch the secrets of their pods one by one, so lists and watches of one object are reads, too.
    async fn read(&self, node: &str, kind: Kind, verb: &str, on: &Resource<'_>) -> Verdict {
        if !matches!(verb, "get" | "list" | "watch") {
            return Verdict::undecided("can only read resources of this type");
        }
        if !on.subresource.is_empty() {
            return Verdict::undecided("cannot read subresource");
        }
        if on.namespace.is_empty() {
            return Verdict::undecided("can only read namespaced object of this type");
        }
        self.related(node, kind, on).await
    }

    async fn claim_status(&self, node: &str, verb: &str, on: &Resource<'_>) -> Verdict {
        if !matches!(verb, "update" | "patch") {
            return Verdict::undecided("can only get/update/patch this type");
        }
        self.related(node, Kind::Claim, on).await
    }

    /// A kubelet reads the accounts of its pods, and makes tokens for them.
    async fn service_account(&self, node: &str, verb: &str, on: &Resource<'_>) -> Verdict {
        if verb == "get" && on.subresource.is_empty() {
            return self.read(node, Kind::ServiceAccount, verb, on).await;
        }
        if verb != "create" || on.name.is_empty() {
            return Verdict::undecided("can only create tokens for individual service accounts");
        }
        if on.subresource != "token" {
            return Verdict::undecided("can only create token subresource of serviceaccount");
        }
        self.connected(node, Kind::ServiceAccount, on).await
    }

    async fn slice(&self, node: &str, verb: &str, on: &Resource<'_>) -> Verdict {
        if !on.subresource.is_empty() {
            return Verdict::undecided("cannot authorize ResourceSlice subresources");
        }
        match verb {
            "create" => Verdict::allow(""),
            "get" | "update" | "patch" | "delete" => self.related(node, Kind::Slice, on).await,
            "watch" | "list" | "deletecollection" if selects(on, node) => Verdict::allow(""),
            "watch" | "list" | "deletecollection" => {
                Verdict::undecided("can only list/watch/deletecollection resourceslices with nodeName field selector")
            }
            _ => Verdict::undecided(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, \
                 delete, deletecollection",
            ),
        }
    }

    async fn pod(&self, node: &str, verb: &str, on: &Resource<'_>) -> Verdict {
        match (on.subresource, verb) {
            ("", "get") => self.get(node, Kind::Pod, verb, on).await,
            ("", "list" | "watch") if selects(on, node) => Verdict::allow(""),
            ("", "list" | "watch") if !on.name.is_empty() => self.related(node, Kind::Pod, on).await,
            ("", "list" | "watch") => Verdict::undecided("can only list/watch pods with spec.nodeName field selector"),
            // Mirror pods; what a node says of others is admission's business.
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => Verdict::allow(""),
            _ => Verdict::no_opinion(),
        }
    }
}

/// Whether only what is on the node is asked for.
fn selects(on: &Resource<'_>, node: &str) -> bool {
    let mut fields = on.fields.iter();
    fields.any(|term| term.field == "spec.nodeName" && term.equal && term.value == node)
}

fn lease(node: &str, verb: &str, on: &Resource<'_>) -> Verdict {
    if !matches!(verb, "get" | "create" | "update" | "patch" | "delete") {
        return Verdict::undecided("can only get, create, update, patch, or delete a node lease");
    }
    if on.namespace != LEASES {
        let place = quote(LEASES);
        return Verdict::undecided(format!("can only access leases in the {place} system namespace"));
    }
    // The name of what is made is not known here.
    if verb != "create" && on.name != node {
        return Verdict::undecided("can only access node lease with the same name as the requesting node");
    }
    Verdict::allow("")
}

fn csi_node(node: &str, verb: &str, on: &Resource<'_>) -> Verdict {
    if !matches!(verb, "get" | "create" | "update" | "patch" | "delete") {
        return Verdict::undecided("can only get, create, update, patch, or delete a CSINode");
    }
    if !on.subresource.is_empty() {
        return Verdict::undecided("cannot authorize CSINode subresources");
    }
    if verb != "create" && on.name != node {
        return Verdict::undecided("can only access CSINode with the same name as the requesting node");
    }
    Verdict::allow("")
}

/// A node reads its own object, be it there or not; that it writes no other is admission's business.
fn own_node(node: &str, verb: &str, on: &Resource<'_>) -> Verdict {
    match (on.subresource, verb) {
        ("", "create" | "update" | "patch") | ("status", "update" | "patch") => Verdict::allow(""),
        ("", "get" | "list" | "watch") if on.name == node => Verdict::allow(""),
        ("", "get" | "list" | "watch") if on.name.is_empty() => {
            Verdict::undecided(format!("node '{node}' cannot read all nodes, only its own Node object"))
        }
        ("", "get" | "list" | "watch") => {
            let other = on.name;
            Verdict::undecided(format!("node '{node}' cannot read '{other}', only its own Node object"))
        }
        _ => Verdict::no_opinion(),
    }
}

#[async_trait]
impl Authorizer for Nodes {
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        let Some(node) = identity(asked.user) else {
            return Verdict::no_opinion();
        };
        if node.is_empty() {
            return Verdict::undecided(format!("unknown node for user {}", quote(&asked.user.name)));
        }
        if let On::Resource(on) = &asked.on
            && let Some(verdict) = self.on_resource(node, asked.verb, on).await
        {
            return verdict;
        }
        if self.rules.iter().any(|rule| rule.allows(asked)) {
            Verdict::allow("")
        } else {
            Verdict::no_opinion()
        }
    }

    async fn rules(&self, user: &User, _namespace: &str) -> Rules {
        let mut rules = Rules::default();
        if identity(user).is_some() {
            rules.incomplete = true;
            "node authorizer does not support user rule resolution".clone_into(&mut rules.error);
        }
        rules
    }
}

#[cfg(test)]
mod tests;
