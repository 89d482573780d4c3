//! What is checked of expressions that have their types: literals of times and patterns, mixed lists, formats.

use super::{Checked, format};
use crate::ast::{Expr, Id, Literal};
use crate::go_regex;
use crate::plan::is_time;
use crate::source::{Issue, Source};
use apiserver_api::time::{Duration, Time};

/// All that is wrong, in upstream's order of looking.
pub(super) fn check(checked: &Checked, source: &Source) -> Vec<Issue> {
    let mut look = Look {
        checked,
        source,
        issues: Vec::new(),
    };
    let parts = parts(checked);
    for function in ["duration", "timestamp", "matches"] {
        for (id, _) in &parts {
            look.argument(*id, function);
        }
    }
    let literals = parts.iter().filter(|(_, formatted)| !formatted).map(|(id, _)| *id);
    for id in literals.clone() {
        if let Expr::List { elements, optional } = checked.ast.expr(id) {
            look.list(elements, optional);
        }
    }
    for id in literals {
        if let Expr::Map(entries) = checked.ast.expr(id) {
            let keys: Vec<_> = entries.iter().map(|one| (one.key, false)).collect();
            let values: Vec<_> = entries.iter().map(|one| (one.value, one.optional)).collect();
            look.alike(&keys, true);
            look.alike(&values, true);
        }
    }
    for (id, _) in &parts {
        if let Some((at, message)) = format::check(checked, *id) {
            look.issue(at, message);
        }
    }
    look.issues
}

/// All parts of an expression, each once, and whether it is within a call of `format`, where types may be mixed.
fn parts(checked: &Checked) -> Vec<(Id, bool)> {
    let mut seen = vec![false; checked.ast.len()];
    let mut parts = Vec::new();
    let mut next = vec![(checked.root, false)];
    while let Some((id, formatted)) = next.pop() {
        if std::mem::replace(&mut seen[id], true) {
            continue;
        }
        parts.push((id, formatted));
        let expr = checked.ast.expr(id);
        let formatted = formatted || matches!(expr, Expr::Call { function, .. } if function == "format");
        next.extend(expr.children().into_iter().rev().map(|one| (one, formatted)));
    }
    parts
}

struct Look<'c> {
    checked: &'c Checked,
    source: &'c Source,
    issues: Vec<Issue>,
}

impl Look<'_> {
    fn issue(&mut self, id: Id, message: String) {
        self.issues.push(Issue {
            location: self.source.location(self.checked.ast.at(id)),
            message,
        });
    }

    /// A literal as the first argument of a function that reads it.
    fn argument(&mut self, id: Id, wanted: &str) {
        let Expr::Call {
            function, arguments, ..
        } = self.checked.ast.expr(id)
        else {
            return;
        };
        let Some(first) = arguments.first().filter(|_| function == wanted) else {
            return;
        };
        let right = match (wanted, self.checked.ast.expr(*first)) {
            ("duration", Expr::Literal(Literal::String(text))) => Duration::parse(text).is_ok(),
            ("timestamp", Expr::Literal(Literal::String(text))) => Time::parse(text).is_ok(),
            ("timestamp", Expr::Literal(Literal::Int(seconds))) => is_time(*seconds),
            ("matches", Expr::Literal(Literal::String(text))) => go_regex::wrong(text).is_none(),
            _ => true,
        };
        if !right {
            self.issue(*first, format!("invalid {wanted} argument"));
        }
    }

    fn list(&mut self, elements: &[Id], optional: &[usize]) {
        let listed: Vec<_> = elements
            .iter()
            .enumerate()
            .map(|(at, one)| (*one, optional.contains(&at)))
            .collect();
        self.alike(&listed, false);
    }

    /// That parts have one type; of a map's parts each other one is told, of a list's the first.
    fn alike(&mut self, parts: &[(Id, bool)], all: bool) {
        let of = |(id, optional): (Id, bool)| {
            let of = self.checked.of(id);
            of.held().filter(|_| optional).unwrap_or(of).clone()
        };
        let Some(first) = parts.first().map(|one| of(*one)) else {
            return;
        };
        let others: Vec<_> = parts
            .iter()
            .map(|one| (one.0, of(*one)))
            .filter(|(_, of)| *of != first)
            .take(if all { usize::MAX } else { 1 })
            .collect();
        for (id, found) in others {
            self.issue(
                id,
                format!("expected type '{}' but found '{}'", first.format(), found.format()),
            );
        }
    }
}
