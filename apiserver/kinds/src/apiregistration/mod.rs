//! The group `apiregistration.k8s.io`: which server serves which version of which group.

mod api_service;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[api_service::API_SERVICE];
