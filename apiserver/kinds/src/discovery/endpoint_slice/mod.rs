//! `EndpointSlice`: a part of the endpoints of a service.

use std::collections::BTreeSet;

use apiserver_api::labels::validate_labels;
use apiserver_api::meta;
use apiserver_api::names::{dns_subdomain, fully_qualified_domain_name, ip_warning, label_value, parse_ip_sloppy};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::address;
use crate::check::immutable;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::endpoint::{PROTOCOLS, few, validate_app_protocol, validate_label};
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};

const TYPE: &str = "io.k8s.api.discovery.v1.EndpointSlice";
/// What addresses may be.
const ADDRESS_TYPES: &[&str] = &["FQDN", "IPv4", "IPv6"];
/// The label that says who writes a slice, and upstream's own controllers: what these write is sound.
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const CONTROLLERS: [&str; 2] = [
    "endpointslice-controller.k8s.io",
    "endpointslicemirroring-controller.k8s.io",
];
const MAX_ENDPOINTS: usize = 1000;
const MAX_ADDRESSES: usize = 100;
const MAX_PORTS: usize = 20000;
const MAX_TOPOLOGY: usize = 16;
const MAX_HINTS: usize = 8;
/// So many ports and endpoints a table shows.
const SHOWN: usize = 3;

/// The entry of the table.
pub(crate) const ENDPOINT_SLICE: Kind = Kind {
    group: "discovery.k8s.io",
    kind: "EndpointSlice",
    plural: "endpointslices",
    singular: "endpointslice",
    versions: &[Version::stored("v1", TYPE)],
    folder: "endpointslices",
    rules: &EndpointSlice,
    columns: &[
        NAME,
        Column {
            name: "AddressType",
            kind: "string",
            format: "",
            words: Words::Of(TYPE, "addressType"),
            priority: 0,
            cell: Cell::Is(|object| object.text("addressType").into()),
        },
        Column {
            name: "Ports",
            kind: "string",
            format: "",
            words: Words::Of(TYPE, "ports"),
            priority: 0,
            cell: Cell::Is(|object| ports(object).into()),
        },
        Column {
            name: "Endpoints",
            kind: "string",
            format: "",
            words: Words::Of(TYPE, "endpoints"),
            priority: 0,
            cell: Cell::Is(|object| endpoints(object).into()),
        },
        AGE,
    ],
    ..Kind::PLAIN
};

fn ports(object: &Tree) -> String {
    let ports = object.items("ports").iter().map(|port| match port.at("port").as_int() {
        Some(number) => number.to_string(),
        // A name that is there and empty is shown as it is.
        None => port.at("name").as_str().unwrap_or("*").to_owned(),
    });
    few(ports, SHOWN, "<unset>")
}

fn endpoints(object: &Tree) -> String {
    let endpoints = object.items("endpoints").iter();
    let all: Vec<String> = endpoints
        .flat_map(|endpoint| endpoint.items("addresses"))
        .map(|address| address.as_str().unwrap_or_default().to_owned())
        .collect();
    few(all.into_iter(), SHOWN, "<unset>")
}

struct EndpointSlice;

impl Rules for EndpointSlice {
    fn default(&self, object: &mut Tree) {
        for port in object
            .get_mut("ports")
            .and_then(Tree::as_list_mut)
            .into_iter()
            .flatten()
        {
            port.set_default("name", "");
            port.set_default("protocol", "TCP");
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
        drop_topology(object);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        let same = |field: &str| ENDPOINT_SLICE.same(&[field], object, old);
        let repointed = !same("endpoints");
        let moved = !["addressType", "endpoints", "ports"].into_iter().all(same);
        if moved || meta::labels(object) != meta::labels(old) {
            meta::set_generation(object, meta::generation(old).wrapping_add(1));
        }
        if repointed {
            drop_topology(object);
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_slice(object, &Tree::Null, ADDRESS_TYPES, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        // A type of long ago may stay.
        let types: &[&str] = match old.text("addressType") {
            "IP" => &["FQDN", "IP", "IPv4", "IPv6"],
            _ => ADDRESS_TYPES,
        };
        validate_slice(object, old, types, refusals);
        let field = "addressType";
        immutable(&Path::of(field), object.at(field), old.at(field), refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        let mut warnings = Vec::new();
        if old.is_none() && object.text("addressType") == "FQDN" {
            warnings.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
        }
        let manager = meta::labels(object).get(MANAGED_BY).and_then(Tree::as_str);
        if manager.is_some_and(|manager| CONTROLLERS.contains(&manager)) {
            return warnings;
        }
        let path = Path::of("endpoints");
        for (at, endpoint) in object.items("endpoints").iter().enumerate() {
            let path = path.index(at);
            let path = path.field("addresses");
            for (at, address) in endpoint.items("addresses").iter().enumerate() {
                warnings.extend(ip_warning(&path.index(at), address.as_str().unwrap_or_default()));
            }
        }
        warnings
    }

    fn canonicalize(&self, object: &mut Tree) {
        // No endpoints and no ports are stored as nothing.
        for field in ["endpoints", "ports"] {
            if object.items(field).is_empty() {
                object.set(field, Tree::Null);
            }
        }
    }
}

/// What an older version said of topology is not kept.
fn drop_topology(object: &mut Tree) {
    for endpoint in object
        .get_mut("endpoints")
        .and_then(Tree::as_list_mut)
        .into_iter()
        .flatten()
    {
        endpoint.remove("deprecatedTopology");
    }
}

fn addresses(object: &Tree) -> impl Iterator<Item = &str> {
    let endpoints = object.items("endpoints").iter();
    endpoints.flat_map(|endpoint| endpoint.items("addresses").iter().filter_map(Tree::as_str))
}

fn validate_slice(object: &Tree, old: &Tree, types: &[&str], refusals: &mut Refusals) {
    validate_metadata(apiserver_api::names::name_is_dns_subdomain, true, object, refusals);
    let of = object.text("addressType");
    if of.is_empty() {
        refusals.required(&Path::of("addressType"), "");
    } else if !types.contains(&of) {
        refusals.not_supported(&Path::of("addressType"), of, types);
    }
    validate_ports(object.items("ports"), refusals);
    let had: BTreeSet<&str> = addresses(old).collect();
    let (path, endpoints) = (Path::of("endpoints"), object.items("endpoints"));
    if endpoints.len() > MAX_ENDPOINTS {
        refusals.too_many(&path, endpoints.len(), MAX_ENDPOINTS);
    } else {
        for (at, endpoint) in endpoints.iter().enumerate() {
            validate_endpoint(&path.index(at), endpoint, of, &had, refusals);
        }
    }
}

fn validate_endpoint(path: &Path<'_>, endpoint: &Tree, of: &str, had: &BTreeSet<&str>, refusals: &mut Refusals) {
    let addresses = endpoint.items("addresses");
    let at_addresses = path.field("addresses");
    if addresses.is_empty() {
        refusals.required(&at_addresses, "must contain at least 1 address");
    } else if addresses.len() > MAX_ADDRESSES {
        refusals.too_many(&at_addresses, addresses.len(), MAX_ADDRESSES);
    }
    for (at, address) in addresses.iter().enumerate() {
        let address = address.as_str().unwrap_or_default();
        validate_address(&at_addresses, at, address, of, had.contains(address), refusals);
    }
    if let Some(node) = endpoint.at("nodeName").as_str() {
        for message in dns_subdomain(node) {
            refusals.invalid(&path.field("nodeName"), node, &message);
        }
    }
    let topology = path.field("deprecatedTopology");
    let labels = endpoint.entries("deprecatedTopology");
    if labels.len() > MAX_TOPOLOGY {
        refusals.too_many(&topology, labels.len(), MAX_TOPOLOGY);
    }
    validate_labels(&topology, labels, refusals);
    if let Some(hostname) = endpoint.at("hostname").as_str() {
        validate_label(&path.field("hostname"), hostname, refusals);
    }
    let path = path.field("hints");
    let hints = endpoint.at("hints");
    validate_hints(&path.field("forZones"), hints.items("forZones"), label_value, refusals);
    validate_hints(
        &path.field("forNodes"),
        hints.items("forNodes"),
        dns_subdomain,
        refusals,
    );
}

fn validate_address(path: &Path<'_>, at: usize, text: &str, of: &str, had: bool, refusals: &mut Refusals) {
    let one = path.index(at);
    match of {
        "IPv4" | "IPv6" => {
            address::ip(&one, text, had, refusals);
            let v4 = parse_ip_sloppy(text).map(|ip| ip.v4().is_some());
            // Of the family upstream tells at the list.
            if v4.is_some_and(|v4| v4 != (of == "IPv4")) {
                refusals.invalid(path, text, &format!("must be an {of} address"));
            }
            if v4.is_some() {
                address::not_special(&one, text, refusals);
            }
        }
        "IP" => address::ip(&one, text, had, refusals),
        "FQDN" => fully_qualified_domain_name(&one, text, refusals),
        _ => {}
    }
}

fn validate_hints(
    path: &Path<'_>,
    hints: &[Tree],
    check: fn(&str) -> apiserver_api::names::Messages,
    refusals: &mut Refusals,
) {
    if hints.len() > MAX_HINTS {
        return refusals.too_many(path, hints.len(), MAX_HINTS);
    }
    let mut names = BTreeSet::new();
    for (at, hint) in hints.iter().enumerate() {
        let path = path.index(at);
        let (path, name) = (path.field("name"), hint.text("name"));
        if !names.insert(name) {
            refusals.duplicate(&path, name);
        }
        for message in check(name) {
            refusals.invalid(&path, name, &message);
        }
    }
}

fn validate_ports(ports: &[Tree], refusals: &mut Refusals) {
    let path = Path::of("ports");
    if ports.len() > MAX_PORTS {
        return refusals.too_many(&path, ports.len(), MAX_PORTS);
    }
    let mut names = BTreeSet::new();
    for (at, port) in ports.iter().enumerate() {
        let path = path.index(at);
        let name = port.text("name");
        if !name.is_empty() {
            validate_label(&path.field("name"), name, refusals);
        }
        if !names.insert(name) {
            refusals.duplicate(&path.field("name"), name);
        }
        match port.at("protocol").as_str() {
            None => refusals.required(&path.field("protocol"), ""),
            Some(protocol) if !PROTOCOLS.contains(&protocol) => {
                refusals.not_supported(&path.field("protocol"), protocol, PROTOCOLS);
            }
            Some(_) => {}
        }
        validate_app_protocol(&path.field("appProtocol"), port.at("appProtocol"), refusals);
    }
}

#[cfg(test)]
mod tests;
