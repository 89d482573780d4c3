//! The group `admissionregistration.k8s.io`: what decides about requests beside the server itself.

mod compile;
mod expression;
mod hook;
mod mutating_binding;
mod mutating_policy;
mod policy;
mod rule;
mod selection;
mod validating_binding;
mod validating_policy;
mod webhook_configuration;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::kind::Kind;

const GROUP: &str = "admissionregistration.k8s.io";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[
    mutating_policy::MUTATING_POLICY,
    mutating_binding::MUTATING_BINDING,
    webhook_configuration::MUTATING_WEBHOOK,
    validating_policy::VALIDATING_POLICY,
    validating_binding::VALIDATING_BINDING,
    webhook_configuration::VALIDATING_WEBHOOK,
];

const FAILURE_POLICIES: &[&str] = &["Fail", "Ignore"];
const MATCH_POLICIES: &[&str] = &["Equivalent", "Exact"];
const REINVOCATION_POLICIES: &[&str] = &["IfNeeded", "Never"];

/// A word that is one of few where it is given, be it empty.
fn supported(path: &Path<'_>, object: &Tree, field: &str, known: &[&str], refusals: &mut Refusals) {
    if let Some(given) = object.at(field).as_str().filter(|given| !known.contains(given)) {
        refusals.not_supported(&path.field(field), given, known);
    }
}
