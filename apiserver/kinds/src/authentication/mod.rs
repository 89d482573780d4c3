//! The group `authentication.k8s.io`: questions who somebody is, and tokens. They are answered, never stored; what is
//! answered is not here.

mod review;
mod token_request;

use crate::kind::Kind;

/// What it is called.
const GROUP: &str = "authentication.k8s.io";

pub use token_request::TOKEN_REQUEST;

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[review::SELF_SUBJECT_REVIEW, review::TOKEN_REVIEW];
