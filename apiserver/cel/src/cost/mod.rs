//! What an expression may cost at the most, before it ever ran.
//!
//! Whether a rule may be written depends on these figures, so they are upstream's to the last unit.

mod call;
mod library;
mod range;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use self::range::Range;
use crate::ast::{Comprehension, Expr, Id, Literal};
use crate::check::Checked;
use crate::declared::Declared;
use crate::types::Type;

const LIST: u64 = 10;
const MAP: u64 = 30;
const STRUCT: u64 = 40;

/// The sizes of keys and values of a list or a map.
#[derive(Clone, Copy, Debug)]
struct EntrySize {
    key: Range,
    value: Range,
}

impl EntrySize {
    fn union(self, other: Option<Self>) -> Self {
        other.map_or(self, |other| Self {
            key: self.key.union(other.key),
            value: self.value.union(other.value),
        })
    }
}

/// A variable of a fold: where its values come from and how large they are.
struct Local {
    name: String,
    path: Vec<String>,
    size: Option<Range>,
    entry: Option<EntrySize>,
}

/// What a checked expression may cost; `declared` says how large variables are.
pub(crate) fn estimate(checked: &Checked, declared: &BTreeMap<String, Declared>) -> Range {
    let mut coster = Coster {
        checked,
        declared,
        paths: HashMap::new(),
        locals: Vec::new(),
        sizes: HashMap::new(),
        entries: HashMap::new(),
    };
    coster.cost(checked.root)
}

struct Coster<'c> {
    checked: &'c Checked,
    declared: &'c BTreeMap<String, Declared>,
    /// Where values stand: a variable, then fields, `@items`, `@keys` and `@values`.
    paths: HashMap<Id, Vec<String>>,
    locals: Vec<Local>,
    sizes: HashMap<Id, Range>,
    entries: HashMap<Id, EntrySize>,
}

impl Coster<'_> {
    fn cost(&mut self, id: Id) -> Range {
        let checked = self.checked;
        match checked.ast.expr(id) {
            Expr::Missing | Expr::Literal(_) => Range::ZERO,
            Expr::Ident(name) => self.ident(id, name),
            Expr::Select { operand, field, test } => match checked.name(id) {
                Some(name) => self.ident(id, name),
                None => self.select(id, *operand, field, *test),
            },
            Expr::Call {
                function,
                target,
                arguments,
            } => self.call(id, function, *target, arguments),
            Expr::List { elements, .. } => {
                let sum = self.sum(elements);
                let value = self.union_sizes(elements);
                let key = Range::ONE;
                self.entries.insert(id, EntrySize { key, value });
                sum.add(Range::fixed(LIST))
            }
            Expr::Map(entries) => {
                let keys: Vec<Id> = entries.iter().map(|one| one.key).collect();
                let values: Vec<Id> = entries.iter().map(|one| one.value).collect();
                let sum = self.sum(&keys).add(self.sum(&values));
                let (key, value) = (self.union_sizes(&keys), self.union_sizes(&values));
                self.entries.insert(id, EntrySize { key, value });
                sum.add(Range::fixed(MAP))
            }
            Expr::Struct { fields, .. } => {
                let values: Vec<Id> = fields.iter().map(|one| one.value).collect();
                self.sum(&values).add(Range::fixed(STRUCT))
            }
            Expr::Comprehension(fold) => self.fold(id, fold),
        }
    }

    fn sum(&mut self, parts: &[Id]) -> Range {
        parts.iter().fold(Range::ZERO, |sum, one| sum.add(self.cost(*one)))
    }

    fn union_sizes(&mut self, parts: &[Id]) -> Range {
        let start = Range::new(if parts.is_empty() { 0 } else { u64::MAX }, 0);
        parts.iter().fold(start, |all, one| all.union(self.size(*one)))
    }

    fn ident(&mut self, id: Id, name: &str) -> Range {
        let local = self.locals.iter().rev().find(|one| one.name == name);
        let path = local.map_or_else(|| vec![name.to_owned()], |one| one.path.clone());
        self.paths.insert(id, path);
        Range::ONE
    }

    fn select(&mut self, id: Id, operand: Id, field: &str, test: bool) -> Range {
        // A test for a field costs nothing, nor does what leads to it.
        if test {
            return Range::ZERO;
        }
        let mut sum = self.cost(operand);
        if matches!(self.checked.of(operand), Type::Map(_) | Type::Struct(_)) {
            sum = sum.add(Range::ONE);
        }
        let path = self.path(operand, field);
        self.paths.insert(id, path);
        sum
    }

    /// The path of a part of some value.
    fn path(&self, of: Id, part: &str) -> Vec<String> {
        let mut path = self.paths.get(&of).cloned().unwrap_or_default();
        path.push(part.to_owned());
        path
    }

    fn fold(&mut self, id: Id, fold: &Comprehension) -> Range {
        let mut sum = self.cost(fold.range).add(self.cost(fold.initial));
        let outer = self.locals.len();
        let accumulator = Local {
            name: fold.accumulator.clone(),
            path: self.paths.get(&fold.initial).cloned().unwrap_or_default(),
            size: self.known_size(fold.initial),
            entry: self.entry_size(fold.initial),
        };
        self.locals.push(accumulator);
        let inner = self.locals.len();
        self.open_variables(fold);
        let each = self.cost(fold.condition).add(self.cost(fold.step));
        self.locals.truncate(inner);
        sum = sum.add(self.cost(fold.result));
        self.locals.truncate(outer);
        let count = self.size(fold.range);
        sum = sum.add(count.times(each));
        match self.checked.ast.expr(fold.initial) {
            Expr::Literal(_) => {
                if let Some(size) = self.known_size(fold.initial) {
                    self.sizes.insert(id, size);
                }
            }
            Expr::List { .. } | Expr::Map(_) => {
                self.sizes.insert(id, count);
                if let Some(entry) = self.entry_size(fold.step) {
                    self.entries.insert(id, entry);
                }
            }
            _ => {}
        }
        sum
    }

    /// Variables that stand for keys or values of what is folded over.
    fn open_variables(&mut self, fold: &Comprehension) {
        let list = matches!(self.checked.of(fold.range), Type::List(_));
        let entry = self.entry_size(fold.range);
        let key = entry.map(|one| one.key);
        let value = entry.map(|one| one.value);
        let (first, second) = match (list, &fold.second) {
            (true, Some(_)) => (("@indices", key), Some(("@items", value))),
            (true, None) => (("@items", value), None),
            (false, Some(_)) => (("@keys", key), Some(("@values", value))),
            (false, None) => (("@keys", key), None),
        };
        let names = std::iter::once(&fold.variable).chain(&fold.second);
        for (name, (part, size)) in names.zip(std::iter::once(first).chain(second)) {
            let path = self.path(fold.range, part);
            self.locals.push(Local {
                name: name.clone(),
                path,
                size,
                entry: None,
            });
        }
    }

    /// The size of a value, or that it may have any.
    fn size(&mut self, id: Id) -> Range {
        self.known_size(id).unwrap_or(Range::UNKNOWN)
    }

    fn known_size(&mut self, id: Id) -> Option<Range> {
        if let Some(size) = self.sizes.get(&id) {
            return Some(*size);
        }
        let written = match self.checked.ast.expr(id) {
            Expr::Literal(Literal::String(text)) => Some(text.chars().count() as u64),
            Expr::Literal(Literal::Bytes(bytes)) => Some(bytes.len() as u64),
            Expr::Literal(_) => Some(1),
            Expr::List { elements, .. } => Some(elements.len() as u64),
            Expr::Map(entries) => Some(entries.len() as u64),
            _ => None,
        };
        if let Some(size) = written {
            return Some(Range::fixed(size));
        }
        if let Some(max) = self.paths.get(&id).and_then(|path| self.declared_size(path)) {
            let size = Range::new(0, max);
            self.sizes.insert(id, size);
            return Some(size);
        }
        if is_scalar(self.checked.of(id)) {
            return Some(Range::ONE);
        }
        match self.checked.ast.expr(id) {
            Expr::Ident(name) => self.locals.iter().rev().find(|one| one.name == *name)?.size,
            _ => None,
        }
    }

    /// The most elements or characters of what stands at a path.
    fn declared_size(&self, path: &[String]) -> Option<u64> {
        let (root, parts) = path.split_first()?;
        self.declared.get(root)?.at(parts).map(|one| one.max)
    }

    fn entry_size(&self, id: Id) -> Option<EntrySize> {
        if let Some(entry) = self.entries.get(&id) {
            return Some(*entry);
        }
        match self.checked.ast.expr(id) {
            Expr::Ident(name) => self.locals.iter().rev().find(|one| one.name == *name)?.entry,
            _ => None,
        }
    }
}

fn is_scalar(of: &Type) -> bool {
    matches!(
        of,
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint
    )
}
