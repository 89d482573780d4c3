//! The statuses of single containers.

use std::collections::{BTreeMap, BTreeSet};

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

use super::LISTS;
use super::restarts::{may_restart_all, restarts};
use crate::text::tell_number;

const HEALTH: &[&str] = &["Healthy", "Unhealthy", "Unknown"];

/// What is said of the images of volumes stands behind a gate that is off; what was said already stays.
pub(super) fn drop_disabled(status: &mut Tree, before: &Tree) {
    let mounts = |list: &&str| before.items(list).iter().flat_map(|one| one.items("volumeMounts"));
    if LISTS.iter().flat_map(mounts).any(|mount| mount.has("volumeStatus")) {
        return;
    }
    for list in LISTS {
        let items = status.get_mut(list).and_then(Tree::as_list_mut);
        for one in items.into_iter().flatten() {
            let mounts = one.get_mut("volumeMounts").and_then(Tree::as_list_mut);
            for mount in mounts.into_iter().flatten() {
                mount.remove("volumeStatus");
            }
        }
    }
}

/// A container that ended stays so where it is not started again.
pub(super) fn validate_transitions(path: &Path<'_>, list: &str, object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let spec = old.at("spec");
    let containers = match list {
        "containerStatuses" => spec.items("containers"),
        "initContainerStatuses" => spec.items("initContainers"),
        // The kubelet never starts ephemeral ones again.
        _ => &[],
    };
    let ephemeral = list == "ephemeralContainerStatuses";
    if !ephemeral && may_restart_all(spec) {
        return;
    }
    let containers = by_name(containers);
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    let now = object.at("status").items(list).iter();
    for one in now.filter(|one| !one.at("state").has("terminated")) {
        *left.entry(one.text("name")).or_default() += 1;
    }
    for (at, before) in old.at("status").items(list).iter().enumerate() {
        let (name, ended) = (before.text("name"), before.at("state").at("terminated"));
        if ended.is_null() {
            continue;
        }
        let own = containers.get(name);
        if own.is_some_and(|own| restarts(own, spec, ended.int("exitCode"))) {
            continue;
        }
        let count = left.get(name).copied().unwrap_or_default();
        for _ in 0..if ephemeral { count } else { count.min(1) } {
            if refusals.is_full() {
                return;
            }
            let detail = "may not be transitioned to non-terminated state";
            refusals.forbidden(&path.index(at).field("state"), detail);
        }
    }
}

/// What is said of single containers: their users, and how their devices are.
pub(super) fn validate(path: &Path<'_>, list: &str, object: &Tree, refusals: &mut Refusals) {
    let spec = object.at("spec");
    let containers = match list {
        "containerStatuses" => spec.items("containers"),
        _ => spec.items("initContainers"),
    };
    let containers = by_name(containers);
    let mut asked = BTreeMap::new();
    for (at, status) in object.at("status").items(list).iter().enumerate() {
        let path = path.index(at);
        let user = path.field("user");
        validate_user(&user.field("linux"), status.at("user").at("linux"), spec, refusals);
        let devices = status.items("allocatedResourcesStatus");
        let devices_path = path.field("allocatedResourcesStatus");
        if list == "ephemeralContainerStatuses" {
            if !devices.is_empty() {
                refusals.forbidden(&devices_path, "must not be specified in container status");
            }
            continue;
        }
        let container = containers.get(status.text("name")).map(|container| {
            let claims = asked.entry(status.text("name")).or_insert_with(|| claims(container));
            (container.at("resources").entries("requests"), &*claims)
        });
        for (at, device) in devices.iter().enumerate() {
            validate_device(&devices_path.index(at), device, container, refusals);
        }
    }
}

/// Containers by their names; of equal ones the first.
fn by_name(containers: &[Tree]) -> BTreeMap<&str, &Tree> {
    let named = containers.iter().rev();
    named.map(|container| (container.text("name"), container)).collect()
}

/// The claims that a container asks for, as its status names them.
fn claims(container: &Tree) -> BTreeSet<String> {
    let claims = container.at("resources").items("claims").iter();
    let name = |claim: &Tree| match claim.text("request") {
        "" => format!("claim:{}", claim.text("name")),
        request => format!("claim:{}/{request}", claim.text("name")),
    };
    claims.map(name).collect()
}

fn validate_user(path: &Path<'_>, user: &Tree, spec: &Tree, refusals: &mut Refusals) {
    if user.is_null() {
        return;
    }
    if spec.at("os").text("name") == "windows" {
        return refusals.forbidden(path, "cannot be set for a windows pod");
    }
    tell_number(
        &path.field("uid"),
        user.int("uid"),
        names::user_id(user.int("uid")),
        refusals,
    );
    tell_number(
        &path.field("gid"),
        user.int("gid"),
        names::group_id(user.int("gid")),
        refusals,
    );
    let path = path.field("supplementalGroups");
    for (at, group) in user.items("supplementalGroups").iter().enumerate() {
        let group = group.as_int().unwrap_or_default();
        tell_number(&path.index(at), group, names::group_id(group), refusals);
    }
}

/// Checks a device; `asked` are the requests of its container and the claims.
fn validate_device(path: &Path<'_>, device: &Tree, asked: Option<(&Map, &BTreeSet<String>)>, refusals: &mut Refusals) {
    let name = device.text("name");
    if let Some((requests, claims)) = asked {
        let (found, detail) = if name.starts_with("claim:") {
            (
                claims.contains(name),
                "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or \
                 'claim:<claimName>' if request is empty",
            )
        } else {
            (
                requests.contains(name),
                "must match one of the container's resource requests",
            )
        };
        if !found {
            refusals.invalid(&path.field("name"), name, detail);
        }
    }
    let path = path.field("resources");
    let mut seen = BTreeSet::new();
    for (at, resource) in device.items("resources").iter().enumerate() {
        let path = path.index(at);
        let health = resource.text("health");
        if !HEALTH.contains(&health) {
            refusals.not_supported(&path.field("health"), health, HEALTH);
        }
        if resource.at("message").as_str() == Some("") {
            refusals.required(&path.field("message"), "must be non-empty if specified");
        }
        let id = resource.text("resourceID");
        if !seen.insert(id) {
            refusals.duplicate(&path.field("resourceID"), id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, drop_disabled, validate};
    use crate::pod::testing::json;

    #[test]
    fn devices_are_those_that_a_container_asked_for() {
        let device = |name: &str, more: &str| {
            json(&format!(
                r#"{{"spec":{{"containers":[{{"name":"c","resources":{{"requests":{{"cpu":"1"}},"claims":
                    [{{"name":"a","request":"r"}}]}}}}]}},"status":{{"containerStatuses":[{{"name":"c",
                    "allocatedResourcesStatus":[{{"name":"{name}","resources":[{more}]}}]}}]}}}}"#
            ))
        };
        for (name, more, wrong) in [
            ("cpu", "", 0),
            ("memory", "", 1),
            ("claim:a/r", r#"{"health":"Healthy"}"#, 0),
            ("claim:a", "", 1),
            ("cpu", r#"{"health":"x","message":""}"#, 2),
        ] {
            let list = "containerStatuses";
            let mut refusals = Refusals::new();
            validate(&Path::of("s"), list, &device(name, more), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{name} {more}");
        }
    }

    #[test]
    fn what_is_gated_goes_unless_it_was_there() {
        let given = json(r#"{"containerStatuses":[{"volumeMounts":[{"name":"v","volumeStatus":{}}]}]}"#);
        let mut status = given.clone();
        drop_disabled(&mut status, &given);
        assert_eq!(status, given);
        drop_disabled(&mut status, &json("{}"));
        assert_eq!(
            status,
            json(r#"{"containerStatuses":[{"volumeMounts":[{"name":"v"}]}]}"#)
        );
    }
}
