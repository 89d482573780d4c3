//! What tokens of service accounts say (`pkg/serviceaccount/claims.go`).

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::{Text, Tree};

use crate::authenticate::service_account;

/// An object as a token names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// Its name.
    pub name: Text,
    /// Its uid; empty where the object is not there.
    pub uid: Text,
}

impl Reference {
    /// Of an object.
    pub fn of(object: &Tree) -> Self {
        Self {
            name: meta::name(object).into(),
            uid: meta::uid(object).into(),
        }
    }

    fn to_tree(&self) -> Tree {
        let mut tree = Tree::map();
        for (field, value) in [("name", &self.name), ("uid", &self.uid)] {
            if !value.is_empty() {
                tree.set(field, value.clone());
            }
        }
        tree
    }
}

/// The object with which a token becomes invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A pod, and the node where it runs, if any.
    Pod(Reference, Option<Reference>),
    /// A secret.
    Secret(Reference),
    /// A node.
    Node(Reference),
}

/// What a token says.
#[derive(Clone, Debug)]
pub struct Claims<'c> {
    /// Where the service account is.
    pub namespace: &'c str,
    /// The service account.
    pub account: Reference,
    /// What it becomes invalid with, beside the service account.
    pub bound: Option<Bound>,
    /// Whom it is for.
    pub audiences: &'c [Text],
    /// When it is made.
    pub now: Time,
    /// For how long it is valid.
    pub seconds: i64,
    /// After how long its use is told of, where it is valid for longer than it was asked for.
    pub warn_after: Option<i64>,
    /// What tells it from all others (`jti`).
    pub id: Text,
}

impl Claims<'_> {
    /// As it stands in the token, but for the issuer.
    pub fn to_tree(&self) -> Tree {
        let now = self.now.unix();
        let mut tree = Tree::map();
        tree.set("sub", service_account::username(self.namespace, &self.account.name));
        if !self.audiences.is_empty() {
            tree.set("aud", self.audiences.iter().cloned().collect::<Tree>());
        }
        for (claim, time) in [("iat", now), ("nbf", now), ("exp", now.saturating_add(self.seconds))] {
            tree.set(claim, time);
        }
        tree.set("jti", self.id.clone());
        let private = tree.child("kubernetes.io");
        private.set("namespace", self.namespace);
        private.set("serviceaccount", self.account.to_tree());
        match &self.bound {
            Some(Bound::Pod(pod, node)) => {
                private.set("pod", pod.to_tree());
                if let Some(node) = node {
                    private.set("node", node.to_tree());
                }
            }
            Some(Bound::Secret(secret)) => private.set("secret", secret.to_tree()),
            Some(Bound::Node(node)) => private.set("node", node.to_tree()),
            None => {}
        }
        if let Some(seconds) = self.warn_after {
            private.set("warnafter", now.saturating_add(seconds));
        }
        tree
    }
}
