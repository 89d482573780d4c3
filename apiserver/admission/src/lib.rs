//! What may change or refuse a write between the client's words and the kind's own rules.
//!
//! A plugin is one small file that implements [`Plugin`]; the chain asks them in upstream's order, first all that may change
//! the object, then all that may refuse it. They read other objects through [`Cluster`].
//!
//! This crate must not know HTTP or how objects are stored. Start reading at [`plugin`].

mod amounts;
pub mod certificate_approval;
pub mod certificate_signing;
pub mod certificate_subject_restriction;
pub mod cluster_trust_bundle_attest;
mod default_class;
pub mod default_ingress_class;
pub mod default_storage_class;
pub mod deny_service_external_ips;
#[cfg(test)]
mod double;
mod forbid;
pub mod job_validation;
pub mod node_declared_feature_validator;
pub mod owner_references_permission_enforcement;
pub mod persistent_volume_claim_resize;
pub mod plugin;
mod pod_amounts;
mod pod_class;
pub mod pod_group_protection;
pub mod pod_group_workload_exists;
pub mod pod_resize_validator;
pub mod pod_toleration_restriction;
pub mod pod_topology_labels;
pub mod resource_quota;
pub mod runtime_class;
mod signer;
pub mod storage_object_in_use_protection;
mod toleration_merge;
mod volume_claim;

pub use apiserver_storage::cluster::Cluster;
pub use plugin::{Operation, Plugin, Request};
