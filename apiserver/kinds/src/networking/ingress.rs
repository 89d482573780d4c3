//! `Ingress`: which service a request from outside goes to, by host and path.

mod backend;

use std::collections::{BTreeSet, HashSet};

use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::check::count_generation;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};
use crate::text::tell;

/// Named the class before there was a field for it.
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
/// The most hosts that a table shows.
const HOSTS_SHOWN: usize = 3;

/// The entry of the table.
pub(crate) const INGRESS: Kind = Kind {
    group: GROUP,
    kind: "Ingress",
    plural: "ingresses",
    singular: "ingress",
    short_names: &["ing"],
    versions: &[Version::stored("v1", "io.k8s.api.networking.v1.Ingress")],
    subresources: &[Subresource::STATUS],
    folder: "ingress",
    rules: &Ingress,
    columns: &[
        NAME,
        Column {
            name: "Class",
            words: Words::Text(
                "The name of the IngressClass resource that should be used for additional configuration",
            ),
            cell: Cell::Is(|object| {
                let class = object.at("spec").at("ingressClassName");
                class.as_str().unwrap_or("<none>").into()
            }),
            ..AGE
        },
        Column {
            name: "Hosts",
            words: Words::Text("Hosts that incoming requests are matched against before the ingress rule"),
            cell: Cell::Is(|object| hosts(object.at("spec").items("rules")).into()),
            ..AGE
        },
        Column {
            name: "Address",
            words: Words::Text("Address is a list containing ingress points for the load-balancer"),
            cell: Cell::Is(|object| addresses(object.at("status").at("loadBalancer").items("ingress")).into()),
            ..AGE
        },
        Column {
            name: "Ports",
            words: Words::Text("Ports of TLS configurations that open"),
            cell: Cell::Is(|object| {
                let tls = object.at("spec").items("tls");
                let ports = if tls.is_empty() { "80" } else { "80, 443" };
                ports.into()
            }),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

fn hosts(rules: &[Tree]) -> String {
    let mut left = rules.iter();
    let hosts = left.by_ref().map(|rule| rule.text("host"));
    let shown: Vec<&str> = hosts.filter(|host| !host.is_empty()).take(HOSTS_SHOWN).collect();
    if shown.is_empty() {
        return "*".to_owned();
    }
    // Any rule that follows is said to be more, and all rules count, be they without a host.
    if left.len() == 0 {
        shown.join(",")
    } else {
        format!("{} + {} more...", shown.join(","), rules.len() - HOSTS_SHOWN)
    }
}

fn addresses(points: &[Tree]) -> String {
    let address = |point: &'_ Tree| match point.text("ip") {
        "" => point.text("hostname").to_owned(),
        ip => ip.to_owned(),
    };
    let addresses: BTreeSet<String> = points.iter().map(address).filter(|one| !one.is_empty()).collect();
    Vec::from_iter(addresses).join(",")
}

struct Ingress;

impl Rules for Ingress {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
        object.child("status").child("loadBalancer");
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        count_generation(&INGRESS, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_ingress(object, Leniency::default(), refusals);
        let class = object.at("spec").at("ingressClassName").as_str();
        let annotation = meta::annotation(object, CLASS_ANNOTATION);
        if let (Some(annotation), Some(class)) = (annotation, class)
            && annotation != class
        {
            let detail = "must match `ingressClassName` when both are specified";
            let path = Path::of("annotations");
            refusals.invalid(&path.field(CLASS_ANNOTATION), annotation, detail);
        }
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        validate_ingress(object, Leniency::of(old), refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        let old_way = meta::annotation(object, CLASS_ANNOTATION).is_some();
        if old.is_some() || !old_way || object.at("spec").has("ingressClassName") {
            return Vec::new();
        }
        let annotation = quote(CLASS_ANNOTATION);
        vec![format!(
            "annotation {annotation} is deprecated, please use 'spec.ingressClassName' instead"
        )]
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

impl StatusRules for Ingress {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let balancer = |object: &Tree| object.at("status").at("loadBalancer").items("ingress").to_vec();
        let before = balancer(old);
        let known: HashSet<&str> = before.iter().map(|point| point.text("ip")).collect();
        let status = Path::of("status");
        let path = status.field("loadBalancer");
        let path = path.field("ingress");
        for (at, point) in balancer(object).iter().enumerate() {
            let path = path.index(at);
            let ip = point.text("ip");
            if !ip.is_empty() && !known.contains(ip) {
                tell(&path.field("ip"), ip, names::ip(ip, true), refusals);
            }
            let host = point.text("hostname");
            if !host.is_empty() {
                tell(&path.field("hostname"), host, names::dns_subdomain(host), refusals);
                refuse_address(&path.field("hostname"), host, refusals);
            }
        }
    }
}

/// What an ingress of old may go on having.
#[derive(Clone, Copy, Default)]
struct Leniency {
    /// Secrets whose names no secret can have.
    secrets: bool,
    /// Wrong paths below hosts with a wildcard.
    wildcards: bool,
}

impl Leniency {
    fn of(old: &Tree) -> Self {
        let spec = old.at("spec");
        let wrong = |rule: &Tree| {
            let mut refusals = Refusals::new();
            validate_paths(&Path::root(), rule, &mut refusals);
            rule.text("host").contains('*') && !refusals.is_empty()
        };
        Self {
            secrets: spec.items("tls").iter().any(|tls| !secret_name(tls).is_empty()),
            wildcards: spec.items("rules").iter().any(wrong),
        }
    }
}

fn validate_ingress(object: &Tree, leniency: Leniency, refusals: &mut Refusals) {
    validate_metadata(names::name_is_dns_subdomain, true, object, refusals);
    let (spec, path) = (object.at("spec"), Path::of("spec"));
    let rules = spec.items("rules");
    if rules.is_empty() && !spec.has("defaultBackend") {
        let detail = "either `defaultBackend` or `rules` must be specified";
        refusals.invalid(&path, spec.at("rules"), detail);
    }
    if spec.has("defaultBackend") {
        backend::validate(&path.field("defaultBackend"), spec.at("defaultBackend"), refusals);
    }
    let rules_path = path.field("rules");
    for (at, rule) in rules.iter().enumerate() {
        validate_rule(&rules_path.index(at), rule, leniency, refusals);
    }
    let tls_path = path.field("tls");
    for (at, tls) in spec.items("tls").iter().enumerate() {
        validate_tls(&tls_path.index(at), tls, leniency, refusals);
    }
    if let Some(class) = spec.at("ingressClassName").as_str() {
        tell(
            &path.field("ingressClassName"),
            class,
            names::dns_subdomain(class),
            refusals,
        );
    }
}

fn validate_rule(path: &Path<'_>, rule: &Tree, leniency: Leniency, refusals: &mut Refusals) {
    let host = rule.text("host");
    if !host.is_empty() {
        refuse_address(&path.field("host"), host, refusals);
        validate_host(&path.field("host"), host, refusals);
    }
    if !(host.contains('*') && leniency.wildcards) {
        validate_paths(path, rule, refusals);
    }
}

fn refuse_address(path: &Path<'_>, host: &str, refusals: &mut Refusals) {
    if names::parse_ip_sloppy(host).is_some() {
        refusals.invalid(path, host, "must be a DNS name, not an IP address");
    }
}

/// A host that may begin with a wildcard.
fn validate_host(path: &Path<'_>, host: &str, refusals: &mut Refusals) {
    let messages = if host.contains('*') {
        names::wildcard_dns_subdomain(host)
    } else {
        names::dns_subdomain(host)
    };
    tell(path, host, messages, refusals);
}

fn validate_paths(path: &Path<'_>, rule: &Tree, refusals: &mut Refusals) {
    if !rule.has("http") {
        return;
    }
    let path = path.field("http");
    let path = path.field("paths");
    let paths = rule.at("http").items("paths");
    if paths.is_empty() {
        refusals.required(&path, "");
    }
    for (at, one) in paths.iter().enumerate() {
        backend::validate_path(&path.index(at), one, refusals);
    }
}

fn validate_tls(path: &Path<'_>, tls: &Tree, leniency: Leniency, refusals: &mut Refusals) {
    let hosts = path.field("hosts");
    for (at, host) in tls.items("hosts").iter().enumerate() {
        validate_host(&hosts.index(at), host.as_str().unwrap_or_default(), refusals);
    }
    if !leniency.secrets {
        tell(
            &path.field("secretName"),
            tls.text("secretName"),
            secret_name(tls),
            refusals,
        );
    }
}

fn secret_name(tls: &Tree) -> names::Messages {
    match tls.text("secretName") {
        "" => names::Messages::new(),
        name => names::dns_subdomain(name),
    }
}

#[cfg(test)]
mod tests;
