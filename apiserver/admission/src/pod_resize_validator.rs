//! `PodResizeValidator`: a pod is not resized beyond what its node could ever give.

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::{amount, count};
use apiserver_kinds::pod_sum::{Counted, Half, of_pod};
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};

const NODES: GroupResource = GroupResource::known("", "nodes");
const SYSTEM: &str = "kubernetes.io/os";

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct PodResizeValidator;

impl PodResizeValidator {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for PodResizeValidator {
    fn name(&self) -> &'static str {
        "PodResizeValidator"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Update
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let ours = request.is_part("", "pods", "resize");
        let (true, Some(pod), Some(old)) = (ours, object, request.old) else {
            return Ok(());
        };
        let name = pod.at("spec").text("nodeName");
        // The generation counts the changes of the spec.
        if name.is_empty() || meta::generation(pod) == meta::generation(old) {
            return Ok(());
        }
        let Some(node) = request.cluster.cached(&NODES, "", name) else {
            return Err(forbid(request, object, format!("node {} not found", quote(name))));
        };
        if let Some(system) = meta::label(&node, SYSTEM).filter(|system| *system != "linux") {
            let why = format!(
                "pod resize is only supported on linux nodes, node {} is {}",
                quote(name),
                quote(system)
            );
            return Err(forbid(request, object, why).because("UnsupportedPlatform", "", ""));
        }
        match beyond(pod, &node) {
            Some(why) => Err(forbid(request, object, why).because("NodeCapacity", "", "")),
            None => Ok(()),
        }
    }
}

/// What a pod asks for beyond all that its node has.
fn beyond(pod: &Tree, node: &Tree) -> Option<String> {
    let asked = of_pod(pod, Half::Requests, Counted::SPEC);
    let there = node.at("status").at("allocatable");
    let mut told = Vec::new();
    for name in ["cpu", "memory"] {
        let (asked, there) = (asked.get(name).cloned().unwrap_or(count(0)), amount(there.at(name)));
        if asked > there {
            let (asked, there) = match name {
                "cpu" => (asked.milli_value(), there.milli_value()),
                _ => (asked.value(), there.value()),
            };
            told.push(format!("{name}, requested: {asked}, allocatable: {there}"));
        }
    }
    let told = (!told.is_empty()).then(|| told.join("; "))?;
    Some(format!("node didn't have enough allocatable resources: {told}"))
}

#[cfg(test)]
mod tests {
    use super::PodResizeValidator;
    use crate::double::{Scene, json};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn a_pod_does_not_outgrow_its_node() {
        let scene = Scene::new();
        for (name, system) in [("a", "linux"), ("w", "windows")] {
            let text = format!(
                r#"{{"metadata":{{"name":"{name}","labels":{{"kubernetes.io/os":"{system}"}}}},"status":{{"allocatable":{{"cpu":"2","memory":"1Gi"}}}}}}"#
            );
            scene.cluster.put("nodes", &text);
        }
        let pod = |generation: i64, node: &str, cpu: &str, memory: &str| {
            json(&format!(
                r#"{{"metadata":{{"generation":{generation}}},"spec":{{"nodeName":"{node}",
                    "containers":[{{"resources":{{"requests":{{"cpu":"{cpu}","memory":"{memory}"}}}}}}]}}}}"#
            ))
        };
        let full = "node didn't have enough allocatable resources: ";
        for (generation, node, cpu, memory, expected, cause) in [
            (2, "a", "2", "1Gi", String::new(), ""),
            (1, "a", "9", "1Gi", String::new(), ""),
            (2, "", "9", "1Gi", String::new(), ""),
            (2, "gone", "1", "1Gi", r#"node "gone" not found"#.to_owned(), ""),
            (
                2,
                "a",
                "2500m",
                "1Gi",
                format!("{full}cpu, requested: 2500, allocatable: 2000"),
                "NodeCapacity",
            ),
            (
                2,
                "a",
                "3",
                "2Gi",
                format!(
                    "{full}cpu, requested: 3000, allocatable: 2000; memory, requested: 2147483648, allocatable: 1073741824"
                ),
                "NodeCapacity",
            ),
            (
                2,
                "w",
                "1",
                "1Gi",
                r#"pod resize is only supported on linux nodes, node "w" is "windows""#.to_owned(),
                "UnsupportedPlatform",
            ),
        ] {
            let (old, new) = (pod(1, node, "1", "1Gi"), pod(generation, node, cpu, memory));
            let mut request = scene.request(Operation::Update, "pods");
            request.subresource = "resize";
            request.old = Some(&old);
            let answer = PodResizeValidator::new().validate(&request, Some(&new)).await;
            let status = answer.err();
            let told = status
                .as_ref()
                .map(|status| status.message.as_str())
                .unwrap_or_default();
            let told = told.strip_prefix(r#"pods "x" is forbidden: "#).unwrap_or(told);
            assert_eq!(told, expected);
            let causes = status
                .and_then(|status| status.details)
                .map(|details| details.causes)
                .unwrap_or_default();
            assert_eq!(causes.first().map(|one| one.reason.as_str()).unwrap_or_default(), cause);
        }
    }
}
