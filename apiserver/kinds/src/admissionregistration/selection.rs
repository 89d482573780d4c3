//! What a policy or its binding applies to: the objects that are matched, the kind of its parameters, and which of them.

use apiserver_api::gvk::GroupVersion;
use apiserver_api::labels::{self, Leniency};
use apiserver_api::names::{dns_1035_label, dns_subdomain, name_is_dns_subdomain, path_segment};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{MATCH_POLICIES, rule, supported};

/// The operations that can change an object.
const MUTATING: &[&str] = &["*", "CONNECT", "CREATE", "UPDATE"];

/// Fills in what was not said of the objects that are matched.
pub(super) fn default(spec: &mut Tree, field: &str) {
    let Some(matched) = spec.get_mut(field).filter(|matched| !matched.is_null()) else {
        return;
    };
    matched.set_default("matchPolicy", "Equivalent");
    matched.set_default("namespaceSelector", Tree::map());
    matched.set_default("objectSelector", Tree::map());
    rule::default_scopes(matched, "resourceRules");
    rule::default_scopes(matched, "excludeResourceRules");
}

/// Checks the objects that are matched, where any are named.
pub(super) fn validate(path: &Path<'_>, matched: &Tree, refusals: &mut Refusals) {
    if matched.is_null() {
        return;
    }
    if matched.has("matchPolicy") {
        supported(path, matched, "matchPolicy", MATCH_POLICIES, refusals);
    } else {
        refusals.required(&path.field("matchPolicy"), "");
    }
    for field in ["namespaceSelector", "objectSelector"] {
        let path = path.field(field);
        if matched.has(field) {
            labels::validate(&path, matched.at(field), Leniency::default(), refusals);
        } else {
            refusals.required(&path, "");
        }
    }
    for field in ["resourceRules", "excludeResourceRules"] {
        for (at, one) in matched.items(field).iter().enumerate() {
            rule::validate_named(&path.field(field).index(at), one, refusals);
        }
    }
}

/// Checks the objects that a policy is for, which must be named.
pub(super) fn validate_constraints(path: &Path<'_>, matched: &Tree, mutating: bool, refusals: &mut Refusals) {
    if matched.is_null() {
        return refusals.required(path, "");
    }
    validate(path, matched, refusals);
    if matched.items("resourceRules").is_empty() {
        refusals.required(&path.field("resourceRules"), "");
    }
    if mutating {
        validate_operations(path, matched, refusals);
    }
}

/// Checks that all operations can change an object. Upstream does not say where one cannot.
pub(super) fn validate_operations(path: &Path<'_>, matched: &Tree, refusals: &mut Refusals) {
    let path = path.field("resourceRules");
    let path = path.field("operations");
    let rules = matched.items("resourceRules").iter();
    for operation in rules.flat_map(|one| one.items("operations")) {
        let operation = operation.as_str().unwrap_or_default();
        if !MUTATING.contains(&operation) {
            refusals.not_supported(&path, operation, MUTATING);
        }
    }
}

/// Checks the kind of a policy's parameters, where it has any.
pub(super) fn validate_param_kind(path: &Path<'_>, given: &Tree, refusals: &mut Refusals) {
    if given.is_null() {
        return;
    }
    validate_api_version(&path.field("apiVersion"), given.text("apiVersion"), refusals);
    let (kind, path) = (given.text("kind"), path.field("kind"));
    if kind.is_empty() {
        return refusals.required(&path, "");
    }
    let messages = dns_1035_label(&kind.to_lowercase());
    if !messages.is_empty() {
        let detail = format!(
            "may have mixed case, but should otherwise match: {}",
            messages.join(",")
        );
        refusals.invalid(&path, kind, &detail);
    }
}

fn validate_api_version(path: &Path<'_>, given: &str, refusals: &mut Refusals) {
    if given.is_empty() {
        return refusals.required(path, "");
    }
    let parsed = match GroupVersion::parse(given) {
        Ok(parsed) => parsed,
        Err(error) => return refusals.invalid(path, given, &error.to_string()),
    };
    let messages = dns_subdomain(&parsed.group);
    if !parsed.group.is_empty() && !messages.is_empty() {
        refusals.invalid(path, parsed.group.as_str(), &messages.join(","));
    }
    if parsed.version.is_empty() {
        return refusals.invalid(path, given, "version must be specified");
    }
    let messages = dns_1035_label(&parsed.version);
    if !messages.is_empty() {
        refusals.invalid(path, parsed.version.as_str(), &messages.join(","));
    }
}

/// Checks what a binding says of its policy's name.
pub(super) fn validate_policy_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    if name.is_empty() {
        return refusals.required(path, "");
    }
    for message in name_is_dns_subdomain(name, false) {
        refusals.invalid(path, name, &message);
    }
}

/// Checks which parameters a binding gives to its policy, where it gives any.
pub(super) fn validate_param_ref(path: &Path<'_>, given: &Tree, refusals: &mut Refusals) {
    if given.is_null() {
        return;
    }
    let (name, selector) = (given.text("name"), given.at("selector"));
    let both = "name and selector are mutually exclusive";
    let is_both = !name.is_empty() && !selector.is_null();
    if !name.is_empty() {
        for message in path_segment(name) {
            refusals.invalid(&path.field("name"), name, &message);
        }
    }
    if is_both {
        refusals.forbidden(&path.field("name"), both);
    }
    labels::validate(&path.field("selector"), selector, Leniency::default(), refusals);
    if is_both {
        refusals.forbidden(&path.field("selector"), both);
    }
    if name.is_empty() && selector.is_null() {
        refusals.required(path, "one of name or selector must be specified");
    }
    let (action, path) = (
        given.text("parameterNotFoundAction"),
        path.field("parameterNotFoundAction"),
    );
    match action {
        "" => refusals.required(&path, ""),
        "Allow" | "Deny" => {}
        _ => refusals.not_supported(&path, action, &["Deny", "Allow"]),
    }
}

/// How tables show the kind of a policy's parameters.
pub(super) fn param_kind_cell(object: &Tree) -> String {
    match object.below(&["spec", "paramKind"]) {
        Tree::Null => "<unset>".to_owned(),
        kind => format!("{}/{}", kind.text("apiVersion"), kind.text("kind")),
    }
}

/// How tables show the parameters of a binding.
pub(super) fn param_ref_cell(object: &Tree) -> String {
    let given = object.below(&["spec", "paramRef"]);
    match (given.text("namespace"), given.text("name"), given.at("selector")) {
        (_, "", Tree::Null) => "<unset>".to_owned(),
        (_, "", selector) => go_selector(selector),
        ("", name, _) => format!("*/{name}"),
        (namespace, name, _) => format!("{namespace}/{name}"),
    }
}

/// A selector as Go prints the struct.
fn go_selector(selector: &Tree) -> String {
    let labels = selector.entries("matchLabels").iter();
    let labels = labels.map(|(key, value)| format!("{key}: {},", value.as_str().unwrap_or_default()));
    let labels = labels.collect::<Vec<_>>().concat();
    let expressions = selector.items("matchExpressions").iter().map(|one| {
        let values = one.items("values").iter().filter_map(Tree::as_str);
        let values: Vec<&str> = values.collect();
        let (key, operator, values) = (one.text("key"), one.text("operator"), values.join(" "));
        format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},")
    });
    let expressions = expressions.collect::<Vec<_>>().concat();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{self, Tree};

    use super::{
        default, param_kind_cell, param_ref_cell, validate, validate_constraints, validate_param_kind,
        validate_param_ref,
    };

    fn read(text: &str) -> Tree {
        tree::parse(text.as_bytes()).unwrap().tree
    }

    fn said(check: fn(&Path<'_>, &Tree, &mut Refusals), text: &str) -> Vec<String> {
        let mut refusals = Refusals::new();
        check(&Path::of("p"), &read(text), &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_matched_has_selectors_once_defaults_are_in() {
        let expected = ["matchPolicy", "namespaceSelector", "objectSelector"];
        let expected = expected.map(|field| format!("p.{field}: Required value"));
        assert_eq!(said(validate, "{}"), expected);
        assert!(said(validate, "null").is_empty());
        let mut spec = read(r#"{"m":{"resourceRules":[{}]}}"#);
        default(&mut spec, "m");
        assert_eq!(spec.at("m").items("resourceRules")[0].text("scope"), "*");
        spec.child("m").remove("resourceRules");
        let mut refusals = Refusals::new();
        validate_constraints(&Path::of("p"), spec.at("m"), true, &mut refusals);
        assert_eq!(refusals.to_string(), "p.resourceRules: Required value");
    }

    #[test]
    fn a_mutating_policy_does_not_match_deletions() {
        let matched = r#"{"matchPolicy":"Exact","namespaceSelector":{},"objectSelector":{},"resourceRules":[
            {"operations":["DELETE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}]}"#;
        for (mutating, count) in [(false, 0), (true, 1)] {
            let mut refusals = Refusals::new();
            validate_constraints(&Path::of("p"), &read(matched), mutating, &mut refusals);
            assert_eq!(refusals.len(), count, "{refusals}");
        }
    }

    #[test]
    fn parameters_have_a_version_and_a_kind() {
        for (given, expected) in [
            (r#"{"apiVersion":"a.b/v1","kind":"Ab"}"#, None),
            (r#"{"apiVersion":"","kind":"Ab"}"#, Some("p.apiVersion: Required value")),
            (
                r#"{"apiVersion":"a/b/c","kind":"Ab"}"#,
                Some(r#"p.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c"#),
            ),
            (
                r#"{"apiVersion":"a/","kind":"Ab"}"#,
                Some(r#"p.apiVersion: Invalid value: "a/": version must be specified"#),
            ),
            (r#"{"apiVersion":"v1"}"#, Some("p.kind: Required value")),
            (
                r#"{"apiVersion":"v1","kind":"1"}"#,
                Some(r#"p.kind: Invalid value: "1": may have mixed case, but should otherwise match: a DNS-1035"#),
            ),
        ] {
            let said = said(validate_param_kind, given);
            assert_eq!(said.len(), usize::from(expected.is_some()), "{said:?}");
            assert!(
                expected.is_none_or(|expected| said[0].starts_with(expected)),
                "{said:?}"
            );
        }
    }

    #[test]
    fn parameters_are_named_or_selected_but_not_both() {
        let exclusive = "Forbidden: name and selector are mutually exclusive";
        for (given, expected) in [
            (r#"{"name":"a","parameterNotFoundAction":"Deny"}"#, vec![]),
            (r#"{"selector":{},"parameterNotFoundAction":"Allow"}"#, vec![]),
            (
                r#"{"name":"a","selector":{},"parameterNotFoundAction":"Deny"}"#,
                vec![format!("p.name: {exclusive}"), format!("p.selector: {exclusive}")],
            ),
            (
                "{}",
                vec![
                    "p: Required value: one of name or selector must be specified".to_owned(),
                    "p.parameterNotFoundAction: Required value".to_owned(),
                ],
            ),
            (
                r#"{"name":"a","parameterNotFoundAction":"x"}"#,
                vec![
                    r#"p.parameterNotFoundAction: Unsupported value: "x": supported values: "Deny", "Allow""#
                        .to_owned(),
                ],
            ),
        ] {
            assert_eq!(said(validate_param_ref, given), expected, "{given}");
        }
    }

    #[test]
    fn tables_show_parameters() {
        for (given, shown) in [
            ("{}", "<unset>"),
            (r#"{"name":"a"}"#, "*/a"),
            (r#"{"name":"a","namespace":"n"}"#, "n/a"),
            (
                r#"{"selector":{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"k","operator":"In","values":["x","y"]}]}}"#,
                "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}",
            ),
        ] {
            let object = read(&format!(r#"{{"spec":{{"paramRef":{given}}}}}"#));
            assert_eq!(param_ref_cell(&object), shown);
        }
        assert_eq!(param_kind_cell(&read("{}")), "<unset>");
        let object = read(r#"{"spec":{"paramKind":{"apiVersion":"v1","kind":"ConfigMap"}}}"#);
        assert_eq!(param_kind_cell(&object), "v1/ConfigMap");
    }
}
