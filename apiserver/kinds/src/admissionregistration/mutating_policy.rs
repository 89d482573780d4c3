//! `MutatingAdmissionPolicy`: expressions that change objects on their way in.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use apiserver_cel::Type;

use super::compile::{Expression, Expressions, check};
use super::{GROUP, REINVOCATION_POLICIES, policy};
use crate::check::{count_generation, one_of};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::kind::{Asked, Conversion, Kind, Rules, Version};

/// The entry of the table.
pub(super) const MUTATING_POLICY: Kind = Kind {
    group: GROUP,
    kind: "MutatingAdmissionPolicy",
    plural: "mutatingadmissionpolicies",
    singular: "mutatingadmissionpolicy",
    categories: &["api-extensions"],
    namespaced: false,
    versions: &[
        Version {
            name: "v1",
            schema: "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy",
            conversion: Some(Conversion::SAME),
        },
        Version::stored(
            "v1beta1",
            "io.k8s.api.admissionregistration.v1beta1.MutatingAdmissionPolicy",
        ),
        Version {
            name: "v1alpha1",
            schema: "io.k8s.api.admissionregistration.v1alpha1.MutatingAdmissionPolicy",
            conversion: Some(Conversion::SAME),
        },
    ],
    folder: "mutatingadmissionpolicies",
    rules: &MutatingPolicy,
    columns: &[
        NAME,
        Column {
            name: "Mutations",
            kind: "integer",
            format: "",
            words: Words::Text("Mutation indicates the number of mutations rules defined in this configuration"),
            priority: 0,
            cell: Cell::Is(|object| (object.at("spec").items("mutations").len() as i64).into()),
        },
        policy::PARAM_KIND,
        AGE,
    ],
    ..Kind::PLAIN
};

struct MutatingPolicy;

impl Rules for MutatingPolicy {
    fn default(&self, object: &mut Tree) {
        policy::default(object);
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        count_generation(&MUTATING_POLICY, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate(object, None, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate(object, Some(old), refusals);
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

fn validate(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let expressions = policy::validate(object, old, true, refusals);
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    let mutations = spec.items("mutations");
    if mutations.is_empty() {
        let detail = "mutations must contain at least one item";
        refusals.required(&path.field("mutations"), detail);
    }
    for (at, mutation) in mutations.iter().enumerate() {
        validate_mutation(&path.field("mutations").index(at), mutation, &expressions, refusals);
    }
    let given = spec.text("reinvocationPolicy");
    one_of(
        &path.field("reinvocationPolicy"),
        given,
        REINVOCATION_POLICIES,
        true,
        refusals,
    );
}

fn validate_mutation(path: &Path<'_>, mutation: &Tree, expressions: &Expressions, refusals: &mut Refusals) {
    let kind = mutation.text("patchType");
    let (mine, other, wanted) = match kind {
        "ApplyConfiguration" => ("applyConfiguration", "jsonPatch", Type::object("Object")),
        "JSONPatch" => ("jsonPatch", "applyConfiguration", Type::list(Type::object("JSONPatch"))),
        _ => {
            let known = ["ApplyConfiguration", "JSONPatch"];
            return one_of(&path.field("patchType"), kind, &known, true, refusals);
        }
    };
    let mine_path = path.field(mine);
    let (text, text_path) = (
        mutation.at(mine).text("expression").trim(),
        mine_path.field("expression"),
    );
    if !mutation.has(mine) {
        let detail = format!("must be specified when patchType is {kind}");
        refusals.required(&mine_path, &detail);
    } else if text.is_empty() {
        refusals.required(&text_path, "");
    } else {
        let environment = expressions.environment(true, true);
        check(environment, &Expression::new(&text_path, text), &[wanted], refusals);
    }
    if mutation.has(other) {
        let detail = format!("must not be specified when patchType is {kind}");
        refusals.invalid(&path.field(other), &format!("{{{other}}}"), &detail);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::{Expressions, validate, validate_mutation};

    #[test]
    fn a_mutation_has_the_expression_of_its_patch_type() {
        for (mutation, expected) in [
            (
                r#"{"patchType":"JSONPatch","jsonPatch":{"expression":" [JSONPatch{op: 'test', path: '/a', value: 1}]"}}"#,
                &[][..],
            ),
            (
                r#"{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{spec: Object.spec{n: 1}}"}}"#,
                &[],
            ),
            (
                r#"{"patchType":"JSONPatch","jsonPatch":{"expression":" []"}}"#,
                &[r#"m.jsonPatch.expression: Invalid value: "[]": must evaluate to list(JSONPatch) but got list(dyn)"#],
            ),
            ("{}", &["m.patchType: Required value"]),
            (
                r#"{"patchType":"x"}"#,
                &[r#"m.patchType: Unsupported value: "x": supported values: "ApplyConfiguration", "JSONPatch""#],
            ),
            (
                r#"{"patchType":"JSONPatch","applyConfiguration":{}}"#,
                &[
                    "m.jsonPatch: Required value: must be specified when patchType is JSONPatch",
                    r#"m.applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch"#,
                ],
            ),
            (
                r#"{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":" "}}"#,
                &["m.applyConfiguration.expression: Required value"],
            ),
        ] {
            let mutation = tree::parse(mutation.as_bytes()).unwrap().tree;
            let mut refusals = Refusals::new();
            validate_mutation(&Path::of("m"), &mutation, &Expressions::default(), &mut refusals);
            let said: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn a_policy_has_mutations_and_says_whether_it_is_asked_again() {
        let object = tree::parse(br#"{"metadata":{"name":"p"},"spec":{"failurePolicy":"Fail"}}"#)
            .unwrap()
            .tree;
        let mut refusals = Refusals::new();
        validate(&object, None, &mut refusals);
        let said: Vec<_> = refusals.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(
            said,
            ["spec.matchConstraints", "spec.mutations", "spec.reinvocationPolicy"]
        );
    }
}
