//! `NodeRestriction`: what a kubelet writes is about its own node and the pods on it.
//!
//! Which kinds a kubelet may write at all is the node authorizer's business; this looks at the objects.

mod audience;
mod claims;
mod nodes;
mod objects;
mod pods;
#[cfg(test)]
mod tests;
mod tokens;

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_api::user::User;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};
use crate::refuse::forbidden;

/// How names of nodes' users begin.
const USER: &str = "system:node:";
/// The group of nodes' users.
const GROUP: &str = "system:nodes";

/// The plugin.
pub(crate) struct NodeRestriction;

/// A node that asks for a write.
struct Asker<'a> {
    /// The node's name.
    node: &'a str,
    request: &'a Request<'a>,
    /// What was sent; `null` where nothing was.
    object: &'a Tree,
}

impl Asker<'_> {
    fn refuse(&self, words: impl std::fmt::Display) -> Status {
        let object = Some(self.object).filter(|object| !object.is_null());
        forbidden(self.request, object, words)
    }

    /// Passes where a rule is kept, else refuses with these words.
    fn must(&self, kept: bool, words: impl FnOnce() -> String) -> Result<(), Status> {
        if kept { Ok(()) } else { Err(self.refuse(words())) }
    }

    /// The node's name in quotes, as most messages begin.
    fn quoted(&self) -> String {
        quote(self.node)
    }

    fn old(&self) -> &Tree {
        static NOTHING: Tree = Tree::Null;
        self.request.old.unwrap_or(&NOTHING)
    }

    fn operation(&self) -> Operation {
        self.request.operation
    }

    fn unexpected_operation(&self) -> Status {
        let operation = quote(self.operation().as_str());
        self.refuse(format!("unexpected operation {operation}"))
    }

    /// An object as the cache has it. What is missing is called by its kind, as upstream's listers do.
    fn cached(&self, resource: &GroupResource, kind: &str, namespace: &str, name: &str) -> Result<Tree, Status> {
        let found = self.request.cluster.cached(resource, namespace, name);
        found.ok_or_else(|| Status::not_found(&GroupResource::new(&resource.group, kind), name))
    }

    /// A pod of the write's namespace.
    fn pod(&self, name: &str) -> Result<Tree, Status> {
        self.cached(&PODS, "pod", self.request.namespace, name)
    }
}

const PODS: GroupResource = GroupResource::known("", "pods");

/// The node that a user is, if it is one (`NodeIdentity`).
fn node(user: &User) -> Option<&str> {
    user.name.strip_prefix(USER).filter(|_| user.is_in(GROUP))
}

#[async_trait]
impl Plugin for NodeRestriction {
    fn name(&self) -> &'static str {
        "NodeRestriction"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation != Operation::Connect
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(node) = node(request.user) else {
            return Ok(());
        };
        let nothing = Tree::Null;
        let object = object.as_deref().unwrap_or(&nothing);
        let asker = Asker { node, request, object };
        asker.must(!node.is_empty(), || {
            format!("could not determine node from user {}", quote(&request.user.name))
        })?;
        let resource = &request.resource;
        match (resource.group.as_str(), resource.resource.as_str(), request.subresource) {
            ("", "pods", part) => pods::check(&asker, part),
            ("", "nodes", _) => nodes::check(&asker),
            ("", "persistentvolumeclaims", part) => claims::check(&asker, part),
            ("", "serviceaccounts", "token") => tokens::check(&asker).await,
            ("coordination.k8s.io", "leases", _) => objects::check_lease(&asker),
            ("storage.k8s.io", "csinodes", _) => objects::check_csi_node(&asker),
            ("resource.k8s.io", "resourceslices", _) => objects::check_slice(&asker),
            ("certificates.k8s.io", "certificatesigningrequests", _) => objects::check_signing_request(&asker),
            _ => Ok(()),
        }
    }
}
