//! The group `scheduling.k8s.io`.

mod pod_group;
mod priority_class;
mod template;
mod workload;

use crate::kind::Kind;

/// Its name.
const GROUP: &str = "scheduling.k8s.io";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[pod_group::POD_GROUP, priority_class::PRIORITY_CLASS, workload::WORKLOAD];
