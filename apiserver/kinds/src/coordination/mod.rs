//! The group `coordination.k8s.io`: who holds what, and who may.

mod lease;
mod lease_candidate;
mod strategy;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[lease_candidate::LEASE_CANDIDATE, lease::LEASE];
