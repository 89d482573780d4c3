//! The group `autoscaling`.

mod horizontal_pod_autoscaler;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[horizontal_pod_autoscaler::HORIZONTAL_POD_AUTOSCALER];
