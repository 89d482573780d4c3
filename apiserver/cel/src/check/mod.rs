//! Gives each part of an expression its type, or tells why it has none.

mod call;
mod format;
mod literals;
#[cfg(test)]
mod tests;
mod unify;

use self::unify::{Bindings, general};
use crate::ast::{Ast, Comprehension, Entry, Expr, Field, Id, Literal};
use crate::env::Environment;
use crate::source::{Issue, Source};
use crate::types::Type;

/// The most parts of a type: more than literals that are nested as deep as may be have.
const PARTS_MAX: usize = 512;

/// An expression with the types of its parts.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) ast: Ast,
    pub(crate) root: Id,
    types: Vec<Type>,
    /// The overloads that a call may come to.
    overloads: Vec<Vec<&'static str>>,
    /// Names that a chain of fields turned out to be.
    names: Vec<Option<String>>,
}

impl Checked {
    pub(crate) fn of(&self, id: Id) -> &Type {
        &self.types[id]
    }

    pub(crate) fn overloads(&self, id: Id) -> &[&'static str] {
        &self.overloads[id]
    }

    /// The name that a node turned out to be: a variable whose name has a dot, or a function's with one.
    pub(crate) fn name(&self, id: Id) -> Option<&str> {
        self.names[id].as_deref()
    }
}

/// Checks an expression that was read.
pub(crate) fn check(env: &Environment, source: &Source, ast: Ast, root: Id) -> Result<Checked, Vec<Issue>> {
    let count = ast.len();
    let mut checker = Checker {
        env,
        source,
        ast: &ast,
        bindings: Bindings::default(),
        scopes: Vec::new(),
        types: vec![None; count],
        overloads: vec![Vec::new(); count],
        names: vec![None; count],
        issues: Vec::new(),
    };
    checker.check(root);
    let Checker {
        bindings,
        types,
        overloads,
        names,
        issues,
        ..
    } = checker;
    if !issues.is_empty() {
        return Err(issues);
    }
    let types = types
        .into_iter()
        .map(|one| one.map_or(Type::Dyn, |one| bindings.resolve(&one, true)))
        .collect();
    let checked = Checked {
        ast,
        root,
        types,
        overloads,
        names,
    };
    let issues = literals::check(&checked, source);
    if issues.is_empty() { Ok(checked) } else { Err(issues) }
}

struct Checker<'c> {
    env: &'c Environment,
    source: &'c Source,
    ast: &'c Ast,
    bindings: Bindings,
    /// Variables of the folds that are open, innermost last.
    scopes: Vec<(String, Type)>,
    types: Vec<Option<Type>>,
    overloads: Vec<Vec<&'static str>>,
    names: Vec<Option<String>>,
    issues: Vec<Issue>,
}

impl Checker<'_> {
    fn issue(&mut self, at: usize, message: String) {
        self.issues.push(Issue {
            location: self.source.location(at),
            message,
        });
    }

    fn issue_at(&mut self, id: Id, message: String) {
        self.issue(self.ast.at(id), message);
    }

    fn get(&self, id: Id) -> Type {
        self.types[id].clone().unwrap_or(Type::Error)
    }

    /// Notes the type of a node. One that is made of too many parts is refused: types that are made of one another twice
    /// over grow without bounds, and upstream has none.
    fn set(&mut self, id: Id, of: Type) {
        if !of.is_simple() && self.bindings.weight(&of, PARTS_MAX) > PARTS_MAX {
            self.types[id] = Some(Type::Error);
            return self.issue_at(id, format!("type has more than {PARTS_MAX} parts"));
        }
        self.types[id] = Some(of);
    }

    fn undeclared(&mut self, id: Id, name: &str) {
        self.issue_at(id, format!("undeclared reference to '{name}' (in container '')"));
        self.set(id, Type::Error);
    }

    fn mismatch(&mut self, id: Id, wanted: &Type, found: &Type) {
        let message = format!("expected type '{}' but found '{}'", wanted.format(), found.format());
        self.issue_at(id, message);
    }

    fn check(&mut self, id: Id) {
        let ast = self.ast;
        match ast.expr(id) {
            Expr::Missing => self.set(id, Type::Error),
            Expr::Literal(value) => {
                let of = match value {
                    Literal::Null => Type::Null,
                    Literal::Bool(_) => Type::Bool,
                    Literal::Int(_) => Type::Int,
                    Literal::Uint(_) => Type::Uint,
                    Literal::Double(_) => Type::Double,
                    Literal::String(_) => Type::String,
                    Literal::Bytes(_) => Type::Bytes,
                };
                self.set(id, of);
            }
            Expr::Ident(name) => match self.lookup(name) {
                Some(of) => self.set(id, of),
                None => self.undeclared(id, name),
            },
            Expr::Select { operand, field, test } => self.select(id, *operand, field, *test),
            Expr::Call {
                function,
                target,
                arguments,
            } => self.call(id, function, *target, arguments),
            Expr::List { elements, optional } => self.list(id, elements, optional),
            Expr::Map(entries) => self.map(id, entries),
            Expr::Struct { name, fields } => self.object(id, name, fields),
            Expr::Comprehension(fold) => self.fold(id, fold),
        }
    }

    /// The type of what a name stands for: a variable of a fold, one of the environment, or a type.
    fn lookup(&self, name: &str) -> Option<Type> {
        let name = name.trim_start_matches('.');
        let inner = self.scopes.iter().rev().find(|(one, _)| one == name);
        inner.map(|(_, of)| of.clone()).or_else(|| self.env.ident(name))
    }

    fn select(&mut self, id: Id, operand: Id, field: &str, test: bool) {
        if !test
            && let Some(name) = self.ast.qualified(id)
            && let Some(of) = self.lookup(&name)
        {
            self.names[id] = Some(name);
            self.set(id, of);
            return;
        }
        let of = self.field(id, operand, field, false);
        let of = if test {
            Type::Bool
        } else {
            self.bindings.resolve(&of, false)
        };
        self.set(id, of);
    }

    /// The type of a field of some operand.
    fn field(&mut self, id: Id, operand: Id, field: &str, optional: bool) -> Type {
        self.check(operand);
        let operand = self.bindings.resolve(&self.get(operand), false);
        let held = operand.held().cloned();
        let optional = optional || held.is_some();
        let target = held.unwrap_or(operand);
        let result = match &target {
            Type::Map(both) => both.1.clone(),
            Type::Struct(name) => self.field_of(self.ast.at(id), name, field).unwrap_or(Type::Error),
            Type::Var(_) => {
                self.bindings.assignable(&Type::Dyn, &target);
                Type::Dyn
            }
            other => {
                if !other.is_dyn_or_error() {
                    let message = format!("type '{}' does not support field selection", other.format());
                    self.issue_at(id, message);
                }
                Type::Dyn
            }
        };
        if optional { Type::optional(result) } else { result }
    }

    /// The type of a field of an object; what is not there is told at a place.
    fn field_of(&mut self, at: usize, object: &str, field: &str) -> Option<Type> {
        let Some(fields) = self.env.object(object) else {
            self.issue(at, format!("unexpected failed resolution of '{object}'"));
            return None;
        };
        let found = fields.get(field);
        if found.is_none() {
            self.issue(at, format!("undefined field '{field}'"));
        }
        found
    }

    /// What an optional element holds; it must be an optional then.
    fn unwrapped(&mut self, id: Id, optional: bool) -> Type {
        let of = self.get(id);
        if !optional {
            return of;
        }
        if let Some(held) = of.held() {
            return held.clone();
        }
        if !of.is_dyn() {
            self.mismatch(id, &Type::optional(of.clone()), &of);
        }
        of
    }

    fn join(&mut self, id: Id, before: Option<Type>, of: Type) -> Type {
        let Some(before) = before else {
            return of;
        };
        if self.bindings.assignable(&before, &of) {
            return general(&before, &of);
        }
        self.mismatch(id, &before, &of);
        Type::Error
    }

    fn list(&mut self, id: Id, elements: &[Id], optional: &[usize]) {
        let mut joined = None;
        for (index, element) in elements.iter().enumerate() {
            self.check(*element);
            let of = self.unwrapped(*element, optional.contains(&index));
            joined = Some(self.join(*element, joined, of));
        }
        let of = joined.unwrap_or_else(|| self.bindings.open());
        self.set(id, Type::list(of));
    }

    fn map(&mut self, id: Id, entries: &[Entry]) {
        let (mut keys, mut values) = (None, None);
        for entry in entries {
            self.check(entry.key);
            keys = Some(self.join(entry.key, keys, self.get(entry.key)));
            self.check(entry.value);
            let of = self.unwrapped(entry.value, entry.optional);
            values = Some(self.join(entry.value, values, of));
        }
        let keys = keys.unwrap_or_else(|| self.bindings.open());
        let values = values.unwrap_or_else(|| self.bindings.open());
        self.set(id, Type::map(keys, values));
    }

    fn object(&mut self, id: Id, name: &str, fields: &[Field]) {
        let mut made = Type::Error;
        match self.lookup(name) {
            None => return self.undeclared(id, name),
            Some(Type::Type(Some(of))) if matches!(*of, Type::Struct(_)) => made = (*of).clone(),
            Some(Type::Type(of)) => {
                let name = of.map_or_else(|| "type".to_owned(), |of| of.base());
                self.issue_at(id, format!("'{name}' is not a message type"));
            }
            Some(Type::Error) => {}
            Some(other) => {
                let message = format!("'{}' is not a type", other.base());
                self.issue_at(id, message);
            }
        }
        self.set(id, made.clone());
        for field in fields {
            self.check(field.value);
            let wanted = match &made {
                Type::Struct(name) => self.field_of(field.at, name, &field.name).unwrap_or(Type::Error),
                _ => Type::Error,
            };
            let of = self.unwrapped(field.value, field.optional);
            if !self.bindings.assignable(&wanted, &of) {
                let message = format!(
                    "expected type of field '{}' is '{}' but provided type is '{}'",
                    field.name,
                    wanted.format(),
                    of.format()
                );
                self.issue(field.at, message);
            }
        }
    }

    fn fold(&mut self, id: Id, fold: &Comprehension) {
        self.check(fold.range);
        self.check(fold.initial);
        let range = self.bindings.resolve(&self.get(fold.range), false);
        let collected = self.get(fold.initial);
        let outer = self.scopes.len();
        self.scopes.push((fold.accumulator.clone(), collected.clone()));
        let (first, second) = match &range {
            Type::List(of) if fold.second.is_some() => (Type::Int, (**of).clone()),
            Type::List(of) => ((**of).clone(), Type::Error),
            Type::Map(both) => (both.0.clone(), both.1.clone()),
            Type::Dyn | Type::Error | Type::Var(_) => {
                self.bindings.assignable(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let message = format!(
                    "expression of type '{}' cannot be range of a comprehension (must be list, map, or dynamic)",
                    other.format()
                );
                self.issue_at(fold.range, message);
                (Type::Error, Type::Error)
            }
        };
        let inner = self.scopes.len();
        self.scopes.push((fold.variable.clone(), first));
        if let Some(name) = &fold.second {
            self.scopes.push((name.clone(), second));
        }
        self.check(fold.condition);
        self.assert(fold.condition, &Type::Bool);
        self.check(fold.step);
        self.assert(fold.step, &collected);
        self.scopes.truncate(inner);
        self.check(fold.result);
        self.scopes.truncate(outer);
        let of = self.bindings.resolve(&self.get(fold.result), false);
        self.set(id, of);
    }

    fn assert(&mut self, id: Id, wanted: &Type) {
        let of = self.get(id);
        if !self.bindings.assignable(wanted, &of) {
            self.mismatch(id, wanted, &of);
        }
    }
}
