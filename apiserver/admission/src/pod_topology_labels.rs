//! `PodTopologyLabels`: a pod that goes to a node carries that node's zone and region.

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};

const NODES: GroupResource = GroupResource::known("", "nodes");
const LABELS: &[&str] = &["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct PodTopologyLabels;

impl PodTopologyLabels {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for PodTopologyLabels {
    fn name(&self) -> &'static str {
        "PodTopologyLabels"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(object) = object else {
            return Ok(());
        };
        let target = object.at("target");
        let node = if request.is_of("", "pods") {
            object.at("spec").text("nodeName")
        } else if request.is_part("", "pods", "binding") && target.text("kind") == "Node" {
            // What a binding carries is given to the pod.
            target.text("name")
        } else {
            ""
        };
        if node.is_empty() {
            return Ok(());
        }
        if let Some(node) = request.cluster.cached(&NODES, "", node) {
            for key in LABELS {
                if let Some(value) = meta::label(&node, key) {
                    meta::set_label(object, key, value);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::PodTopologyLabels;
    use crate::double::{Scene, json};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn what_goes_to_a_node_carries_where_the_node_is() {
        let scene = Scene::new();
        scene.cluster.put(
            "nodes",
            r#"{"metadata":{"name":"a","labels":{"topology.kubernetes.io/zone":"z","topology.kubernetes.io/region":"r","x":"y"}}}"#,
        );
        let labels = r#"{"topology.kubernetes.io/region":"r","topology.kubernetes.io/zone":"z"}"#;
        for (part, object, expected) in [
            ("", r#"{"spec":{"nodeName":"a"}}"#, labels),
            ("", r#"{"spec":{}}"#, "null"),
            ("", r#"{"spec":{"nodeName":"gone"}}"#, "null"),
            (
                "",
                r#"{"metadata":{"labels":{"topology.kubernetes.io/zone":"mine"}},"spec":{"nodeName":"a"}}"#,
                labels,
            ),
            ("binding", r#"{"target":{"kind":"Node","name":"a"}}"#, labels),
            ("binding", r#"{"target":{"name":"a"}}"#, "null"),
            ("eviction", r#"{"spec":{"nodeName":"a"}}"#, "null"),
        ] {
            let mut request = scene.request(Operation::Create, "pods");
            request.subresource = part;
            let mut object = json(object);
            let plugin = PodTopologyLabels::new();
            plugin.admit(&request, Some(&mut object)).await.unwrap();
            assert_eq!(object.at("metadata").at("labels"), &json(expected));
        }
    }
}
