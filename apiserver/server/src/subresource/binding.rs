//! On which node a pod runs: `pods/binding`, and `bindings` as it was posted to at first.

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use apiserver_kinds::Asked;
use axum::body::Body;

use super::pod::set_condition;
use super::posted::{Post, done};
use super::spoken::{PLAIN, Spoken};
use crate::answer::Answer;
use crate::catalog::Resource;
use crate::machine::{Machine, Place, Preconditions};
use crate::request::Call;

/// What conflicts are about.
static BINDING: GroupResource = GroupResource::known("", "pods/binding");
static PODS: GroupResource = GroupResource::known("", "pods");
/// What becomes of it; also the plural of the resource that was there first.
const PART: &str = "binding";

const SPOKEN: &Spoken = &Spoken {
    schema: "io.k8s.api.core.v1.Binding",
    api_version: "v1",
    kind: "Binding",
    ..PLAIN
};

/// Answers what is posted below a pod.
pub(super) async fn serve(machine: &Machine, pods: &Resource, call: &Call, body: Body) -> Result<Answer, Status> {
    let post = Post {
        machine,
        resource: pods,
        call,
        subresource: PART,
    };
    bind(&post, pods, true, body).await
}

/// Answers what is posted to `bindings`.
///
/// # Errors
/// What the client is told.
pub(crate) async fn serve_alone(
    machine: &Machine,
    bindings: &Resource,
    call: &Call,
    body: Body,
) -> Result<Answer, Status> {
    let pods = machine.known(&PODS)?;
    let post = Post {
        machine,
        resource: bindings,
        call,
        subresource: "",
    };
    bind(&post, pods, false, body).await
}

async fn bind(post: &Post<'_>, pods: &Resource, below: bool, body: Body) -> Result<Answer, Status> {
    let (machine, call) = (post.machine, post.call);
    let mut posted = post.read(body, below, |_| SPOKEN).await?;
    let own = meta::name(&posted.object).to_owned();
    let name = if below { call.info.name.as_str() } else { &own };
    let write = post.write(SPOKEN, &posted.options, name);
    machine.admit_posted(&write, &mut posted.object).await?;
    let binding = &posted.object;
    if meta::name(binding) != name {
        return Err(Status::bad_request("name in URL does not match name in Binding object"));
    }
    check(call, binding)?;
    machine.validate_posted(&write, binding).await?;
    let place = Place {
        resource: pods,
        namespace: write.namespace,
        name,
    };
    // Only what is posted below a pod says which one it means.
    let text =
        |field: &str| Some(meta::metadata(binding).text(field).to_owned()).filter(|text| below && !text.is_empty());
    let preconditions = Preconditions {
        uid: text("uid"),
        resource_version: text("resourceVersion"),
    };
    machine
        .change(&place, &preconditions, posted.options.dry_run, |pod| {
            Ok(pods.blank(bound(pod, binding, call.now)?))
        })
        .await?;
    Ok(done(call, posted.wanted))
}

/// 500 where a binding breaks its rules: upstream gives no more than the causes.
fn check(call: &Call, binding: &Tree) -> Result<(), Status> {
    let Some(kind) = apiserver_kinds::find("", "bindings") else {
        return Ok(());
    };
    let user = call.user.to_tree();
    let asked = Asked {
        now: call.now,
        user: &user,
    };
    let mut refusals = Refusals::new();
    kind.rules.validate(&asked, binding, &mut refusals);
    if refusals.is_empty() {
        return Ok(());
    }
    Err(Status::unknown(&refusals))
}

/// A pod that is bound as a binding says.
fn bound(pod: &Tree, binding: &Tree, now: Time) -> Result<Tree, Status> {
    let name = meta::name(pod);
    let conflict = |why: &str| Err(Status::conflict(&BINDING, name, format!("pod {name} {why}")));
    let (spec, node) = (pod.at("spec"), pod.at("spec").text("nodeName"));
    if meta::is_deleting(pod) {
        return conflict("is being deleted, cannot be assigned to a host");
    }
    if !node.is_empty() {
        return conflict(&format!("is already assigned to node {}", quote(node)));
    }
    if !spec.items("schedulingGates").is_empty() {
        return conflict("has non-empty .spec.schedulingGates");
    }
    let mut pod = pod.clone();
    pod.child("spec").set("nodeName", binding.at("target").text("name"));
    if let Some(status) = pod.get_mut("status") {
        status.remove("nominatedNodeName");
    }
    for (key, value) in meta::annotations(binding).iter() {
        meta::set_annotation(&mut pod, key, value.as_str().unwrap_or_default());
    }
    for (key, value) in meta::labels(binding).iter() {
        meta::set_label(&mut pod, key, value.as_str().unwrap_or_default());
    }
    set_condition(&mut pod, now, "PodScheduled", "", "");
    Ok(pod)
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::{Tree, parse};

    use super::bound;

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    const BINDING: &str =
        r#"{"metadata":{"annotations":{"a":"2"},"labels":{"l":"1"}},"target":{"kind":"Node","name":"n"}}"#;

    #[test]
    fn a_bound_pod_has_a_node_and_what_the_binding_says_of_it() {
        let pod = tree(
            r#"{"metadata":{"name":"p","annotations":{"a":"1","b":"1"}},"spec":{},"status":{"nominatedNodeName":"m"}}"#,
        );
        let expected = tree(
            r#"{"metadata":{"name":"p","annotations":{"a":"2","b":"1"},"labels":{"l":"1"}},"spec":{"nodeName":"n"},
            "status":{"conditions":[{"lastTransitionTime":"1970-01-01T00:00:00Z","status":"True","type":"PodScheduled"}]}}"#,
        );
        assert_eq!(bound(&pod, &tree(BINDING), Time::from_unix(0)).unwrap(), expected);
    }

    #[test]
    fn a_pod_is_bound_once_and_while_it_may_be() {
        for (pod, told) in [
            (r#""spec":{"nodeName":"m"}"#, r#"pod p is already assigned to node "m""#),
            (
                r#""spec":{"schedulingGates":[{"name":"g"}]}"#,
                "pod p has non-empty .spec.schedulingGates",
            ),
        ] {
            let pod = tree(&format!(r#"{{"metadata":{{"name":"p"}},{pod}}}"#));
            let refused = bound(&pod, &tree(BINDING), Time::from_unix(0)).unwrap_err();
            let message = format!("Operation cannot be fulfilled on pods/binding \"p\": {told}");
            assert_eq!((refused.code, refused.message), (409, message));
        }
        let deleting = tree(r#"{"metadata":{"name":"p","deletionTimestamp":"2026-01-01T00:00:00Z"}}"#);
        assert!(bound(&deleting, &tree(BINDING), Time::from_unix(0)).is_err());
    }
}
