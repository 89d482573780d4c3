//! The status of a pod, which the kubelet writes.

mod addresses;
mod claims;
mod containers;
mod restarts;

use std::collections::{HashMap, VecDeque};

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::update;
use crate::check::immutable;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, StatusRules, keep};
use crate::pod::resources;
use crate::pod::scope::Options;
use crate::text::tell;

const NOT_NEGATIVE: &str = "must be a non-negative integer";
const LISTS: [&str; 3] = [
    "containerStatuses",
    "initContainerStatuses",
    "ephemeralContainerStatuses",
];

pub(super) struct PodStatus;

/// The address of old is the first of the list; where both are given and differ, the one alone counts.
pub(super) fn default(object: &mut Tree) {
    let Some(status) = object.get_mut("status").filter(|status| !status.is_zero()) else {
        return;
    };
    round(status);
    let alone = status.text("podIP").to_owned();
    let first = status.items("podIPs").first().map(|first| first.text("ip").to_owned());
    match first {
        Some(first) if alone.is_empty() && !first.is_empty() => status.set("podIP", first),
        Some(first) if alone.is_empty() || first == alone => {}
        None if alone.is_empty() => {}
        _ => {
            let mut address = Tree::map();
            address.set("ip", alone);
            status.set("podIPs", vec![address]);
        }
    }
}

/// Amounts are kept in thousandths, as in the spec.
fn round(status: &mut Tree) {
    let one = |holder: &mut Tree| {
        if let Some(list) = holder.get_mut("allocatedResources") {
            resources::round(list);
        }
        resources::round_both(holder.get_mut("resources"));
    };
    one(status);
    for list in LISTS {
        let items = status.get_mut(list).and_then(Tree::as_list_mut);
        items.into_iter().flatten().for_each(one);
    }
}

impl StatusRules for PodStatus {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        let metadata = object.child("metadata");
        metadata.remove("deletionTimestamp");
        keep(metadata, old.at("metadata"), "ownerReferences");
        let before = old.at("status");
        let status = object.child("status");
        for field in ["qosClass", "observedGeneration"] {
            if status.at(field).is_zero() {
                keep(status, before, field);
            }
        }
        keep_observed(status, before);
        if before.items("nodeAllocatableResourceClaimStatuses").is_empty() {
            status.remove("nodeAllocatableResourceClaimStatuses");
        }
        containers::drop_disabled(status, before);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        update::validate_annotations(object, old, Options::new(true, Some(old)), refusals);
        let path = Path::of("status");
        let (status, before) = (object.at("status"), old.at("status"));
        validate_conditions(&path, status, refusals);
        validate_nominated(&path.field("nominatedNodeName"), object, before, refusals);
        immutable(
            &path.field("qosClass"),
            status.at("qosClass"),
            before.at("qosClass"),
            refusals,
        );
        for list in LISTS {
            containers::validate_transitions(&path.field(list), list, object, old, refusals);
        }
        claims::validate(&path, object, refusals);
        addresses::validate(
            &path.field("podIPs"),
            status.at("podIPs"),
            before.items("podIPs"),
            refusals,
        );
        addresses::validate_host(&path.field("hostIPs"), status, before, refusals);
        for list in LISTS {
            containers::validate(&path.field(list), list, object, refusals);
        }
    }

    fn warnings(&self, object: &Tree, _old: &Tree) -> Vec<String> {
        let path = Path::of("status");
        let mut warnings = Vec::new();
        for list in ["podIPs", "hostIPs"] {
            let path = path.field(list);
            for (at, address) in object.at("status").items(list).iter().enumerate() {
                let path = path.index(at);
                warnings.extend(names::ip_warning(&path.field("ip"), address.text("ip")));
            }
        }
        warnings
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[
            &["spec"],
            &["metadata", "deletionTimestamp"],
            &["metadata", "ownerReferences"],
        ]
    }
}

/// Conditions that do not say of which generation they are keep what the old ones of their type said.
fn keep_observed(status: &mut Tree, before: &Tree) {
    let mut old: HashMap<&str, VecDeque<i64>> = HashMap::new();
    for one in before.items("conditions") {
        let known = old.entry(one.text("type")).or_default();
        known.push_back(one.int("observedGeneration"));
    }
    let conditions = status.get_mut("conditions").and_then(Tree::as_list_mut);
    for condition in conditions.into_iter().flatten() {
        let known = old.get_mut(condition.text("type"));
        let kept = known.and_then(VecDeque::pop_front).unwrap_or_default();
        if condition.int("observedGeneration") == 0 && kept != 0 {
            condition.set("observedGeneration", kept);
        }
    }
}

/// The node on which room is being made; a pod that has its node needs none.
fn validate_nominated(path: &Path<'_>, object: &Tree, before: &Tree, refusals: &mut Refusals) {
    let nominated = object.at("status").text("nominatedNodeName");
    if nominated.is_empty() || nominated == before.text("nominatedNodeName") {
        return;
    }
    tell(
        path,
        nominated,
        names::name_is_dns_subdomain(nominated, false),
        refusals,
    );
    if !object.at("spec").text("nodeName").is_empty() {
        let detail = "may not be set on pods that are already bound to a node";
        refusals.forbidden(path, detail);
    }
}

fn validate_conditions(path: &Path<'_>, status: &Tree, refusals: &mut Refusals) {
    let generation = |path: &Path<'_>, holder: &Tree, refusals: &mut Refusals| {
        let seen = holder.int("observedGeneration");
        if seen < 0 {
            refusals.invalid(&path.field("observedGeneration"), seen, NOT_NEGATIVE);
        }
    };
    generation(path, status, refusals);
    let path = path.field("conditions");
    for (at, condition) in status.items("conditions").iter().enumerate() {
        let path = path.index(at);
        generation(&path, condition, refusals);
        let kind = condition.text("type");
        if !["PodScheduled", "Ready", "Initialized"].contains(&kind) {
            tell(&path.field("Type"), kind, names::qualified_name(kind), refusals);
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::Tree;

    use super::super::POD;
    use super::default;
    use crate::kind::Asked;
    use crate::pod::testing::json;

    fn told(status: &str, old: &str) -> String {
        let pod = |status: &str| {
            let mut pod = json(&format!(
                r#"{{"metadata":{{"name":"p","namespace":"n","resourceVersion":"1","generation":1}},"spec":
                    {{"restartPolicy":"Never","containers":[{{"name":"c","image":"i"}}]}},"status":{status}}}"#
            ));
            POD.rules.default(&mut pod);
            pod
        };
        let user = Tree::Null;
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let asked = Asked { now, user: &user };
        let result = POD.update_status(&asked, &mut pod(status), &pod(old));
        result.map_or_else(
            |status| {
                status.to_tree().at("details").items("causes")[0]
                    .text("field")
                    .to_owned()
            },
            |_| String::new(),
        )
    }

    #[test]
    fn a_status_is_sound() {
        for (status, old, field) in [
            (r#"{"podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}]}"#, "{}", ""),
            (r#"{"podIPs":[{"ip":"x"}]}"#, "{}", "status.podIPs[0]"),
            (
                r#"{"podIPs":[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]}"#,
                "{}",
                "status.podIPs",
            ),
            (r#"{"hostIPs":[{"ip":"10.0.0.1"}]}"#, "{}", "status.hostIPs[0].ip"),
            (r#"{"qosClass":"x"}"#, r#"{"qosClass":"y"}"#, "status.qosClass"),
            (r#"{"conditions":[{"type":"-"}]}"#, "{}", "status.conditions[0].Type"),
            (
                r#"{"containerStatuses":[{"name":"c","state":{"running":{}}}]}"#,
                r#"{"containerStatuses":[{"name":"c","state":{"terminated":{}}}]}"#,
                "status.containerStatuses[0].state",
            ),
            (r#"{"nominatedNodeName":"m"}"#, "{}", ""),
            (r#"{"nominatedNodeName":"-"}"#, "{}", "status.nominatedNodeName"),
            (
                r#"{"resourceClaimStatuses":[{"name":"x"}]}"#,
                "{}",
                "status.resourceClaimStatuses[0].name",
            ),
            (
                r#"{"containerStatuses":[{"name":"c","user":{"linux":{"uid":-1,"gid":0}}}]}"#,
                "{}",
                "status.containerStatuses[0].user.linux.uid",
            ),
            (
                r#"{"containerStatuses":[{"name":"c","allocatedResourcesStatus":[{"name":"cpu"}]}]}"#,
                "{}",
                "status.containerStatuses[0].allocatedResourcesStatus[0].name",
            ),
        ] {
            assert_eq!(told(status, old), field, "{status}");
        }
    }

    #[test]
    fn the_one_address_is_the_first_of_the_list() {
        for (given, kept) in [
            (r#"{"podIP":"a"}"#, r#"{"podIP":"a","podIPs":[{"ip":"a"}]}"#),
            (r#"{"podIPs":[{"ip":"b"}]}"#, r#"{"podIP":"b","podIPs":[{"ip":"b"}]}"#),
            (
                r#"{"podIP":"a","podIPs":[{"ip":"b"}]}"#,
                r#"{"podIP":"a","podIPs":[{"ip":"a"}]}"#,
            ),
        ] {
            let mut pod = json(&format!(r#"{{"status":{given}}}"#));
            default(&mut pod);
            assert_eq!(pod.at("status"), &json(kept));
        }
    }
}
