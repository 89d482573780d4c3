//! `PodNodeSelector`: a namespace says on which nodes its pods run, and what they may ask for themselves.

use apiserver_api::meta;
use apiserver_api::names::{label_value, qualified_name};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::{Map, Tree};
use async_trait::async_trait;

use crate::namespaces::NAMESPACES;
use crate::plugin::{Operation, Plugin, Request};

/// Annotation of a namespace: the labels of the nodes that its pods run on.
const ANNOTATION: &str = "scheduler.alpha.kubernetes.io/node-selector";
/// What the configuration calls the labels for namespaces without the annotation.
const DEFAULT: &str = "clusterDefaultNodeSelector";

/// The plugin.
pub(crate) struct PodNodeSelector {
    /// Labels that pods of a namespace may ask for, as text, by namespace; and those of [`DEFAULT`].
    selectors: Map,
}

impl PodNodeSelector {
    /// From what the configuration says under `podNodeSelectorPluginConfig`.
    pub(crate) fn new(configuration: &Tree) -> Self {
        Self {
            selectors: configuration.entries("podNodeSelectorPluginConfig").clone(),
        }
    }

    fn selector(&self, key: &str) -> &str {
        self.selectors.get(key).and_then(Tree::as_str).unwrap_or_default()
    }

    /// The labels of the nodes that a namespace's pods run on.
    async fn of_namespace(&self, request: &Request<'_>) -> Result<Map, Status> {
        let name = request.namespace;
        let namespace = if let Some(namespace) = request.cluster.cached(&NAMESPACES, "", name) {
            namespace
        } else {
            let read = request.cluster.read(&NAMESPACES, "", name).await;
            read.map_err(|_| Status::internal(format!("namespace {name} does not exist")))?
        };
        let said = meta::annotation(&namespace, ANNOTATION);
        labels(said.unwrap_or_else(|| self.selector(DEFAULT))).map_err(Status::unknown)
    }
}

/// Reads `key=value,key=value` (`ConvertSelectorToLabelsMap`); the error is upstream's text.
fn labels(selector: &str) -> Result<Map, String> {
    let mut labels = Map::new();
    if selector.is_empty() {
        return Ok(labels);
    }
    for part in selector.split(',') {
        let halves: Vec<&str> = part.split('=').collect();
        let [key, value] = halves.as_slice() else {
            return Err(format!("invalid selector: [{}]", halves.join(" ")));
        };
        let (key, value) = (key.trim(), value.trim());
        let mut refusals = Refusals::new();
        let messages = qualified_name(key);
        if !messages.is_empty() {
            // Upstream has no path here, which Go prints so.
            refusals.invalid(&Path::of("<nil>"), key, &messages.join("; "));
            return Err(refusals.to_string());
        }
        let messages = label_value(value);
        if !messages.is_empty() {
            refusals.invalid(&Path::root().key(key), value, &messages.join("; "));
        }
        if !refusals.is_empty() {
            return Err(refusals.to_string());
        }
        labels.insert(key, value.into());
    }
    Ok(labels)
}

/// Whether the two give a label different values.
fn conflict(one: &Map, other: &Map) -> bool {
    one.iter()
        .any(|(key, value)| other.get(key).is_some_and(|theirs| theirs != value))
}

fn check(request: &Request<'_>, pod: &Tree, namespace: &Map) -> Result<(), Status> {
    if conflict(namespace, pod.at("spec").entries("nodeSelector")) {
        let words = "pod node label selector conflicts with its namespace node label selector";
        return Err(refused(request, pod, words));
    }
    Ok(())
}

fn refused(request: &Request<'_>, pod: &Tree, words: &str) -> Status {
    Status::forbidden(&request.resource.group_resource(), meta::name(pod), words)
}

#[async_trait]
impl Plugin for PodNodeSelector {
    fn name(&self) -> &'static str {
        "PodNodeSelector"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|_| request.is_of("", "pods")) else {
            return Ok(());
        };
        let namespace = self.of_namespace(request).await?;
        check(request, pod, &namespace)?;
        for (key, value) in namespace {
            pod.child("spec").child("nodeSelector").set(&key, value);
        }
        self.validate(request, Some(pod)).await
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|_| request.is_of("", "pods")) else {
            return Ok(());
        };
        check(request, pod, &self.of_namespace(request).await?)?;
        let allowed = labels(self.selector(request.namespace)).map_err(Status::unknown)?;
        let asked = pod.at("spec").entries("nodeSelector");
        // Without a list everything is allowed.
        if allowed.is_empty() || asked.iter().all(|(key, value)| allowed.get(key) == Some(value)) {
            return Ok(());
        }
        let words = "pod node label selector labels conflict with its namespace whitelist";
        Err(refused(request, pod, words))
    }
}

#[cfg(test)]
mod tests {
    use super::{PodNodeSelector, labels};
    use crate::testing::{Ask, tree};

    fn ask(annotation: &str) -> Ask {
        let namespace = format!(
            r#"{{"metadata":{{"name":"t","annotations":{{"scheduler.alpha.kubernetes.io/node-selector":"{annotation}"}}}}}}"#
        );
        let ask = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
        ask.knowing("", "namespaces", &namespace)
    }

    fn plugin(config: &str) -> PodNodeSelector {
        PodNodeSelector::new(&tree(&format!(r#"{{"podNodeSelectorPluginConfig":{config}}}"#)))
    }

    fn pod(selector: &str) -> String {
        format!(r#"{{"metadata":{{"name":"a"}},"spec":{{"nodeSelector":{selector}}}}}"#)
    }

    #[tokio::test]
    async fn a_namespace_s_labels_are_added() {
        let done = ask("env=test,os=linux")
            .admit(&plugin("{}"), &pod(r#"{"x":"y"}"#))
            .await
            .unwrap();
        let expected = tree(r#"{"env":"test","os":"linux","x":"y"}"#);
        assert_eq!(done.at("spec").at("nodeSelector"), &expected);
        let plain = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
        let plain = plain.storing("", "namespaces", r#"{"metadata":{"name":"t"}}"#);
        let done = plain
            .admit(&plugin(r#"{"clusterDefaultNodeSelector":"a=b"}"#), &pod("{}"))
            .await;
        assert_eq!(done.unwrap().at("spec").at("nodeSelector"), &tree(r#"{"a":"b"}"#));
    }

    #[tokio::test]
    async fn a_pod_that_says_otherwise_is_refused() {
        let refused = ask("env=test")
            .admit(&plugin("{}"), &pod(r#"{"env":"prod"}"#))
            .await
            .unwrap_err();
        let words = "pod node label selector conflicts with its namespace node label selector";
        assert_eq!(refused.message, format!(r#"pods "a" is forbidden: {words}"#));
        let refused = ask("")
            .admit(&plugin(r#"{"t":"env=test"}"#), &pod(r#"{"x":"y"}"#))
            .await
            .unwrap_err();
        let words = "pod node label selector labels conflict with its namespace whitelist";
        assert_eq!(refused.message, format!(r#"pods "a" is forbidden: {words}"#));
    }

    #[tokio::test]
    async fn a_namespace_that_is_not_there_is_a_failure() {
        let ask = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
        let refused = ask.admit(&plugin("{}"), "{}").await.unwrap_err();
        assert_eq!(refused.message, "Internal error occurred: namespace t does not exist");
    }

    #[test]
    fn what_is_wrong_with_a_selector_is_told() {
        assert_eq!(labels("a=b=c").unwrap_err(), "invalid selector: [a b c]");
        let text = labels("a b=c").unwrap_err();
        assert!(text.starts_with(r#"<nil>: Invalid value: "a b": "#), "{text}");
        let text = labels("a=b c").unwrap_err();
        assert!(text.starts_with(r#"[a]: Invalid value: "b c": "#), "{text}");
    }
}
