//! Who asks: a name, groups, and what else is known of them.

use std::collections::BTreeMap;

use crate::tree::{Map, Text, Tree};

/// The group of all who said who they are.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of those who did not.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group that may do everything.
pub const MASTERS: &str = "system:masters";
/// The user of those who did not say who they are.
pub const ANONYMOUS: &str = "system:anonymous";
/// The apiserver itself.
pub const APISERVER: &str = "system:apiserver";

/// A user, as authentication found out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct User {
    /// The name.
    pub name: Text,
    /// What tells users of one name apart over time; may be empty.
    pub uid: Text,
    /// The groups, in the order in which they were found.
    pub groups: Vec<Text>,
    /// What else is known: lists of strings by lower-case keys.
    pub extra: Map,
}

impl User {
    /// A user of whom nothing but name and groups is known.
    pub fn new<'g>(name: &str, groups: impl IntoIterator<Item = &'g str>) -> Self {
        Self {
            name: name.into(),
            groups: groups.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The apiserver itself, which may do everything.
    pub fn apiserver() -> Self {
        Self::new(APISERVER, [MASTERS, AUTHENTICATED])
    }

    /// What else is known of a user, from keys and values; several values may be of one key.
    pub fn extra<V: Into<Text>>(pairs: impl IntoIterator<Item = (String, V)>) -> Map {
        let mut lists: BTreeMap<String, Vec<Tree>> = BTreeMap::new();
        for (key, value) in pairs {
            lists.entry(key).or_default().push(Tree::from(value.into()));
        }
        lists
            .into_iter()
            .map(|(key, values)| (key, Tree::List(values)))
            .collect()
    }

    /// Whether a group is among the user's.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// Whether it is nobody's: of those who did not say who they are.
    pub fn is_unauthenticated(&self) -> bool {
        self.name == ANONYMOUS || self.is_in(UNAUTHENTICATED)
    }

    /// As a `UserInfo` of `authentication.k8s.io`, without what is empty.
    pub fn to_tree(&self) -> Tree {
        let mut tree = Tree::map();
        if !self.name.is_empty() {
            tree.set("username", self.name.clone());
        }
        if !self.uid.is_empty() {
            tree.set("uid", self.uid.clone());
        }
        if !self.groups.is_empty() {
            tree.set("groups", self.groups.iter().cloned().collect::<Tree>());
        }
        if !self.extra.is_empty() {
            tree.set("extra", self.extra.clone());
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::User;

    #[test]
    fn a_user_is_written_without_what_is_empty() {
        let user = User::new("jane", ["dev", "ops"]);
        assert_eq!(
            String::from_utf8(user.to_tree().to_json()).unwrap(),
            r#"{"groups":["dev","ops"],"username":"jane"}"#
        );
        assert!(user.is_in("ops") && !user.is_in("system:masters"));
    }
}
