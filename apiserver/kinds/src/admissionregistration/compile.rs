//! Compiles the expressions of policies and webhooks, and checks what they come to.

use std::cell::OnceCell;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use apiserver_cel::{Admission, Compiled, Environment, Type};

/// The expressions of one object: whether it has parameters, and the variables that were compiled so far.
#[derive(Default)]
pub(super) struct Expressions {
    params: bool,
    variables: Option<Vec<(String, Option<Compiled>)>>,
    /// What expressions may name, made once for all that are offered the same: with an authorizer, with patches.
    made: [[OnceCell<Environment>; 2]; 2],
}

/// An expression: where it stands, what is told of it, and what is compiled.
pub(super) struct Expression<'e> {
    pub(super) path: &'e Path<'e>,
    pub(super) shown: &'e str,
    pub(super) text: &'e str,
}

impl<'e> Expression<'e> {
    /// An expression that is told as it is compiled.
    pub(super) const fn new(path: &'e Path<'e>, text: &'e str) -> Self {
        Self {
            path,
            shown: text,
            text,
        }
    }
}

impl Expressions {
    /// Those of a policy.
    pub(super) fn of_policy(spec: &Tree) -> Self {
        Self {
            params: spec.has("paramKind"),
            variables: (!spec.items("variables").is_empty()).then(Vec::new),
            ..Self::default()
        }
    }

    /// What conditions may name: never variables.
    pub(super) fn conditions(&self) -> Environment {
        Environment::admission(Admission {
            params: self.params,
            authorizer: true,
            patch: false,
        })
    }

    /// What other expressions may name.
    pub(super) fn environment(&self, authorizer: bool, patch: bool) -> &Environment {
        self.made[usize::from(authorizer)][usize::from(patch)].get_or_init(|| self.make(authorizer, patch))
    }

    fn make(&self, authorizer: bool, patch: bool) -> Environment {
        let mut environment = Environment::admission(Admission {
            params: self.params,
            authorizer,
            patch,
        });
        if let Some(variables) = &self.variables {
            environment.declare_variables();
            for (name, compiled) in variables {
                environment.add_variable(name, compiled.as_ref());
            }
        }
        environment
    }

    /// Compiles a variable, which those after it may name.
    pub(super) fn add_variable(&mut self, name: &str, one: &Expression<'_>, refusals: &mut Refusals) {
        let compiled = compile(self.environment(true, false), one, refusals);
        let compiled = compiled.filter(|compiled| plan(compiled, one, refusals));
        if self.variables.is_none() {
            self.made = Default::default();
        }
        for environment in self.made.iter_mut().flatten().filter_map(OnceCell::get_mut) {
            environment.add_variable(name, compiled.as_ref());
        }
        self.variables.get_or_insert_default().push((name.to_owned(), compiled));
    }
}

/// Compiles an expression that must come to one of some types.
pub(super) fn check(environment: &Environment, one: &Expression<'_>, wanted: &[Type], refusals: &mut Refusals) {
    let Some(compiled) = compile(environment, one, refusals) else {
        return;
    };
    let found = compiled.output();
    if wanted.contains(found) {
        plan(&compiled, one, refusals);
        return;
    }
    let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    let detail = match names.as_slice() {
        [name] => format!("must evaluate to {name} but got {found}"),
        names => format!("must evaluate to one of [{}] but got {found}", names.join(" ")),
    };
    refusals.invalid(one.path, one.shown, &detail);
}

fn compile(environment: &Environment, one: &Expression<'_>, refusals: &mut Refusals) -> Option<Compiled> {
    match environment.compile(one.text) {
        Ok(compiled) => Some(compiled),
        Err(wrong) => {
            refusals.invalid(one.path, one.shown, &format!("compilation failed: {wrong}"));
            None
        }
    }
}

/// Whether a program can be made of an expression; that it cannot is no fault of its form, as upstream sees it.
fn plan(compiled: &Compiled, one: &Expression<'_>, refusals: &mut Refusals) -> bool {
    let fault = compiled.fault();
    if let Some(fault) = &fault {
        refusals.internal(one.path, &format!("program instantiation failed: {fault}"));
    }
    fault.is_none()
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_cel::Type;

    use super::{Expression, Expressions, check};
    use crate::trial::tree;

    #[test]
    fn each_of_many_variables_may_name_those_before_it() {
        let (path, mut refusals) = (Path::root(), Refusals::new());
        let mut expressions = Expressions::of_policy(&tree(r#"{"variables":[{}]}"#));
        expressions.add_variable("v0", &Expression::new(&path, "1"), &mut refusals);
        for at in 1..8_000 {
            let text = format!("variables.v{} + 1", at - 1);
            expressions.add_variable(&format!("v{at}"), &Expression::new(&path, &text), &mut refusals);
        }
        for authorizer in [true, false] {
            let environment = expressions.environment(authorizer, false);
            let last = Expression::new(&path, "variables.v7999");
            check(environment, &last, &[Type::Int], &mut refusals);
        }
        assert!(refusals.is_empty(), "{refusals}");
        let next = Expression::new(&path, "variables.v8000");
        check(expressions.environment(true, false), &next, &[Type::Int], &mut refusals);
        assert_eq!(refusals.len(), 1);
    }
}
