//! The ports of a service.

use std::collections::HashSet;

use apiserver_api::int_or_string::IntOrString;
use apiserver_api::names::{in_range, port_name};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::CLUSTER_IP;
use crate::endpoint::{validate_app_protocol, validate_label, validate_protocol};
use crate::internal::shown;

const PORT: &str = "io.k8s.api.core.v1.ServicePort";

/// A port speaks TCP and leads to the same port, unless it says otherwise.
pub(super) fn default(spec: &mut Tree) {
    for port in spec.get_mut("ports").and_then(Tree::as_list_mut).into_iter().flatten() {
        if port.text("protocol").is_empty() {
            port.set("protocol", "TCP");
        }
        if port.at("targetPort").is_zero() {
            port.set("targetPort", port.int("port"));
        }
    }
}

pub(super) fn validate(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let (path, ports) = (path.field("ports"), spec.items("ports"));
    let mut names = HashSet::new();
    for (at, port) in ports.iter().enumerate() {
        let path = path.index(at);
        let name = port.text("name");
        if !name.is_empty() {
            validate_label(&path.field("name"), name, refusals);
            if !names.insert(name) {
                refusals.duplicate(&path.field("name"), name);
            }
        } else if ports.len() > 1 {
            refusals.required(&path.field("name"), "");
        }
        validate_number(&path.field("port"), port.int("port"), refusals);
        validate_protocol(&path.field("protocol"), port.text("protocol"), refusals);
        match IntOrString::read(port.at("targetPort")) {
            Some(IntOrString::Text(name)) => {
                for message in port_name(&name) {
                    refusals.invalid(&path.field("targetPort"), name.as_str(), &message);
                }
            }
            Some(IntOrString::Int(number)) => validate_number(&path.field("targetPort"), number.into(), refusals),
            None => validate_number(&path.field("targetPort"), 0, refusals),
        }
        validate_app_protocol(&path.field("appProtocol"), port.at("appProtocol"), refusals);
    }
}

fn validate_number(path: &Path<'_>, number: i64, refusals: &mut Refusals) {
    for message in in_range(number, 1, 65535) {
        refusals.invalid(path, number, &message);
    }
}

/// Ports of nodes are for services that others reach; each port stands once.
pub(super) fn validate_node_ports(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let (path, ports) = (path.field("ports"), spec.items("ports"));
    let said = |port: &Tree| port.int("nodePort") != 0;
    if spec.text("type") == CLUSTER_IP {
        for (at, _) in ports.iter().enumerate().filter(|(_, port)| said(port)) {
            let detail = "may not be used when `type` is 'ClusterIP'";
            refusals.forbidden(&path.index(at).field("nodePort"), detail);
        }
    }
    let mut seen = HashSet::new();
    for (at, port) in ports.iter().enumerate().filter(|(_, port)| said(port)) {
        let number = port.int("nodePort");
        if !seen.insert((port.text("protocol"), number)) {
            refusals.duplicate(&path.index(at).field("nodePort"), number);
        }
    }
    let mut seen = HashSet::new();
    for (at, port) in ports.iter().enumerate() {
        let (protocol, number) = (port.text("protocol"), port.int("port"));
        if !seen.insert((protocol, number)) {
            // Only what must differ is shown.
            let mut key = Tree::map();
            key.set("protocol", protocol);
            key.set("port", number);
            refusals.duplicate(&path.index(at), shown(PORT, &key));
        }
    }
}
