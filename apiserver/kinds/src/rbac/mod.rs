//! The group `rbac.authorization.k8s.io`. Whether who writes a role may give what it gives is not checked here.

mod binding;
mod role;

use crate::kind::Kind;

/// What it is called.
const GROUP: &str = "rbac.authorization.k8s.io";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[
    binding::CLUSTER_ROLE_BINDING,
    role::CLUSTER_ROLE,
    binding::ROLE_BINDING,
    role::ROLE,
];
