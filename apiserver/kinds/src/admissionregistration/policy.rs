//! What both kinds of admission policies share.

use apiserver_api::meta;
use apiserver_api::names::name_is_dns_subdomain;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::compile::Expressions;
use super::{FAILURE_POLICIES, expression, selection, supported};
use crate::column::{Cell, Column, NAME, Words};

/// What tables show of a policy's parameters.
pub(super) const PARAM_KIND: Column = Column {
    name: "ParamKind",
    kind: "string",
    format: "",
    words: Words::Text("ParamKind specifies the kind of resources used to parameterize this policy"),
    priority: 0,
    cell: Cell::Is(|object| selection::param_kind_cell(object).into()),
};

/// What tables show of the policy that a binding is for.
pub(super) const POLICY_NAME: Column = Column {
    name: "PolicyName",
    words: Words::Text("PolicyName indicates the policy definition which the policy binding binded to"),
    format: "",
    cell: Cell::Is(|object| object.at("spec").text("policyName").into()),
    ..NAME
};

/// What tables show of the parameters that a binding gives.
pub(super) const PARAM_REF: Column = Column {
    name: "ParamRef",
    words: Words::Text("ParamRef indicates the param resource which sets the configuration param"),
    format: "",
    cell: Cell::Is(|object| selection::param_ref_cell(object).into()),
    ..NAME
};

/// Fills in what was not said.
pub(super) fn default(object: &mut Tree) {
    let spec = object.child("spec");
    spec.set_default("failurePolicy", "Fail");
    selection::default(spec, "matchConstraints");
}

/// Checks what stands in both kinds, and tells what other expressions may name; an object that replaces `old` may keep
/// its conditions.
pub(super) fn validate(object: &Tree, old: Option<&Tree>, mutating: bool, refusals: &mut Refusals) -> Expressions {
    validate_metadata(object, refusals);
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    if spec.has("failurePolicy") {
        supported(&path, spec, "failurePolicy", FAILURE_POLICIES, refusals);
    } else {
        refusals.required(&path.field("failurePolicy"), "");
    }
    selection::validate_param_kind(&path.field("paramKind"), spec.at("paramKind"), refusals);
    let constraints = spec.at("matchConstraints");
    selection::validate_constraints(&path.field("matchConstraints"), constraints, mutating, refusals);
    let same = |old: &Tree| {
        let old = old.at("spec");
        spec.at("paramKind") == old.at("paramKind") && spec.items("matchConditions") == old.items("matchConditions")
    };
    let mut expressions = Expressions::of_policy(spec);
    if !old.is_some_and(same) {
        let conditions = spec.items("matchConditions");
        expression::validate_conditions(&path.field("matchConditions"), conditions, &expressions, refusals);
    }
    let variables = spec.items("variables");
    expression::validate_variables(&path.field("variables"), variables, &mut expressions, refusals);
    expressions
}

/// Checks what stands in the bindings of both kinds.
pub(super) fn validate_binding(object: &Tree, refusals: &mut Refusals) {
    validate_metadata(object, refusals);
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    selection::validate_policy_name(&path.field("policyName"), spec.text("policyName"), refusals);
    selection::validate_param_ref(&path.field("paramRef"), spec.at("paramRef"), refusals);
    selection::validate(&path.field("matchResources"), spec.at("matchResources"), refusals);
}

fn validate_metadata(object: &Tree, refusals: &mut Refusals) {
    let path = Path::of("metadata");
    meta::validate(&path, meta::metadata(object), false, name_is_dns_subdomain, refusals);
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::{default, validate, validate_binding};

    #[test]
    fn a_policy_says_what_it_matches_and_a_binding_what_it_binds() {
        let mut object = tree::parse(br#"{"metadata":{"name":"p"}}"#).unwrap().tree;
        let mut refusals = Refusals::new();
        validate_binding(&object, &mut refusals);
        assert_eq!(refusals.to_string(), "spec.policyName: Required value");
        default(&mut object);
        let mut refusals = Refusals::new();
        validate(&object, None, false, &mut refusals);
        assert_eq!(refusals.to_string(), "spec.matchConstraints: Required value");
    }

    #[test]
    fn conditions_that_stay_are_not_checked_again() {
        let text = br#"{"metadata":{"name":"p"},"spec":{"failurePolicy":"Fail","matchConditions":[{}],"matchConstraints":{}}}"#;
        let object = tree::parse(text).unwrap().tree;
        let count = |old| {
            let mut refusals = Refusals::new();
            validate(&object, old, false, &mut refusals);
            refusals
                .iter()
                .filter(|one| one.field.contains("matchConditions"))
                .count()
        };
        assert_eq!((count(None), count(Some(&object))), (2, 0));
    }
}
