//! Where containers see volumes: as directories, or as block devices.

use std::collections::{BTreeSet, HashSet};

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::paths;
use super::scope::Scope;

const PROPAGATIONS: &[&str] = &["Bidirectional", "HostToContainer", "None"];
const READ_ONLY: &[&str] = &["Disabled", "Enabled", "IfPossible"];

/// The mounts and the devices of a container.
pub(super) fn validate(path: &Path<'_>, container: &Tree, scope: &Scope<'_>, refusals: &mut Refusals) {
    validate_mounts(&path.field("volumeMounts"), container, scope, refusals);
    validate_devices(&path.field("volumeDevices"), container, scope, refusals);
}

fn all<'t>(items: &'t [Tree], field: &str) -> HashSet<&'t str> {
    items.iter().map(|item| item.text(field)).collect()
}

fn validate_mounts(path: &Path<'_>, container: &Tree, scope: &Scope<'_>, refusals: &mut Refusals) {
    let devices = container.items("volumeDevices");
    let (names, paths) = (all(devices, "name"), all(devices, "devicePath"));
    let mut seen = BTreeSet::new();
    for (at, mount) in container.items("volumeMounts").iter().enumerate() {
        let item = path.index(at);
        let (name, target) = (mount.text("name"), mount.text("mountPath"));
        let (name_path, target_path) = (item.field("name"), item.field("mountPath"));
        if name.is_empty() {
            refusals.required(&name_path, "");
        }
        if !scope.volumes.contains_key(name) {
            refusals.not_found(&name_path, name);
        }
        if target.is_empty() {
            refusals.required(&target_path, "");
        }
        if !seen.insert(target) {
            refusals.invalid(&target_path, target, "must be unique");
        }
        if names.contains(name) {
            refusals.invalid(&name_path, name, "must not already exist in volumeDevices");
        }
        if paths.contains(target) {
            refusals.invalid(
                &target_path,
                target,
                "must not already exist as a path in volumeDevices",
            );
        }
        validate_sub_path(path, &item, mount, refusals);
        validate_propagation(&path.field("mountPropagation"), mount, container, refusals);
        validate_read_only(&path.field("recursiveReadOnly"), mount, refusals);
    }
}

/// Upstream tells of bad sub-paths at the list rather than at the item.
fn validate_sub_path(list: &Path<'_>, item: &Path<'_>, mount: &Tree, refusals: &mut Refusals) {
    let (plain, expression) = (mount.text("subPath"), mount.text("subPathExpr"));
    if !plain.is_empty() {
        paths::descending(&list.field("subPath"), plain, refusals);
    }
    if !expression.is_empty() {
        if !plain.is_empty() {
            let detail = "subPathExpr and subPath are mutually exclusive";
            refusals.invalid(&item.field("subPathExpr"), expression, detail);
        }
        paths::descending(&list.field("subPathExpr"), expression, refusals);
    }
}

fn validate_propagation(path: &Path<'_>, mount: &Tree, container: &Tree, refusals: &mut Refusals) {
    let Some(value) = mount.at("mountPropagation").as_str() else {
        return;
    };
    if !PROPAGATIONS.contains(&value) {
        refusals.not_supported(path, value, PROPAGATIONS);
    }
    if value == "Bidirectional" && !container.at("securityContext").flag("privileged") {
        let detail = "Bidirectional mount propagation is available only to privileged containers";
        refusals.forbidden(path, detail);
    }
}

fn validate_read_only(path: &Path<'_>, mount: &Tree, refusals: &mut Refusals) {
    match mount.at("recursiveReadOnly").as_str() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if !mount.flag("readOnly") {
                refusals.forbidden(path, "may only be specified when readOnly is true");
            }
            if !matches!(mount.at("mountPropagation").as_str(), None | Some("None")) {
                let detail = "may only be specified when mountPropagation is None or not specified";
                refusals.forbidden(path, detail);
            }
        }
        Some(value) => refusals.not_supported(path, value, READ_ONLY),
    }
}

fn validate_devices(path: &Path<'_>, container: &Tree, scope: &Scope<'_>, refusals: &mut Refusals) {
    let mounts = container.items("volumeMounts");
    let (used_names, used_targets) = (all(mounts, "name"), all(mounts, "mountPath"));
    let (mut names, mut targets) = (BTreeSet::new(), BTreeSet::new());
    for (at, device) in container.items("volumeDevices").iter().enumerate() {
        let item = path.index(at);
        let (name, target) = (device.text("name"), device.text("devicePath"));
        let (name_path, target_path) = (item.field("name"), item.field("devicePath"));
        if name.is_empty() {
            refusals.required(&name_path, "");
        }
        if names.contains(name) {
            refusals.invalid(&name_path, name, "must be unique");
        }
        match scope.volumes.get(name) {
            Some(volume) if !volume.has("persistentVolumeClaim") && !volume.has("ephemeral") => {
                let detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                refusals.invalid(&name_path, name, detail);
            }
            Some(_) => {}
            None => refusals.not_found(&name_path, name),
        }
        if target.is_empty() {
            refusals.required(&target_path, "");
        }
        if targets.contains(target) {
            refusals.invalid(&target_path, target, "must be unique");
        }
        if paths::has_backstep(target) {
            refusals.invalid(&target_path, target, "can not contain backsteps ('..')");
        } else {
            targets.insert(target);
        }
        if used_names.contains(name) {
            refusals.invalid(&name_path, name, "must not already exist in volumeMounts");
        }
        if used_targets.contains(target) {
            refusals.invalid(&target_path, target, "must not already exist as a path in volumeMounts");
        }
        if !name.is_empty() {
            names.insert(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate};
    use crate::pod::scope::Scope;
    use crate::pod::testing::{json, words};

    #[test]
    fn mounts_and_devices_name_a_volume_of_the_pod_once() {
        let spec = json(r#"{"volumes":[{"name":"v","emptyDir":{}},{"name":"p","persistentVolumeClaim":{}}]}"#);
        let scope = Scope::for_tests(&spec);
        let cases = [
            (r#"{"volumeMounts":[{"name":"v","mountPath":"/x"}]}"#, ""),
            (
                r#"{"volumeMounts":[{"name":"w","mountPath":"/x"}]}"#,
                r#"c.volumeMounts[0].name: Not found: "w""#,
            ),
            (
                r#"{"volumeMounts":[{"name":"v","mountPath":"/x"},{"name":"v","mountPath":"/x"}]}"#,
                r#"c.volumeMounts[1].mountPath: Invalid value: "/x": must be unique"#,
            ),
            (
                r#"{"volumeMounts":[{"name":"v","mountPath":"/x","subPath":"/a"}]}"#,
                r#"c.volumeMounts.subPath: Invalid value: "/a": must be a relative path"#,
            ),
            (
                r#"{"volumeMounts":[{"name":"v","mountPath":"/x","mountPropagation":"Bidirectional"}]}"#,
                "c.volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to \
                 privileged containers",
            ),
            (
                r#"{"volumeMounts":[{"name":"v","mountPath":"/x","recursiveReadOnly":"Enabled"}]}"#,
                "c.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
            ),
            (r#"{"volumeDevices":[{"name":"p","devicePath":"/d"}]}"#, ""),
            (
                r#"{"volumeDevices":[{"name":"v","devicePath":"/d"}]}"#,
                "c.volumeDevices[0].name: Invalid value: \"v\": can only use volume source type of \
                 PersistentVolumeClaim or Ephemeral for block mode",
            ),
        ];
        for (container, told) in cases {
            let mut refusals = Refusals::new();
            validate(&Path::of("c"), &json(container), &scope, &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
