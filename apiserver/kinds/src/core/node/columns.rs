//! What a table shows of nodes.

use std::collections::BTreeSet;

use apiserver_api::meta;
use apiserver_api::tree::Tree;

use crate::column::{AGE, Cell, Column, NAME, Words};

const INFO: &str = "io.k8s.api.core.v1.NodeSystemInfo";
/// Labels that say a role in their keys begin so.
const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
/// The label whose value is a role.
const ROLE: &str = "kubernetes.io/role";

const TEXT: Column = Column {
    name: "",
    kind: "string",
    format: "",
    words: Words::Text(""),
    priority: 1,
    cell: Cell::Is(|_| Tree::Null),
};

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Status",
        words: Words::Text("The status of the node"),
        priority: 0,
        cell: Cell::Is(|object| status(object).into()),
        ..TEXT
    },
    Column {
        name: "Roles",
        words: Words::Text("The roles of the node"),
        priority: 0,
        cell: Cell::Is(|object| roles(object).into()),
        ..TEXT
    },
    AGE,
    Column {
        name: "Version",
        words: Words::Of(INFO, "kubeletVersion"),
        priority: 0,
        cell: Cell::Is(|object| info(object, "kubeletVersion").into()),
        ..TEXT
    },
    Column {
        name: "Internal-IP",
        words: Words::Of("io.k8s.api.core.v1.NodeStatus", "addresses"),
        cell: Cell::Is(|object| address(object, "InternalIP").into()),
        ..TEXT
    },
    Column {
        name: "External-IP",
        words: Words::Of("io.k8s.api.core.v1.NodeStatus", "addresses"),
        cell: Cell::Is(|object| address(object, "ExternalIP").into()),
        ..TEXT
    },
    Column {
        name: "OS-Image",
        words: Words::Of(INFO, "osImage"),
        cell: Cell::Is(|object| known(object, "osImage").into()),
        ..TEXT
    },
    Column {
        name: "Kernel-Version",
        words: Words::Of(INFO, "kernelVersion"),
        cell: Cell::Is(|object| kernel(object).into()),
        ..TEXT
    },
    Column {
        name: "Container-Runtime",
        words: Words::Of(INFO, "containerRuntimeVersion"),
        cell: Cell::Is(|object| known(object, "containerRuntimeVersion").into()),
        ..TEXT
    },
];

fn status(object: &Tree) -> String {
    let mut conditions = object.at("status").items("conditions").iter().rev();
    let ready = conditions.find(|condition| condition.text("type") == "Ready");
    let mut status = match ready.map(|ready| ready.text("status")) {
        None => "Unknown",
        Some("True") => "Ready",
        Some(_) => "NotReady",
    }
    .to_owned();
    if object.at("spec").flag("unschedulable") {
        status.push_str(",SchedulingDisabled");
    }
    status
}

fn roles(object: &Tree) -> String {
    let mut roles = BTreeSet::new();
    for (key, value) in meta::labels(object).iter() {
        match key.strip_prefix(ROLE_PREFIX) {
            Some("") => {}
            Some(role) => drop(roles.insert(role)),
            None if key == ROLE => roles.extend(value.as_str().filter(|role| !role.is_empty())),
            None => {}
        }
    }
    if roles.is_empty() {
        return "<none>".to_owned();
    }
    roles.into_iter().collect::<Vec<_>>().join(",")
}

fn address<'o>(object: &'o Tree, of: &str) -> &'o str {
    let mut addresses = object.at("status").items("addresses").iter();
    let found = addresses.find(|address| address.text("type") == of);
    found.map_or("<none>", |address| address.text("address"))
}

fn info<'o>(object: &'o Tree, field: &str) -> &'o str {
    object.at("status").at("nodeInfo").text(field)
}

fn known<'o>(object: &'o Tree, field: &str) -> &'o str {
    match info(object, field) {
        "" => "<unknown>",
        text => text,
    }
}

fn kernel(object: &Tree) -> String {
    let (kernel, architecture) = (known(object, "kernelVersion"), info(object, "architecture"));
    if architecture.is_empty() || kernel == "<unknown>" {
        kernel.to_owned()
    } else {
        format!("{kernel} ({architecture})")
    }
}
