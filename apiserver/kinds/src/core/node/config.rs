//! Configuration of kubelets by config maps, which is gone; what nodes still say of it is checked as it was.

use apiserver_api::names::{config_map_key, name_is_dns_label, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::internal::shown;

const SOURCE: &str = "io.k8s.api.core.v1.NodeConfigSource";

/// What is wanted and what is in use.
pub(super) fn validate(object: &Tree, refusals: &mut Refusals) {
    let spec = Path::of("spec");
    validate_source(
        &spec.field("configSource"),
        object.at("spec").at("configSource"),
        false,
        refusals,
    );
    let status = Path::of("status");
    let path = status.field("config");
    for field in ["assigned", "active", "lastKnownGood"] {
        let source = object.at("status").at("config").at(field);
        validate_source(&path.field(field), source, true, refusals);
    }
}

fn validate_source(path: &Path<'_>, source: &Tree, in_use: bool, refusals: &mut Refusals) {
    if source.is_null() {
        return;
    }
    let map = source.at("configMap");
    if map.is_null() {
        let detail = "exactly one reference subfield must be non-nil";
        return refusals.invalid(path, shown(SOURCE, source), detail);
    }
    let path = path.field("configMap");
    for field in ["uid", "resourceVersion"] {
        match (in_use, map.text(field).is_empty()) {
            (true, true) => refusals.required(&path.field(field), &format!("{field} must be set in status")),
            (false, false) => refusals.forbidden(&path.field(field), &format!("{field} must not be set in spec")),
            _ => {}
        }
    }
    for field in ["namespace", "name", "kubeletConfigKey"] {
        let (path, text) = (path.field(field), map.text(field));
        if text.is_empty() {
            refusals.required(&path, &format!("{field} must be set"));
            continue;
        }
        let messages = match field {
            "namespace" => name_is_dns_label(text, false),
            "name" => name_is_dns_subdomain(text, false),
            _ => config_map_key(text),
        };
        for message in messages {
            refusals.invalid(&path, text, &message);
        }
    }
}
