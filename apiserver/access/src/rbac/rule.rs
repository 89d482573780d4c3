//! A rule of a role: what it allows, and how it is printed.

use std::fmt;

use apiserver_api::go::quote;
use apiserver_api::tree::{Text, Tree};

use crate::authorize::{Attributes, On, Resource};

/// Verbs on resources of groups, or verbs on paths. `*` stands for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// What may be done.
    pub verbs: Vec<Text>,
    /// In which groups.
    pub groups: Vec<Text>,
    /// With which resources: `pods`, `pods/log`, `*/scale`.
    pub resources: Vec<Text>,
    /// With which objects; all where empty.
    pub names: Vec<Text>,
    /// With which paths; a star at the end stands for what begins so.
    pub paths: Vec<Text>,
}

/// The fields of a rule by their names.
const FIELDS: [&str; 5] = ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"];

impl Rule {
    /// From a `PolicyRule`.
    pub fn of(tree: &Tree) -> Self {
        let [verbs, groups, resources, names, paths] = FIELDS.map(|field| {
            let items = tree.items(field).iter();
            items.filter_map(Tree::as_str).map(Text::from).collect()
        });
        Self {
            verbs,
            groups,
            resources,
            names,
            paths,
        }
    }

    /// The rules of a role.
    pub fn all_of(role: &Tree) -> Vec<Self> {
        role.items("rules").iter().map(Self::of).collect()
    }

    /// As a `PolicyRule`.
    pub fn to_tree(&self) -> Tree {
        let mut tree = Tree::map();
        let lists = [&self.verbs, &self.groups, &self.resources, &self.names, &self.paths];
        for (field, list) in FIELDS.into_iter().zip(lists) {
            if !list.is_empty() {
                tree.set(field, list.iter().cloned().collect::<Tree>());
            }
        }
        tree
    }

    /// Whether it allows what is asked (`RuleAllows`).
    pub fn allows(&self, asked: &Attributes<'_>) -> bool {
        if !has_or_all(&self.verbs, asked.verb) {
            return false;
        }
        match &asked.on {
            On::Resource(on) => {
                has_or_all(&self.groups, on.group)
                    && self.resources.iter().any(|own| is_resource(own, on))
                    && (self.names.is_empty() || has(&self.names, on.name))
            }
            On::Path(path) => self.paths.iter().any(|own| own == "*" || covers_path(own, path)),
        }
    }
}

fn has(list: &[Text], item: &str) -> bool {
    list.iter().any(|own| own == item)
}

/// Whether a list has an item, or the star.
pub(super) fn has_or_all(list: &[Text], item: &str) -> bool {
    list.iter().any(|own| own == "*" || own == item)
}

/// Whether a path of a rule is this one, or begins it.
pub(super) fn covers_path(own: &str, path: &str) -> bool {
    own == path || (own.ends_with('*') && path.starts_with(own.trim_end_matches('*')))
}

fn is_resource(own: &str, asked: &Resource<'_>) -> bool {
    if own == "*" {
        return true;
    }
    if asked.subresource.is_empty() {
        return own == asked.resource;
    }
    let resource = own
        .strip_suffix(asked.subresource)
        .and_then(|rest| rest.strip_suffix('/'));
    resource.is_some_and(|resource| resource == asked.resource || resource == "*")
}

/// As refusals show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`.
impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("APIGroups", &self.groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.paths),
            ("ResourceNames", &self.names),
            ("Verbs", &self.verbs),
        ];
        out.write_str("{")?;
        let shown = parts.into_iter().filter(|(_, list)| !list.is_empty());
        for (at, (name, list)) in shown.enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(out, "{comma}{name}:{}", quoted(list))?;
        }
        out.write_str("}")
    }
}

/// A list as Go prints it with `%q`: `["a" "b"]`.
pub(super) fn quoted(list: &[Text]) -> String {
    let items: Vec<String> = list.iter().map(|item| quote(item)).collect();
    format!("[{}]", items.join(" "))
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;
    use apiserver_api::user::User;

    use super::super::super::authorize::{Attributes, On, Resource};
    use super::Rule;

    fn rule(json: &str) -> Rule {
        Rule::of(&parse(json.as_bytes()).unwrap().tree)
    }

    #[test]
    fn a_rule_for_resources_allows_what_all_its_lists_have() {
        let plain = r#"{"verbs":["get","list"],"apiGroups":["","apps"],"resources":["pods","pods/log"]}"#;
        let named = r#"{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["a","b"]}"#;
        let all = r#"{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}"#;
        let scale = r#"{"verbs":["get"],"apiGroups":["*"],"resources":["*/scale"]}"#;
        for (json, verb, group, resource, subresource, name, allowed) in [
            (plain, "get", "", "pods", "", "x", true),
            (plain, "list", "apps", "pods", "log", "", true),
            (plain, "watch", "", "pods", "", "", false),
            (plain, "get", "batch", "pods", "", "", false),
            (plain, "get", "", "pods", "exec", "", false),
            (plain, "get", "", "pod", "s/log", "", false),
            (plain, "get", "", "pods/log", "", "", true),
            (named, "get", "", "secrets", "", "a", true),
            (named, "get", "", "secrets", "", "c", false),
            (named, "get", "", "secrets", "", "", false),
            (all, "x", "y", "z", "w", "v", true),
            (all, "*", "*", "*", "", "", true),
            (scale, "get", "apps", "deployments", "scale", "d", true),
            (scale, "get", "apps", "deployments", "", "d", false),
            (scale, "get", "apps", "deployments", "ascale", "d", false),
            (plain, "*", "", "pods", "", "", false),
        ] {
            let user = &User::default();
            let on = On::Resource(Resource {
                group,
                resource,
                subresource,
                name,
                ..Resource::default()
            });
            let asked = Attributes { user, verb, on };
            assert_eq!(rule(json).allows(&asked), allowed, "{asked:?}");
        }
    }

    #[test]
    fn a_rule_for_paths_allows_paths_and_what_begins_with_them() {
        let json = r#"{"verbs":["get"],"nonResourceURLs":["/a","/b/*","/c**"]}"#;
        for (verb, path, allowed) in [
            ("get", "/a", true),
            ("get", "/a/", false),
            ("get", "/b", false),
            ("get", "/b/", true),
            ("get", "/b/x", true),
            ("get", "/cx", true),
            ("post", "/a", false),
        ] {
            let (user, on) = (&User::default(), On::Path(path));
            assert_eq!(rule(json).allows(&Attributes { user, verb, on }), allowed, "{path}");
        }
        let (user, verb, on) = (&User::default(), "get", On::Path("/x"));
        let asked = Attributes { user, verb, on };
        assert!(rule(r#"{"verbs":["*"],"nonResourceURLs":["*"]}"#).allows(&asked));
        assert!(!rule(r#"{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}"#).allows(&asked));
    }

    #[test]
    fn a_rule_prints_as_upstream_s_and_is_written_without_what_is_empty() {
        let json = r#"{"apiGroups":[""],"resourceNames":["a\"b"],"resources":["pods","x"],"verbs":["get","list"]}"#;
        let one = rule(json);
        let told = r#"{APIGroups:[""], Resources:["pods" "x"], ResourceNames:["a\"b"], Verbs:["get" "list"]}"#;
        assert_eq!(
            (one.to_string().as_str(), one.to_tree().to_json().as_slice()),
            (told, json.as_bytes())
        );
        let paths = rule(r#"{"verbs":["get"],"nonResourceURLs":["/a"]}"#);
        assert_eq!(paths.to_string(), r#"{NonResourceURLs:["/a"], Verbs:["get"]}"#);
    }
}
