//! What a pod and its containers may do on a node: users, groups, sysctls, privileges.

use std::collections::BTreeSet;

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::scope::{Mistake, Scope};
use super::{profiles, windows};
use crate::internal::shown;
use crate::text::tell_number;

const CONTEXT: &str = "io.k8s.api.core.v1.SecurityContext";

const SYSCTL_MAX: usize = 253;
const SYSCTL_RULE: &str = "must have at most 253 characters and match regex \
                           ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

/// The security of a container.
pub(super) fn validate(path: &Path<'_>, context: &Tree, host_users: bool, refusals: &mut Refusals) {
    if context.is_null() {
        return;
    }
    validate_ids(path, context, refusals);
    if let Some(mount) = context.at("procMount").as_str() {
        let path = path.field("procMount");
        if !["Default", "Unmasked"].contains(&mount) {
            refusals.not_supported(&path, mount, &["Default", "Unmasked"]);
        }
        if host_users && mount == "Unmasked" {
            refusals.invalid(&path, mount, "`hostUsers` must be false to use `Unmasked`");
        }
    }
    profiles::validate_seccomp(&path.field("seccompProfile"), context.at("seccompProfile"), refusals);
    if context.at("allowPrivilegeEscalation") == &Tree::Bool(false) {
        if context.flag("privileged") {
            let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            refusals.invalid(path, shown(CONTEXT, context), detail);
        }
        for one in context.at("capabilities").items("add") {
            if refusals.is_full() {
                // Each would print all of them.
                break;
            }
            if one.as_str() == Some("CAP_SYS_ADMIN") {
                let detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
                refusals.invalid(path, shown(CONTEXT, context), detail);
            }
        }
    }
    windows::validate_options(&path.field("windowsOptions"), context.at("windowsOptions"), refusals);
    profiles::validate_apparmor(&path.field("appArmorProfile"), context.at("appArmorProfile"), refusals);
}

fn validate_ids(path: &Path<'_>, context: &Tree, refusals: &mut Refusals) {
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        if let Some(id) = context.at(field).as_int() {
            let messages = if field == "runAsUser" {
                names::user_id(id)
            } else {
                names::group_id(id)
            };
            tell_number(&path.field(field), id, messages, refusals);
        }
    }
}

/// The security of a pod as a whole.
pub(super) fn validate_pod(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    let context = scope.spec.at("securityContext");
    validate_ids(path, context, refusals);
    let groups = path.field("supplementalGroups");
    for (at, group) in context.items("supplementalGroups").iter().enumerate() {
        let id = group.as_int().unwrap_or_default();
        tell_number(&groups.index(at), id, names::group_id(id), refusals);
    }
    if scope.spec.flag("hostPID") && scope.spec.flag("shareProcessNamespace") {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        refusals.invalid(&path.field("shareProcessNamespace"), true, detail);
    }
    validate_sysctls(&path.field("sysctls"), scope, refusals);
    let known: [(&str, &[&str]); 3] = [
        ("fsGroupChangePolicy", &["Always", "OnRootMismatch"]),
        ("supplementalGroupsPolicy", &["Merge", "Strict"]),
        // Mounting with the label instead is behind a gate that is off.
        ("seLinuxChangePolicy", &["Recursive"]),
    ];
    for (field, known) in known {
        if let Some(value) = context.at(field).as_str()
            && !known.contains(&value)
        {
            refusals.not_supported(&path.field(field), value, known);
        }
    }
    profiles::validate_seccomp(&path.field("seccompProfile"), context.at("seccompProfile"), refusals);
    windows::validate_options(&path.field("windowsOptions"), context.at("windowsOptions"), refusals);
    profiles::validate_apparmor(&path.field("appArmorProfile"), context.at("appArmorProfile"), refusals);
}

fn validate_sysctls(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    let mut seen = BTreeSet::new();
    let sysctls = scope.spec.at("securityContext").items("sysctls");
    for (at, sysctl) in sysctls.iter().enumerate() {
        let path = path.index(at);
        let path = path.field("name");
        let name = sysctl.text("name");
        if name.is_empty() {
            refusals.required(&path, "");
        } else if !is_sysctl(name) {
            refusals.invalid(&path, name, SYSCTL_RULE);
        } else if seen.contains(name) {
            refusals.duplicate(&path, name);
        }
        if !scope.options.forgives(Mistake::HostSysctls)
            && let Some(detail) = host_conflict(scope.spec, name)
        {
            refusals.invalid(&path, name, detail);
        }
        seen.insert(name);
    }
}

/// Words of lower-case letters, digits, `-` and `_`, between dots or slashes.
fn is_sysctl(name: &str) -> bool {
    name.len() <= SYSCTL_MAX
        && name.split(['.', '/']).all(|word| {
            let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            let edge = |byte: Option<u8>| byte.is_some_and(inner);
            edge(word.bytes().next())
                && edge(word.bytes().next_back())
                && word.bytes().all(|byte| inner(byte) || matches!(byte, b'-' | b'_'))
        })
}

/// Why a sysctl cannot be the pod's own: the namespace that it is in is the host's.
fn host_conflict(spec: &Tree, sysctl: &str) -> Option<&'static str> {
    const IPC: &[&str] = &[
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
        "kernel.shm",
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.msg",
    ];
    // Where the first separator is a slash, dots and slashes have each other's meaning.
    let swapped = sysctl.find(['.', '/']).is_some_and(|at| sysctl.as_bytes()[at] == b'/');
    let swap = |letter| match letter {
        '.' if swapped => '/',
        '/' if swapped => '.',
        other => other,
    };
    let name: String = sysctl.chars().map(swap).take_while(|letter| *letter != '*').collect();
    if spec.flag("hostNetwork") && name.starts_with("net.") {
        Some("may not be specified when 'hostNetwork' is true")
    } else if spec.flag("hostIPC") && (IPC.contains(&name.as_str()) || name.starts_with("fs.mqueue.")) {
        Some("may not be specified when 'hostIPC' is true")
    } else {
        None
    }
}

/// Whether a spec has a sysctl of a namespace that is the host's.
pub(super) fn has_host_sysctl(spec: &Tree) -> bool {
    let sysctls = spec.at("securityContext").items("sysctls").iter();
    sysctls
        .map(|one| one.text("name"))
        .any(|name| host_conflict(spec, name).is_some())
}

/// A pod with users of its own shares no other namespace with the host.
pub(super) fn validate_host_users(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    if scope.host_users() {
        return;
    }
    for (field, told) in [
        ("hostNetwork", "hostNetwork"),
        ("hostPID", "HostPID"),
        ("hostIPC", "HostIPC"),
    ] {
        if scope.spec.flag(field) {
            refusals.forbidden(&path.field(told), "when `pod.Spec.HostUsers` is false");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, is_sysctl, validate, validate_host_users, validate_pod};
    use crate::pod::scope::Scope;
    use crate::pod::testing::{json, words};

    #[test]
    fn privileges_do_not_contradict_each_other() {
        let cases = [
            (r#"{"privileged":true}"#, 0),
            (r#"{"privileged":true,"allowPrivilegeEscalation":false}"#, 1),
            (
                r#"{"capabilities":{"add":["CAP_SYS_ADMIN"]},"allowPrivilegeEscalation":false}"#,
                1,
            ),
            (r#"{"procMount":"Unmasked"}"#, 1),
            (r#"{"runAsUser":-1}"#, 1),
        ];
        for (context, wrong) in cases {
            let mut refusals = Refusals::new();
            validate(&Path::of("s"), &json(context), true, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{context}");
        }
    }

    #[test]
    fn a_capability_that_stands_twenty_thousand_times_is_not_told_as_often() {
        let list = vec!["\"CAP_SYS_ADMIN\""; 20_000].join(",");
        let context = format!(r#"{{"allowPrivilegeEscalation":false,"capabilities":{{"add":[{list}]}}}}"#);
        let mut refusals = Refusals::new();
        validate(&Path::of("s"), &json(&context), true, &mut refusals);
        assert!((2..100).contains(&refusals.len()), "{}", refusals.len());
    }

    #[test]
    fn sysctls_are_in_a_namespace_of_the_pod() {
        for (name, fine) in [("net.a/b-c", true), ("a..b", false), ("A", false), ("a_", false)] {
            assert_eq!(is_sysctl(name), fine, "{name}");
        }
        let spec =
            json(r#"{"hostNetwork":true,"securityContext":{"sysctls":[{"name":"net/core.x"},{"name":"kernel.shm"}]}}"#);
        let mut refusals = Refusals::new();
        validate_pod(&Path::of("s"), &Scope::for_tests(&spec), &mut refusals);
        assert_eq!(
            words(&refusals),
            r#"s.sysctls[0].name: Invalid value: "net/core.x": may not be specified when 'hostNetwork' is true"#
        );
    }

    #[test]
    fn users_of_its_own_keep_a_pod_out_of_the_host_s_namespaces() {
        for (spec, wrong) in [(r#"{"hostUsers":false,"hostPID":true}"#, 1), (r#"{"hostPID":true}"#, 0)] {
            let spec = json(spec);
            let mut refusals = Refusals::new();
            validate_host_users(&Path::of("s"), &Scope::for_tests(&spec), &mut refusals);
            assert_eq!(refusals.len(), wrong);
        }
    }
}
