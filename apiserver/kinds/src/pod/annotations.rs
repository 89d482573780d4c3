//! Annotations that mean something to pods: those of seccomp and `AppArmor` of old, mirrors, costs of deletion.

use std::collections::HashSet;

use apiserver_api::go::quote;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{self, Tree};

use super::{containers, paths, profiles, tolerations};

pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";
pub(crate) const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
pub(super) const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
pub(super) const SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";
const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const LOCALHOST: &str = "localhost/";

fn text<'a>(metadata: &'a Tree, key: &str) -> Option<&'a str> {
    metadata.entries("annotations").get(key)?.as_str()
}

/// What a pod costs to delete, from its annotation.
pub(super) fn deletion_cost(metadata: &Tree) -> Result<i32, &str> {
    let Some(cost) = text(metadata, DELETION_COST) else {
        return Ok(0);
    };
    // Only one way of writing a number is taken.
    let digits = cost.strip_prefix('-').unwrap_or(cost);
    let padded = digits.len() > 1 && digits.starts_with('0');
    match cost.parse() {
        Ok(number) if !padded && !cost.starts_with('+') => Ok(number),
        _ => Err(cost),
    }
}

/// The annotations of a pod or a template; `path` is theirs (`ValidatePodSpecificAnnotations`).
pub(crate) fn validate(path: &Path<'_>, metadata: &Tree, spec: &Tree, any_cost: bool, refusals: &mut Refusals) {
    if let Some(value) = text(metadata, MIRROR)
        && spec.text("nodeName").is_empty()
    {
        let detail = "must set spec.nodeName if mirror pod annotation is set";
        refusals.invalid(&path.key(MIRROR), value, detail);
    }
    if let Some(written) = text(metadata, TOLERATIONS).filter(|written| !written.is_empty()) {
        match tree::parse(written.as_bytes()) {
            Ok(parsed) => {
                let list = parsed.tree.as_list().unwrap_or_default();
                tolerations::validate(&path.field(TOLERATIONS), list, refusals);
            }
            Err(error) => refusals.invalid(path, TOLERATIONS, &error.to_string()),
        }
    }
    if let Err(cost) = deletion_cost(metadata)
        && !any_cost
    {
        refusals.invalid(&path.key(DELETION_COST), cost, "must be a 32bit integer");
    }
    let mut names: Option<HashSet<&str>> = None;
    for (key, value) in metadata.entries("annotations").iter() {
        let value = value.as_str().unwrap_or_default();
        if key == SECCOMP_POD || key.starts_with(SECCOMP) {
            validate_seccomp(&path.field(key), value, refusals);
        } else if let Some(container) = key.strip_prefix(APPARMOR) {
            let path = path.key(key);
            let names = names.get_or_insert_with(|| containers::all(spec).map(|one| one.text("name")).collect());
            if !names.contains(container) {
                refusals.invalid(&path, container, "container not found");
            }
            if !["", "runtime/default", "unconfined"].contains(&value) && !value.starts_with(LOCALHOST) {
                let detail = format!("invalid AppArmor profile name: {}", quote(value));
                refusals.invalid(&path, value, &detail);
            }
        }
    }
}

fn validate_seccomp(path: &Path<'_>, profile: &str, refusals: &mut Refusals) {
    match profile {
        "runtime/default" | "docker/default" | "unconfined" => {}
        _ => match profile.strip_prefix(LOCALHOST) {
            Some(file) => paths::descending(path, file, refusals),
            None => refusals.invalid(path, profile, "must be a valid seccomp profile"),
        },
    }
}

/// Annotations do not contradict the fields that took their place; `path` is that of the spec.
pub(crate) fn validate_match(path: &Path<'_>, metadata: &Tree, spec: &Tree, refusals: &mut Refusals) {
    let seccomp = |path: &Path<'_>, holder: &Tree, key: &str, refusals: &mut Refusals| {
        let field = holder.at("securityContext").at("seccompProfile");
        if let Some(written) = text(metadata, key).filter(|_| !field.is_null()) {
            let default = ["runtime/default", "docker/default"];
            let path = path.field("securityContext");
            compare(
                &path.field("seccompProfile"),
                "seccomp",
                written,
                field,
                &default,
                refusals,
            );
        }
    };
    seccomp(path, spec, SECCOMP_POD, refusals);
    containers::visit(path, spec, |path, container| {
        seccomp(
            path,
            container,
            &format!("{SECCOMP}{}", container.text("name")),
            refusals,
        );
    });
    if spec.at("os").text("name") == "windows" {
        return;
    }
    containers::visit(path, spec, |path, container| {
        let own = container.at("securityContext").at("appArmorProfile");
        let field = if own.is_null() {
            spec.at("securityContext").at("appArmorProfile")
        } else {
            own
        };
        let key = format!("{APPARMOR}{}", container.text("name"));
        if let Some(written) = text(metadata, &key).filter(|_| !field.is_null()) {
            let path = path.field("securityContext");
            let path = path.field("appArmorProfile");
            compare(&path, "apparmor", written, field, &["runtime/default"], refusals);
        }
    });
}

fn compare(path: &Path<'_>, what: &str, written: &str, field: &Tree, default: &[&str], refusals: &mut Refusals) {
    let kind = path.field("type");
    let wrong = match field.text("type") {
        "Unconfined" => written != "unconfined",
        "RuntimeDefault" => !default.contains(&written),
        "Localhost" => match written.strip_prefix(LOCALHOST) {
            None => true,
            Some(file) => {
                if field.at("localhostProfile").as_str() != Some(file) {
                    let detail = format!("{what} profile in annotation and field must match");
                    refusals.forbidden(&path.field("localhostProfile"), &detail);
                }
                false
            }
        },
        _ => false,
    };
    if wrong {
        refusals.forbidden(&kind, &format!("{what} type in annotation and field must match"));
    }
}

/// The profile that an annotation of `AppArmor` means, where it means one.
pub(crate) fn apparmor_field(written: &str) -> Option<Tree> {
    let mut profile = Tree::map();
    match written {
        "runtime/default" => profile.set("type", "RuntimeDefault"),
        "unconfined" => profile.set("type", "Unconfined"),
        _ => {
            profile.set("type", "Localhost");
            profile.set("localhostProfile", written.strip_prefix(LOCALHOST)?);
        }
    }
    let mut refusals = Refusals::new();
    profiles::validate_apparmor(&Path::root(), &profile, &mut refusals);
    refusals.is_empty().then_some(profile)
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, apparmor_field, deletion_cost, validate, validate_match};
    use crate::pod::testing::{json, words};

    #[test]
    fn a_cost_of_deletion_is_a_plain_number() {
        for (cost, fine) in [
            ("1", true),
            ("-7", true),
            ("0", true),
            ("+1", false),
            ("01", false),
            ("x", false),
        ] {
            let metadata = json(&format!(
                r#"{{"annotations":{{"controller.kubernetes.io/pod-deletion-cost":"{cost}"}}}}"#
            ));
            assert_eq!(deletion_cost(&metadata).is_ok(), fine, "{cost}");
        }
    }

    #[test]
    fn annotations_of_profiles_name_a_container_and_a_profile() {
        let spec = json(r#"{"containers":[{"name":"c","securityContext":{"appArmorProfile":{"type":"Unconfined"}}}]}"#);
        let cases = [
            ("container.apparmor.security.beta.kubernetes.io/c", "unconfined", 0, 0),
            (
                "container.apparmor.security.beta.kubernetes.io/c",
                "runtime/default",
                0,
                1,
            ),
            ("container.apparmor.security.beta.kubernetes.io/d", "x", 2, 0),
            ("seccomp.security.alpha.kubernetes.io/pod", "x", 1, 0),
            ("kubernetes.io/config.mirror", "x", 1, 0),
        ];
        for (key, value, wrong, unlike) in cases {
            let metadata = json(&format!(r#"{{"annotations":{{"{key}":"{value}"}}}}"#));
            let mut refusals = Refusals::new();
            validate(&Path::of("a"), &metadata, &spec, false, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{}", words(&refusals));
            let mut refusals = Refusals::new();
            validate_match(&Path::of("s"), &metadata, &spec, &mut refusals);
            assert_eq!(refusals.len(), unlike, "{}", words(&refusals));
        }
    }

    #[test]
    fn an_annotation_of_apparmor_means_a_profile() {
        assert_eq!(apparmor_field("unconfined"), Some(json(r#"{"type":"Unconfined"}"#)));
        assert_eq!(apparmor_field("localhost/"), None);
        assert_eq!(apparmor_field("x"), None);
    }
}
