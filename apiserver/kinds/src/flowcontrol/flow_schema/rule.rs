//! The rules of a flow schema: who asks, and for what.

use apiserver_api::names::{name_is_dns_label, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

const VERBS: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "proxy",
    "update",
    "watch",
];

/// Checks a rule.
pub(super) fn validate(path: &Path<'_>, rule: &Tree, refusals: &mut Refusals) {
    let (subjects, subjects_path) = (rule.items("subjects"), path.field("subjects"));
    for (at, subject) in subjects.iter().enumerate() {
        validate_subject(&subjects_path.index(at), subject, refusals);
    }
    if subjects.is_empty() {
        refusals.required(&subjects_path, "subjects must contain at least one value");
    }
    let (resources, urls) = (rule.items("resourceRules"), rule.items("nonResourceRules"));
    if resources.is_empty() && urls.is_empty() {
        let detail = "at least one of resourceRules and nonResourceRules has to be non-empty";
        refusals.required(path, detail);
    }
    for (at, one) in resources.iter().enumerate() {
        validate_resources(&path.field("resourceRules").index(at), one, refusals);
    }
    for (at, one) in urls.iter().enumerate() {
        let path = path.field("nonResourceRules");
        let path = path.index(at);
        validate_verbs(&path.field("verbs"), one.items("verbs"), refusals);
        validate_urls(&path.field("nonResourceURLs"), one.items("nonResourceURLs"), refusals);
    }
}

fn validate_subject(path: &Path<'_>, subject: &Tree, refusals: &mut Refusals) {
    const KINDS: [(&str, &str); 3] = [
        ("ServiceAccount", "serviceAccount"),
        ("User", "user"),
        ("Group", "group"),
    ];
    let kind = subject.text("kind");
    let Some((_, field)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        let known = ["Group", "ServiceAccount", "User"];
        return refusals.not_supported(&path.field("kind"), kind, &known);
    };
    let (given, given_path) = (subject.at(field), path.field(field));
    if given.is_null() {
        let detail = format!("{field} is required when subject kind is '{kind}'");
        refusals.required(&given_path, &detail);
    } else {
        validate_subject_names(&given_path, given, kind, refusals);
    }
    for (other, field) in KINDS {
        if other != kind && subject.has(field) {
            let detail = format!("{field} is forbidden when subject kind is not '{other}'");
            refusals.forbidden(&path.field(field), &detail);
        }
    }
}

fn validate_subject_names(path: &Path<'_>, given: &Tree, kind: &str, refusals: &mut Refusals) {
    let (name, name_path) = (given.text("name"), path.field("name"));
    if name.is_empty() {
        refusals.required(&name_path, "");
    }
    if kind != "ServiceAccount" {
        return;
    }
    if !name.is_empty() && name != "*" {
        for message in name_is_dns_subdomain(name, false) {
            refusals.invalid(&name_path, name, &message);
        }
    }
    let (namespace, path) = (given.text("namespace"), path.field("namespace"));
    if namespace.is_empty() {
        return refusals.required(&path, "must specify namespace for service account");
    }
    for message in name_is_dns_label(namespace, false) {
        refusals.invalid(&path, namespace, &message);
    }
}

fn has_wildcard(items: &[Tree]) -> bool {
    items.iter().any(|item| item.as_str() == Some("*"))
}

/// The wildcard, which is alone; says whether it is there.
fn wildcard(path: &Path<'_>, items: &[Tree], others: &str, refusals: &mut Refusals) -> bool {
    let there = has_wildcard(items);
    if there && items.len() > 1 {
        refusals.invalid(
            path,
            items,
            &format!("if '*' is present, must not specify other {others}"),
        );
    }
    there
}

fn validate_verbs(path: &Path<'_>, verbs: &[Tree], refusals: &mut Refusals) {
    let known = |verb: &Tree| VERBS.contains(&verb.as_str().unwrap_or_default());
    if verbs.is_empty() {
        refusals.required(path, "verbs must contain at least one value");
    } else if !wildcard(path, verbs, "verbs", refusals) && !verbs.iter().all(known) {
        refusals.not_supported(path, verbs, VERBS);
    }
}

fn validate_resources(path: &Path<'_>, rule: &Tree, refusals: &mut Refusals) {
    validate_verbs(&path.field("verbs"), rule.items("verbs"), refusals);
    for (field, one, others) in [
        ("apiGroups", "api group", "api groups"),
        ("resources", "resource", "resources"),
    ] {
        let (items, path) = (rule.items(field), path.field(field));
        if items.is_empty() {
            refusals.required(&path, &format!("resource rules must supply at least one {one}"));
        }
        wildcard(&path, items, others, refusals);
    }
    let (namespaces, path) = (rule.items("namespaces"), path.field("namespaces"));
    if namespaces.is_empty() && !rule.flag("clusterScope") {
        let detail = "resource rules that are not cluster scoped must supply at least one namespace";
        return refusals.required(&path, detail);
    }
    if wildcard(&path, namespaces, "namespaces", refusals) {
        return;
    }
    for (at, namespace) in namespaces.iter().enumerate() {
        let namespace = namespace.as_str().unwrap_or_default();
        for message in name_is_dns_label(namespace, false) {
            let detail = format!("each member of this list must be '*' or a DNS-1123 label; {message}");
            refusals.invalid(&path.index(at), namespace, &detail);
        }
    }
}

fn validate_urls(path: &Path<'_>, urls: &[Tree], refusals: &mut Refusals) {
    if urls.is_empty() {
        return refusals.required(path, "nonResourceURLs must contain at least one value");
    }
    if wildcard(path, urls, "non-resource URLs", refusals) {
        return;
    }
    for (at, url) in urls.iter().enumerate() {
        let url = url.as_str().unwrap_or_default();
        if let Some(detail) = wrong_with_url(url) {
            refusals.invalid(&path.index(at), url, detail);
        }
    }
}

fn wrong_with_url(url: &str) -> Option<&'static str> {
    let stars = url.matches('*').count();
    match url {
        "" => Some("must not be empty"),
        "/" => None,
        _ if !url.starts_with('/') => Some("must start with slash"),
        _ if url.contains(' ') => Some("must not contain white-space"),
        _ if url.contains("//") => Some("must not contain double slash"),
        _ if stars > 1 || (stars == 1 && !url.ends_with("/*")) => Some("wildcard can only do suffix matching"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::{validate, wrong_with_url};

    fn said(rule: &str) -> Vec<String> {
        let rule = tree::parse(rule.as_bytes()).unwrap().tree;
        let mut refusals = Refusals::new();
        validate(&Path::of("r"), &rule, &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    const RESOURCES: &str =
        r#""resourceRules":[{"verbs":["get"],"apiGroups":["*"],"resources":["pods"],"namespaces":["a"]}]"#;

    #[test]
    fn subjects_have_what_their_kind_asks_for_and_nothing_else() {
        for (subject, expected) in [
            (r#"{"kind":"User","user":{"name":"u"}}"#, &[][..]),
            (
                r#"{"kind":"ServiceAccount","serviceAccount":{"name":"*","namespace":"n"}}"#,
                &[],
            ),
            (
                r#"{"kind":"x"}"#,
                &[r#"r.subjects[0].kind: Unsupported value: "x": supported values: "Group", "ServiceAccount", "User""#],
            ),
            (
                r#"{"kind":"Group","user":{"name":"u"}}"#,
                &[
                    "r.subjects[0].group: Required value: group is required when subject kind is 'Group'",
                    "r.subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
                ],
            ),
            (
                r#"{"kind":"ServiceAccount","serviceAccount":{}}"#,
                &[
                    "r.subjects[0].serviceAccount.name: Required value",
                    "r.subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account",
                ],
            ),
        ] {
            assert_eq!(said(&format!(r#"{{"subjects":[{subject}],{RESOURCES}}}"#)), expected);
        }
    }

    #[test]
    fn a_rule_names_subjects_and_what_they_do() {
        assert_eq!(
            said(
                r#"{"nonResourceRules":[{"verbs":["*","get"]}],"resourceRules":[{"verbs":["x"],"resources":["*","a"]}]}"#
            ),
            [
                "r.subjects: Required value: subjects must contain at least one value",
                r#"r.resourceRules[0].verbs: Unsupported value: ["x"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch""#,
                "r.resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group",
                r#"r.resourceRules[0].resources: Invalid value: ["*","a"]: if '*' is present, must not specify other resources"#,
                "r.resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace",
                r#"r.nonResourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs"#,
                "r.nonResourceRules[0].nonResourceURLs: Required value: nonResourceURLs must contain at least one value",
            ]
        );
        let bare = said(r#"{"subjects":[{"kind":"User","user":{"name":"u"}}]}"#);
        assert_eq!(
            bare,
            ["r: Required value: at least one of resourceRules and nonResourceRules has to be non-empty"]
        );
    }

    #[test]
    fn urls_are_paths_with_at_most_a_wildcard_at_their_end() {
        for (url, wrong) in [
            ("/", None),
            ("/a/*", None),
            ("", Some("must not be empty")),
            ("a", Some("must start with slash")),
            ("/a b", Some("must not contain white-space")),
            ("/a//b", Some("must not contain double slash")),
            ("/a*", Some("wildcard can only do suffix matching")),
            ("/*/*", Some("wildcard can only do suffix matching")),
        ] {
            assert_eq!(wrong_with_url(url), wrong, "{url}");
        }
    }
}
