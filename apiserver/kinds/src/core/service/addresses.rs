//! The addresses of a service and their families.

use std::collections::HashSet;

use apiserver_api::names::{dns_subdomain, parse_ip_sloppy};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{EXTERNAL_NAME, LOAD_BALANCER, is_headless};
use crate::address;

const FAMILIES: &[&str] = &["IPv4", "IPv6"];
const POLICIES: &[&str] = &["PreferDualStack", "RequireDualStack", "SingleStack"];
const IP_MODES: &[&str] = &["Proxy", "VIP"];

/// The strings of a list.
pub(super) fn texts<'t>(spec: &'t Tree, field: &str) -> Vec<&'t str> {
    let items = spec.items(field).iter();
    items.map(|item| item.as_str().unwrap_or_default()).collect()
}

/// The family of an address, IPv4 where it cannot be read.
pub(super) fn family_of(ip: &str) -> &'static str {
    match parse_ip_sloppy(ip) {
        Some(ip) if ip.v4().is_none() => "IPv6",
        _ => "IPv4",
    }
}

/// Checks that addresses, families and their policy go together; `before` is the spec that the service had.
pub(super) fn validate(path: &Path<'_>, spec: &Tree, before: &Tree, refusals: &mut Refusals) {
    if spec.text("type") == EXTERNAL_NAME {
        return;
    }
    let at_ips = path.field("clusterIPs");
    let (ips, first) = (texts(spec, "clusterIPs"), spec.text("clusterIP"));
    let shown = spec.at("clusterIPs");
    match (first, ips.first()) {
        ("", Some(_)) => refusals.invalid(&at_ips, shown, "must be empty when `clusterIP` is not specified"),
        ("", None) => {}
        (_, None) => refusals.required(&at_ips, ""),
        (first, Some(ip)) if *ip != first => refusals.invalid(&at_ips, shown, "first value must match `clusterIP`"),
        _ => {}
    }
    validate_families(path, spec, refusals);
    let had: HashSet<&str> = texts(before, "clusterIPs").into_iter().collect();
    let mut wrong = false;
    for (at, ip) in ips.iter().enumerate() {
        if at == 0 && *ip == "None" {
            if ips.len() > 1 {
                wrong = true;
                refusals.invalid(&at_ips, shown, "'None' must be the first and only value");
            }
            continue;
        }
        let count = refusals.len();
        address::ip(&at_ips.index(at), ip, had.contains(ip), refusals);
        wrong |= refusals.len() > count;
    }
    if ips.len() > 2 {
        refusals.invalid(&at_ips, shown, "may only hold up to 2 values");
    }
    // What follows would only speak of what is wrong already.
    if wrong {
        return;
    }
    let families: HashSet<&str> = ips.iter().map(|ip| family_of(ip)).collect();
    if ips.len() > 1 && families.len() < 2 {
        let detail = "may specify no more than one IP for each IP family";
        refusals.invalid(&at_ips, shown, detail);
    }
    if !is_headless(spec) {
        for (at, (ip, family)) in ips.iter().zip(texts(spec, "ipFamilies")).enumerate() {
            if FAMILIES.contains(&family) && family_of(ip) != family {
                let detail = format!("expected an {family} value as indicated by `ipFamilies[{at}]`");
                refusals.invalid(&at_ips.index(at), *ip, &detail);
            }
        }
    }
}

fn validate_families(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let at_families = path.field("ipFamilies");
    let mut seen = HashSet::new();
    for (at, family) in texts(spec, "ipFamilies").into_iter().enumerate() {
        if !FAMILIES.contains(&family) {
            refusals.not_supported(&at_families.index(at), family, FAMILIES);
        }
        if !seen.insert(family) {
            refusals.duplicate(&at_families.index(at), family);
        }
    }
    if let Some(policy) = spec
        .at("ipFamilyPolicy")
        .as_str()
        .filter(|policy| !POLICIES.contains(policy))
    {
        refusals.not_supported(&path.field("ipFamilyPolicy"), policy, POLICIES);
    }
}

/// Addresses of others at which the service is reached too.
pub(super) fn validate_external(path: &Path<'_>, spec: &Tree, before: &Tree, refusals: &mut Refusals) {
    let path = path.field("externalIPs");
    let had: HashSet<&str> = texts(before, "externalIPs").into_iter().collect();
    for (at, ip) in texts(spec, "externalIPs").into_iter().enumerate() {
        let (path, count) = (path.index(at), refusals.len());
        address::ip(&path, ip, had.contains(ip), refusals);
        if refusals.len() == count {
            address::not_special(&path, ip, refusals);
        }
    }
}

/// Addresses and families stay; a second may come, and go when the policy says so.
pub(super) fn validate_change(spec: &Tree, before: &Tree, refusals: &mut Refusals) {
    if spec.text("type") == EXTERNAL_NAME || before.text("type") == EXTERNAL_NAME {
        return;
    }
    let (headless, was_headless) = (is_headless(spec), is_headless(before));
    if !(headless && was_headless) {
        validate_list_change("clusterIPs", "clusterIP", spec, before, refusals);
    }
    // Services without addresses may change their families.
    if !headless && !was_headless {
        validate_list_change("ipFamilies", "ipFamily", spec, before, refusals);
    }
}

fn validate_list_change(field: &str, one: &str, spec: &Tree, before: &Tree, refusals: &mut Refusals) {
    let root = Path::of("spec");
    let path = root.field(field);
    let (new, old) = (texts(spec, field), texts(before, field));
    let changed = "may not change once set";
    if new.len() == old.len() {
        for (at, _) in old.iter().zip(&new).enumerate().filter(|(_, (old, new))| old != new) {
            // Of families the first is told, whichever changed.
            let at = if field == "clusterIPs" { at } else { 0 };
            refusals.invalid(&path.index(at), spec.at(field), changed);
        }
        return;
    }
    let fewer = new.len() < old.len();
    if fewer && spec.items("clusterIPs").is_empty() {
        let detail = format!("primary {one} can not be unset");
        refusals.invalid(&path.index(0), spec.at(field), &detail);
    }
    if let (Some(new), Some(old)) = (new.first(), old.first())
        && new != old
    {
        refusals.invalid(&path.index(0), spec.at("clusterIPs"), changed);
    }
    if fewer && new.len() == 1 && spec.text("ipFamilyPolicy") != "SingleStack" {
        let detail = format!("must be set to 'SingleStack' when releasing the secondary {one}");
        refusals.invalid(&root.field("ipFamilyPolicy"), spec.at("ipFamilyPolicy"), &detail);
    }
}

/// What a load balancer says of where it is reached.
pub(super) fn validate_balancer_status(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let status = Path::of("status");
    let balancer = status.field("loadBalancer");
    let path = balancer.field("ingress");
    let list = |object: &Tree| object.at("status").at("loadBalancer").items("ingress").to_vec();
    let ingress = list(object);
    if object.at("spec").text("type") != LOAD_BALANCER && !ingress.is_empty() {
        let detail = "may only be used when `spec.type` is 'LoadBalancer'";
        return refusals.forbidden(&path, detail);
    }
    let old = list(old);
    let had: HashSet<&str> = old.iter().map(|one| one.text("ip")).collect();
    for (at, one) in ingress.iter().enumerate() {
        let path = path.index(at);
        let (ip, mode) = (one.text("ip"), one.at("ipMode").as_str());
        if !ip.is_empty() {
            address::ip(&path.field("ip"), ip, had.contains(ip), refusals);
        }
        let at_mode = path.field("ipMode");
        match mode {
            None if !ip.is_empty() => refusals.required(&at_mode, "must be specified when `ip` is set"),
            Some(_) if ip.is_empty() => {
                refusals.forbidden(&at_mode, "may not be specified when `ip` is not set");
            }
            Some(mode) if !IP_MODES.contains(&mode) => refusals.not_supported(&at_mode, mode, IP_MODES),
            _ => {}
        }
        let hostname = one.text("hostname");
        if hostname.is_empty() {
            continue;
        }
        for message in dns_subdomain(hostname) {
            refusals.invalid(&path.field("hostname"), hostname, &message);
        }
        if parse_ip_sloppy(hostname).is_some() {
            let detail = "must be a DNS name, not an IP address";
            refusals.invalid(&path.field("hostname"), hostname, detail);
        }
    }
}
