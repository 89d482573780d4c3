//! `AppArmor` may not be turned off, neither by a field nor by an annotation of old.

use apiserver_api::go::quote;
use apiserver_api::meta;

use super::{Check, Profiles, Violation, plural, quoted};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("appArmorProfile", &[(0, since_0)]);

const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

fn is_right(annotation: &str) -> bool {
    ["", "runtime/default"].contains(&annotation) || annotation.starts_with("localhost/")
}

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    let profiles = Profiles::of(pod, "appArmorProfile");
    let annotations = meta::annotations(pod.object).iter();
    // In the order of their keys, which is the order of these texts.
    let annotations: Vec<String> = annotations
        .filter(|(key, _)| key.starts_with(ANNOTATION))
        .map(|(key, value)| (key, value.as_str().unwrap_or_default()))
        .filter(|(_, value)| !is_right(value))
        .map(|(key, value)| format!("{key}={}", quote(value)))
        .collect();
    let mut setters = profiles.setters.words();
    if !annotations.is_empty() {
        setters.push(plural(annotations.len(), "annotation", "annotations").to_owned());
    }
    if setters.is_empty() {
        return None;
    }
    let values = profiles
        .types
        .iter()
        .copied()
        .chain(annotations.iter().map(String::as_str));
    let values: Vec<&str> = values.collect();
    Some(Violation::new(
        plural(
            values.len(),
            "forbidden AppArmor profile",
            "forbidden AppArmor profiles",
        ),
        format!(
            "{} must not set AppArmor profile type to {}",
            setters.join(" and "),
            quoted(values)
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::trial::object;
    use super::since_0;

    #[test]
    fn profiles_of_fields_and_annotations_count() {
        let pod = r#"{"metadata":{"annotations":{
                "container.apparmor.security.beta.kubernetes.io/a":"unconfined",
                "container.apparmor.security.beta.kubernetes.io/b":"localhost/x","other":"unconfined"}},
            "spec":{"securityContext":{"appArmorProfile":{"type":"Unconfined"}},
                "containers":[{"name":"a","securityContext":{"appArmorProfile":{"type":"RuntimeDefault"}}}]}}"#;
        let words = r#"forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to "Unconfined", "container.apparmor.security.beta.kubernetes.io/a="unconfined"")"#;
        assert_eq!(object(since_0, pod).as_deref(), Some(words));
        assert_eq!(object(since_0, r#"{"spec":{"containers":[{"name":"a"}]}}"#), None);
    }
}
