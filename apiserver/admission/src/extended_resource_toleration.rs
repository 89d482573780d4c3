//! `ExtendedResourceToleration`: pods that ask for a device tolerate the taint that keeps others off its nodes.

use std::collections::BTreeSet;

use apiserver_api::names::qualified_name;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};

/// What quotas put before a resource; such a name is nobody's device.
const REQUESTS: &str = "requests.";

/// The plugin.
pub(crate) struct ExtendedResourceToleration;

#[async_trait]
impl Plugin for ExtendedResourceToleration {
    fn name(&self) -> &'static str {
        "ExtendedResourceToleration"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|_| request.is_of("", "pods")) else {
            return Ok(());
        };
        let spec = pod.at("spec");
        let devices: BTreeSet<String> = ["containers", "initContainers"]
            .iter()
            .flat_map(|list| spec.items(list))
            .flat_map(|container| container.at("resources").entries("requests").keys())
            .filter(|name| is_extended(name))
            .map(ToOwned::to_owned)
            .collect();
        if !devices.is_empty() {
            let mut tolerations = spec.items("tolerations").to_vec();
            for device in devices {
                tolerate(&mut tolerations, &device);
            }
            pod.child("spec").set("tolerations", tolerations);
        }
        Ok(())
    }
}

/// Whether a resource is neither the cluster's own nor a quota's (`IsExtendedResourceName`).
fn is_extended(name: &str) -> bool {
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    !native && !name.starts_with(REQUESTS) && qualified_name(&format!("{REQUESTS}{name}")).is_empty()
}

/// Adds a toleration, or takes the time limit off one that says the same.
fn tolerate(tolerations: &mut Vec<Tree>, key: &str) {
    let mut wanted = Tree::map();
    wanted.set("key", key);
    wanted.set("operator", "Exists");
    wanted.set("effect", "NoSchedule");
    let mut found = false;
    for one in tolerations.iter_mut() {
        if ["key", "operator", "effect", "value"]
            .iter()
            .all(|field| one.text(field) == wanted.text(field))
        {
            *one = wanted.clone();
            found = true;
        }
    }
    if !found {
        tolerations.push(wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::{ExtendedResourceToleration, is_extended};
    use crate::testing::{Ask, tree};

    #[tokio::test]
    async fn pods_tolerate_the_devices_that_they_ask_for() {
        let pod = r#"{"spec":{
            "containers":[{"resources":{"requests":{"example.com/b":"1","cpu":"1"}}}],
            "initContainers":[{"resources":{"requests":{"example.com/a":"1"}}}],
            "tolerations":[{"key":"example.com/b","operator":"Exists","effect":"NoSchedule","tolerationSeconds":5},{"key":"x"}]}}"#;
        let ask = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
        let pod = ask.admit(&ExtendedResourceToleration, pod).await.unwrap();
        let expected = r#"[
            {"key":"example.com/b","operator":"Exists","effect":"NoSchedule"},
            {"key":"x"},
            {"key":"example.com/a","operator":"Exists","effect":"NoSchedule"}]"#;
        assert_eq!(pod.at("spec").at("tolerations"), &tree(expected));
    }

    #[test]
    fn devices_have_a_domain_that_is_not_the_cluster_s() {
        for (name, extended) in [
            ("cpu", false),
            ("example.com/gpu", true),
            ("kubernetes.io/x", false),
            ("requests.example.com/gpu", false),
            ("example.com/_", false),
        ] {
            assert_eq!(is_extended(name), extended, "{name}");
        }
    }
}
