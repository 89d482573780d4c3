//! What a service no longer needs when its type changes. It goes where the client did not change it in the same breath, for
//! then the client means it and is told that it cannot be.

use std::collections::BTreeSet;

use apiserver_api::tree::Tree;

use super::traffic::{is_reached_from_outside, needs_health_check};
use super::{EXTERNAL_NAME, LOAD_BALANCER, NODE_PORT};

pub(super) fn needs_address(spec: &Tree) -> bool {
    spec.text("type") != EXTERNAL_NAME
}

pub(super) fn needs_node_ports(spec: &Tree) -> bool {
    matches!(spec.text("type"), NODE_PORT | LOAD_BALANCER)
}

/// The ports of nodes that a service has.
pub(super) fn node_ports(spec: &Tree) -> BTreeSet<i64> {
    let ports = spec.items("ports").iter();
    ports
        .map(|port| port.int("nodePort"))
        .filter(|port| *port != 0)
        .collect()
}

pub(super) fn same_addresses(a: &Tree, b: &Tree) -> bool {
    a.text("clusterIP") == b.text("clusterIP") && a.items("clusterIPs") == b.items("clusterIPs")
}

pub(super) fn drop_unneeded(object: &mut Tree, old: &Tree) {
    let old = old.at("spec");
    let spec = object.child("spec");
    if needs_address(old) && !needs_address(spec) {
        if same_addresses(old, spec) {
            spec.remove("clusterIP");
            spec.remove("clusterIPs");
        }
        drop_same(spec, old, "ipFamilies");
        drop_same(spec, old, "ipFamilyPolicy");
    }
    let gone = needs_node_ports(old) && !needs_node_ports(spec);
    if gone && node_ports(old).is_superset(&node_ports(spec)) {
        for port in spec.get_mut("ports").and_then(Tree::as_list_mut).into_iter().flatten() {
            port.remove("nodePort");
        }
    }
    if needs_health_check(old) && !needs_health_check(spec) {
        drop_same(spec, old, "healthCheckNodePort");
    }
    let balanced = spec.text("type") == LOAD_BALANCER;
    if old.text("type") == LOAD_BALANCER && !balanced {
        drop_same(spec, old, "allocateLoadBalancerNodePorts");
        drop_same(spec, old, "loadBalancerClass");
    }
    if is_reached_from_outside(old) && !is_reached_from_outside(spec) {
        drop_same(spec, old, "externalTrafficPolicy");
    }
    if !balanced {
        // Though the balancer goes later, nobody needs to know.
        object.child("status").set("loadBalancer", Tree::map());
    }
}

fn drop_same(spec: &mut Tree, old: &Tree, field: &str) {
    if spec.at(field) == old.at(field) {
        spec.remove(field);
    }
}
