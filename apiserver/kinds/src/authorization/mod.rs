//! The group `authorization.k8s.io`: questions whether somebody may do something. They are answered, never stored; what is
//! answered is not here.

mod review;
mod selectors;

use crate::kind::Kind;

/// What it is called.
const GROUP: &str = "authorization.k8s.io";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[
    review::LOCAL_SUBJECT_ACCESS_REVIEW,
    review::SELF_SUBJECT_ACCESS_REVIEW,
    review::SELF_SUBJECT_RULES_REVIEW,
    review::SUBJECT_ACCESS_REVIEW,
];
