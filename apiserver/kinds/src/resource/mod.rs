//! The group `resource.k8s.io`: devices, who has them and who wants them.

mod binding;
mod capacity;
mod claim;
mod class;
mod conversion;
mod device;
mod list;
mod pool_status;
mod request;
mod slice;
mod status;
mod taint;
mod taint_rule;
mod template;

use crate::kind::Kind;

/// What it is called.
const GROUP: &str = "resource.k8s.io";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[
    class::DEVICE_CLASS,
    taint_rule::DEVICE_TAINT_RULE,
    claim::RESOURCE_CLAIM,
    template::RESOURCE_CLAIM_TEMPLATE,
    pool_status::RESOURCE_POOL_STATUS_REQUEST,
    slice::RESOURCE_SLICE,
];
