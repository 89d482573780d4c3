//! `NodeDeclaredFeatureValidator`: a pod is changed only as the kubelet that runs it can follow.

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::Amounts;
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};

const NODES: GroupResource = GroupResource::known("", "nodes");
/// What changes need that not every kubelet has, in order of the names (`component-helpers/nodedeclaredfeatures`).
const FEATURES: &[(&str, Needs)] = &[
    ("InPlacePodLevelResourcesVerticalScaling", changes_whole),
    ("InPlacePodVerticalScalingInitContainers", changes_starters),
];

/// Whether a change from one spec to another needs a feature.
type Needs = fn(&Tree, &Tree) -> bool;

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct NodeDeclaredFeatureValidator;

impl NodeDeclaredFeatureValidator {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for NodeDeclaredFeatureValidator {
    fn name(&self) -> &'static str {
        "NodeDeclaredFeatureValidator"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Update
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let ours = request.is_of("", "pods") || request.is_part("", "pods", "resize");
        let (true, Some(pod), Some(old)) = (ours, object, request.old) else {
            return Ok(());
        };
        let (spec, old_spec) = (pod.at("spec"), old.at("spec"));
        let name = spec.text("nodeName");
        // The generation counts the changes of the spec.
        if name.is_empty() || meta::generation(pod) == meta::generation(old) {
            return Ok(());
        }
        let needed = FEATURES.iter().filter(|(_, needs)| needs(old_spec, spec));
        let mut missing: Vec<&str> = needed.map(|(feature, _)| *feature).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let Some(node) = request.cluster.cached(&NODES, "", name) else {
            return Err(forbid(request, object, format!("node {} not found", quote(name))));
        };
        let declared = node.at("status").items("declaredFeatures");
        missing.retain(|feature| !declared.iter().any(|one| one.as_str() == Some(feature)));
        if missing.is_empty() {
            return Ok(());
        }
        let why = format!(
            "pod update requires features {} which are not available on node {}",
            missing.join(", "),
            quote(name)
        );
        Err(forbid(request, object, why))
    }
}

/// Whether the pod as a whole asks for something else.
fn changes_whole(old: &Tree, new: &Tree) -> bool {
    old.has("resources") != new.has("resources") || differ(old.at("resources"), new.at("resources"))
}

/// Whether one of the containers that run before the others asks for something else.
fn changes_starters(old: &Tree, new: &Tree) -> bool {
    let pairs = old.items("initContainers").iter().zip(new.items("initContainers"));
    let mut starters = pairs.filter(|(old, _)| old.text("restartPolicy") != "Always");
    starters.any(|(old, new)| differ(old.at("resources"), new.at("resources")))
}

fn differ(old: &Tree, new: &Tree) -> bool {
    let amounts = |resources: &Tree, half| Amounts::read(resources.entries(half));
    old.items("claims") != new.items("claims")
        || ["limits", "requests"]
            .into_iter()
            .any(|half| amounts(old, half) != amounts(new, half))
}

#[cfg(test)]
mod tests {
    use super::NodeDeclaredFeatureValidator;
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    const WHOLE: &str = "InPlacePodLevelResourcesVerticalScaling";
    const STARTERS: &str = "InPlacePodVerticalScalingInitContainers";

    async fn ask(scene: &Scene, old: &str, new: &str) -> String {
        let pod = |generation, spec: &str| {
            json(&format!(
                r#"{{"metadata":{{"generation":{generation}}},"spec":{spec}}}"#
            ))
        };
        let (old, new) = (pod(1, old), pod(2, new));
        let mut request = scene.request(Operation::Update, "pods");
        request.subresource = "resize";
        request.old = Some(&old);
        let plugin = NodeDeclaredFeatureValidator::new();
        told(plugin.validate(&request, Some(&new)).await)
    }

    fn spec(cpu: &str, init: &str, policy: &str) -> String {
        format!(
            r#"{{"nodeName":"a","resources":{{"requests":{{"cpu":"{cpu}"}}}},
                "initContainers":[{{"restartPolicy":"{policy}","resources":{{"requests":{{"cpu":"{init}"}}}}}}]}}"#
        )
    }

    #[tokio::test]
    async fn a_pod_is_resized_only_as_its_node_can_do_it() {
        let scene = Scene::new();
        let put = |features: &str| {
            let text = format!(r#"{{"metadata":{{"name":"a"}},"status":{{"declaredFeatures":[{features}]}}}}"#);
            scene.cluster.put("nodes", &text);
        };
        let (old, both) = (spec("1", "1", ""), spec("2", "2", ""));
        assert_eq!(
            ask(&scene, &old, &both).await,
            r#"pods "x" is forbidden: node "a" not found"#
        );
        put("");
        let refused = |features: &str| {
            format!(
                r#"pods "x" is forbidden: pod update requires features {features} which are not available on node "a""#
            )
        };
        assert_eq!(ask(&scene, &old, &both).await, refused(&format!("{WHOLE}, {STARTERS}")));
        assert_eq!(ask(&scene, &old, &spec("1", "2", "")).await, refused(STARTERS));
        assert_eq!(
            ask(&scene, &spec("1", "1", "Always"), &spec("1", "2", "Always")).await,
            ""
        );
        assert_eq!(ask(&scene, &old, &spec("1000m", "1", "")).await, "");
        put(&format!(r#""{STARTERS}""#));
        assert_eq!(ask(&scene, &old, &both).await, refused(WHOLE));
        put(&format!(r#""{WHOLE}","{STARTERS}""#));
        assert_eq!(ask(&scene, &old, &both).await, "");
    }

    #[tokio::test]
    async fn what_does_not_change_the_spec_passes() {
        let scene = Scene::new();
        let pod = json(&format!(r#"{{"spec":{}}}"#, spec("1", "1", "")));
        let other = json(&format!(r#"{{"spec":{}}}"#, spec("2", "1", "")));
        let mut request = scene.request(Operation::Update, "pods");
        request.old = Some(&pod);
        let answer = NodeDeclaredFeatureValidator::new()
            .validate(&request, Some(&other))
            .await;
        assert_eq!(told(answer), "");
    }
}
