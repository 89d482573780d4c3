//! The group `certificates.k8s.io`: what is signed, and who is trusted to sign.

mod cluster_trust_bundle;
mod curve;
pub mod pem;
mod pod_request;
#[cfg(test)]
mod samples;
mod signature;
mod signer;
mod signing_request;

use crate::kind::Kind;

const GROUP: &str = "certificates.k8s.io";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[
    signing_request::SIGNING_REQUEST,
    cluster_trust_bundle::CLUSTER_TRUST_BUNDLE,
    pod_request::POD_REQUEST,
];
