//! What each kind is and the rules that only it has, and how a write passes through them.
//!
//! A kind is one small file: an entry of the table ([`Kind`]: names, versions, verbs, columns) and its [`Rules`]
//! (defaults, what is cleared, what is checked). What kinds share stands once, beside them. [`Kind::create`] and
//! [`Kind::update`] take an object through its rules.
//!
//! This crate must not know who may do what, where objects are stored, or other objects than the one at hand; it does no
//! IO and asks for no time. Start reading at [`Kind`], then at `core/config_map.rs`, which is as small as a kind gets.

mod address;
mod admissionregistration;
pub mod amounts;
mod apiextensions;
mod apiregistration;
mod apiserverinternal;
mod apps;
mod authentication;
mod authorization;
mod autoscaling;
mod batch;
mod certificates;
mod check;
mod column;
mod condition;
mod coordination;
mod core;
mod diff;
mod discovery;
mod endpoint;
mod events;
mod flow;
mod flowcontrol;
mod int_or_percent;
mod internal;
mod kind;
mod networking;
mod node;
mod node_labels;
mod node_selector;
mod pod;
mod policy;
mod rbac;
mod resource;
mod scheduling;
mod selection;
mod storage;
mod storagemigration;
mod template_columns;
mod text;
mod webhook;
mod workload;

#[cfg(test)]
mod rules;
#[cfg(test)]
mod trial;

pub use crate::authentication::TOKEN_REQUEST;
pub use crate::certificates::pem;
pub use crate::core::service::allocation as service;
pub use crate::pod::{qos, sum as pod_sum};

pub use column::{Ago, Cell, Column, Words};
pub use kind::{Asked, Conversion, Dependents, End, EndRules, Kind, Rules, StatusRules, Subresource, Verb, Version};
pub use selection::{Selectable, Selection};

/// The kinds of each group, in the order of their names.
const GROUPS: &[&[Kind]] = &[
    admissionregistration::KINDS,
    apiextensions::KINDS,
    apiregistration::KINDS,
    apiserverinternal::KINDS,
    apps::KINDS,
    authentication::KINDS,
    authorization::KINDS,
    autoscaling::KINDS,
    batch::KINDS,
    certificates::KINDS,
    coordination::KINDS,
    core::KINDS,
    discovery::KINDS,
    events::KINDS,
    flowcontrol::KINDS,
    networking::KINDS,
    node::KINDS,
    policy::KINDS,
    rbac::KINDS,
    resource::KINDS,
    scheduling::KINDS,
    storage::KINDS,
    storagemigration::KINDS,
];

/// All kinds.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    GROUPS.iter().copied().flatten()
}

/// The kind that a group serves under a plural.
pub fn find(group: &str, plural: &str) -> Option<&'static Kind> {
    all().find(|kind| kind.group == group && kind.plural == plural)
}
