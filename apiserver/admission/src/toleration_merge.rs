//! Tolerations that say the same as others, or less (`util/tolerations`).

use apiserver_api::tree::Tree;

/// Whether one tolerates all that another does.
fn covers(one: &Tree, other: &Tree) -> bool {
    if same(one, other) {
        return true;
    }
    let (key, operator, effect) = (one.text("key"), one.text("operator"), one.text("effect"));
    let any_key = key.is_empty() && operator == "Exists";
    if (key != other.text("key") && !any_key) || (!effect.is_empty() && effect != other.text("effect")) {
        return false;
    }
    if let (true, Some(most)) = (effect == "NoExecute", one.at("tolerationSeconds").as_int())
        && other.at("tolerationSeconds").as_int().is_none_or(|long| long > most)
    {
        return false;
    }
    match operator {
        "" | "Equal" => other.text("operator") == "Equal" && one.text("value") == other.text("value"),
        "Exists" => true,
        _ => false,
    }
}

fn same(one: &Tree, other: &Tree) -> bool {
    ["key", "operator", "value", "effect"]
        .iter()
        .all(|field| one.text(field) == other.text(field))
        && one.at("tolerationSeconds").as_int() == other.at("tolerationSeconds").as_int()
}

/// Both lists as one, without those that others cover; of those that are the same the first stays (`MergeTolerations`).
pub(crate) fn merge(first: &[Tree], second: &[Tree]) -> Vec<Tree> {
    let all: Vec<&Tree> = first.iter().chain(second).collect();
    let mut merged: Vec<Tree> = Vec::new();
    for (at, one) in all.iter().enumerate() {
        let covered = merged.iter().any(|other| covers(other, one));
        let later = || {
            all[at + 1..]
                .iter()
                .any(|other| !same(one, other) && covers(other, one))
        };
        if !covered && !later() {
            merged.push((*one).clone());
        }
    }
    merged
}

/// Whether each is covered by one that is allowed; all are where nothing is said (`VerifyAgainstWhitelist`).
pub(crate) fn are_allowed(tolerations: &[Tree], allowed: &[Tree]) -> bool {
    let is_allowed = |one: &Tree| allowed.iter().any(|other| covers(other, one));
    allowed.is_empty() || tolerations.iter().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::{are_allowed, merge};
    use crate::double::json;

    #[test]
    fn the_wider_of_two_stays() {
        for (first, second, merged) in [
            (
                r#"[{"key":"a","operator":"Exists"}]"#,
                r#"[{"key":"a","operator":"Equal","value":"x"}]"#,
                r#"[{"key":"a","operator":"Exists"}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Equal","value":"x"}]"#,
                r#"[{"operator":"Exists"}]"#,
                r#"[{"operator":"Exists"}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Equal","value":"x"}]"#,
                r#"[{"key":"a","operator":"Equal","value":"x"},{"key":"b","operator":"Exists"}]"#,
                r#"[{"key":"a","operator":"Equal","value":"x"},{"key":"b","operator":"Exists"}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"}]"#,
                r#"[{"key":"a","operator":"Exists"}]"#,
                r#"[{"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":5}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":9}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":9}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute"}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":9}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute"}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Exists","effect":"NoSchedule"}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute"}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoSchedule"},{"key":"a","operator":"Exists","effect":"NoExecute"}]"#,
            ),
            // No operator means Equal on the wider side only.
            (
                r#"[{"key":"a","value":"x"}]"#,
                r#"[{"key":"a","operator":"Equal","value":"x"}]"#,
                r#"[{"key":"a","value":"x"}]"#,
            ),
        ] {
            let (first, second) = (json(first), json(second));
            let found = merge(first.as_list().unwrap(), second.as_list().unwrap());
            assert_eq!(found, json(merged).as_list().unwrap());
        }
    }

    #[test]
    fn every_toleration_must_be_among_those_that_are_allowed() {
        let allowed = json(r#"[{"key":"a","operator":"Exists"}]"#);
        for (tolerations, expected) in [
            ("[]", true),
            (r#"[{"key":"a","operator":"Equal","value":"x"}]"#, true),
            (
                r#"[{"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"}]"#,
                false,
            ),
        ] {
            let tolerations = json(tolerations);
            let tolerations = tolerations.as_list().unwrap();
            assert_eq!(are_allowed(tolerations, allowed.as_list().unwrap()), expected);
            assert!(are_allowed(tolerations, &[]));
        }
    }
}
