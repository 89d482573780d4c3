//! What unit tests of checks share: a spec as JSON held against one revision.

use super::super::pods::Pod;
use super::Judge;
use crate::testing::tree;

/// What a revision says of a pod with this spec: the reason and the detail.
pub(super) fn spec(judge: Judge, spec: &str) -> Option<String> {
    object(judge, &format!(r#"{{"spec":{spec}}}"#))
}

/// The same of a whole pod.
pub(super) fn object(judge: Judge, pod: &str) -> Option<String> {
    let pod = tree(pod);
    let violation = judge(&Pod::of(&pod))?;
    Some(format!("{} ({})", violation.reason, violation.detail))
}
