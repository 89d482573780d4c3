//! What must change in a role or a binding that is there already (`computeReconciledRole`, `computeReconciledRoleBinding`).
//!
//! What is missing is added; what somebody added stays.

use apiserver_api::meta;
use apiserver_api::tree::Tree;

use super::table::AUTO_UPDATE;
use crate::rbac::covers::{TooMany, missing};
use crate::rbac::rule::Rule;

/// What is to be done with an object that is there.
#[derive(Debug, PartialEq)]
pub(super) enum Plan {
    /// It is as it should be.
    Nothing,
    /// Something is missing, but it says that it wants to be left alone.
    Protected,
    /// It is to be replaced by this.
    Update(Tree),
    /// It is to be deleted and made again: a binding of another role, which cannot be changed.
    Recreate,
}

/// What must change for `existing` to be at least `expected`; both are of one kind.
///
/// # Errors
/// Where the rules that are expected cannot be compared with those that are there.
pub(super) fn plan(existing: &Tree, expected: &Tree) -> Result<Plan, TooMany> {
    let mut wanted = existing.clone();
    let binding = expected.has("roleRef");
    let recreate = binding && existing.at("roleRef") != expected.at("roleRef");
    if !recreate {
        merge(&mut wanted, expected, "annotations");
        merge(&mut wanted, expected, "labels");
        if binding {
            add_subjects(&mut wanted, expected);
        } else {
            add_rules(&mut wanted, existing, expected)?;
            add_selectors(&mut wanted, expected);
        }
    }
    let changed = recreate || wanted != *existing;
    Ok(match (changed, recreate) {
        (false, _) => Plan::Nothing,
        _ if meta::annotation(existing, AUTO_UPDATE) == Some("false") => Plan::Protected,
        (_, true) => Plan::Recreate,
        _ => Plan::Update(wanted),
    })
}

/// Adds labels or annotations that are not there; what is there keeps its value.
fn merge(wanted: &mut Tree, expected: &Tree, field: &str) {
    for (key, value) in meta::metadata(expected).entries(field).iter() {
        if !meta::metadata(wanted).at(field).has(key) {
            wanted.child("metadata").child(field).set(key, value.clone());
        }
    }
}

fn add_rules(wanted: &mut Tree, existing: &Tree, expected: &Tree) -> Result<(), TooMany> {
    let has = Rule::all_of(existing);
    let missing = missing(has.iter(), &Rule::all_of(expected))?;
    extend(wanted, "rules", missing.iter().map(Rule::to_tree).collect());
    Ok(())
}

/// A role that gathers others where it should not gathers no more.
fn add_selectors(wanted: &mut Tree, expected: &Tree) {
    let field = "clusterRoleSelectors";
    if !expected.has("aggregationRule") {
        wanted.remove("aggregationRule");
        return;
    }
    let there = wanted.at("aggregationRule").items(field);
    let selectors = expected.at("aggregationRule").items(field).iter();
    let missing: Vec<Tree> = selectors.filter(|one| !there.contains(one)).cloned().collect();
    if !missing.is_empty() {
        extend(wanted.child("aggregationRule"), field, missing);
    }
}

fn add_subjects(wanted: &mut Tree, expected: &Tree) {
    let same = |a: &Tree, b: &Tree| {
        let mut fields = ["kind", "apiGroup", "name", "namespace"].into_iter();
        fields.all(|field| a.text(field) == b.text(field))
    };
    let there = wanted.items("subjects");
    let subjects = expected.items("subjects").iter();
    let missing = subjects.filter(|one| !there.iter().any(|other| same(one, other)));
    extend(wanted, "subjects", missing.cloned().collect());
}

fn extend(tree: &mut Tree, field: &str, more: Vec<Tree>) {
    if !more.is_empty() {
        let mut all = tree.items(field).to_vec();
        all.extend(more);
        tree.set(field, all);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::{Tree, parse};

    use super::{Plan, plan};

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    fn planned(existing: &str, expected: &str) -> String {
        match plan(&tree(existing), &tree(expected)).unwrap() {
            Plan::Update(tree) => String::from_utf8(tree.to_json()).unwrap(),
            other => format!("{other:?}"),
        }
    }

    const RULE: &str = r#"{"apiGroups":["a"],"resources":["x"],"verbs":["get"]}"#;
    const MORE: &str = r#"{"apiGroups":["a"],"resources":["x","y"],"verbs":["get"]}"#;
    const OTHER: &str = r#"{"apiGroups":["b"],"resources":["z"],"verbs":["get"]}"#;
    const Y: &str = r#"{"apiGroups":["a"],"resources":["y"],"verbs":["get"]}"#;

    #[test]
    fn a_role_gets_the_rules_that_it_lacks_and_keeps_the_others() {
        let role = |rules: &str| format!(r#"{{"metadata":{{"name":"r"}},"rules":[{rules}]}}"#);
        assert_eq!(planned(&role(MORE), &role(RULE)), "Nothing");
        assert_eq!(planned(&role(""), &role("")), "Nothing");
        let both = format!("{OTHER},{RULE}");
        assert_eq!(planned(&role(&both), &role(MORE)), role(&format!("{both},{Y}")));
        assert_eq!(planned(r#"{"metadata":{"name":"r"}}"#, &role(RULE)), role(RULE));
    }

    #[test]
    fn labels_and_annotations_that_are_there_stay() {
        let (a, b) = (
            r#"{"metadata":{"labels":{"a":"1"},"name":"r"}}"#,
            r#"{"metadata":{"labels":{"a":"2","b":"3"}}}"#,
        );
        assert_eq!(planned(a, b), r#"{"metadata":{"labels":{"a":"1","b":"3"},"name":"r"}}"#);
        assert_eq!(planned(a, r#"{"metadata":{"labels":{"a":"2"}}}"#), "Nothing");
    }

    #[test]
    fn who_wants_to_be_left_alone_is() {
        let protected = r#"{"metadata":{"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"false"}}}"#;
        let expected = format!(r#"{{"metadata":{{}},"rules":[{RULE}]}}"#);
        assert_eq!(planned(protected, &expected), "Protected");
        assert_eq!(planned(protected, r#"{"metadata":{}}"#), "Nothing");
        let binding = protected.replace(r#"{"metadata""#, r#"{"roleRef":{"name":"a"},"metadata""#);
        assert_eq!(
            planned(&binding, r#"{"metadata":{},"roleRef":{"name":"b"}}"#),
            "Protected"
        );
    }

    #[test]
    fn a_role_gathers_what_it_should_and_nothing_where_it_should_not() {
        let role = |selectors: &str| {
            format!(r#"{{"aggregationRule":{{"clusterRoleSelectors":[{selectors}]}},"metadata":{{}}}}"#)
        };
        let (a, b) = (r#"{"matchLabels":{"a":"b"}}"#, r#"{"matchLabels":{"c":"d"}}"#);
        assert_eq!(planned(&role(a), &role(b)), role(&format!("{a},{b}")));
        assert_eq!(planned(&role(&format!("{a},{b}")), &role(b)), "Nothing");
        assert_eq!(planned(&role(a), r#"{"metadata":{}}"#), r#"{"metadata":{}}"#);
        assert_eq!(planned(r#"{"metadata":{}}"#, &role(a)), role(a));
    }

    #[test]
    fn a_binding_gets_whom_it_lacks_and_is_made_again_for_another_role() {
        let binding = |role: &str, subjects: &str| {
            format!(r#"{{"metadata":{{}},"roleRef":{{"name":"{role}"}},"subjects":[{subjects}]}}"#)
        };
        let (a, b) = (r#"{"kind":"User","name":"a"}"#, r#"{"kind":"User","name":"b"}"#);
        assert_eq!(
            planned(&binding("r", a), &binding("r", b)),
            binding("r", &format!("{a},{b}"))
        );
        assert_eq!(planned(&binding("r", &format!("{a},{b}")), &binding("r", b)), "Nothing");
        assert_eq!(planned(&binding("r", a), &binding("s", a)), "Recreate");
    }
}
