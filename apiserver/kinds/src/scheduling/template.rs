//! What pod groups and templates of them share: how their pods are scheduled together.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// The fields that do nothing yet.
const DISABLED: [&str; 5] = [
    "schedulingConstraints",
    "resourceClaims",
    "disruptionMode",
    "priorityClassName",
    "priority",
];

/// Clears what this version does not do yet unless the old object has it.
pub(super) fn drop_disabled(of: &mut Tree, old: Option<&Tree>) {
    for field in DISABLED {
        if old.is_none_or(|old| !old.has(field)) {
            of.remove(field);
        }
    }
}

/// Checks how pods are scheduled: one by one or all at once.
pub(super) fn validate_policy(path: &Path<'_>, policy: &Tree, refusals: &mut Refusals) {
    match (policy.has("basic"), policy.has("gang")) {
        (false, false) => refusals.invalid(path, "", "must specify one of: `basic`, `gang`"),
        (true, true) => {
            let detail = "must specify exactly one of: `basic`, `gang`";
            refusals.invalid(path, "{`basic`, `gang`}", detail);
        }
        (true, false) => {}
        (false, true) => {
            let path = path.field("gang");
            let (path, count) = (path.field("minCount"), policy.at("gang").int("minCount"));
            if count == 0 {
                refusals.required(&path, "");
            } else if count < 0 {
                refusals.invalid(&path, count, "must be greater than or equal to 1");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn a_policy_is_one_of_two() {
        for (policy, refused) in [
            (r#"{"basic":{}}"#, 0),
            (r#"{"gang":{"minCount":2}}"#, 0),
            ("{}", 1),
            (r#"{"basic":{},"gang":{"minCount":2}}"#, 1),
            (r#"{"gang":{}}"#, 1),
            (r#"{"gang":{"minCount":-1}}"#, 1),
        ] {
            let mut refusals = Refusals::new();
            super::validate_policy(
                &Path::of("policy"),
                &parse(policy.as_bytes()).unwrap().tree,
                &mut refusals,
            );
            assert_eq!(refusals.len(), refused, "{policy}: {refusals}");
        }
    }
}
