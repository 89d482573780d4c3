//! Calls that stand for something else: folds over lists and maps, tests for fields, bindings.

use super::Parser;
use crate::ast::{Comprehension, Expr, Id, Literal, operator};

/// The variable that a fold collects in; its name cannot be written.
const RESULT: &str = "@result";
/// Its name in older versions, which may not be taken either.
const OLD_RESULT: &str = "__result__";
/// The variable of a binding that nothing reads.
const UNUSED: &str = "#unused";

/// The most nodes of an expression whose parts are copied, far beyond what anybody writes. Upstream has no such bound.
const NODES_MAX: usize = 250_000;

/// What is wrong in a macro: where and what.
type Fault = (usize, String);
/// What a macro stands for; nothing if the call is no macro after all.
type Expanded = Result<Option<Id>, Fault>;

/// A fold apart from what it folds over.
struct Fold {
    initial: Id,
    condition: Id,
    step: Id,
    result: Id,
}

impl Parser<'_> {
    /// A call, or what it stands for.
    pub(super) fn call_or_macro(&mut self, at: usize, function: String, target: Option<Id>, arguments: Vec<Id>) -> Id {
        match self.expand(at, &function, target, &arguments) {
            Ok(Some(expanded)) => expanded,
            Ok(None) => self.call(at, &function, target, arguments),
            Err((at, message)) => self.fault(at, message),
        }
    }

    fn expand(&mut self, at: usize, function: &str, target: Option<Id>, arguments: &[Id]) -> Expanded {
        let Some(target) = target else {
            return match (function, arguments) {
                ("has", [argument]) => self.has(at, *argument).map(Some),
                _ => Ok(None),
            };
        };
        let expanded = match (function, arguments) {
            ("all" | "exists" | "exists_one" | "existsOne", [variable, test]) => {
                let name = self.variable(*variable, "argument must be a simple name")?;
                let fold = self.quantifier(at, function, *test);
                self.fold(at, target, name, None, fold)
            }
            ("all" | "exists" | "exists_one" | "existsOne", [first, second, test]) => {
                let (first, second) = self.variables(*first, *second)?;
                let fold = self.quantifier(at, function, *test);
                self.fold(at, target, first, Some(second), fold)
            }
            ("map" | "filter", [variable, value]) => {
                let name = self.variable(*variable, "argument is not an identifier")?;
                let fold = if function == "map" {
                    self.collect(at, None, *value)
                } else {
                    self.collect(at, Some(*value), *variable)
                };
                self.fold(at, target, name, None, fold)
            }
            ("map", [variable, test, value]) => {
                let name = self.variable(*variable, "argument is not an identifier")?;
                let fold = self.collect(at, Some(*test), *value);
                self.fold(at, target, name, None, fold)
            }
            ("transformList" | "transformMap" | "transformMapEntry", [first, second, rest @ ..])
                if matches!(rest.len(), 1 | 2) =>
            {
                let names = self.variables(*first, *second)?;
                self.transform(at, function, target, names, rest)
            }
            ("sortBy", [variable, key]) => self.sort_by(at, target, *variable, *key)?,
            ("optMap" | "optFlatMap", [variable, value]) => {
                self.optional_map(at, function, target, *variable, *value)?
            }
            ("bind", [variable, value, result]) if self.macros.bind && self.is_cel(target) => {
                let wrong = "cel.bind() variable names must be simple identifiers";
                let Expr::Ident(name) = self.ast.expr(*variable) else {
                    return Err((self.ast.at(*variable), wrong.to_owned()));
                };
                let name = name.clone();
                self.bind(at, name, *value, *result)
            }
            _ => return Ok(None),
        };
        Ok(Some(expanded))
    }

    fn is_cel(&self, target: Id) -> bool {
        matches!(self.ast.expr(target), Expr::Ident(name) if name == "cel")
    }

    fn has(&mut self, at: usize, argument: Id) -> Result<Id, Fault> {
        match self.ast.expr(argument) {
            Expr::Select { operand, field, .. } => {
                let (operand, field) = (*operand, field.clone());
                Ok(self.add(
                    at,
                    Expr::Select {
                        operand,
                        field,
                        test: true,
                    },
                ))
            }
            _ => Err((self.ast.at(argument), "invalid argument to has() macro".to_owned())),
        }
    }

    fn variable(&self, id: Id, wrong: &str) -> Result<String, Fault> {
        match self.ast.expr(id) {
            Expr::Ident(name) if name == RESULT || name == OLD_RESULT => Err((
                self.ast.at(id),
                "iteration variable overwrites accumulator variable".to_owned(),
            )),
            Expr::Ident(name) => Ok(name.clone()),
            _ => Err((self.ast.at(id), wrong.to_owned())),
        }
    }

    fn variables(&self, first: Id, second: Id) -> Result<(String, String), Fault> {
        let wrong = "argument must be a simple name";
        let names = (self.variable(first, wrong)?, self.variable(second, wrong)?);
        if names.0 == names.1 {
            return Err((self.ast.at(second), format!("duplicate variable name: {}", names.0)));
        }
        Ok(names)
    }

    fn value(&mut self, at: usize, value: Literal) -> Id {
        self.add(at, Expr::Literal(value))
    }

    fn ident(&mut self, at: usize, name: &str) -> Id {
        self.add(at, Expr::Ident(name.to_owned()))
    }

    fn result(&mut self, at: usize) -> Id {
        self.ident(at, RESULT)
    }

    fn fold(&mut self, at: usize, range: Id, variable: String, second: Option<String>, fold: Fold) -> Id {
        let fold = Comprehension {
            range,
            variable,
            second,
            accumulator: RESULT.to_owned(),
            initial: fold.initial,
            condition: fold.condition,
            step: fold.step,
            result: fold.result,
        };
        self.add(at, Expr::Comprehension(Box::new(fold)))
    }

    /// Whether all, some, or exactly one of the elements pass a test.
    fn quantifier(&mut self, at: usize, function: &str, test: Id) -> Fold {
        let so_far = self.result(at);
        match function {
            "all" => Fold {
                initial: self.value(at, Literal::Bool(true)),
                condition: self.call(at, operator::NOT_STRICTLY_FALSE, None, vec![so_far]),
                step: {
                    let result = self.result(at);
                    self.call(at, operator::AND, None, vec![result, test])
                },
                result: self.result(at),
            },
            "exists" => Fold {
                initial: self.value(at, Literal::Bool(false)),
                condition: {
                    let not = self.call(at, operator::NOT, None, vec![so_far]);
                    self.call(at, operator::NOT_STRICTLY_FALSE, None, vec![not])
                },
                step: {
                    let result = self.result(at);
                    self.call(at, operator::OR, None, vec![result, test])
                },
                result: self.result(at),
            },
            _ => Fold {
                initial: self.value(at, Literal::Int(0)),
                condition: self.value(at, Literal::Bool(true)),
                step: {
                    let one = self.value(at, Literal::Int(1));
                    let more = self.call(at, operator::ADD, None, vec![so_far, one]);
                    let same = self.result(at);
                    self.call(at, operator::CONDITIONAL, None, vec![test, more, same])
                },
                result: {
                    let (result, one) = (self.result(at), self.value(at, Literal::Int(1)));
                    self.call(at, operator::EQUALS, None, vec![result, one])
                },
            },
        }
    }

    /// A list of values, one for each element that passes a test.
    fn collect(&mut self, at: usize, test: Option<Id>, value: Id) -> Fold {
        let so_far = self.result(at);
        let list = self.make_list(at, &[(value, false)]);
        let step = self.call(at, operator::ADD, None, vec![so_far, list]);
        let initial = self.make_list(at, &[]);
        self.gather(at, initial, test, step)
    }

    fn gather(&mut self, at: usize, initial: Id, test: Option<Id>, mut step: Id) -> Fold {
        if let Some(test) = test {
            let same = self.result(at);
            step = self.call(at, operator::CONDITIONAL, None, vec![test, step, same]);
        }
        Fold {
            initial,
            condition: self.value(at, Literal::Bool(true)),
            step,
            result: self.result(at),
        }
    }

    fn transform(&mut self, at: usize, function: &str, target: Id, names: (String, String), rest: &[Id]) -> Id {
        let value = rest[rest.len() - 1];
        let test = (rest.len() == 2).then(|| rest[0]);
        let fold = if function == "transformList" {
            self.collect(at, test, value)
        } else {
            let mut arguments = vec![self.result(at)];
            if function == "transformMap" {
                arguments.push(self.ident(at, &names.0));
            }
            arguments.push(value);
            let step = self.call(at, "cel.@mapInsert", None, arguments);
            let initial = self.add(at, Expr::Map(Vec::new()));
            self.gather(at, initial, test, step)
        };
        self.fold(at, target, names.0, Some(names.1), fold)
    }

    /// A name for a value within an expression.
    fn bind(&mut self, at: usize, name: String, value: Id, result: Id) -> Id {
        let fold = Comprehension {
            range: self.make_list(at, &[]),
            variable: UNUSED.to_owned(),
            second: None,
            condition: self.value(at, Literal::Bool(false)),
            step: self.ident(at, &name),
            accumulator: name,
            initial: value,
            result,
        };
        self.add(at, Expr::Comprehension(Box::new(fold)))
    }

    fn sort_by(&mut self, at: usize, target: Id, variable: Id, key: Id) -> Result<Id, Fault> {
        let sortable = matches!(
            self.ast.expr(target),
            Expr::List { .. } | Expr::Select { .. } | Expr::Ident(_) | Expr::Comprehension(_) | Expr::Call { .. }
        );
        if !sortable {
            return Err((
                self.ast.at(target),
                "sortBy can only be applied to a list, identifier, comprehension, call or select expression".to_owned(),
            ));
        }
        let input = "@__sortBy_input__";
        let name = self.variable(variable, "argument is not an identifier")?;
        let fold = self.collect(at, None, key);
        let (values, again) = (self.ident(at, input), self.ident(at, input));
        let keys = self.fold(at, again, name, None, fold);
        let sorted = self.call(at, "@sortByAssociatedKeys", Some(values), vec![keys]);
        Ok(self.bind(at, input.to_owned(), target, sorted))
    }

    /// The same expression once more. Copies of copies grow without bounds, so this is where size is bounded.
    fn copy(&mut self, id: Id) -> Id {
        if self.too_large || self.ast.len() >= NODES_MAX {
            self.too_large = true;
            return id;
        }
        let at = self.ast.at(id);
        let mut expr = self.ast.expr(id).clone();
        for child in expr.children_mut() {
            *child = self.copy(*child);
        }
        self.add(at, expr)
    }

    fn optional_map(&mut self, at: usize, function: &str, target: Id, variable: Id, value: Id) -> Result<Id, Fault> {
        let Expr::Ident(name) = self.ast.expr(variable) else {
            return Err((
                self.ast.at(variable),
                format!("{function}() variable name must be a simple identifier"),
            ));
        };
        let name = name.clone();
        let there = self.call(at, "hasValue", Some(target), Vec::new());
        let again = self.copy(target);
        let held = self.call(at, "value", Some(again), Vec::new());
        let mut mapped = self.bind(at, name, held, value);
        if function == "optMap" {
            mapped = self.call(at, "optional.of", None, vec![mapped]);
        }
        let none = self.call(at, "optional.none", None, Vec::new());
        Ok(self.call(at, operator::CONDITIONAL, None, vec![there, mapped, none]))
    }
}
