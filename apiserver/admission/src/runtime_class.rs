//! `RuntimeClass`: a pod takes the overhead of its runtime, and goes where that runtime is.

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::status::Status;
use apiserver_api::tree::{Map, Tree};
use apiserver_kinds::amounts::Amounts;
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};
use crate::toleration_merge::merge;

const CLASSES: GroupResource = GroupResource::known("node.k8s.io", "runtimeclasses");
const OTHER_OVERHEAD: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
const OWN_OVERHEAD: &str = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct RuntimeClass;

impl RuntimeClass {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for RuntimeClass {
    fn name(&self) -> &'static str {
        "RuntimeClass"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|_| request.is_of("", "pods")) else {
            return Ok(());
        };
        let Some(class) = class_of(request, pod).await? else {
            return Ok(());
        };
        let changed = set_overhead(pod, &class).and_then(|()| set_scheduling(pod, &class));
        changed.map_err(|why| forbid(request, Some(pod), why))
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|_| request.is_of("", "pods")) else {
            return Ok(());
        };
        let class = class_of(request, pod).await?;
        let overhead = pod.at("spec").entries("overhead");
        if overhead.is_empty() {
            return Ok(());
        }
        match class.filter(|class| class.has("overhead")) {
            None => Err(forbid(request, object, OWN_OVERHEAD)),
            Some(class) if Amounts::read(fixed(&class)) != Amounts::read(overhead) => {
                Err(forbid(request, object, OTHER_OVERHEAD))
            }
            Some(_) => Ok(()),
        }
    }
}

/// The class that a pod names. One that was just made may not have reached the cache.
async fn class_of(request: &Request<'_>, pod: &Tree) -> Result<Option<Tree>, Status> {
    let Some(name) = pod.at("spec").at("runtimeClassName").as_str() else {
        return Ok(None);
    };
    if let Some(class) = request.cluster.cached(&CLASSES, "", name) {
        return Ok(Some(class));
    }
    match request.cluster.read(&CLASSES, "", name).await {
        Ok(class) => Ok(Some(class)),
        Err(error) if error.code == 404 => {
            let why = format!("pod rejected: RuntimeClass {} not found", quote(name));
            Err(forbid(request, Some(pod), why))
        }
        Err(error) => Err(error),
    }
}

/// What each pod of a class takes beyond what its containers ask for.
fn fixed(class: &Tree) -> &Map {
    class.at("overhead").entries("podFixed")
}

fn set_overhead(pod: &mut Tree, class: &Tree) -> Result<(), String> {
    if !class.has("overhead") {
        return Ok(());
    }
    let (fixed, given) = (fixed(class), pod.at("spec").entries("overhead"));
    if !given.is_empty() && Amounts::read(given) != Amounts::read(fixed) {
        return Err(OTHER_OVERHEAD.to_owned());
    }
    let spec = pod.child("spec");
    if fixed.is_empty() {
        spec.remove("overhead");
    } else {
        spec.set("overhead", fixed.clone());
    }
    Ok(())
}

fn set_scheduling(pod: &mut Tree, class: &Tree) -> Result<(), String> {
    let scheduling = class.at("scheduling");
    if scheduling.is_null() {
        return Ok(());
    }
    let spec = pod.child("spec");
    let mut selector = spec.entries("nodeSelector").clone();
    let required = scheduling.entries("nodeSelector");
    for (key, value) in required.iter() {
        let wanted = value.as_str().unwrap_or_default();
        let given = selector.get(key).and_then(Tree::as_str);
        if let Some(given) = given.filter(|given| *given != wanted) {
            return Err(format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {wanted}; pod.spec.nodeSelector[{key}] = {given}"
            ));
        }
    }
    let required = required.iter().map(|(key, value)| {
        let wanted = value.as_str().unwrap_or_default();
        (key.into(), wanted.into())
    });
    selector.absorb(required, |given, wanted| *given = wanted);
    if !selector.is_empty() {
        spec.set("nodeSelector", selector);
    }
    let tolerations = merge(spec.items("tolerations"), scheduling.items("tolerations"));
    if !tolerations.is_empty() {
        spec.set("tolerations", tolerations);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::RuntimeClass;
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    const CLASS: &str = r#"{"metadata":{"name":"kata"},"overhead":{"podFixed":{"memory":"64Mi"}},
        "scheduling":{"nodeSelector":{"kata":"yes"},"tolerations":[{"key":"kata","operator":"Exists"}]}}"#;

    #[tokio::test]
    async fn a_pod_takes_the_overhead_and_goes_where_its_runtime_is() {
        let scene = Scene::new();
        // A class that the cache does not know yet counts, too.
        scene.cluster.store("runtimeclasses.node.k8s.io", CLASS);
        let request = scene.request(Operation::Create, "pods");
        let mut pod = json(r#"{"spec":{"runtimeClassName":"kata","nodeSelector":{"a":"b"}}}"#);
        let plugin = RuntimeClass::new();
        plugin.admit(&request, Some(&mut pod)).await.unwrap();
        let expected = json(
            r#"{"spec":{"runtimeClassName":"kata","nodeSelector":{"a":"b","kata":"yes"},"overhead":{"memory":"64Mi"},
                "tolerations":[{"key":"kata","operator":"Exists"}]}}"#,
        );
        assert_eq!(pod, expected);
        plugin.validate(&request, Some(&pod)).await.unwrap();
    }

    #[tokio::test]
    async fn a_pod_that_says_something_else_is_refused() {
        let scene = Scene::new();
        scene.cluster.put("runtimeclasses.node.k8s.io", CLASS);
        scene
            .cluster
            .put("runtimeclasses.node.k8s.io", r#"{"metadata":{"name":"plain"}}"#);
        let request = scene.request(Operation::Create, "pods");
        let plugin = RuntimeClass::new();
        let head = r#"pods "x" is forbidden: "#;
        for (spec, admitted, validated) in [
            (
                r#"{"runtimeClassName":"none"}"#,
                r#"pod rejected: RuntimeClass "none" not found"#,
                r#"pod rejected: RuntimeClass "none" not found"#,
            ),
            (
                r#"{"runtimeClassName":"kata","overhead":{"memory":"1"}}"#,
                super::OTHER_OVERHEAD,
                super::OTHER_OVERHEAD,
            ),
            (
                r#"{"runtimeClassName":"plain","overhead":{"memory":"1"}}"#,
                "",
                super::OWN_OVERHEAD,
            ),
            (r#"{"overhead":{"memory":"1"}}"#, "", super::OWN_OVERHEAD),
            (
                r#"{"runtimeClassName":"kata","nodeSelector":{"kata":"no"}}"#,
                "conflict: runtimeClass.scheduling.nodeSelector[kata] = yes; pod.spec.nodeSelector[kata] = no",
                "",
            ),
        ] {
            let mut pod = json(&format!(r#"{{"spec":{spec}}}"#));
            let answer = told(plugin.validate(&request, Some(&pod)).await);
            assert_eq!(answer.strip_prefix(head).unwrap_or_default(), validated, "{spec}");
            let answer = told(plugin.admit(&request, Some(&mut pod)).await);
            assert_eq!(answer.strip_prefix(head).unwrap_or_default(), admitted, "{spec}");
        }
    }
}
