//! Reads members and what they start with: names, calls, indexes, parentheses.

use super::stream::{Place, Stop};
use super::token::{Kind, Set, Token};
use super::{COMMA, EXPR, LITERAL, MEMBER, NAME, OPTIONAL, PRIMARY, Parser, Rule, one};
use crate::ast::{Expr, Id, operator};
use crate::names::is_reserved;

impl Parser<'_> {
    pub(super) fn member(&mut self, follow: Set) -> Result<Id, Stop> {
        self.enter(Rule::Member, follow)?;
        let read = self.member_body();
        self.leave_node(Rule::Member, read)
    }

    fn member_body(&mut self) -> Result<Id, Stop> {
        let mut left = self.primary(MEMBER)?;
        loop {
            left = match self.stream.kind() {
                Kind::Dot => self.dot(left)?,
                Kind::BracketOpen => self.index(left)?,
                _ => return Ok(left),
            };
        }
    }

    /// `.name`, `.?name` or `.name(arguments)`.
    fn dot(&mut self, left: Id) -> Result<Id, Stop> {
        match self.stream.kind_ahead(1) {
            Kind::Identifier if self.stream.kind_ahead(2) == Kind::ParenOpen => {
                self.stream.take();
                let name = self.stream.take();
                let open = self.stream.take();
                let arguments = self.arguments(115, 117, MEMBER)?;
                let name = self.text(name);
                Ok(self.call_or_macro(open.start, name, Some(left), arguments))
            }
            Kind::Identifier | Kind::EscapedIdentifier | Kind::Question => {
                let dot = self.stream.take();
                let optional = self.stream.kind() == Kind::Question;
                if optional {
                    self.stream.take();
                }
                let name = self.name(MEMBER)?;
                Ok(self.select(dot.start, left, name, optional))
            }
            _ => Err(self.stream.no_alternative(1)),
        }
    }

    fn index(&mut self, left: Id) -> Result<Id, Stop> {
        let open = self.stream.take();
        self.stream.sync(121, OPTIONAL, Place::Block)?;
        let optional = self.stream.kind() == Kind::Question;
        if optional {
            self.stream.take();
        }
        let index = self.expr(one(Kind::BracketClose))?;
        self.stream.expect(124, Kind::BracketClose, MEMBER)?;
        let function = if optional {
            operator::OPTIONAL_INDEX
        } else {
            operator::INDEX
        };
        Ok(self.call(open.start, function, None, vec![left, index]))
    }

    /// The arguments of a call, after the opening parenthesis and with the closing one.
    fn arguments(&mut self, sync: u16, close: u16, after: Set) -> Result<Vec<Id>, Stop> {
        self.stream.sync(sync, EXPR.and(one(Kind::ParenClose)), Place::Block)?;
        let mut arguments = Vec::new();
        if EXPR.has(self.stream.kind()) {
            self.enter(Rule::Other, one(Kind::ParenClose))?;
            let read = self.listed();
            arguments = self.leave(Rule::Other, read)?.unwrap_or_default();
        }
        self.stream.expect(close, Kind::ParenClose, after)?;
        Ok(arguments)
    }

    fn listed(&mut self) -> Result<Vec<Id>, Stop> {
        let mut all = vec![self.expr(COMMA.and(Set::END))?];
        while self.stream.kind() == Kind::Comma {
            self.stream.take();
            all.push(self.expr(COMMA.and(Set::END))?);
        }
        Ok(all)
    }

    pub(super) fn name(&mut self, follow: Set) -> Result<Option<Token>, Stop> {
        self.enter(Rule::Other, follow)?;
        let read = match self.stream.sync(235, NAME, Place::Block) {
            Ok(()) if NAME.has(self.stream.kind()) => Ok(self.stream.take()),
            Ok(()) => Err(self.stream.no_alternative(0)),
            Err(stop) => Err(stop),
        };
        self.leave(Rule::Other, read)
    }

    fn primary(&mut self, follow: Set) -> Result<Id, Stop> {
        self.enter(Rule::Primary, follow)?;
        let read = self.primary_body();
        self.leave_node(Rule::Primary, read)
    }

    fn primary_body(&mut self) -> Result<Id, Stop> {
        self.stream.sync(184, PRIMARY, Place::Block)?;
        match self.stream.kind() {
            Kind::Dot if self.stream.kind_ahead(1) != Kind::Identifier => Err(self.stream.no_alternative(1)),
            Kind::Dot | Kind::Identifier => self.named(),
            Kind::ParenOpen => {
                self.stream.take();
                let inner = self.expr(one(Kind::ParenClose))?;
                self.stream.expect(146, Kind::ParenClose, Set::END)?;
                Ok(inner)
            }
            Kind::BracketOpen => self.list(),
            Kind::BraceOpen => self.map(),
            kind if LITERAL.has(kind) => self.literal(),
            _ => Err(self.stream.no_alternative(0)),
        }
    }

    /// An identifier, a call, or an object that is made, each perhaps with a dot before it.
    fn named(&mut self) -> Result<Id, Stop> {
        let dot = usize::from(self.stream.kind() == Kind::Dot);
        let mut parts = 1;
        while self.stream.kind_ahead(dot + 2 * parts - 1) == Kind::Dot
            && self.stream.kind_ahead(dot + 2 * parts) == Kind::Identifier
        {
            parts += 1;
        }
        let made = self.stream.kind_ahead(dot + 2 * parts - 1) == Kind::BraceOpen;
        let first = self.stream.token();
        if dot == 1 {
            self.stream.take();
        }
        let name = self.stream.take();
        if made {
            let mut names = vec![self.text(name)];
            while self.stream.kind() == Kind::Dot {
                self.stream.take();
                let next = self.stream.take();
                names.push(self.text(next));
            }
            return self.object(dot == 1, &names.join("."));
        }
        let text = self.text(name);
        if self.stream.kind() == Kind::ParenOpen {
            let open = self.stream.take();
            let arguments = self.arguments(141, 143, Set::END)?;
            if is_reserved(&text) {
                return Ok(self.fault(first.start, format!("reserved identifier: {text}")));
            }
            let function = if dot == 1 { format!(".{text}") } else { text };
            return Ok(self.call_or_macro(open.start, function, None, arguments));
        }
        if is_reserved(&text) {
            return Ok(self.fault(first.start, format!("reserved identifier: {text}")));
        }
        let text = if dot == 1 { format!(".{text}") } else { text };
        Ok(self.add(name.start, Expr::Ident(text)))
    }
}
