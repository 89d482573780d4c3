//! Reads the text of an expression.
//!
//! The grammar and the mending of errors are upstream's, step by step, because messages of syntax errors tell where in
//! the grammar reading stood. Numbers in calls of `sync` and `expect` are the states of upstream's generated parser.

mod build;
mod lexer;
mod literal;
mod macros;
mod member;
mod parts;
mod stream;
#[cfg(test)]
mod tests;
mod token;

use self::stream::{DEPTH_MAX, Place, Stop, Stream};
use self::token::{Kind, Set};
use crate::ast::{Ast, Id, operator};
use crate::source::{Issue, Location, Source};

/// The longest expression that is read, in characters.
const SIZE_MAX: usize = 100_000;

/// What may start a primary expression, and with it a member.
const PRIMARY: Set = Set::of(&[
    Kind::BracketOpen,
    Kind::BraceOpen,
    Kind::ParenOpen,
    Kind::Dot,
    Kind::Minus,
    Kind::True,
    Kind::False,
    Kind::Null,
    Kind::Float,
    Kind::Int,
    Kind::Uint,
    Kind::String,
    Kind::Bytes,
    Kind::Identifier,
]);
/// What may start an expression.
const EXPR: Set = PRIMARY.and(Set::of(&[Kind::Not]));
const QUESTION: Set = Set::of(&[Kind::Question]);
/// What may start an element of a list or a key of a map.
const OPTIONAL: Set = EXPR.and(QUESTION);
const NAME: Set = Set::of(&[Kind::Identifier, Kind::EscapedIdentifier]);
const CALC: Set = Set::of(&[Kind::Minus, Kind::Plus, Kind::Star, Kind::Slash, Kind::Percent]);
const RELATION: Set = Set::of(&[
    Kind::Equals,
    Kind::NotEquals,
    Kind::In,
    Kind::Less,
    Kind::LessEquals,
    Kind::GreaterEquals,
    Kind::Greater,
]);
/// What may follow a part of a member.
const MEMBER: Set = Set::of(&[Kind::Dot, Kind::BracketOpen]).and(Set::END);
const COMMA: Set = Set::of(&[Kind::Comma]);
const LITERAL: Set = PRIMARY.without(Set::of(&[
    Kind::BracketOpen,
    Kind::BraceOpen,
    Kind::ParenOpen,
    Kind::Dot,
    Kind::Identifier,
]));

const fn one(kind: Kind) -> Set {
    Set::of(&[kind])
}

/// Rules whose nesting is counted.
#[derive(Clone, Copy)]
enum Rule {
    Expr,
    Or,
    And,
    Relation,
    Calc,
    Unary,
    Member,
    Primary,
    Other,
}

/// Which macros there are besides those that every environment of Kubernetes has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Macros {
    /// `cel.bind(name, value, expression)`.
    pub(crate) bind: bool,
}

/// Reads an expression; the number is the root's.
pub(crate) fn parse(source: &Source, macros: Macros) -> Result<(Ast, Id), Vec<Issue>> {
    let size = source.characters().len();
    if size > SIZE_MAX {
        return Err(vec![Issue {
            location: Location::NONE,
            message: format!("expression code point size exceeds limit: size: {size}, limit {SIZE_MAX}"),
        }]);
    }
    let (tokens, issues) = lexer::scan(source);
    let mut parser = Parser {
        stream: Stream::new(source, tokens, issues),
        macros,
        ast: Ast::default(),
        depths: Vec::new(),
        too_deep: false,
        too_large: false,
        faults: Vec::new(),
        nested: [0; 9],
    };
    let root = parser.start();
    if parser.too_deep {
        let _ = parser.stream.end("max recursion depth exceeded".to_owned());
    }
    if parser.too_large {
        let _ = parser
            .stream
            .end("expression is too large once its macros are expanded".to_owned());
    }
    let mut issues = parser.stream.issues;
    issues.append(&mut parser.faults);
    match root {
        Ok(root) if issues.is_empty() => Ok((parser.ast, root)),
        _ => Err(issues),
    }
}

struct Parser<'s> {
    stream: Stream<'s>,
    macros: Macros,
    ast: Ast,
    /// How deep each node is, as upstream counts it.
    depths: Vec<usize>,
    too_deep: bool,
    /// Whether macros made more of it than is kept.
    too_large: bool,
    /// What is wrong in what could be read.
    faults: Vec<Issue>,
    /// How many of each rule are open.
    nested: [usize; 9],
}

impl Parser<'_> {
    fn start(&mut self) -> Result<Id, Stop> {
        let root = self.expr(one(Kind::Eof))?;
        let end = self.stream.expect(35, Kind::Eof, Set::END);
        if let Err(stop) = end {
            self.stream.recover(&stop)?;
        }
        Ok(root)
    }

    /// Opens a rule, which some set follows. Frames are kept few: expressions may nest deep.
    fn enter(&mut self, rule: Rule, follow: Set) -> Result<(), Stop> {
        let index = rule as usize;
        self.nested[index] += 1;
        if self.nested[index] > DEPTH_MAX && index != Rule::Other as usize {
            let message = format!("expression recursion limit exceeded: {DEPTH_MAX}");
            return Err(self.stream.end(message));
        }
        self.stream.open(follow);
        Ok(())
    }

    /// Closes a rule; what does not fit is reported and mended here.
    fn leave<T>(&mut self, rule: Rule, read: Result<T, Stop>) -> Result<Option<T>, Stop> {
        let read = match read {
            Ok(read) => Some(read),
            Err(stop) => {
                self.stream.recover(&stop)?;
                None
            }
        };
        self.stream.close();
        self.nested[rule as usize] -= 1;
        Ok(read)
    }

    /// As `leave`, for rules that make a node.
    fn leave_node(&mut self, rule: Rule, read: Result<Id, Stop>) -> Result<Id, Stop> {
        let read = self.leave(rule, read)?;
        Ok(read.unwrap_or_else(|| self.missing()))
    }

    fn expr(&mut self, follow: Set) -> Result<Id, Stop> {
        self.enter(Rule::Expr, follow)?;
        let read = self.expr_body();
        self.leave_node(Rule::Expr, read)
    }

    fn expr_body(&mut self) -> Result<Id, Stop> {
        let condition = self.or(QUESTION.and(Set::END))?;
        if self.stream.kind() != Kind::Question {
            return Ok(condition);
        }
        let mark = self.stream.take();
        let yes = self.or(one(Kind::Colon))?;
        self.stream.expect(40, Kind::Colon, EXPR)?;
        let no = self.expr(Set::END)?;
        Ok(self.call(mark.start, operator::CONDITIONAL, None, vec![condition, yes, no]))
    }

    fn or(&mut self, follow: Set) -> Result<Id, Stop> {
        self.enter(Rule::Or, follow)?;
        let read = self.or_body();
        self.leave_node(Rule::Or, read)
    }

    fn or_body(&mut self) -> Result<Id, Stop> {
        let follow = one(Kind::Or).and(Set::END);
        let mut terms = vec![self.and(follow)?];
        let mut marks = Vec::new();
        while self.stream.kind() == Kind::Or {
            marks.push(self.stream.take().start);
            terms.push(self.and(follow)?);
        }
        Ok(self.balanced(operator::OR, &terms, &marks))
    }

    fn and(&mut self, follow: Set) -> Result<Id, Stop> {
        self.enter(Rule::And, follow)?;
        let read = self.and_body();
        self.leave_node(Rule::And, read)
    }

    fn and_body(&mut self) -> Result<Id, Stop> {
        let follow = one(Kind::And).and(Set::END);
        let mut terms = vec![self.relation(false, follow)?];
        let mut marks = Vec::new();
        while self.stream.kind() == Kind::And {
            marks.push(self.stream.take().start);
            terms.push(self.relation(false, follow)?);
        }
        Ok(self.balanced(operator::AND, &terms, &marks))
    }

    /// A relation; on the right of an operator there is no further one.
    fn relation(&mut self, right: bool, follow: Set) -> Result<Id, Stop> {
        self.enter(Rule::Relation, follow)?;
        let read = self.relation_body(right);
        self.leave_node(Rule::Relation, read)
    }

    fn relation_body(&mut self, right: bool) -> Result<Id, Stop> {
        let mut left = self.calc(0, RELATION.and(Set::END))?;
        while !right && RELATION.has(self.stream.kind()) {
            let mark = self.stream.take();
            let other = self.relation(true, RELATION.and(Set::END))?;
            left = self.call(mark.start, build::operator_name(mark.kind), None, vec![left, other]);
        }
        Ok(left)
    }

    /// Sums (strength 1) and products (strength 2) that bind at least as strongly as told.
    fn calc(&mut self, strength: u8, follow: Set) -> Result<Id, Stop> {
        self.enter(Rule::Calc, follow)?;
        let read = self.calc_body(strength);
        self.leave_node(Rule::Calc, read)
    }

    fn calc_body(&mut self, strength: u8) -> Result<Id, Stop> {
        let mut left = self.unary(CALC.and(Set::END))?;
        loop {
            let own = match self.stream.kind() {
                Kind::Star | Kind::Slash | Kind::Percent => 2,
                Kind::Plus | Kind::Minus => 1,
                _ => return Ok(left),
            };
            if own < strength {
                return Ok(left);
            }
            let mark = self.stream.take();
            let other = self.calc(own + 1, CALC.and(Set::END))?;
            left = self.call(mark.start, build::operator_name(mark.kind), None, vec![left, other]);
        }
    }

    fn unary(&mut self, follow: Set) -> Result<Id, Stop> {
        self.enter(Rule::Unary, follow)?;
        let read = self.unary_body();
        self.leave_node(Rule::Unary, read)
    }

    fn unary_body(&mut self) -> Result<Id, Stop> {
        self.stream.sync(99, EXPR, Place::Block)?;
        match self.stream.kind() {
            Kind::Not => self.signs(Kind::Not, operator::NOT, 90, EXPR),
            Kind::Minus => match self.stream.kind_ahead(1) {
                Kind::Int | Kind::Float => self.member(Set::END),
                next if PRIMARY.has(next) => self.signs(Kind::Minus, operator::NEGATE, 96, PRIMARY),
                _ => Err(self.stream.no_alternative(1)),
            },
            kind if PRIMARY.has(kind) => self.member(Set::END),
            // Only while an error is being mended.
            _ => Err(self.stream.no_alternative(0)),
        }
    }

    /// A member with signs before it, of which pairs fall away.
    fn signs(&mut self, kind: Kind, function: &str, state: u16, next: Set) -> Result<Id, Stop> {
        let first = self.stream.take();
        let mut count = 1;
        loop {
            self.stream.sync(state, next, Place::Loop)?;
            if self.stream.kind() != kind {
                break;
            }
            if kind == Kind::Minus && !PRIMARY.has(self.stream.kind_ahead(1)) {
                return Err(self.stream.no_alternative(1));
            }
            self.stream.take();
            count += 1;
        }
        let member = self.member(Set::END)?;
        if count % 2 == 0 {
            return Ok(member);
        }
        Ok(self.call(first.start, function, None, vec![member]))
    }
}
