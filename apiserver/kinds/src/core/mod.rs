//! The core group.

mod access_modes;
mod base64;
mod binding;
mod component_status;
mod config_map;
mod endpoints;
pub(crate) mod event;
mod limit_range;
pub(crate) mod metadata;
mod namespace;
mod node;
pub(crate) mod persistent_volume;
pub(crate) mod persistent_volume_claim;
mod pod;
mod pod_template;
mod replication_controller;
mod resource_quota;
mod resources;
mod secret;
pub(crate) mod service;
mod service_account;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[
    binding::BINDING,
    component_status::COMPONENT_STATUS,
    config_map::CONFIG_MAP,
    endpoints::ENDPOINTS,
    event::EVENT,
    limit_range::LIMIT_RANGE,
    namespace::NAMESPACE,
    node::NODE,
    persistent_volume_claim::PERSISTENT_VOLUME_CLAIM,
    persistent_volume::PERSISTENT_VOLUME,
    pod::POD,
    pod_template::POD_TEMPLATE,
    replication_controller::REPLICATION_CONTROLLER,
    resource_quota::RESOURCE_QUOTA,
    secret::SECRET,
    service_account::SERVICE_ACCOUNT,
    service::SERVICE,
];
