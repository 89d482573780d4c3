//! The group `discovery.k8s.io`: where services are reached.

mod endpoint_slice;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[endpoint_slice::ENDPOINT_SLICE];
