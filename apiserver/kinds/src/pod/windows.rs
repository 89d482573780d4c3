//! What is Windows' own, and what Windows does not have.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::containers;
use crate::text::tell;

const CREDENTIAL_MAX_KIB: usize = 64;
const DOMAIN_MAX: usize = 256;
const USER_MAX: usize = 104;
const NOT_ON_WINDOWS: &str = "cannot be set for a windows pod";

/// The options of a pod or of a container for Windows.
pub(super) fn validate_options(path: &Path<'_>, options: &Tree, refusals: &mut Refusals) {
    if let Some(name) = options.at("gmsaCredentialSpecName").as_str() {
        let messages = names::dns_subdomain(name);
        tell(&path.field("gmsaCredentialSpecName"), name, messages, refusals);
    }
    if let Some(spec) = options.at("gmsaCredentialSpec").as_str() {
        let path = path.field("gmsaCredentialSpec");
        if spec.is_empty() {
            refusals.invalid(&path, spec, "gmsaCredentialSpec cannot be an empty string");
        } else if spec.len() > CREDENTIAL_MAX_KIB * 1024 {
            let detail = format!("gmsaCredentialSpec size must be under {CREDENTIAL_MAX_KIB} KiB");
            refusals.invalid(&path, spec, &detail);
        }
    }
    if let Some(name) = options.at("runAsUserName").as_str() {
        validate_user(&path.field("runAsUserName"), name, refusals);
    }
}

/// `DOMAIN\User`, the domain may be left out.
fn validate_user(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    let mut tell = |detail: &str| refusals.invalid(path, name, detail);
    if name.is_empty() {
        return tell("runAsUserName cannot be an empty string");
    }
    if name.bytes().any(|byte| byte.is_ascii_control()) {
        return tell("runAsUserName cannot contain control characters");
    }
    if name.matches('\\').count() > 1 {
        return tell("runAsUserName cannot contain more than one backslash");
    }
    let (domain, user) = match name.split_once('\\') {
        Some((domain, user)) => (Some(domain), user),
        None => (None, name),
    };
    if let Some(domain) = domain {
        if domain.len() >= DOMAIN_MAX {
            tell("runAsUserName's Domain length must be under 256 characters");
        }
        if !is_netbios(domain) && !is_dns(domain) {
            tell("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
        }
    }
    if user.is_empty() {
        tell("runAsUserName's User cannot be empty");
    } else if user.len() > USER_MAX {
        tell("runAsUserName's User length must not be longer than 104 characters");
    }
    if !user.is_empty() && user.bytes().all(|byte| matches!(byte, b'.' | b' ')) {
        tell("runAsUserName's User cannot contain only periods or spaces");
    }
    if user.contains(|letter| "\"/\\:;|=,+*?<>@[]".contains(letter)) {
        tell("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
    }
}

fn is_netbios(domain: &str) -> bool {
    (1..=15).contains(&domain.chars().count())
        && !domain.starts_with('.')
        && !domain.contains(|letter| "\\/:*?\"<>|".contains(letter))
}

fn is_dns(domain: &str) -> bool {
    domain.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// Either all containers of a pod are processes of the host or none, and such pods are in the host's network.
pub(super) fn validate_host_process(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let says = |holder: &Tree| {
        holder
            .below(&["securityContext", "windowsOptions", "hostProcess"])
            .as_bool()
    };
    let pod = says(spec);
    let (mut all, mut on_host) = (0, 0);
    containers::visit(path, spec, |path, container| {
        all += 1;
        let own = says(container);
        if let (Some(pod), Some(own)) = (pod, own)
            && pod != own
        {
            let path = path.field("securityContext");
            let path = path.field("windowsOptions");
            let detail = format!("pod hostProcess value must be identical if both are specified, was {pod}");
            refusals.invalid(&path.field("hostProcess"), own, &detail);
        }
        on_host += i32::from(own.or(pod) == Some(true));
    });
    if on_host == 0 {
        return;
    }
    if on_host != all {
        let detail = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
        refusals.invalid(path, "", detail);
    }
    if !spec.flag("hostNetwork") {
        let detail = "hostNetwork must be true if pod contains any hostProcess containers";
        refusals.invalid(&path.field("hostNetwork"), false, detail);
    }
}

/// What a pod says that its system does not have.
pub(super) fn validate_system(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let system = spec.at("os");
    if system.is_null() {
        return;
    }
    let os = path.field("os");
    match system.text("name") {
        "" => refusals.required(&os.field("name"), ""),
        "linux" => validate_linux(path, spec, refusals),
        "windows" => validate_windows(path, spec, refusals),
        other => refusals.not_supported(&os, other, &["linux", "windows"]),
    }
}

fn validate_linux(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let mut look = |path: &Path<'_>, holder: &Tree| {
        if holder.at("securityContext").has("windowsOptions") {
            let path = path.field("securityContext");
            let detail = "windows options cannot be set for a linux pod";
            refusals.forbidden(&path.field("windowsOptions"), detail);
        }
    };
    look(path, spec);
    containers::visit(path, spec, look);
}

fn validate_windows(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    const POD: &[&str] = &[
        "appArmorProfile",
        "seLinuxOptions",
        "seccompProfile",
        "fsGroup",
        "fsGroupChangePolicy",
        "sysctls",
        "runAsUser",
        "runAsGroup",
        "supplementalGroups",
        "supplementalGroupsPolicy",
        "seLinuxChangePolicy",
    ];
    const CONTAINER: &[&str] = &[
        "appArmorProfile",
        "seLinuxOptions",
        "seccompProfile",
        "capabilities",
        "readOnlyRootFilesystem",
        "privileged",
        "allowPrivilegeEscalation",
        "procMount",
        "runAsUser",
        "runAsGroup",
    ];
    for field in ["hostUsers", "shareProcessNamespace"] {
        if spec.has(field) {
            refusals.forbidden(&path.field(field), NOT_ON_WINDOWS);
        }
    }
    for field in ["hostPID", "hostIPC"] {
        if spec.flag(field) {
            refusals.forbidden(&path.field(field), NOT_ON_WINDOWS);
        }
    }
    let mut look = |path: &Path<'_>, holder: &Tree, fields: &[&str]| {
        let path = path.field("securityContext");
        for field in fields {
            if holder.at("securityContext").has(field) {
                refusals.forbidden(&path.field(field), NOT_ON_WINDOWS);
            }
        }
    };
    look(path, spec, POD);
    containers::visit(path, spec, |path, container| look(path, container, CONTAINER));
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate_host_process, validate_system, validate_user};
    use crate::pod::testing::{json, words};

    #[test]
    fn users_have_the_form_of_windows() {
        for (name, wrong) in [
            ("ContainerAdministrator", 0),
            ("DOMAIN\\User", 0),
            ("a.example.com\\User", 0),
            ("", 1),
            ("a\\b\\c", 1),
            ("\\user", 1),
            ("D\\", 1),
            ("...", 1),
            ("a|b", 1),
        ] {
            let mut refusals = Refusals::new();
            validate_user(&Path::of("u"), name, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{name}");
        }
    }

    #[test]
    fn processes_of_the_host_are_in_its_network() {
        let spec = json(r#"{"containers":[{"securityContext":{"windowsOptions":{"hostProcess":true}}}]}"#);
        let mut refusals = Refusals::new();
        validate_host_process(&Path::of("spec"), &spec, &mut refusals);
        assert_eq!(
            words(&refusals),
            "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers"
        );
    }

    #[test]
    fn a_pod_says_nothing_that_its_system_does_not_have() {
        for (spec, wrong) in [
            (r#"{"os":{"name":"linux"},"securityContext":{"windowsOptions":{}}}"#, 1),
            (
                r#"{"os":{"name":"windows"},"hostPID":true,"securityContext":{"fsGroup":1}}"#,
                2,
            ),
            (r#"{"os":{"name":"linux"},"hostPID":true}"#, 0),
            (r#"{"os":{"name":"x"}}"#, 1),
            (r#"{"os":{}}"#, 1),
        ] {
            let mut refusals = Refusals::new();
            validate_system(&Path::of("spec"), &json(spec), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{spec}");
        }
    }
}
