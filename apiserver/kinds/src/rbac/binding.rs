//! `RoleBinding` and `ClusterRoleBinding`: who has a role, in a namespace or everywhere.

use apiserver_api::names::{self, NameRule, name_is_path_segment};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::internal::shown;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};
use crate::text::{required, tell};

const TYPE: &str = "io.k8s.api.rbac.v1.RoleBinding";
const CLUSTER_TYPE: &str = "io.k8s.api.rbac.v1.ClusterRoleBinding";

/// A role as messages show it.
const ROLE_REF: &str = "io.k8s.api.rbac.v1.RoleRef";

/// The entry of the table.
pub(crate) const ROLE_BINDING: Kind = Kind {
    group: GROUP,
    kind: "RoleBinding",
    plural: "rolebindings",
    singular: "rolebinding",
    versions: &[Version::stored("v1", TYPE)],
    folder: "rolebindings",
    rules: &Binding { namespaced: true },
    columns: &[
        NAME,
        role(Words::Text(
            "RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. \
             If the RoleRef cannot be resolved, the Authorizer must return an error.",
        )),
        AGE,
        users("Users in the roleBinding"),
        groups("Groups in the roleBinding"),
        accounts("ServiceAccounts in the roleBinding"),
    ],
    ..Kind::PLAIN
};

/// The entry of the table.
pub(crate) const CLUSTER_ROLE_BINDING: Kind = Kind {
    group: GROUP,
    kind: "ClusterRoleBinding",
    plural: "clusterrolebindings",
    singular: "clusterrolebinding",
    namespaced: false,
    versions: &[Version::stored("v1", CLUSTER_TYPE)],
    folder: "clusterrolebindings",
    rules: &Binding { namespaced: false },
    columns: &[
        NAME,
        role(Words::Text(
            "RoleRef can only reference a ClusterRole in the global namespace. \
             If the RoleRef cannot be resolved, the Authorizer must return an error.",
        )),
        AGE,
        users("Users in the clusterRoleBinding"),
        groups("Groups in the clusterRoleBinding"),
        accounts("ServiceAccounts in the clusterRoleBinding"),
    ],
    ..Kind::PLAIN
};

/// What upstream's table says of the role is what an older version of the group says of it, when it could still be changed.
const fn role(words: Words) -> Column {
    Column {
        name: "Role",
        kind: "string",
        format: "",
        words,
        priority: 0,
        cell: Cell::Is(|object| {
            let role = object.at("roleRef");
            format!("{}/{}", role.text("kind"), role.text("name")).into()
        }),
    }
}

const fn users(words: &'static str) -> Column {
    Column {
        name: "Users",
        kind: "string",
        format: "",
        words: Words::Text(words),
        priority: 1,
        cell: Cell::Is(|object| subjects(object, "User").into()),
    }
}

const fn groups(words: &'static str) -> Column {
    Column {
        name: "Groups",
        cell: Cell::Is(|object| subjects(object, "Group").into()),
        ..users(words)
    }
}

const fn accounts(words: &'static str) -> Column {
    Column {
        name: "ServiceAccounts",
        cell: Cell::Is(|object| subjects(object, "ServiceAccount").into()),
        ..users(words)
    }
}

fn subjects(object: &Tree, kind: &str) -> String {
    let subjects = object.items("subjects").iter();
    let names = subjects.filter(|subject| subject.text("kind") == kind).map(|subject| {
        let (namespace, name) = (subject.text("namespace"), subject.text("name"));
        if kind == "ServiceAccount" {
            format!("{namespace}/{name}")
        } else {
            name.to_owned()
        }
    });
    names.collect::<Vec<String>>().join(", ")
}

struct Binding {
    namespaced: bool,
}

impl Rules for Binding {
    fn name(&self) -> NameRule {
        name_is_path_segment
    }

    fn default(&self, object: &mut Tree) {
        let own = |tree: &mut Tree| {
            if tree.text("apiGroup").is_empty() {
                tree.set("apiGroup", GROUP);
            }
        };
        own(object.child("roleRef"));
        let subjects = object.get_mut("subjects").and_then(Tree::as_list_mut);
        for subject in subjects.into_iter().flatten() {
            if matches!(subject.text("kind"), "User" | "Group") {
                own(subject);
            }
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), self.namespaced, object, refusals);
        let (role, path) = (object.at("roleRef"), Path::of("roleRef"));
        let group = role.text("apiGroup");
        if group != GROUP {
            refusals.not_supported(&path.field("apiGroup"), group, &[GROUP]);
        }
        let (kind, all) = (role.text("kind"), ["Role", "ClusterRole"]);
        let known = if self.namespaced { &all[..] } else { &all[1..] };
        if !known.contains(&kind) {
            refusals.not_supported(&path.field("kind"), kind, known);
        }
        required(&path.field("name"), role.text("name"), names::path_segment, refusals);
        let path = Path::of("subjects");
        for (at, subject) in object.items("subjects").iter().enumerate() {
            validate_subject(&path.index(at), subject, self.namespaced, refusals);
        }
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
        validate_metadata_update(object, old, refusals);
        let role = object.at("roleRef");
        if role != old.at("roleRef") {
            refusals.invalid(&Path::of("roleRef"), shown(ROLE_REF, role), "cannot change roleRef");
        }
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

/// A user, a group or a service account.
fn validate_subject(path: &Path<'_>, subject: &Tree, namespaced: bool, refusals: &mut Refusals) {
    let (name, group) = (subject.text("name"), subject.text("apiGroup"));
    let (name_path, group_path) = (path.field("name"), path.field("apiGroup"));
    if name.is_empty() {
        refusals.required(&name_path, "");
    }
    match subject.text("kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                tell(&name_path, name, names::dns_subdomain(name), refusals);
            }
            if !group.is_empty() {
                refusals.not_supported(&group_path, group, &[""]);
            }
            if !namespaced && subject.text("namespace").is_empty() {
                refusals.required(&path.field("namespace"), "");
            }
        }
        "User" | "Group" if group != GROUP => refusals.not_supported(&group_path, group, &[GROUP]),
        "User" | "Group" => {}
        other => {
            let known = ["ServiceAccount", "User", "Group"];
            refusals.not_supported(&path.field("kind"), other, &known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CLUSTER_ROLE_BINDING, ROLE_BINDING};
    use crate::trial::{cells, refused, update};

    #[test]
    fn the_table_does_not_say_that_the_role_stays() {
        for kind in [&ROLE_BINDING, &CLUSTER_ROLE_BINDING] {
            let words = kind.columns[1].words.text();
            assert!(
                words.starts_with("RoleRef can ") && words.ends_with("must return an error."),
                "{words}"
            );
        }
    }

    fn binding(role: &str, subject: &str) -> String {
        format!(r#"{{"roleRef":{{"kind":"{role}","name":"view"}},"subjects":[{subject}]}}"#)
    }

    #[test]
    fn a_subject_is_a_user_a_group_or_an_account() {
        for (subject, wrong, wrong_in_cluster) in [
            (r#"{"kind":"User","name":"u"}"#, 0, 0),
            (r#"{"kind":"Group","name":"g","apiGroup":"x"}"#, 1, 1),
            (r#"{"kind":"ServiceAccount","name":"s","namespace":"n"}"#, 0, 0),
            (r#"{"kind":"ServiceAccount","name":"s"}"#, 0, 1),
            (r#"{"kind":"ServiceAccount","name":"A","apiGroup":"x"}"#, 2, 3),
            (r#"{"kind":"User"}"#, 1, 1),
            (r#"{"kind":"x","name":"u"}"#, 1, 1),
        ] {
            let object = binding("ClusterRole", subject);
            assert_eq!(refused(&ROLE_BINDING, &object).len(), wrong, "{subject}");
            assert_eq!(
                refused(&CLUSTER_ROLE_BINDING, &object).len(),
                wrong_in_cluster,
                "{subject}"
            );
        }
    }

    #[test]
    fn only_a_binding_in_a_namespace_binds_a_role_of_it() {
        let object = binding("Role", r#"{"kind":"User","name":"u"}"#);
        assert_eq!(refused(&ROLE_BINDING, &object).len(), 0);
        assert_eq!(refused(&CLUSTER_ROLE_BINDING, &object).len(), 1);
        let role = r#"{"roleRef":{"kind":"Role"}}"#;
        assert_eq!(refused(&ROLE_BINDING, role).len(), 1);
    }

    #[test]
    fn the_role_of_a_binding_stays() {
        let (old, new) = (binding("Role", ""), binding("ClusterRole", ""));
        let told = update(&ROLE_BINDING, &old, &new).unwrap_err();
        let value = r#"{"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"view"}"#;
        assert_eq!(
            told,
            [format!("roleRef: Invalid value: {value}: cannot change roleRef")]
        );
    }

    #[test]
    fn tables_show_who_is_bound() {
        let account = r#"{"kind":"ServiceAccount","name":"s","namespace":"n"},{"kind":"User","name":"u"}"#;
        let cells = cells(&ROLE_BINDING, &binding("Role", account));
        assert_eq!((&*cells[1], &*cells[3], &*cells[5]), ("Role/view", "u", "n/s"));
    }
}
