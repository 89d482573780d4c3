//! The group `policy`.

mod conditions;
mod pod_disruption_budget;

use crate::kind::Kind;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[pod_disruption_budget::POD_DISRUPTION_BUDGET];
