//! `SELinux` may be tuned to the types that containers have, and to no other users and roles.

use std::collections::BTreeSet;

use apiserver_api::tree::Tree;

use super::{Check, Setters, Violation, plural, quoted};
use crate::pod_security::pods::Pod;

pub(super) const CHECK: Check = Check::baseline("seLinuxOptions", &[(0, since_0), (31, since_31)]);

const FIELD: &str = "seLinuxOptions";
const TYPES: [&str; 5] = [
    "",
    "container_t",
    "container_init_t",
    "container_kvm_t",
    "container_engine_t",
];

fn since_0(pod: &Pod<'_>) -> Option<Violation> {
    judge(pod, &TYPES[..4])
}

fn since_31(pod: &Pod<'_>) -> Option<Violation> {
    judge(pod, &TYPES)
}

fn judge(pod: &Pod<'_>, allowed: &[&str]) -> Option<Violation> {
    let is_bad = |options: &Tree| {
        let says = |field| !options.text(field).is_empty();
        !allowed.contains(&options.text("type")) || says("user") || says("role")
    };
    let setters = Setters {
        pod: is_bad(pod.security().at(FIELD)),
        containers: pod.named(|container| is_bad(container.below(&["securityContext", FIELD]))),
    };
    if setters.is_empty() {
        return None;
    }
    let own = pod.security().at(FIELD);
    let contexts = pod
        .containers()
        .map(|container| container.at("securityContext").at(FIELD));
    let all: Vec<&Tree> = std::iter::once(own).chain(contexts).collect();
    let types: BTreeSet<&str> = all.iter().map(|options| options.text("type")).collect();
    let types: Vec<&str> = types.into_iter().filter(|one| !allowed.contains(one)).collect();
    let mut data = Vec::new();
    if !types.is_empty() {
        data.push(format!("{} {}", plural(types.len(), "type", "types"), quoted(types)));
    }
    for field in ["user", "role"] {
        if all.iter().any(|options| !options.text(field).is_empty()) {
            data.push(format!("{field} may not be set"));
        }
    }
    let (who, what) = (setters.text(), data.join("; "));
    Some(Violation::new(
        FIELD,
        format!("{who} set forbidden securityContext.seLinuxOptions: {what}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::trial::spec;
    use super::{since_0, since_31};

    #[test]
    fn types_of_containers_are_free() {
        let pod = r#"{"securityContext":{"seLinuxOptions":{"type":"foo","user":"u"}},
            "containers":[{"name":"a","securityContext":{"seLinuxOptions":{"type":"bar","role":"r"}}},
            {"name":"b","securityContext":{"seLinuxOptions":{"type":"container_t","level":"s0"}}},{"name":"c"}]}"#;
        let words = r#"seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: types "bar", "foo"; user may not be set; role may not be set)"#;
        assert_eq!(spec(since_0, pod).as_deref(), Some(words));
        for allowed in ["container_t", "container_init_t", "container_kvm_t", ""] {
            let pod = format!(r#"{{"securityContext":{{"seLinuxOptions":{{"type":"{allowed}"}}}}}}"#);
            assert_eq!(spec(since_0, &pod), None, "{allowed}");
        }
        let engine = r#"{"securityContext":{"seLinuxOptions":{"type":"container_engine_t"}}}"#;
        let words = r#"seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "container_engine_t")"#;
        assert_eq!(spec(since_0, engine).as_deref(), Some(words));
        assert_eq!(spec(since_31, engine), None);
    }
}
