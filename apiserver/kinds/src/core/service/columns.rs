//! What a table shows of services.

use std::collections::BTreeSet;

use apiserver_api::tree::Tree;

use super::addresses::texts;
use super::{CLUSTER_IP, EXTERNAL_NAME, LOAD_BALANCER, NODE_PORT};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::template_columns::pairs;

const SPEC: &str = "io.k8s.api.core.v1.ServiceSpec";
const NONE: &str = "<none>";

const TEXT: Column = Column {
    name: "",
    kind: "string",
    format: "",
    words: Words::Text(""),
    priority: 0,
    cell: Cell::Is(|_| Tree::Null),
};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Type",
        words: Words::Of(SPEC, "type"),
        cell: Cell::Is(|object| object.at("spec").text("type").into()),
        ..TEXT
    },
    Column {
        name: "Cluster-IP",
        words: Words::Of(SPEC, "clusterIP"),
        cell: Cell::Is(|object| {
            texts(object.at("spec"), "clusterIPs")
                .first()
                .copied()
                .unwrap_or(NONE)
                .into()
        }),
        ..TEXT
    },
    Column {
        name: "External-IP",
        words: Words::Of(SPEC, "externalIPs"),
        cell: Cell::Is(|object| external(object).into()),
        ..TEXT
    },
    Column {
        name: "Port(s)",
        words: Words::Text(
            "The list of ports that are exposed by this service. More info: \
             https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies",
        ),
        cell: Cell::Is(|object| ports(object.at("spec")).into()),
        ..TEXT
    },
    AGE,
    Column {
        name: "Selector",
        words: Words::Of(SPEC, "selector"),
        priority: 1,
        cell: Cell::Is(|object| pairs(object.at("spec").entries("selector"))),
        ..TEXT
    },
];

fn external(object: &Tree) -> String {
    let spec = object.at("spec");
    let given = texts(spec, "externalIPs");
    match spec.text("type") {
        CLUSTER_IP | NODE_PORT if given.is_empty() => NONE.to_owned(),
        CLUSTER_IP | NODE_PORT => given.join(","),
        LOAD_BALANCER => {
            let ingress = object.at("status").at("loadBalancer").items("ingress").iter();
            let reached: BTreeSet<&str> = ingress
                .map(|one| match one.text("ip") {
                    "" => one.text("hostname"),
                    ip => ip,
                })
                .filter(|text| !text.is_empty())
                .collect();
            let all: Vec<&str> = reached.into_iter().chain(given).collect();
            if all.is_empty() {
                "<pending>".to_owned()
            } else {
                all.join(",")
            }
        }
        EXTERNAL_NAME => spec.text("externalName").to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

fn ports(spec: &Tree) -> String {
    let ports: Vec<String> = spec
        .items("ports")
        .iter()
        .map(|port| {
            let (number, protocol) = (port.int("port"), port.text("protocol"));
            match port.int("nodePort") {
                node if node > 0 => format!("{number}:{node}/{protocol}"),
                _ => format!("{number}/{protocol}"),
            }
        })
        .collect();
    if ports.is_empty() {
        NONE.to_owned()
    } else {
        ports.join(",")
    }
}
