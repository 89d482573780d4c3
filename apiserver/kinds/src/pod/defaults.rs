//! What a pod is where nothing was said, and old ways of saying things made the same as new ones.

use apiserver_api::tree::Tree;

use super::{containers, image, resources, volumes};

/// Annotations that a pod of old had and that nobody may send any more.
const DROPPED: &[&str] = &[
    "pod.beta.kubernetes.io/init-containers",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-container-statuses",
];
const FILE_MODE: i64 = 0o644;
const HOUR: i64 = 3600;

/// Takes annotations away that mean nothing any more.
pub(super) fn drop_annotations(object: &mut Tree) {
    let Some(metadata) = object.get_mut("metadata") else {
        return;
    };
    let Some(annotations) = metadata.get_mut("annotations") else {
        return;
    };
    for key in DROPPED {
        annotations.remove(key);
    }
    if annotations.is_zero() {
        metadata.remove("annotations");
    }
}

/// Writes a value where the field is empty.
fn fill(object: &mut Tree, field: &str, value: impl Into<Tree>) {
    if object.at(field).is_zero() {
        object.set(field, value);
    }
}

fn each(object: &mut Tree, list: &str, change: impl FnMut(&mut Tree)) {
    let items = object.get_mut(list).and_then(Tree::as_list_mut);
    items.into_iter().flatten().for_each(change);
}

fn within(object: &mut Tree, field: &str, change: impl FnOnce(&mut Tree)) {
    if let Some(inner) = object.get_mut(field).filter(|inner| !inner.is_null()) {
        change(inner);
    }
}

/// The spec of a pod or a template.
pub(super) fn spec(spec: &mut Tree) {
    fill(spec, "dnsPolicy", "ClusterFirst");
    fill(spec, "restartPolicy", "Always");
    spec.set_default("securityContext", Tree::map());
    spec.set_default("terminationGracePeriodSeconds", 30);
    fill(spec, "schedulerName", "default-scheduler");
    // The name of the account of old follows the new one.
    let account = match spec.text("serviceAccountName") {
        "" => spec.text("serviceAccount"),
        name => name,
    };
    let account = account.to_owned();
    if !account.is_empty() {
        spec.set("serviceAccountName", account.as_str());
        spec.set("serviceAccount", account);
    }
    each(spec, "volumes", volume);
    for list in containers::LISTS {
        each(spec, list, container);
    }
    if let Some(overhead) = spec.get_mut("overhead") {
        resources::round(overhead);
    }
    resources::round_both(spec.get_mut("resources"));
}

/// What pods get that templates do not.
pub(super) fn pod(pod: &mut Tree) {
    let spec = pod.child("spec");
    for list in ["containers", "initContainers"] {
        each(spec, list, requests_from_limits);
    }
    super::aggregate::default(spec);
    spec.set_default("enableServiceLinks", true);
    if spec.int("terminationGracePeriodSeconds") < 0 {
        spec.set("terminationGracePeriodSeconds", 1);
    }
    if spec.flag("hostNetwork") {
        for list in ["containers", "initContainers"] {
            each(spec, list, |container| {
                each(container, "ports", |port| {
                    let number = port.int("containerPort");
                    if number != 0 {
                        fill(port, "hostPort", number);
                    }
                });
            });
        }
    }
}

fn requests_from_limits(container: &mut Tree) {
    let limits = container.at("resources").entries("limits").clone();
    if limits.is_empty() {
        return;
    }
    let requests = container.child("resources").child("requests");
    requests.make_map().absorb(limits, |own, limit| {
        if own.is_null() {
            *own = limit;
        }
    });
}

fn pull_policy(image: &str) -> &'static str {
    if image::is_latest(image) {
        "Always"
    } else {
        "IfNotPresent"
    }
}

fn container(container: &mut Tree) {
    let policy = pull_policy(container.text("image"));
    fill(container, "imagePullPolicy", policy);
    fill(container, "terminationMessagePath", "/dev/termination-log");
    fill(container, "terminationMessagePolicy", "File");
    each(container, "env", |variable| {
        within(variable, "valueFrom", |source| within(source, "fieldRef", field_ref));
    });
    resources::round_both(container.get_mut("resources"));
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        within(container, probe, |probe| {
            within(probe, "httpGet", http_get);
            within(probe, "grpc", |action| {
                action.set_default("service", "");
            });
            for (field, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                fill(probe, field, value);
            }
        });
    }
    within(container, "lifecycle", |lifecycle| {
        for hook in ["postStart", "preStop"] {
            within(lifecycle, hook, |hook| within(hook, "httpGet", http_get));
        }
    });
}

fn field_ref(from: &mut Tree) {
    fill(from, "apiVersion", "v1");
}

fn http_get(action: &mut Tree) {
    fill(action, "path", "/");
    fill(action, "scheme", "HTTP");
}

fn downward(source: &mut Tree) {
    each(source, "items", |file| within(file, "fieldRef", field_ref));
}

fn volume(volume: &mut Tree) {
    if !volumes::has_source(volume) {
        volume.set("emptyDir", Tree::map());
    }
    within(volume, "image", |source| {
        let policy = pull_policy(source.text("reference"));
        fill(source, "pullPolicy", policy);
    });
    within(volume, "hostPath", |source| {
        source.set_default("type", "");
    });
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        within(volume, source, |source| {
            source.set_default("defaultMode", FILE_MODE);
        });
    }
    within(volume, "downwardAPI", downward);
    within(volume, "projected", |source| {
        if source.items("sources").is_empty() {
            source.set("sources", Tree::Null);
        }
        each(source, "sources", |source| {
            within(source, "downwardAPI", downward);
            within(source, "serviceAccountToken", |token| {
                token.set_default("expirationSeconds", HOUR);
            });
        });
    });
    within(volume, "ephemeral", |source| {
        within(source, "volumeClaimTemplate", |template| {
            let spec = template.child("spec");
            spec.set_default("volumeMode", "Filesystem");
            resources::round_both(spec.get_mut("resources"));
        });
    });
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::{Map, Tree};

    use crate::pod::testing::json;

    #[test]
    fn a_hundred_thousand_limits_become_requests_at_once() {
        let amounts = |kind: &str| -> Map { (0..130_000).map(|at| (format!("{kind}{at}"), "1")).collect() };
        let mut container = Tree::map();
        container.child("resources").set("limits", amounts("a"));
        container.child("resources").set("requests", amounts("z"));
        super::requests_from_limits(&mut container);
        assert_eq!(container.at("resources").entries("requests").len(), 260_000);
    }

    #[test]
    fn what_a_container_asks_for_stays_beside_its_limits() {
        let mut container = json(r#"{"resources":{"limits":{"a":"1","b":"2","d":"3"},"requests":{"b":"1","c":"1"}}}"#);
        super::requests_from_limits(&mut container);
        let requests = container.at("resources").at("requests");
        assert_eq!(requests, &json(r#"{"a":"1","b":"1","c":"1","d":"3"}"#));
    }

    #[test]
    fn what_was_not_said_is_filled_in() {
        let mut pod = json(
            r#"{"metadata":{"annotations":{"pod.beta.kubernetes.io/init-containers":"x"}},
                "spec":{"serviceAccount":"a","hostNetwork":true,"volumes":[{"name":"v"},{"name":"s","secret":{}}],
                "containers":[{"image":"i:1","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1"}},
                    "livenessProbe":{"httpGet":{}}}]}}"#,
        );
        crate::pod::default_pod(&mut pod);
        let once = pod.clone();
        crate::pod::default_pod(&mut pod);
        assert_eq!(pod, once, "the second time changes nothing");
        assert!(!pod.at("metadata").has("annotations"));
        let spec = pod.at("spec");
        assert_eq!(spec.text("serviceAccountName"), "a");
        assert_eq!(
            spec.at("volumes"),
            &json(r#"[{"name":"v","emptyDir":{}},{"name":"s","secret":{"defaultMode":420}}]"#)
        );
        let container = &spec.items("containers")[0];
        assert_eq!(container.text("imagePullPolicy"), "IfNotPresent");
        assert_eq!(container.at("resources").at("requests"), &json(r#"{"cpu":"1"}"#));
        assert_eq!(container.items("ports")[0].int("hostPort"), 80);
        assert_eq!(container.at("livenessProbe").int("failureThreshold"), 3);
        assert_eq!(container.below(&["livenessProbe", "httpGet"]).text("scheme"), "HTTP");
    }
}
