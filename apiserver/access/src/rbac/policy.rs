//! Roles by name, and bindings by whom they bind.

use std::collections::HashMap;
use std::sync::Arc;

use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::tree::{Text, Tree};
use apiserver_api::user::User;

use super::rule::Rule;

/// The rules of roles, by name.
pub(super) type Roles = HashMap<Text, Arc<[Rule]>>;

/// Decodes roles.
pub(super) fn roles(objects: &[Tree]) -> Roles {
    let rules = |role: &Tree| (meta::name(role).into(), Rule::all_of(role).into());
    objects.iter().map(rules).collect()
}

/// A binding.
#[derive(Debug)]
pub(super) struct Binding {
    kind: &'static str,
    name: Text,
    namespace: Text,
    /// `Role` or `ClusterRole`.
    pub(super) role_kind: Text,
    /// The role.
    pub(super) role: Text,
    subjects: Vec<Subject>,
}

/// Whom a binding binds.
#[derive(Debug)]
pub(super) struct Subject {
    kind: Text,
    name: Text,
    namespace: Text,
}

/// A binding and one of its subjects, by their places.
type Place = (u32, u32);

/// Bindings, in the order of their names.
#[derive(Default)]
pub(super) struct Bindings {
    all: Vec<Binding>,
    /// Service accounts are found by the name that their tokens give them.
    users: HashMap<Text, Vec<Place>>,
    groups: HashMap<Text, Vec<Place>>,
}

impl Bindings {
    /// Decodes bindings, all of the cluster or all of one namespace.
    pub(super) fn of(objects: &[Tree]) -> Self {
        let mut bindings = Self {
            all: objects.iter().map(Binding::of).collect(),
            ..Self::default()
        };
        bindings.all.sort_by(|a, b| a.name.cmp(&b.name));
        for (at, binding) in bindings.all.iter().enumerate() {
            for (of, subject) in binding.subjects.iter().enumerate() {
                let place = (at as u32, of as u32);
                match subject.kind.as_str() {
                    "User" => bindings.users.entry(subject.name.clone()).or_default().push(place),
                    "Group" => bindings.groups.entry(subject.name.clone()).or_default().push(place),
                    "ServiceAccount" if !subject.namespace.is_empty() => {
                        let user = format!("system:serviceaccount:{}:{}", subject.namespace, subject.name);
                        bindings.users.entry(user.into()).or_default().push(place);
                    }
                    _ => {}
                }
            }
        }
        bindings
    }

    /// The bindings of a user, each with the first of its subjects that the user is.
    pub(super) fn of_user(&self, user: &User) -> impl Iterator<Item = (&Binding, &Subject)> {
        let by_name = self.users.get(&user.name);
        let by_group = user.groups.iter().filter_map(|group| self.groups.get(group));
        let mut places: Vec<Place> = by_name.into_iter().chain(by_group).flatten().copied().collect();
        places.sort_unstable();
        places.dedup_by_key(|(binding, _)| *binding);
        places.into_iter().filter_map(|(at, of)| {
            let binding = self.all.get(at as usize)?;
            Some((binding, binding.subjects.get(of as usize)?))
        })
    }
}

impl Binding {
    fn of(object: &Tree) -> Self {
        let (role, namespace) = (object.at("roleRef"), meta::namespace(object));
        let cluster = namespace.is_empty();
        Self {
            kind: if cluster { "ClusterRoleBinding" } else { "RoleBinding" },
            name: meta::name(object).into(),
            namespace: namespace.into(),
            role_kind: role.text("kind").into(),
            role: role.text("name").into(),
            subjects: object
                .items("subjects")
                .iter()
                .map(|one| Subject::of(one, namespace))
                .collect(),
        }
    }

    /// As the reasons of decisions name it: `RoleBinding "b/acc" of Role "r" to User "jane"`.
    pub(super) fn described(&self, subject: &Subject) -> String {
        let name = if self.namespace.is_empty() {
            quote(&self.name)
        } else {
            quote(&format!("{}/{}", self.name, self.namespace))
        };
        let (role_kind, role) = (&self.role_kind, quote(&self.role));
        format!("{} {name} of {role_kind} {role} to {}", self.kind, subject.described())
    }
}

impl Subject {
    /// Service accounts without a namespace are of the binding's.
    fn of(tree: &Tree, namespace: &str) -> Self {
        let own = tree.text("namespace");
        Self {
            kind: tree.text("kind").into(),
            name: tree.text("name").into(),
            namespace: if own.is_empty() { namespace } else { own }.into(),
        }
    }

    fn described(&self) -> String {
        let (kind, name) = (&self.kind, &self.name);
        if kind == "ServiceAccount" {
            format!("{kind} {}", quote(&format!("{name}/{}", self.namespace)))
        } else {
            format!("{kind} {}", quote(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;
    use apiserver_api::user::User;

    use super::Bindings;

    fn bindings(json: &str) -> Bindings {
        Bindings::of(parse(json.as_bytes()).unwrap().tree.as_list().unwrap())
    }

    fn bound(bindings: &Bindings, user: &User) -> Vec<String> {
        let described = bindings
            .of_user(user)
            .map(|(binding, subject)| binding.described(subject));
        described.collect()
    }

    #[test]
    fn a_user_is_bound_once_by_the_first_subject_that_it_is() {
        let bindings = bindings(
            r#"[
            {"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[
                {"kind":"Group","name":"ops"},{"kind":"User","name":"jane"},{"kind":"Group","name":"dev"}]},
            {"metadata":{"name":"a"},"roleRef":{"kind":"ClusterRole","name":"q"},"subjects":[
                {"kind":"Group","name":"ops"},{"kind":"User","name":"ops"},{"kind":"x","name":"jane"}]},
            {"metadata":{"name":"c"},"roleRef":{"kind":"ClusterRole","name":"s"}}]"#,
        );
        let by_jane = r#"ClusterRoleBinding "b" of ClusterRole "r" to User "jane""#;
        let by_ops = r#"ClusterRoleBinding "b" of ClusterRole "r" to Group "ops""#;
        let other = r#"ClusterRoleBinding "a" of ClusterRole "q" to Group "ops""#;
        assert_eq!(bound(&bindings, &User::new("jane", ["dev", "dev"])), [by_jane]);
        assert_eq!(bound(&bindings, &User::new("jane", ["dev", "ops"])), [other, by_ops]);
        assert_eq!(bound(&bindings, &User::new("x", [])), [""; 0]);
    }

    #[test]
    fn service_accounts_are_of_the_namespace_of_their_binding_where_none_is_named() {
        let local = bindings(
            r#"[{"metadata":{"name":"b","namespace":"n"},"roleRef":{"kind":"Role","name":"r"},"subjects":[
                {"kind":"ServiceAccount","name":"s"},{"kind":"ServiceAccount","name":"t","namespace":"m"}]}]"#,
        );
        let account = |name: &str| User::new(&format!("system:serviceaccount:{name}"), []);
        assert_eq!(
            bound(&local, &account("n:s")),
            [r#"RoleBinding "b/n" of Role "r" to ServiceAccount "s/n""#]
        );
        assert_eq!(
            bound(&local, &account("m:t")),
            [r#"RoleBinding "b/n" of Role "r" to ServiceAccount "t/m""#]
        );
        assert_eq!(bound(&local, &account("n:t")), [""; 0]);
        let cluster = bindings(
            r#"[{"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[
                {"kind":"ServiceAccount","name":"s"}]}]"#,
        );
        assert_eq!(bound(&cluster, &account(":s")), [""; 0]);
    }
}
