//! Where an ingress sends requests: paths and what serves them.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::super::reference;
use crate::text::{required, tell};

const NO_SEQUENCES: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const NO_ENDS: [&str; 2] = ["/..", "/."];
const ABSOLUTE: &str = "must be an absolute path";

/// A path, how it is matched, and its backend.
pub(super) fn validate_path(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    let Some(matched) = one.at("pathType").as_str() else {
        return refusals.required(&path.field("pathType"), "pathType must be specified");
    };
    let (text, at) = (one.text("path"), path.field("path"));
    match matched {
        "Exact" | "Prefix" => {
            if !text.starts_with('/') {
                refusals.invalid(&at, text, ABSOLUTE);
            }
            for part in NO_SEQUENCES.iter().filter(|part| text.contains(**part)) {
                refusals.invalid(&at, text, &format!("must not contain '{part}'"));
            }
            for end in NO_ENDS.iter().filter(|end| text.ends_with(**end)) {
                refusals.invalid(&at, text, &format!("cannot end with '{end}'"));
            }
        }
        "ImplementationSpecific" => {
            if !text.is_empty() && !text.starts_with('/') {
                refusals.invalid(&at, text, ABSOLUTE);
            }
        }
        other => {
            let known = ["Exact", "ImplementationSpecific", "Prefix"];
            refusals.not_supported(&path.field("pathType"), other, &known);
        }
    }
    validate(&path.field("backend"), one.at("backend"), refusals);
}

/// A service or any other resource, one of them.
pub(super) fn validate(path: &Path<'_>, backend: &Tree, refusals: &mut Refusals) {
    match (backend.has("resource"), backend.has("service")) {
        (true, true) => refusals.invalid(path, "", "cannot set both resource and service backends"),
        (true, false) => reference::validate(&path.field("resource"), backend.at("resource"), refusals),
        (false, true) => validate_service(path, backend.at("service"), refusals),
        (false, false) => refusals.invalid(path, "", "resource or service backend is required"),
    }
}

fn validate_service(path: &Path<'_>, service: &Tree, refusals: &mut Refusals) {
    let at = path.field("service");
    required(&at.field("name"), service.text("name"), names::dns_label, refusals);
    let port = service.at("port");
    let port_path = at.field("port");
    match (port.text("name"), port.int("number")) {
        ("", 0) => refusals.required(path, "port name or number is required"),
        ("", number) => {
            for message in names::port_number(number) {
                refusals.invalid(&port_path.field("number"), number, &message);
            }
        }
        (name, 0) => tell(&port_path.field("name"), name, names::port_name(name), refusals),
        _ => refusals.invalid(path, "", "cannot set both port name & port number"),
    }
}
