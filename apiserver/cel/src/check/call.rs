//! Which forms of a function fit a call.

use super::Checker;
use crate::ast::{Expr, Id, Literal, operator};
use crate::env::functions::Overload;
use crate::types::Type;

impl Checker<'_> {
    pub(super) fn call(&mut self, id: Id, function: &str, target: Option<Id>, arguments: &[Id]) {
        if function == operator::OPTIONAL_SELECT
            && let [operand, field] = arguments
            && let Expr::Literal(Literal::String(field)) = self.ast.expr(*field)
        {
            let of = self.field(id, *operand, field, true);
            let of = self.bindings.resolve(&of, false);
            self.overloads[id] = vec!["select_optional_field"];
            return self.set(id, of);
        }
        for argument in arguments {
            self.check(*argument);
        }
        let Some(target) = target else {
            let name = function.trim_start_matches('.');
            return match self.env.function(name) {
                Some(overloads) => self.resolve(id, name, overloads, None, arguments),
                None => self.undeclared(id, function),
            };
        };
        // `a.b.c()` is a function of that name, or else `c` of `a.b`.
        if let Some(prefix) = self.ast.qualified(target) {
            let name = format!("{}.{function}", prefix.trim_start_matches('.'));
            if let Some(overloads) = self.env.function(&name) {
                self.resolve(id, &name, overloads, None, arguments);
                self.names[id] = Some(name);
                return;
            }
        }
        self.check(target);
        match self.env.function(function) {
            Some(overloads) => self.resolve(id, function, overloads, Some(target), arguments),
            None => self.undeclared(id, function),
        }
    }

    fn resolve(&mut self, id: Id, name: &str, overloads: &[Overload], target: Option<Id>, arguments: &[Id]) {
        let found: Vec<Type> = target.iter().chain(arguments).map(|one| self.get(*one)).collect();
        if matches!(name, operator::AND | operator::OR) {
            return self.logic(id, overloads, arguments, &found);
        }
        let mut result: Option<Type> = None;
        for overload in overloads.iter().filter(|one| one.member == target.is_some()) {
            let mut open = Vec::new();
            let wanted: Vec<Type> = overload
                .arguments
                .iter()
                .map(|one| self.instance(one, &mut open))
                .collect();
            let given = self.instance(&overload.result, &mut open);
            if !self.bindings.assignable_all(&found, &wanted) {
                continue;
            }
            self.overloads[id].push(overload.id);
            let given = self.bindings.resolve(&given, false);
            result = match result {
                Some(before) if !before.is_dyn() && before != given => Some(Type::Dyn),
                Some(before) => Some(before),
                None => Some(given),
            };
        }
        if let Some(of) = result {
            return self.set(id, of);
        }
        let mut shown = found.iter().map(|one| self.bindings.resolve(one, true).format());
        let before = target
            .and_then(|_| shown.next())
            .map_or_else(String::new, |one| one + ".");
        let signature = format!("{before}({})", shown.collect::<Vec<_>>().join(", "));
        self.issue_at(
            id,
            format!("found no matching overload for '{name}' applied to '{signature}'"),
        );
        self.set(id, Type::Error);
    }

    /// `&&` and `||` tell each side that is no truth value.
    fn logic(&mut self, id: Id, overloads: &[Overload], arguments: &[Id], found: &[Type]) {
        let mut result = Type::Bool;
        for (argument, of) in arguments.iter().zip(found) {
            if !self.bindings.assignable(of, &Type::Bool) {
                self.mismatch(*argument, &Type::Bool, of);
                result = Type::Error;
            }
        }
        self.overloads[id] = overloads.iter().map(|one| one.id).collect();
        self.set(id, result);
    }

    /// A type of a declaration with its open types made new for one call.
    fn instance(&mut self, of: &Type, open: &mut Vec<(char, Type)>) -> Type {
        if let Type::Param(name) = of {
            if let Some((_, known)) = open.iter().find(|(one, _)| one == name) {
                return known.clone();
            }
            let new = self.bindings.open();
            open.push((*name, new.clone()));
            return new;
        }
        of.with(|one| self.instance(one, open))
    }
}
