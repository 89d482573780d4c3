//! What must be known of a service before the cluster gives it addresses and ports, and what it still needs then.
//!
//! The allocator calls [`settle`] before a service goes through the rules of its kind, then gives what [`needs_address`],
//! [`needs_node_port`] and [`needs_health_check_port`] say.

use std::collections::{HashMap, HashSet};

use apiserver_api::gvk::GroupKind;
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::addresses::{self, family_of, texts};
use super::transition::{needs_address as of_type_with_address, needs_node_ports, node_ports, same_addresses};
use super::{EXTERNAL_NAME, LOAD_BALANCER, traffic};

const SINGLE: &str = "SingleStack";
const PREFER: &str = "PreferDualStack";
const REQUIRE: &str = "RequireDualStack";

/// Whether addresses are missing: one for each family.
pub fn needs_address(service: &Tree) -> bool {
    let spec = service.at("spec");
    let headless = texts(spec, "clusterIPs").first() == Some(&"None");
    of_type_with_address(spec) && !headless && spec.items("clusterIPs").len() < spec.items("ipFamilies").len()
}

/// Whether ports of nodes are to be given to those ports that have none.
pub fn needs_node_port(service: &Tree) -> bool {
    let spec = service.at("spec");
    needs_node_ports(spec) && (spec.text("type") != LOAD_BALANCER || spec.flag("allocateLoadBalancerNodePorts"))
}

/// Whether a port for health checks is missing.
pub fn needs_health_check_port(service: &Tree) -> bool {
    let spec = service.at("spec");
    traffic::needs_health_check(spec) && spec.int("healthCheckNodePort") == 0
}

/// Takes over what was given before and lets fields that say the same agree; then finds the families of the service's
/// addresses. `families` are those that the cluster has, the first one first.
///
/// # Errors
/// 422 where the families cannot be had or do not go together.
pub fn settle(service: &mut Tree, old: Option<&Tree>, families: &[&str]) -> Result<(), Status> {
    let name = meta::name(service).to_owned();
    let before = old.map_or(&Tree::Null, |old| old.at("spec"));
    let spec = service.child("spec");
    if old.is_some() {
        take_over(spec, before);
    }
    agree(spec, before, old.is_some());
    let mut refusals = Refusals::new();
    settle_families(spec, before, old.is_some(), families, &mut refusals);
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(Status::invalid(&GroupKind::new("", "Service"), &name, &refusals))
    }
}

/// A client that sends again what it sent at first means what it got for it.
fn take_over(spec: &mut Tree, old: &Tree) {
    if of_type_with_address(old) && of_type_with_address(spec) {
        if spec.text("clusterIP").is_empty() && !old.text("clusterIP").is_empty() {
            spec.set("clusterIP", old.text("clusterIP"));
        }
        if spec.items("clusterIPs").is_empty() && !old.items("clusterIPs").is_empty() {
            spec.set("clusterIPs", old.at("clusterIPs").clone());
        }
    }
    if needs_node_ports(old) && needs_node_ports(spec) {
        let kept = node_ports(old);
        let used: HashSet<i64> = node_ports(spec).intersection(&kept).copied().collect();
        let ports = old.items("ports").iter();
        let given: HashMap<&str, i64> = ports.map(|port| (port.text("name"), port.int("nodePort"))).collect();
        for port in spec.get_mut("ports").and_then(Tree::as_list_mut).into_iter().flatten() {
            let number = given.get(port.text("name")).copied().unwrap_or_default();
            if port.int("nodePort") == 0 && number != 0 && !used.contains(&number) {
                port.set("nodePort", number);
            }
        }
    }
    let field = "healthCheckNodePort";
    let both = traffic::needs_health_check(old) && traffic::needs_health_check(spec);
    if both && spec.int(field) == 0 && old.int(field) != 0 {
        spec.set(field, old.int(field));
    }
}

/// Old clients know one address; it and the first of the list are the same.
fn agree(spec: &mut Tree, old: &Tree, update: bool) {
    let (one, was) = (spec.text("clusterIP").to_owned(), old.text("clusterIP"));
    if !update {
        if !one.is_empty() && spec.items("clusterIPs").is_empty() {
            spec.set("clusterIPs", vec![Tree::from(one)]);
        }
        return;
    }
    if one == was {
        if spec.items("clusterIPs").is_empty() && !old.items("clusterIPs").is_empty() {
            spec.set("clusterIPs", old.at("clusterIPs").clone());
        }
        return;
    }
    // The one changed and the list did not: the list follows.
    if spec.items("clusterIPs") == old.items("clusterIPs") {
        if one.is_empty() {
            spec.remove("clusterIPs");
        } else {
            spec.set("clusterIPs", vec![Tree::from(one)]);
        }
    }
}

fn settle_families(spec: &mut Tree, old: &Tree, update: bool, families: &[&str], refusals: &mut Refusals) {
    if spec.text("type") == EXTERNAL_NAME || (update && still_prefers_both(spec, old)) {
        return;
    }
    let selects_nothing = spec.text("clusterIP") == "None" && spec.entries("selector").is_empty();
    if !spec.has("ipFamilyPolicy") {
        let policy = match old.at("ipFamilyPolicy").as_str() {
            Some(policy) => policy.to_owned(),
            None if selects_nothing => REQUIRE.to_owned(),
            None => SINGLE.to_owned(),
        };
        spec.set("ipFamilyPolicy", policy);
    }
    let path = Path::of("spec");
    addresses::validate(&path, spec, old, refusals);
    if !refusals.is_empty() {
        return;
    }
    if update {
        release(spec, old, refusals);
    }
    let policy = path.field("ipFamilyPolicy");
    let single = spec.text("ipFamilyPolicy") == SINGLE;
    for (field, words) in [
        ("clusterIPs", "multiple cluster IPs"),
        ("ipFamilies", "multiple IP families"),
    ] {
        if single && spec.items(field).len() == 2 {
            let detail = format!("must be 'RequireDualStack' or 'PreferDualStack' when {words} are specified");
            refusals.invalid(&policy, spec.at("ipFamilyPolicy"), &detail);
        }
    }
    infer(spec, families, refusals);
    if !refusals.is_empty() {
        return;
    }
    let first = families.first().copied().unwrap_or("IPv4");
    if !selects_nothing {
        validate_configured(spec, families, refusals);
        if !refusals.is_empty() {
            return;
        }
    }
    if spec.items("ipFamilies").is_empty() {
        spec.set("ipFamilies", vec![Tree::from(first)]);
    }
    // A service that selects nothing may be of a family that the cluster does not have.
    if !single && (selects_nothing || families.len() == 2) {
        add_other_family(spec);
    }
}

/// Whether a service that would rather have both families changes nothing of them: it is left as it is, whatever the
/// cluster has by now.
fn still_prefers_both(spec: &Tree, old: &Tree) -> bool {
    let was = old.at("ipFamilyPolicy").as_str();
    spec.text("type") == old.text("type")
        && super::TYPES.contains(&spec.text("type"))
        && spec.text("ipFamilyPolicy") == PREFER
        && was.is_none_or(|was| was == PREFER)
        && same_addresses(spec, old)
        && spec.items("ipFamilies") == old.items("ipFamilies")
}

/// A service of one family gives back the second; any other must say that it does.
fn release(spec: &mut Tree, old: &Tree, refusals: &mut Refusals) {
    let path = Path::of("spec");
    let path = path.field("ipFamilyPolicy");
    if spec.text("ipFamilyPolicy") == SINGLE {
        let same = [
            ("clusterIPs", same_addresses(spec, old)),
            ("ipFamilies", spec.items("ipFamilies") == old.items("ipFamilies")),
        ];
        for (field, same) in same {
            if let Some(list) = spec.get_mut(field).and_then(Tree::as_list_mut).filter(|_| same) {
                list.truncate(1);
            }
        }
        return;
    }
    for (field, words) in [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")] {
        let (new, old) = (spec.items(field), old.items(field));
        if new.len() == 1 && old.len() > 1 && new.first() == old.first() {
            let detail = format!("must be 'SingleStack' to release the secondary {words}");
            refusals.invalid(&path, spec.at("ipFamilyPolicy"), &detail);
        }
    }
}

/// Finds the families of addresses that came without.
fn infer(spec: &mut Tree, families: &[&str], refusals: &mut Refusals) {
    let ips: Vec<String> = texts(spec, "clusterIPs").into_iter().map(str::to_owned).collect();
    for (at, ip) in ips.iter().enumerate() {
        if ip == "None" {
            break;
        }
        let mut known = spec.items("ipFamilies").to_vec();
        if at < known.len() {
            continue;
        }
        let family = family_of(ip);
        if families.contains(&family) {
            known.push(family.into());
            spec.set("ipFamilies", known);
        } else {
            let path = Path::of("spec");
            let detail = format!("{family} is not configured on this cluster");
            refusals.invalid(&path.field("clusterIPs").index(at), spec.at("clusterIPs"), &detail);
        }
    }
}

fn validate_configured(spec: &Tree, families: &[&str], refusals: &mut Refusals) {
    let path = Path::of("spec");
    if spec.text("ipFamilyPolicy") == REQUIRE && families.len() < 2 {
        let detail = "this cluster is not configured for dual-stack services";
        refusals.invalid(&path.field("ipFamilyPolicy"), spec.at("ipFamilyPolicy"), detail);
    }
    for (at, family) in texts(spec, "ipFamilies").into_iter().enumerate() {
        if !families.contains(&family) {
            let detail = "not configured on this cluster";
            refusals.invalid(&path.field("ipFamilies").index(at), family, detail);
        }
    }
}

fn add_other_family(spec: &mut Tree) {
    if let [one] = spec.items("ipFamilies") {
        let other = if one.as_str() == Some("IPv4") { "IPv6" } else { "IPv4" };
        let both = vec![one.clone(), other.into()];
        spec.set("ipFamilies", both);
    }
}
