//! Reads what is made of parts with commas between them: lists, maps and objects.

use super::stream::{Place, Stop};
use super::token::{Kind, Set};
use super::{COMMA, NAME, OPTIONAL, Parser, QUESTION, Rule};
use crate::ast::{Expr, Id};

impl Parser<'_> {
    pub(super) fn list(&mut self) -> Result<Id, Stop> {
        let open = self.stream.take();
        let ends = Set::of(&[Kind::Comma, Kind::BracketClose]);
        self.stream.sync(150, OPTIONAL.and(ends), Place::Block)?;
        let mut elements = Vec::new();
        if OPTIONAL.has(self.stream.kind()) {
            self.enter(Rule::Other, ends)?;
            let read = self.several(OPTIONAL, |this, _| this.optional(COMMA.and(Set::END)));
            elements = self.leave(Rule::Other, read)?.unwrap_or_default();
        }
        self.trailing(153, ends)?;
        self.stream.expect(155, Kind::BracketClose, Set::END)?;
        Ok(self.make_list(open.start, &elements))
    }

    pub(super) fn map(&mut self) -> Result<Id, Stop> {
        let open = self.stream.take();
        let ends = Set::of(&[Kind::Comma, Kind::BraceClose]);
        self.stream.sync(158, OPTIONAL.and(ends), Place::Block)?;
        let mut entries = Vec::new();
        if OPTIONAL.has(self.stream.kind()) {
            self.enter(Rule::Other, ends)?;
            let read = self.several(OPTIONAL, |this, first| this.entry(if first { 221 } else { 225 }));
            entries = self.leave(Rule::Other, read)?.unwrap_or_default();
        }
        self.trailing(161, ends)?;
        self.stream.expect(163, Kind::BraceClose, Set::END)?;
        Ok(self.add(open.start, Expr::Map(entries)))
    }

    pub(super) fn object(&mut self, dot: bool, name: &str) -> Result<Id, Stop> {
        let open = self.stream.take();
        let ends = Set::of(&[Kind::Comma, Kind::BraceClose]);
        let starts = NAME.and(QUESTION);
        self.stream.sync(177, starts.and(ends), Place::Block)?;
        let mut fields = Vec::new();
        if starts.has(self.stream.kind()) {
            self.enter(Rule::Other, ends)?;
            let read = self.several(starts, |this, first| this.field(if first { 203 } else { 207 }));
            fields = self.leave(Rule::Other, read)?.unwrap_or_default();
        }
        self.trailing(180, ends)?;
        self.stream.expect(182, Kind::BraceClose, Set::END)?;
        let name = if dot { format!(".{name}") } else { name.to_owned() };
        Ok(self.add(open.start, Expr::Struct { name, fields }))
    }

    /// Parts with commas between them; the function is told whether it reads the first.
    fn several<T>(&mut self, starts: Set, read: impl Fn(&mut Self, bool) -> Result<T, Stop>) -> Result<Vec<T>, Stop> {
        let mut all = vec![read(self, true)?];
        while self.more(starts) {
            self.stream.take();
            all.push(read(self, false)?);
        }
        Ok(all)
    }

    /// Whether a comma stands here that is not the last thing.
    fn more(&self, starts: Set) -> bool {
        self.stream.kind() == Kind::Comma && starts.has(self.stream.kind_ahead(1))
    }

    /// The comma that may stand after the last part.
    fn trailing(&mut self, state: u16, ends: Set) -> Result<(), Stop> {
        self.stream.sync(state, ends, Place::Block)?;
        if self.stream.kind() == Kind::Comma {
            self.stream.take();
        }
        Ok(())
    }

    /// An expression with perhaps a question mark before it.
    pub(super) fn optional(&mut self, follow: Set) -> Result<(Id, bool), Stop> {
        self.enter(Rule::Other, follow)?;
        let read = self.optional_body();
        let read = self.leave(Rule::Other, read)?;
        Ok(read.unwrap_or_else(|| (self.missing(), false)))
    }

    fn optional_body(&mut self) -> Result<(Id, bool), Stop> {
        self.stream.sync(238, OPTIONAL, Place::Block)?;
        let optional = self.stream.kind() == Kind::Question;
        if optional {
            self.stream.take();
        }
        Ok((self.expr(Set::END)?, optional))
    }
}
