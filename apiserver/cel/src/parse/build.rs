//! Makes the nodes of what was read.

use super::stream::{DEPTH_MAX, Place, Stop};
use super::token::{Kind, Set, Token};
use super::{COMMA, EXPR, LITERAL, NAME, Parser, QUESTION, Rule, literal, one};
use crate::ast::{Entry, Expr, Field, Id, Literal, operator};
use crate::source::Issue;

/// The function that an operator between two values stands for.
pub(super) fn operator_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Equals => operator::EQUALS,
        Kind::NotEquals => "_!=_",
        Kind::In => "@in",
        Kind::Less => "_<_",
        Kind::LessEquals => "_<=_",
        Kind::GreaterEquals => "_>=_",
        Kind::Greater => "_>_",
        Kind::Minus => "_-_",
        Kind::Star => "_*_",
        Kind::Slash => "_/_",
        Kind::Percent => "_%_",
        _ => operator::ADD,
    }
}

impl Parser<'_> {
    pub(super) fn text(&self, token: Token) -> String {
        self.stream.source.slice(token.start, token.end)
    }

    /// Adds a node. What is deeper than upstream goes is left out, and told at the end.
    pub(super) fn add(&mut self, at: usize, expr: Expr) -> Id {
        let own = match &expr {
            Expr::Select { .. } => 1,
            Expr::Call { function, target, .. } => usize::from(target.is_some() || counted(function)),
            _ => 0,
        };
        let below = expr
            .children()
            .into_iter()
            .map(|one| self.depths[one])
            .max()
            .unwrap_or(0);
        let depth = below + own;
        if depth > DEPTH_MAX {
            self.too_deep = true;
            return self.missing();
        }
        self.depths.push(depth);
        self.ast.add(at, expr)
    }

    pub(super) fn missing(&mut self) -> Id {
        self.depths.push(0);
        self.ast.add(0, Expr::Missing)
    }

    /// Tells what is wrong at a place.
    pub(super) fn fault(&mut self, at: usize, message: String) -> Id {
        self.faults.push(Issue {
            location: self.stream.source.location(at),
            message,
        });
        self.missing()
    }

    pub(super) fn call(&mut self, at: usize, function: &str, target: Option<Id>, arguments: Vec<Id>) -> Id {
        self.add(
            at,
            Expr::Call {
                function: function.to_owned(),
                target,
                arguments,
            },
        )
    }

    /// Terms that one operator joins, as a tree with both sides alike.
    pub(super) fn balanced(&mut self, function: &str, terms: &[Id], marks: &[usize]) -> Id {
        if marks.is_empty() {
            return terms[0];
        }
        let middle = marks.len() / 2;
        let left = self.balanced(function, &terms[..=middle], &marks[..middle]);
        let right = self.balanced(function, &terms[middle + 1..], &marks[middle + 1..]);
        self.call(marks[middle], function, None, vec![left, right])
    }

    pub(super) fn select(&mut self, at: usize, operand: Id, name: Option<Token>, optional: bool) -> Id {
        let Some(name) = name else {
            return self.missing();
        };
        let field = self.field_name(name);
        if !optional {
            return self.add(
                at,
                Expr::Select {
                    operand,
                    field,
                    test: false,
                },
            );
        }
        let field = self.add(name.start, Expr::Literal(Literal::String(field)));
        self.call(at, operator::OPTIONAL_SELECT, None, vec![operand, field])
    }

    /// The name of a field. Names in backticks are not switched on in Kubernetes.
    fn field_name(&mut self, name: Token) -> String {
        if name.kind == Kind::EscapedIdentifier {
            self.fault(name.start, "unsupported syntax: '`'".to_owned());
        }
        self.text(name)
    }

    pub(super) fn make_list(&mut self, at: usize, elements: &[(Id, bool)]) -> Id {
        let optional = (0..elements.len()).filter(|one| elements[*one].1).collect();
        let elements = elements.iter().map(|one| one.0).collect();
        self.add(at, Expr::List { elements, optional })
    }

    pub(super) fn entry(&mut self, colon: u16) -> Result<Entry, Stop> {
        let (key, optional) = self.optional(one(Kind::Colon))?;
        self.stream.expect(colon, Kind::Colon, EXPR)?;
        let value = self.expr(COMMA.and(Set::END))?;
        Ok(Entry { key, value, optional })
    }

    pub(super) fn field(&mut self, colon: u16) -> Result<Field, Stop> {
        self.enter(Rule::Other, one(Kind::Colon))?;
        let read = self.field_start();
        let read = self.leave(Rule::Other, read)?;
        let colon = self.stream.expect(colon, Kind::Colon, EXPR)?;
        let (name, optional) = read.unwrap_or((None, false));
        let name = name.map_or_else(String::new, |one| self.field_name(one));
        let value = self.expr(COMMA.and(Set::END))?;
        Ok(Field {
            name,
            value,
            optional,
            at: colon.start,
        })
    }

    fn field_start(&mut self) -> Result<(Option<Token>, bool), Stop> {
        self.stream.sync(216, NAME.and(QUESTION), Place::Block)?;
        let optional = self.stream.kind() == Kind::Question;
        if optional {
            self.stream.take();
        }
        Ok((self.name(Set::END)?, optional))
    }

    pub(super) fn literal(&mut self) -> Result<Id, Stop> {
        self.enter(Rule::Other, Set::END)?;
        let read = self.literal_body();
        self.leave_node(Rule::Other, read)
    }

    fn literal_body(&mut self) -> Result<Id, Stop> {
        self.stream.sync(256, LITERAL, Place::Block)?;
        let first = self.stream.token();
        if first.kind == Kind::Minus && !matches!(self.stream.kind_ahead(1), Kind::Int | Kind::Float) {
            return Err(self.stream.no_alternative(1));
        }
        if !LITERAL.has(first.kind) {
            return Err(self.stream.no_alternative(0));
        }
        let negative = first.kind == Kind::Minus;
        if negative {
            self.stream.take();
        }
        let token = self.stream.take();
        let text = self.text(token);
        match literal::read(token.kind, &text, negative) {
            Ok(value) => Ok(self.add(first.start, Expr::Literal(value))),
            Err(wrong) => Ok(self.fault(first.start, wrong)),
        }
    }
}

/// Operators that upstream's depth counts.
fn counted(function: &str) -> bool {
    !matches!(
        function,
        operator::AND | operator::OR | operator::NOT | operator::NEGATE
    ) && (function.starts_with('_') || function == "@in")
}
