//! `Priority`: how important a pod is comes from its class, or from the class that is the default; there is one default.

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};
use crate::refuse::forbidden;

const CLASSES: GroupResource = GroupResource::known("scheduling.k8s.io", "priorityclasses");

/// The plugin.
pub(crate) struct Priority;

#[async_trait]
impl Plugin for Priority {
    fn name(&self) -> &'static str {
        "Priority"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation != Operation::Connect
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|_| request.is_of("", "pods")) else {
            return Ok(());
        };
        match (request.operation, request.old) {
            (Operation::Create, _) => resolve(request, pod),
            (Operation::Update, Some(old)) => {
                keep(pod, old);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let group = &CLASSES.group;
        let Some(class) = object.filter(|_| request.is_of(group, &CLASSES.resource)) else {
            return Ok(());
        };
        if !class.flag("globalDefault") {
            return Ok(());
        }
        match default_class(request) {
            Some(other) if request.operation == Operation::Create || meta::name(&other) != meta::name(class) => {
                let name = meta::name(&other);
                let words = format!("PriorityClass {name} is already marked as default. Only one default can exist");
                Err(forbidden(request, object, words))
            }
            _ => Ok(()),
        }
    }
}

/// The class that is the default. Should there be several for a moment, the least important one is.
fn default_class(request: &Request<'_>) -> Option<Tree> {
    let classes = request.cluster.cached_list(&CLASSES, "").into_iter();
    let defaults = classes.filter(|class| class.flag("globalDefault"));
    defaults.min_by_key(|class| class.int("value"))
}

/// Gives a new pod what its class says, and refuses one that says otherwise.
fn resolve(request: &Request<'_>, pod: &mut Tree) -> Result<(), Status> {
    let named = pod.at("spec").text("priorityClassName").to_owned();
    let class = if named.is_empty() {
        default_class(request)
    } else {
        let found = request.cluster.cached(&CLASSES, "", &named);
        let missing = || {
            forbidden(
                request,
                Some(pod),
                format!("no PriorityClass with name {named} was found"),
            )
        };
        Some(found.ok_or_else(missing)?)
    };
    // Without any class a pod has no importance, and may still take the place of others.
    let value = class.as_ref().map_or(0, |class| class.int("value"));
    let policy = match &class {
        None => Some("PreemptLowerPriority"),
        Some(class) => class.at("preemptionPolicy").as_str(),
    };
    let tail = "from the given PriorityClass name";
    if let Some(said) = pod.at("spec").at("priority").as_int().filter(|said| *said != value) {
        let words = format!(
            "the integer value of priority ({said}) must not be provided in pod spec; priority admission controller computed {value} {tail}"
        );
        return Err(forbidden(request, Some(pod), words));
    }
    let said = pod.at("spec").at("preemptionPolicy").as_str();
    if let (Some(said), Some(policy)) = (said, policy)
        && said != policy
    {
        let words = format!(
            "the string value of PreemptionPolicy ({said}) must not be provided in pod spec; priority admission controller computed {policy} {tail}"
        );
        return Err(forbidden(request, Some(pod), words));
    }
    let policy = policy.map(ToOwned::to_owned);
    let spec = pod.child("spec");
    if let Some(class) = class.filter(|_| named.is_empty()) {
        spec.set("priorityClassName", meta::name(&class));
    }
    spec.set("priority", value);
    if let Some(policy) = policy {
        spec.set("preemptionPolicy", policy);
    }
    Ok(())
}

/// Gives a pod what it had, where an update does not say it.
fn keep(pod: &mut Tree, old: &Tree) {
    for field in ["preemptionPolicy", "priority"] {
        let before = old.at("spec").at(field);
        if !before.is_null() {
            pod.child("spec").set_default(field, before.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Priority;
    use crate::testing::{Ask, tree};

    const GROUP: &str = "scheduling.k8s.io";
    const HIGH: &str = r#"{"metadata":{"name":"high"},"value":1000,"preemptionPolicy":"Never"}"#;
    const USUAL: &str =
        r#"{"metadata":{"name":"usual"},"value":7,"globalDefault":true,"preemptionPolicy":"PreemptLowerPriority"}"#;

    fn ask() -> Ask {
        Ask::create("", "v1", "Pod", "pods").within("t").named("base")
    }

    async fn refused(ask: Ask, spec: &str) -> String {
        let pod = format!(r#"{{"spec":{spec}}}"#);
        ask.admit(&Priority, &pod).await.unwrap_err().message
    }

    #[tokio::test]
    async fn a_pod_without_a_class_has_the_default_one_or_none() {
        let pod = ask().admit(&Priority, r#"{"spec":{}}"#).await.unwrap();
        let none = r#"{"spec":{"preemptionPolicy":"PreemptLowerPriority","priority":0}}"#;
        assert_eq!(pod, tree(none));
        let ask = ask().knowing(GROUP, "priorityclasses", USUAL);
        let pod = ask.admit(&Priority, r#"{"spec":{}}"#).await.unwrap();
        let usual = r#"{"spec":{"preemptionPolicy":"PreemptLowerPriority","priority":7,"priorityClassName":"usual"}}"#;
        assert_eq!(pod, tree(usual));
    }

    #[tokio::test]
    async fn a_class_says_how_important_a_pod_is() {
        let ask = ask().knowing(GROUP, "priorityclasses", HIGH);
        let pod = ask
            .admit(&Priority, r#"{"spec":{"priorityClassName":"high"}}"#)
            .await
            .unwrap();
        let high = r#"{"spec":{"preemptionPolicy":"Never","priority":1000,"priorityClassName":"high"}}"#;
        assert_eq!(pod, tree(high));
    }

    #[tokio::test]
    async fn what_a_pod_says_itself_must_be_what_its_class_says() {
        let head = r#"pods "base" is forbidden: "#;
        let tail = "must not be provided in pod spec; priority admission controller computed";
        assert_eq!(
            refused(ask(), r#"{"priority":-1}"#).await,
            format!("{head}the integer value of priority (-1) {tail} 0 from the given PriorityClass name")
        );
        let words = "the string value of PreemptionPolicy (Never)";
        assert_eq!(
            refused(ask(), r#"{"preemptionPolicy":"Never"}"#).await,
            format!("{head}{words} {tail} PreemptLowerPriority from the given PriorityClass name")
        );
        assert_eq!(
            refused(ask(), r#"{"priorityClassName":" x"}"#).await,
            format!("{head}no PriorityClass with name  x was found")
        );
    }

    #[tokio::test]
    async fn an_update_keeps_what_it_does_not_say() {
        let ask = ask().changing(r#"{"spec":{"priority":5,"preemptionPolicy":"Never"}}"#);
        let pod = ask.admit(&Priority, r#"{"spec":{"priority":6}}"#).await.unwrap();
        assert_eq!(pod, tree(r#"{"spec":{"priority":6,"preemptionPolicy":"Never"}}"#));
    }

    #[tokio::test]
    async fn there_is_one_default() {
        let class = || {
            let ask = Ask::create(GROUP, "v1", "PriorityClass", "priorityclasses");
            ask.named("new").knowing(GROUP, "priorityclasses", USUAL)
        };
        let new = r#"{"metadata":{"name":"new"},"globalDefault":true}"#;
        let refused = class().validate(&Priority, new).await.unwrap_err();
        let words = "PriorityClass usual is already marked as default. Only one default can exist";
        assert_eq!(
            refused.message,
            format!(r#"priorityclasses.scheduling.k8s.io "new" is forbidden: {words}"#)
        );
        class().changing(USUAL).validate(&Priority, USUAL).await.unwrap();
        class()
            .validate(&Priority, r#"{"metadata":{"name":"new"}}"#)
            .await
            .unwrap();
    }
}
