//! How the roles and bindings of the bootstrap policy are written down, and the objects that they become.
//!
//! Lists are words parted by spaces, in any order; `core` is the group without a name.

use apiserver_api::meta;
use apiserver_api::tree::{Text, Tree};

use crate::rbac::GROUP;
use crate::rbac::rule::Rule;

/// To look at objects.
pub(super) const READ: &str = "get list watch";
/// To change objects.
pub(super) const WRITE: &str = "create delete deletecollection patch update";
/// All that can be done with most objects.
pub(super) const ALL: &str = "create delete deletecollection get list patch update watch";
/// To tell what happens.
pub(super) const EVENTS: Grant = on("create patch update", "core events.k8s.io", "events");

/// The annotation of what is brought up to date at every start; `false` keeps it as it is.
pub(super) const AUTO_UPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";
/// What the label of a role says into which other it is gathered begins with.
const GATHERED: &str = "rbac.authorization.k8s.io/aggregate-to-";

/// A rule.
#[derive(Clone, Copy)]
pub(super) struct Grant {
    verbs: &'static str,
    groups: &'static str,
    resources: &'static str,
    names: &'static str,
    paths: &'static str,
}

/// A rule for resources.
pub(super) const fn on(verbs: &'static str, groups: &'static str, resources: &'static str) -> Grant {
    Grant {
        verbs,
        groups,
        resources,
        names: "",
        paths: "",
    }
}

/// A rule for paths.
pub(super) const fn paths(verbs: &'static str, paths: &'static str) -> Grant {
    Grant {
        paths,
        ..on(verbs, "", "")
    }
}

impl Grant {
    /// For these objects only.
    pub(super) const fn named(self, names: &'static str) -> Self {
        Self { names, ..self }
    }

    /// As the rule that it is.
    pub(super) fn rule(&self) -> Rule {
        let [verbs, groups, resources, names, paths] =
            [self.verbs, self.groups, self.resources, self.names, self.paths].map(words);
        Rule {
            verbs,
            groups,
            resources,
            names,
            paths,
        }
    }
}

/// Words in their order, as upstream's builder puts them.
fn words(text: &'static str) -> Vec<Text> {
    let core = |word| if word == "core" { "" } else { word };
    let mut words: Vec<Text> = text.split_whitespace().map(core).map(Text::const_new).collect();
    words.sort_unstable();
    words
}

/// A role.
#[derive(Clone, Copy)]
pub(super) struct Role {
    pub(super) name: &'static str,
    gathering: &'static str,
    into: &'static str,
    grants: &'static [Grant],
}

/// A role that may nothing.
pub(super) const fn role(name: &'static str) -> Role {
    Role {
        name,
        gathering: "",
        into: "",
        grants: &[],
    }
}

impl Role {
    /// With these rules.
    pub(super) const fn may(self, grants: &'static [Grant]) -> Self {
        Self { grants, ..self }
    }

    /// With the rules of all roles that are for this one.
    pub(super) const fn gathering(self, gathering: &'static str) -> Self {
        Self { gathering, ..self }
    }

    /// For the role that gathers these.
    pub(super) const fn into(self, into: &'static str) -> Self {
        Self { into, ..self }
    }

    /// As an object of a namespace, or of the cluster where it is empty; `prefix` stands before its name.
    pub(super) fn object(&self, prefix: &str, namespace: &str) -> Tree {
        let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
        let mut object = object(kind, namespace, &format!("{prefix}{}", self.name));
        if !self.into.is_empty() {
            meta::set_label(&mut object, &format!("{GATHERED}{}", self.into), "true");
        }
        if self.gathering.is_empty() {
            let rules = self.grants.iter().map(|grant| grant.rule().to_tree());
            object.set("rules", rules.collect::<Vec<Tree>>());
        } else {
            let mut labels = Tree::map();
            labels.set(&format!("{GATHERED}{}", self.gathering), "true");
            let mut selector = Tree::map();
            selector.set("matchLabels", labels);
            object
                .child("aggregationRule")
                .set("clusterRoleSelectors", vec![selector]);
            object.set("rules", Tree::Null);
        }
        object
    }
}

/// Whom a binding binds.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    User(&'static str),
    Group(&'static str),
    /// A service account in `kube-system`.
    Account(&'static str),
}

impl Subject {
    fn tree(self) -> Tree {
        let mut tree = Tree::map();
        let (kind, name) = match self {
            Self::User(name) => ("User", name),
            Self::Group(name) => ("Group", name),
            Self::Account(name) => ("ServiceAccount", name),
        };
        tree.set("kind", kind);
        tree.set("name", name);
        if let Self::Account(_) = self {
            tree.set("namespace", "kube-system");
        } else {
            tree.set("apiGroup", GROUP);
        }
        tree
    }
}

/// A binding, of the cluster where the namespace is empty: there of a role of the cluster, elsewhere of one of the namespace.
pub(super) fn binding(namespace: &str, name: &str, role: &str, subjects: &[Subject]) -> Tree {
    let (kind, of) = if namespace.is_empty() {
        ("ClusterRoleBinding", "ClusterRole")
    } else {
        ("RoleBinding", "Role")
    };
    let mut object = object(kind, namespace, name);
    let reference = object.child("roleRef");
    reference.set("apiGroup", GROUP);
    reference.set("kind", of);
    reference.set("name", role);
    if !subjects.is_empty() {
        let subjects = subjects.iter().map(|subject| subject.tree());
        object.set("subjects", subjects.collect::<Vec<Tree>>());
    }
    object
}

fn object(kind: &str, namespace: &str, name: &str) -> Tree {
    let mut object = Tree::map();
    meta::set_type(&mut object, &format!("{GROUP}/v1"), kind);
    meta::set_name(&mut object, name);
    meta::set_namespace(&mut object, namespace);
    meta::set_annotation(&mut object, AUTO_UPDATE, "true");
    meta::set_label(&mut object, "kubernetes.io/bootstrapping", "rbac-defaults");
    object
}
