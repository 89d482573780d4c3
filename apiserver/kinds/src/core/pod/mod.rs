//! `Pod`: containers that run together on one node.

mod apparmor;
mod columns;
mod ephemeral;
mod resize;
mod status;
mod update;

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Verb, Version, keep, validate_metadata};
use crate::pod::affinity::OwnLabels;
use crate::pod::scope::{Mistake, Options};
use crate::pod::warnings::host_name;
use crate::pod::{self, annotations, containers, qos, spec};
use crate::selection::{Selectable, Selection};

const STREAM: &[Verb] = &[Verb::Create, Verb::Get];

/// The entry of the table.
pub(crate) const POD: Kind = Kind {
    kind: "Pod",
    plural: "pods",
    singular: "pod",
    short_names: &["po"],
    categories: &["all"],
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.Pod")],
    subresources: &[
        stream("attach", "PodAttachOptions"),
        Subresource {
            name: "binding",
            verbs: &[Verb::Create],
            speaks: Some(("", "v1", "Binding")),
        },
        Subresource {
            name: "ephemeralcontainers",
            ..Subresource::STATUS
        },
        Subresource {
            name: "eviction",
            verbs: &[Verb::Create],
            speaks: Some(("policy", "v1", "Eviction")),
        },
        stream("exec", "PodExecOptions"),
        Subresource {
            name: "log",
            verbs: &[Verb::Get],
            speaks: None,
        },
        stream("portforward", "PodPortForwardOptions"),
        Subresource {
            name: "proxy",
            verbs: &[Verb::Create, Verb::Delete, Verb::Get, Verb::Patch, Verb::Update],
            speaks: Some(("", "v1", "PodProxyOptions")),
        },
        Subresource {
            name: "resize",
            ..Subresource::STATUS
        },
        Subresource::STATUS,
    ],
    folder: "pods",
    rules: &Pod,
    columns: columns::COLUMNS,
    selection: Selection {
        labels: &[
            "metadata.name",
            "metadata.namespace",
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        aliases: &[("spec.host", "spec.nodeName")],
        fields: &[
            Selectable::text("spec.nodeName"),
            Selectable::text("spec.restartPolicy"),
            Selectable::text("spec.schedulerName"),
            Selectable::text("spec.serviceAccountName"),
            Selectable::flag("spec.hostNetwork"),
            Selectable::text("status.phase"),
            Selectable::made("status.podIP", |pod| {
                let first = pod.at("status").items("podIPs").first();
                first.map_or("", |first| first.text("ip")).to_owned()
            }),
            Selectable::text("status.nominatedNodeName"),
        ],
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

/// A subresource through which a client is connected with a container.
const fn stream(name: &'static str, options: &'static str) -> Subresource {
    Subresource {
        name,
        verbs: STREAM,
        speaks: Some(("", "v1", options)),
    }
}

struct Pod;

impl Rules for Pod {
    fn default(&self, object: &mut Tree) {
        pod::default_pod(object);
        status::default(object);
    }

    fn prepare_create(&self, asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
        let mut status = Tree::map();
        status.set("phase", "Pending");
        status.set("qosClass", qos::class(object.at("spec")));
        object.set("status", status);
        pod::drop_disabled(object, None);
        if !object.at("spec").items("schedulingGates").is_empty() {
            hold(asked, object);
        }
        merge_labels(object);
        apparmor::apply(object);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        pod::drop_disabled(object, Some(old));
        count_generation(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        let path = Path::of("spec");
        let spec = object.at("spec");
        validate_pod(object, Options::new(true, None), refusals);
        if !spec.items("ephemeralContainers").is_empty() {
            refusals.forbidden(&path.field("ephemeralContainers"), "cannot be set on create");
        }
        if !spec.text("nodeName").is_empty() && !spec.items("schedulingGates").is_empty() {
            let detail = "cannot be set until all schedulingGates have been cleared";
            refusals.forbidden(&path.field("nodeName"), detail);
        }
        annotations::validate_match(&path, object.at("metadata"), spec, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        update::validate(object, old, refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        if old.is_some() {
            // People seldom change pods themselves, and what they would read here is costly.
            return Vec::new();
        }
        let mut warnings: Vec<String> = host_name(meta::name(object), "the Pod's hostname")
            .into_iter()
            .collect();
        warnings.extend(pod::pod_warnings(object));
        warnings
    }

    fn early_warnings(&self, object: &Tree) -> Vec<String> {
        apparmor::warnings(object)
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&status::PodStatus)
    }

    fn part(&self, subresource: &str) -> Option<&dyn StatusRules> {
        match subresource {
            "status" => self.status(),
            "ephemeralcontainers" => Some(&ephemeral::EphemeralContainers),
            "resize" => Some(&resize::Resize),
            _ => None,
        }
    }

    fn grace(&self, object: &Tree, asked_for: Option<i64>) -> Option<i64> {
        let (spec, status) = (object.at("spec"), object.at("status"));
        let own = spec.at("terminationGracePeriodSeconds").as_int();
        let over = ["Failed", "Succeeded"].contains(&status.text("phase"));
        if spec.text("nodeName").is_empty() || over {
            // Nothing runs that would have to end.
            return Some(0);
        }
        let seconds = asked_for.or(own).unwrap_or(0);
        Some(if seconds < 0 { 1 } else { seconds })
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn answers_deleted(&self) -> bool {
        true
    }

    fn ended(&self, object: &Tree) -> Option<(&'static str, &'static str)> {
        match object.at("status").text("phase") {
            "Succeeded" => Some(("Succeeded", "The pod has completed successfully.")),
            "Failed" => Some(("Failed", "The pod failed.")),
            _ => None,
        }
    }
}

/// What is checked of every pod, new or changed (`validatePodMetadataAndSpec`).
fn validate_pod(object: &Tree, options: Options, refusals: &mut Refusals) {
    validate_metadata(apiserver_api::names::name_is_dns_subdomain, true, object, refusals);
    let (metadata, spec) = (object.at("metadata"), object.at("spec"));
    let metadata_path = Path::of("metadata");
    let annotations_path = metadata_path.field("annotations");
    annotations::validate(
        &annotations_path,
        metadata,
        spec,
        options.forgives(Mistake::DeletionCost),
        refusals,
    );
    let path = Path::of("spec");
    spec::validate(&path, spec, meta::name(object), options, refusals);
    if spec.text("serviceAccountName").is_empty() {
        refuse_tokens(&path.field("volumes"), spec, refusals);
    }
    for list in ["containers", "initContainers"] {
        let path = path.field(list);
        for (at, container) in spec.items(list).iter().enumerate() {
            containers::validate_image_edges(&path.index(at), container, refusals);
        }
    }
}

/// Without an account there is no token of it.
fn refuse_tokens(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    for (at, volume) in spec.items("volumes").iter().enumerate() {
        let path = path.index(at);
        let path = path.field("projected");
        let path = path.field("sources");
        for (at, source) in volume.at("projected").items("sources").iter().enumerate() {
            if source.has("serviceAccountToken") {
                let detail = "must not be specified when serviceAccountName is not set";
                refusals.forbidden(&path.index(at).field("serviceAccountToken"), detail);
            }
        }
    }
}

/// A pod with gates is not scheduled yet, and says so.
fn hold(asked: &Asked<'_>, object: &mut Tree) {
    let mut condition = Tree::map();
    condition.set("type", "PodScheduled");
    condition.set("status", "False");
    condition.set("reason", "SchedulingGated");
    condition.set("message", "Scheduling is blocked due to non-empty scheduling gates");
    condition.set("lastProbeTime", Tree::Null);
    condition.set("lastTransitionTime", asked.now.to_string());
    object.child("status").set("conditions", vec![condition]);
}

/// Selectors that ask for the pod's own labels by key get the values.
fn merge_labels(object: &mut Tree) {
    let labels = object.at("metadata").at("labels").clone();
    let Some(spec) = object.get_mut("spec") else {
        return;
    };
    let mut labels = OwnLabels::new(&labels);
    if let Some(given) = spec.get_mut("affinity") {
        labels.merge_all(given);
    }
    let constraints = spec.get_mut("topologySpreadConstraints").and_then(Tree::as_list_mut);
    for constraint in constraints.into_iter().flatten() {
        labels.merge(constraint, "matchLabelKeys", "In");
    }
}

/// Another spec is another generation.
fn count_generation(object: &mut Tree, old: &Tree) {
    crate::check::count_generation(&POD, object, old, "spec");
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::Tree;

    use super::{POD, Pod};
    use crate::kind::{Asked, Rules};
    use crate::pod::testing::json;

    fn asked(user: &Tree) -> Asked<'_> {
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        Asked { now, user }
    }

    fn pod(more: &str) -> Tree {
        let mut pod = json(&format!(
            r#"{{"metadata":{{"name":"p","namespace":"n","labels":{{"a":"1"}}}},
                "spec":{{"containers":[{{"name":"c","image":"i"}}]{more}}}}}"#
        ));
        Pod.default(&mut pod);
        pod
    }

    #[test]
    fn a_new_pod_is_pending_and_of_the_first_generation() {
        let mut object = pod(r#","schedulingGates":[{"name":"g"}]"#);
        let user = Tree::Null;
        assert_eq!(POD.create(&asked(&user), &mut object), Ok(Vec::new()));
        assert_eq!(object.at("metadata").int("generation"), 1);
        assert_eq!(object.at("status").text("phase"), "Pending");
        assert_eq!(
            object.at("status").items("conditions")[0].text("reason"),
            "SchedulingGated"
        );
    }

    #[test]
    fn a_new_pod_has_no_ephemeral_containers_and_no_token_without_account() {
        let user = Tree::Null;
        for more in [
            r#","ephemeralContainers":[{"name":"e","image":"i"}]"#,
            r#","volumes":[{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"p"}}]}}]"#,
            r#","nodeName":"n","schedulingGates":[{"name":"g"}]"#,
        ] {
            assert!(POD.create(&asked(&user), &mut pod(more)).is_err(), "{more}");
        }
    }

    #[test]
    fn selectors_get_the_pod_s_own_labels() {
        let mut object = pod(
            r#","topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule",
                "matchLabelKeys":["a"],"labelSelector":{}}]"#,
        );
        let user = Tree::Null;
        assert!(POD.create(&asked(&user), &mut object).is_ok());
        let selector = object.at("spec").items("topologySpreadConstraints")[0].at("labelSelector");
        assert_eq!(
            selector.at("matchExpressions"),
            &json(r#"[{"key":"a","operator":"In","values":["1"]}]"#)
        );
    }

    #[test]
    fn what_runs_gets_time_to_end() {
        let fresh = json(r#"{"spec":{"terminationGracePeriodSeconds":30}}"#);
        let running = json(r#"{"spec":{"nodeName":"n","terminationGracePeriodSeconds":30}}"#);
        let over = json(r#"{"spec":{"nodeName":"n"},"status":{"phase":"Failed"}}"#);
        assert_eq!(Pod.grace(&fresh, Some(5)), Some(0));
        assert_eq!(Pod.grace(&running, None), Some(30));
        assert_eq!(Pod.grace(&running, Some(-5)), Some(1));
        assert_eq!(Pod.grace(&over, Some(5)), Some(0));
    }

    #[test]
    fn an_annotation_of_apparmor_is_a_field_before_the_pod_is_checked() {
        let mut object = pod(r#","securityContext":{"appArmorProfile":{"type":"RuntimeDefault"}}"#);
        let annotations = r#"{"container.apparmor.security.beta.kubernetes.io/c":"unconfined"}"#;
        object.child("metadata").set("annotations", json(annotations));
        assert_eq!(Pod.early_warnings(&object).len(), 1);
        let user = Tree::Null;
        assert_eq!(POD.create(&asked(&user), &mut object), Ok(Vec::new()));
        let container = &object.at("spec").items("containers")[0];
        assert_eq!(
            container.at("securityContext"),
            &json(r#"{"appArmorProfile":{"type":"Unconfined"}}"#)
        );
    }
}
