//! Taints of devices, which keep claims away, and tolerations of claims.

use apiserver_api::labels::validate_name;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::kind::Asked;
use crate::text::tell;

const EFFECTS: [&str; 3] = ["NoExecute", "NoSchedule", "None"];

/// Says when a taint was added where nobody did.
pub(super) fn date(asked: &Asked<'_>, taint: &mut Tree) {
    taint.set_default("timeAdded", asked.now.to_string());
}

/// A taint. What effect one of old has is not looked at again.
pub(super) fn validate(path: &Path<'_>, taint: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    validate_name(&path.field("key"), taint.text("key"), refusals);
    let value = taint.text("value");
    if !value.is_empty() {
        tell(&path.field("value"), value, names::label_value(value), refusals);
    }
    let (effect, at) = (taint.text("effect"), path.field("effect"));
    if old.is_some_and(|old| old.text("effect") == effect) {
        return;
    }
    if effect.is_empty() {
        refusals.required(&at, "");
    } else if !EFFECTS.contains(&effect) {
        refusals.not_supported(&at, effect, &EFFECTS);
    }
}

/// A toleration.
pub(super) fn validate_toleration(path: &Path<'_>, toleration: &Tree, refusals: &mut Refusals) {
    let key = toleration.text("key");
    if !key.is_empty() {
        validate_name(&path.field("key"), key, refusals);
    }
    let (value, value_path) = (toleration.text("value"), path.field("value"));
    match toleration.text("operator") {
        "Exists" if !value.is_empty() => {
            refusals.invalid(&value_path, value, "must be empty for operator `Exists`");
        }
        "Exists" => {}
        "Equal" => tell(&value_path, value, names::label_value(value), refusals),
        "" => refusals.required(&path.field("operator"), ""),
        other => refusals.not_supported(&path.field("operator"), other, &["Equal", "Exists"]),
    }
    let effect = toleration.text("effect");
    if !effect.is_empty() && !EFFECTS.contains(&effect) {
        refusals.not_supported(&path.field("effect"), effect, &EFFECTS);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use super::{validate, validate_toleration};
    use crate::trial::tree;

    #[test]
    fn a_taint_has_a_key_and_an_effect() {
        for (taint, wrong) in [
            (r#"{"key":"k","effect":"NoSchedule"}"#, 0),
            (r#"{"key":"k","effect":"x","value":"a b"}"#, 2),
            (r#"{"key":"k"}"#, 1),
        ] {
            let mut refusals = Refusals::new();
            validate(&Path::of("taint"), &tree(taint), None, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{taint}");
        }
        let old = tree(r#"{"key":"k","effect":"Old"}"#);
        let mut refusals = Refusals::new();
        validate(&Path::of("taint"), &old, Some(&old), &mut refusals);
        assert!(refusals.is_empty());
    }

    #[test]
    fn a_toleration_is_for_a_value_or_for_any() {
        for (toleration, wrong) in [
            (r#"{"operator":"Equal","key":"k","value":"v"}"#, 0),
            (r#"{"operator":"Exists","value":"v"}"#, 1),
            (r#"{"operator":"x","key":"a b","effect":"x"}"#, 3),
            ("{}", 1),
        ] {
            let mut refusals = Refusals::new();
            validate_toleration(&Path::of("t"), &tree(toleration), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{toleration}");
        }
    }
}
