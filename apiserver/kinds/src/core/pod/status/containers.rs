//! The statuses of single containers.

use std::collections::BTreeSet;

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::LISTS;
use crate::pod::containers::is_sidecar;
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
    let policy = match list {
        // The kubelet never starts these again.
        "ephemeralContainerStatuses" => "Never",
        _ => spec.text("restartPolicy"),
    };
    if policy == "Always" {
        return;
    }
    let restarts = |name: &str| {
        let by_name = |container: &&Tree| container.text("name") == name;
        match list {
            "initContainerStatuses" => spec
                .items("initContainers")
                .iter()
                .find(by_name)
                .is_some_and(is_sidecar),
            "containerStatuses" => {
                let own = spec.items("containers").iter().find(by_name);
                own.is_some_and(|own| is_sidecar(own) || !own.items("restartPolicyRules").is_empty())
            }
            _ => false,
        }
    };
    for (at, before) in old.at("status").items(list).iter().enumerate() {
        let ended = before.at("state").at("terminated");
        let failed = ended.int("exitCode") != 0 && policy == "OnFailure";
        if ended.is_null() || failed || restarts(before.text("name")) {
            continue;
        }
        let now = object.at("status").items(list).iter();
        let same = now.filter(|one| one.text("name") == before.text("name"));
        for _ in same.filter(|one| !one.at("state").has("terminated")) {
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
        let container = containers.iter().find(|one| one.text("name") == status.text("name"));
        for (at, device) in devices.iter().enumerate() {
            validate_device(&devices_path.index(at), device, container, refusals);
        }
    }
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

fn validate_device(path: &Path<'_>, device: &Tree, container: Option<&Tree>, refusals: &mut Refusals) {
    let name = device.text("name");
    if let Some(container) = container {
        let asked = container.at("resources");
        let claims = asked.items("claims").iter().map(|claim| match claim.text("request") {
            "" => format!("claim:{}", claim.text("name")),
            request => format!("claim:{}/{request}", claim.text("name")),
        });
        let (found, detail) = if name.starts_with("claim:") {
            (
                claims.into_iter().any(|claim| claim == name),
                "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or \
                 'claim:<claimName>' if request is empty",
            )
        } else {
            (
                asked.entries("requests").contains(name),
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
