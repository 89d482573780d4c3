//! What may change or refuse a write between the client's words and the kind's own rules.
//!
//! A plugin is one small file that implements [`Plugin`]; the chain asks them in upstream's order, first all that may change
//! the object, then all that may refuse it. They read other objects through [`Cluster`].
//!
//! This crate must not know HTTP or how objects are stored. Start reading at [`plugin`], then at [`chain`].

mod always_admit;
mod always_deny;
mod always_pull_images;
mod certificate_approval;
mod certificate_signing;
mod certificate_subject_restriction;
pub mod chain;
mod cluster_trust_bundle_attest;
pub mod configuration;
mod default_class;
mod default_ingress_class;
mod default_storage_class;
mod default_toleration_seconds;
mod deny_service_external_ips;
#[cfg(test)]
mod double;
mod event_rate_limit;
mod extended_resource_toleration;
mod forbid;
mod job_validation;
mod limit_pod_hard_anti_affinity_topology;
mod limit_ranger;
mod metrics;
mod namespace_auto_provision;
mod namespace_exists;
mod namespace_lifecycle;
mod namespaces;
mod node_declared_feature_validator;
mod node_restriction;
mod owner_references_permission_enforcement;
mod persistent_volume_claim_resize;
pub mod plugin;
mod pod_class;
mod pod_group_protection;
mod pod_group_workload_exists;
mod pod_node_selector;
mod pod_resize_validator;
mod pod_security;
mod pod_toleration_restriction;
mod pod_topology_labels;
mod pods;
mod priority;
mod refuse;
mod resource_quota;
mod runtime_class;
mod service_account;
mod signer;
mod step;
mod storage_object_in_use_protection;
mod summary;
mod taint_nodes_by_condition;
#[cfg(test)]
mod testing;
mod toleration_merge;
mod volume_claim;

pub use apiserver_storage::cluster::Cluster;
pub use chain::{Chain, Choice, Parts};
pub use configuration::Configurations;
pub use plugin::{Operation, Plugin, Request};
