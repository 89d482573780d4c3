//! The group `networking.k8s.io`.

mod ingress;
mod ingress_class;
mod ip_address;
mod network_policy;
mod reference;
mod service_cidr;

use crate::kind::Kind;

/// What it is called.
const GROUP: &str = "networking.k8s.io";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[
    ingress_class::INGRESS_CLASS,
    ingress::INGRESS,
    ip_address::IP_ADDRESS,
    network_policy::NETWORK_POLICY,
    service_cidr::SERVICE_CIDR,
];
