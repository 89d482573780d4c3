//! What calls cost.

use super::range::{PATTERN, Range};
use super::{Coster, LIST, library};
use crate::ast::Id;
use crate::types::Type;

/// What a call costs besides its arguments, and how large its result is.
pub(super) struct Estimate {
    pub(super) cost: Range,
    pub(super) size: Option<Range>,
}

impl Estimate {
    pub(super) const fn of(cost: Range) -> Self {
        Self { cost, size: None }
    }

    pub(super) const fn sized(cost: Range, size: Range) -> Self {
        Self { cost, size: Some(size) }
    }
}

/// One form of a function as it is called.
pub(super) struct Called<'c> {
    pub(super) function: &'c str,
    pub(super) overload: &'c str,
    pub(super) target: Option<Id>,
    pub(super) arguments: &'c [Id],
}

impl Coster<'_> {
    pub(super) fn call(&mut self, id: Id, function: &str, target: Option<Id>, arguments: &[Id]) -> Range {
        if function == "dyn"
            && let [argument] = arguments
        {
            let cost = self.cost(*argument);
            self.copy_sizes(id, *argument);
            return cost.add(Range::ONE);
        }
        // A function whose name has a dot has no target.
        let checked = self.checked;
        let (function, target) = match checked.name(id) {
            Some(name) => (name, None),
            None => (function, target),
        };
        let costs: Vec<Range> = arguments.iter().map(|one| self.cost(*one)).collect();
        if checked.overloads(id).is_empty() {
            return Range::ZERO;
        }
        let before = target.map_or(Range::ZERO, |target| self.cost(target));
        let mut all = Range::new(u64::MAX, 0);
        let mut size: Option<Range> = None;
        for overload in checked.overloads(id) {
            let called = Called {
                function,
                overload,
                target,
                arguments,
            };
            let estimate = self.overload(id, &called, &costs);
            all = all.union(estimate.cost);
            if let Some(one) = estimate.size {
                size = Some(size.map_or(one, |before| before.union(one)));
            }
            let part = match *overload {
                "index_list" => "@items",
                "index_map" => "@values",
                _ => "",
            };
            if let (false, Some(first)) = (part.is_empty(), arguments.first()) {
                size = self.entry_size(*first).map(|entry| entry.value);
                let path = self.path(*first, part);
                self.paths.insert(id, path);
            }
            if size.is_none() {
                size = self.known_size(id);
            }
        }
        if let Some(size) = size {
            self.sizes.insert(id, size);
        }
        before.add(all)
    }

    fn copy_sizes(&mut self, to: Id, from: Id) {
        if let Some(size) = self.known_size(from) {
            self.sizes.insert(to, size);
        }
        if let Some(entry) = self.entry_size(from) {
            self.entries.insert(to, entry);
        }
    }

    /// What one form costs with its arguments.
    fn overload(&mut self, id: Id, called: &Called<'_>, costs: &[Range]) -> Estimate {
        let sum = costs.iter().fold(Range::ZERO, |sum, one| sum.add(*one));
        let estimate = self
            .lists(called)
            .or_else(|| library::estimate(self, called))
            .or_else(|| self.language(id, called));
        if let Some(estimate) = estimate {
            return Estimate {
                cost: estimate.cost.add(sum),
                ..estimate
            };
        }
        // Of these not every argument is looked at.
        match (called.overload, costs, called.arguments) {
            ("logical_or" | "logical_and", [left, right], _) => Estimate {
                cost: Range::new(left.min, left.add(*right).max),
                size: None,
            },
            ("conditional", [condition, yes, no], [_, first, second]) => {
                let size = self.size(*first).union(self.size(*second));
                let entry = self.entry_size(*first);
                let other = self.entry_size(*second);
                if let Some(entry) = entry.map(|one| one.union(other)).or(other) {
                    self.entries.insert(id, entry);
                }
                Estimate {
                    cost: condition.add(yes.union(*no)),
                    size: Some(size),
                }
            }
            _ => Estimate {
                cost: sum.add(Range::ONE),
                size: None,
            },
        }
    }

    /// Functions of CEL's libraries of sets and lists.
    fn lists(&mut self, called: &Called<'_>) -> Option<Estimate> {
        let arguments = called.arguments;
        let (factor, size) = match (called.overload, called.target, arguments) {
            (
                "list_sets_contains_list" | "list_sets_intersects_list" | "list_sets_equivalent_list",
                None,
                [one, other],
            ) => {
                let twice = called.overload == "list_sets_equivalent_list";
                let size = self.size(*one).times(self.size(*other));
                return Some(Estimate::of(size.by(if twice { 2.0 } else { 1.0 }).add(Range::ONE)));
            }
            ("list_slice", Some(target), [start, end]) => {
                let most = self.size(target).max;
                let (start, end) = (self.number(*start, 0), self.number(*end, most));
                (1.0, Range::fixed(end.wrapping_sub(start)))
            }
            ("lists_range", None, [count]) => (1.0, Range::fixed(self.number(*count, u64::MAX))),
            ("list_reverse" | "list_flatten", Some(target), []) => (1.0, self.size(target)),
            ("list_distinct", Some(target), []) => (2.0, self.squared(target)),
            (sort, Some(target), []) if sort.ends_with("_sort") => (sort_factor(sort), self.squared(target)),
            (sort, Some(_), [keys]) if sort.ends_with("_sortByAssociatedKeys") => {
                (sort_factor(sort), self.squared(*keys))
            }
            _ => return None,
        };
        let cost = size.by(factor).add(Range::fixed(1 + LIST));
        Some(Estimate::sized(cost, size))
    }

    fn squared(&mut self, id: Id) -> Range {
        let size = self.size(id);
        size.times(size)
    }

    /// The value of a whole number that is written out.
    fn number(&self, id: Id, otherwise: u64) -> u64 {
        match self.checked.ast.expr(id) {
            crate::ast::Expr::Literal(crate::ast::Literal::Int(value)) => u64::try_from(*value).unwrap_or(0),
            _ => otherwise,
        }
    }

    /// Functions of the language that do not cost the same always.
    fn language(&mut self, id: Id, called: &Called<'_>) -> Option<Estimate> {
        Some(match (called.overload, called.target, called.arguments) {
            ("string_format", Some(target), _) => Estimate::of(self.size(target).walked()),
            ("string_to_bytes", None, [one]) => {
                let size = self.size(*one);
                Estimate::sized(size.walked(), Range::new(size.min, size.max.wrapping_mul(4)))
            }
            ("bytes_to_string", None, [one]) => {
                let size = self.size(*one);
                Estimate::sized(size.walked(), Range::new(size.min / 4, size.max))
            }
            ("strings_quote", None, [one]) => {
                let size = self.size(*one);
                let quoted = Range::new(size.min.wrapping_add(2), size.max.wrapping_mul(2).wrapping_add(2));
                Estimate::sized(size.walked(), quoted)
            }
            ("starts_with_string" | "ends_with_string", _, [one]) => Estimate::of(self.size(*one).walked()),
            ("in_list", None, [_, list]) => Estimate::of(self.size(*list)),
            ("matches_string", Some(target), [pattern]) => {
                let text = self.size(target).add(Range::ONE).walked();
                Estimate::of(text.times(self.size(*pattern).by(PATTERN)))
            }
            ("contains_string", Some(target), [part]) => {
                let text = self.size(target).walked();
                Estimate::of(text.times(self.size(*part).walked()))
            }
            ("add_string" | "add_bytes" | "add_list", None, [left, right]) => {
                let size = self.size(*left).add(self.size(*right));
                let (one, other) = (self.entry_size(*left), self.entry_size(*right));
                if let Some(entry) = one.map(|entry| entry.union(other)).or(other) {
                    self.entries.insert(id, entry);
                }
                let list = called.overload == "add_list";
                Estimate::sized(if list { Range::ONE } else { size.walked() }, size)
            }
            (compare, None, [left, right]) if compares(compare) => {
                let most = self.size(*left).max.min(self.size(*right).max);
                Estimate::of(Range::new(most.min(1), most).walked())
            }
            _ => return None,
        })
    }

    /// The size of the elements of a list, and their type; nothing if this is no list or map.
    pub(super) fn element(&mut self, list: Id) -> Option<(Type, Range)> {
        let of = self.checked.of(list).parameters().first().map(|one| (*one).clone())?;
        let path = self.paths.get(&list).map(|_| self.path(list, "@items"));
        let max = path.and_then(|path| self.declared_size(&path));
        Some((of, max.map_or(Range::UNKNOWN, |max| Range::new(0, max))))
    }

    pub(super) fn of(&self, id: Id) -> &Type {
        self.checked.of(id)
    }
}

fn sort_factor(overload: &str) -> f64 {
    if overload.starts_with("list_string_") || overload.starts_with("list_bytes_") {
        2.1
    } else {
        2.0
    }
}

fn compares(overload: &str) -> bool {
    matches!(
        overload,
        "less_string"
            | "greater_string"
            | "less_equals_string"
            | "greater_equals_string"
            | "less_bytes"
            | "greater_bytes"
            | "less_equals_bytes"
            | "greater_equals_bytes"
            | "equals"
            | "not_equals"
    )
}
