//! Environment variables and where their values come from.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::paths;
use super::scope::Scope;
use crate::amounts::{amount, is_huge_page};
use crate::text::{required, tell};

/// The fields of a pod that a variable may show.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// The fields that upstream can read by name at all.
const KNOWN_FIELDS: &[&str] = &[
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// The resources of a container that can be shown, besides huge pages.
const RESOURCES: &[&str] = &[
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const BYTES: &[&str] = &[
    "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
];
const TWO_AT_ONCE: &str = "may not have more than one field specified at a time";

/// The variables of a container.
pub(super) fn validate(path: &Path<'_>, variables: &[Tree], scope: &Scope<'_>, refusals: &mut Refusals) {
    for (at, variable) in variables.iter().enumerate() {
        let path = path.index(at);
        let name = variable.text("name");
        if name.is_empty() {
            refusals.required(&path.field("name"), "");
        } else {
            tell(&path.field("name"), name, names::env_var_name_relaxed(name), refusals);
        }
        if variable.has("valueFrom") {
            validate_source(&path.field("valueFrom"), variable, scope, refusals);
        }
    }
}

fn validate_source(path: &Path<'_>, variable: &Tree, scope: &Scope<'_>, refusals: &mut Refusals) {
    let source = variable.at("valueFrom");
    let mut count = 0;
    let kinds = [
        "fieldRef",
        "resourceFieldRef",
        "configMapKeyRef",
        "secretKeyRef",
        "fileKeyRef",
    ];
    for kind in kinds.into_iter().filter(|kind| source.has(kind)) {
        count += 1;
        let (path, from) = (path.field(kind), source.at(kind));
        match kind {
            "fieldRef" => validate_field(&path, from, FIELDS, refusals),
            "resourceFieldRef" => validate_resource(&path, from, false, refusals),
            "fileKeyRef" => validate_file(&path, from, scope, refusals),
            _ => validate_key(&path, from, refusals),
        }
    }
    if count == 0 {
        let detail =
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        refusals.invalid(path, "", detail);
    } else if !variable.text("value").is_empty() {
        refusals.invalid(path, "", "may not be specified when `value` is not empty");
    } else if count > 1 {
        refusals.invalid(path, "", TWO_AT_ONCE);
    }
}

/// Splits `metadata.labels['key']`.
fn subscripted(field: &str) -> Option<(&str, &str)> {
    let (field, key) = field.strip_suffix("']")?.split_once("['")?;
    (!field.is_empty()).then_some((field, key))
}

/// A field of the pod; `known` are those that are allowed here, sorted.
pub(super) fn validate_field(path: &Path<'_>, from: &Tree, known: &[&str], refusals: &mut Refusals) {
    let (version, field) = (from.text("apiVersion"), from.text("fieldPath"));
    if version.is_empty() {
        return refusals.required(&path.field("apiVersion"), "");
    }
    let field_path = path.field("fieldPath");
    if field.is_empty() {
        return refusals.required(&field_path, "");
    }
    let split = subscripted(field);
    let problem = match split {
        _ if version != "v1" => Some(format!("unsupported pod version: {version}")),
        Some(("metadata.annotations" | "metadata.labels", _)) => None,
        Some(_) => Some(format!("field label does not support subscript: {field}")),
        // What clients of old sent.
        None if KNOWN_FIELDS.contains(&field) || field == "spec.host" => None,
        None => Some(format!("field label not supported: {field}")),
    };
    if let Some(problem) = problem {
        return refusals.invalid(&field_path, field, &format!("error converting fieldPath: {problem}"));
    }
    match split {
        Some(("metadata.annotations", key)) => {
            let key = key.to_lowercase();
            tell(path, &key, names::qualified_name(&key), refusals);
        }
        Some((_, key)) => tell(path, key, names::qualified_name(key), refusals),
        None => {
            let field = if field == "spec.host" { "spec.nodeName" } else { field };
            if !known.contains(&field) {
                refusals.not_supported(&field_path, field, known);
            }
        }
    }
}

/// A resource of a container; a volume must say of which.
pub(super) fn validate_resource(path: &Path<'_>, from: &Tree, volume: bool, refusals: &mut Refusals) {
    let resource = from.text("resource");
    let huge = resource.starts_with("requests.hugepages-") || resource.starts_with("limits.hugepages-");
    if volume && from.text("containerName").is_empty() {
        refusals.required(&path.field("containerName"), "");
    } else if resource.is_empty() {
        refusals.required(&path.field("resource"), "");
    } else if !RESOURCES.contains(&resource) && !huge {
        refusals.not_supported(&path.field("resource"), resource, RESOURCES);
    }
    let divisor = amount(from.at("divisor"));
    if !divisor.is_zero() {
        validate_divisor(&path.field("divisor"), resource, &divisor, refusals);
    }
}

fn validate_divisor(path: &Path<'_>, resource: &str, divisor: &Quantity, refusals: &mut Refusals) {
    let text = divisor.to_string();
    let kind = resource.split_once('.').map_or("", |(_, kind)| kind);
    if kind == "cpu" {
        if !["1m", "1"].contains(&text.as_str()) {
            let detail = "only divisor's values 1m and 1 are supported with the cpu resource";
            refusals.invalid(path, resource, detail);
        }
        return;
    }
    let named = match kind {
        "memory" => "memory",
        "ephemeral-storage" => "local ephemeral storage",
        _ if is_huge_page(kind) => "hugepages",
        _ => return,
    };
    let told = ["limits", "requests"].iter().any(|half| resource.starts_with(half));
    if told && !BYTES.contains(&text.as_str()) {
        let known = BYTES.join(", ");
        let detail = format!("only divisor's values {known} are supported with the {named} resource");
        refusals.invalid(path, resource, &detail);
    }
}

fn validate_key(path: &Path<'_>, from: &Tree, refusals: &mut Refusals) {
    let name = from.text("name");
    tell(
        &path.field("name"),
        name,
        names::name_is_dns_subdomain(name, false),
        refusals,
    );
    let key = from.text("key");
    if key.is_empty() {
        refusals.required(&path.field("key"), "");
    } else {
        tell(&path.field("key"), key, names::config_map_key(key), refusals);
    }
}

/// A variable of a file that an init container wrote into a volume which lives as long as the pod.
fn validate_file(path: &Path<'_>, from: &Tree, scope: &Scope<'_>, refusals: &mut Refusals) {
    let key = from.text("key");
    if key.is_empty() {
        refusals.required(&path.field("key"), "");
    } else {
        tell(&path.field("key"), key, names::env_var_name_relaxed(key), refusals);
    }
    let volume = from.text("volumeName");
    let volume_path = path.field("volumeName");
    required(&volume_path, volume, names::dns_label, refusals);
    match scope.volumes.get(volume) {
        None => refusals.not_found(&volume_path, volume),
        Some(source) if !source.has("emptyDir") => {
            refusals.invalid(&volume_path, volume, "referenced volume must be of type emptyDir");
        }
        Some(_) => {}
    }
    let target = from.text("path");
    if target.is_empty() {
        refusals.required(&path.field("path"), "");
    } else {
        paths::no_backsteps(&path.field("path"), target, refusals);
    }
}

/// Whole config maps and secrets as variables.
pub(super) fn validate_from(path: &Path<'_>, sources: &[Tree], refusals: &mut Refusals) {
    for (at, source) in sources.iter().enumerate() {
        let item = path.index(at);
        let prefix = source.text("prefix");
        if !prefix.is_empty() {
            tell(
                &item.field("prefix"),
                prefix,
                names::env_var_name_relaxed(prefix),
                refusals,
            );
        }
        let mut count = 0;
        for kind in ["configMapRef", "secretRef"] {
            if !source.has(kind) {
                continue;
            }
            count += 1;
            let item = item.field(kind);
            let name = source.at(kind).text("name");
            if name.is_empty() {
                refusals.required(&item.field("name"), "");
            } else {
                tell(
                    &item.field("name"),
                    name,
                    names::name_is_dns_subdomain(name, true),
                    refusals,
                );
            }
        }
        if count == 0 {
            refusals.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
        } else if count > 1 {
            refusals.invalid(path, "", TWO_AT_ONCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FIELDS, Path, Refusals, validate, validate_field, validate_from, validate_resource};
    use crate::pod::scope::Scope;
    use crate::pod::testing::{json, words};

    #[test]
    fn a_variable_has_a_value_or_one_source() {
        let spec = json(r#"{"volumes":[{"name":"v","emptyDir":{}},{"name":"h","hostPath":{}}]}"#);
        let scope = Scope::for_tests(&spec);
        let cases = [
            (r#"[{"name":"X","value":"x"}]"#, ""),
            ("[{}]", "env[0].name: Required value"),
            (
                r#"[{"name":"X","valueFrom":{"fileKeyRef":{"key":"K","path":"p","volumeName":"v"}}}]"#,
                "",
            ),
            (
                r#"[{"name":"X","valueFrom":{"fileKeyRef":{"key":"K","path":"p","volumeName":"h"}}}]"#,
                r#"env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "h": referenced volume must be of type emptyDir"#,
            ),
            (
                r#"[{"name":"X","value":"x","valueFrom":{"secretKeyRef":{"key":"k","name":"s"}}}]"#,
                r#"env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty"#,
            ),
        ];
        for (variables, told) in cases {
            let mut refusals = Refusals::new();
            let variables = json(variables);
            validate(&Path::of("env"), variables.as_list().unwrap(), &scope, &mut refusals);
            assert_eq!(words(&refusals), told);
        }
        let mut refusals = Refusals::new();
        validate_from(&Path::of("envFrom"), json("[{}]").as_list().unwrap(), &mut refusals);
        assert_eq!(
            words(&refusals),
            r#"envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`"#
        );
    }

    #[test]
    fn fields_of_the_pod_are_named_as_upstream_can_read_them() {
        for (field, wrong) in [
            ("metadata.name", 0),
            ("spec.host", 0),
            ("metadata.labels['a']", 0),
            ("metadata.labels['-']", 1),
            ("metadata.name['a']", 1),
            ("metadata.labels", 1),
            ("spec.nope", 1),
        ] {
            let from = json(&format!(r#"{{"apiVersion":"v1","fieldPath":"{field}"}}"#));
            let mut refusals = Refusals::new();
            validate_field(&Path::of("f"), &from, FIELDS, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{field}");
        }
    }

    #[test]
    fn a_divisor_is_a_unit_of_its_resource() {
        for (resource, divisor, wrong) in [
            ("limits.cpu", "1m", 0),
            ("limits.cpu", "2", 1),
            ("requests.memory", "1Mi", 0),
            ("requests.memory", "1m", 1),
            ("limits.hugepages-2Mi", "3", 1),
            ("limits.nope", "3", 1),
        ] {
            let from = json(&format!(r#"{{"resource":"{resource}","divisor":"{divisor}"}}"#));
            let mut refusals = Refusals::new();
            validate_resource(&Path::of("r"), &from, false, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{resource} {divisor}");
        }
    }
}
