//! `ExtendedResourceToleration`: pods that ask for a device tolerate the taint that keeps others off its nodes.

use std::collections::{BTreeSet, HashSet};

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::is_extended;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};

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
            tolerate(&mut tolerations, &devices);
            pod.child("spec").set("tolerations", tolerations);
        }
        Ok(())
    }
}

/// The toleration of a device's taint.
fn wanted(device: &str) -> Tree {
    let mut wanted = Tree::map();
    wanted.set("key", device);
    wanted.set("operator", "Exists");
    wanted.set("effect", "NoSchedule");
    wanted
}

/// Adds the tolerations of devices, or takes the time limit off those that say the same.
fn tolerate(tolerations: &mut Vec<Tree>, devices: &BTreeSet<String>) {
    let mut found = HashSet::new();
    for one in tolerations.iter_mut() {
        let Some(device) = devices.get(one.text("key")) else {
            continue;
        };
        let wanted = wanted(device);
        if ["operator", "effect", "value"]
            .iter()
            .all(|field| one.text(field) == wanted.text(field))
        {
            *one = wanted;
            found.insert(device);
        }
    }
    let missing = devices.iter().filter(|device| !found.contains(device));
    tolerations.extend(missing.map(|device| wanted(device)));
}

#[cfg(test)]
mod tests {
    use super::{ExtendedResourceToleration, tolerate, wanted};
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
    fn tens_of_thousands_of_devices_are_tolerated_at_once() {
        let device = |at: usize| format!("example.com/{at:06}");
        let mut tolerations: Vec<_> = (0..20_000).map(|at| wanted(&device(at))).collect();
        tolerate(&mut tolerations, &(10_000..40_000).map(device).collect());
        assert_eq!(
            tolerations,
            (0..40_000).map(|at| wanted(&device(at))).collect::<Vec<_>>()
        );
    }
}
