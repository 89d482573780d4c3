//! The text form of label selectors.

use std::collections::BTreeSet;

use super::{Error, Operator, Requirement};
use crate::go::quote;
use crate::names;
use crate::tree::Text;

/// What a selector's text is made of. `in` and `notin` are words like others where a value may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    End,
    Word(&'t str),
    Symbol(&'static str),
}

impl<'t> Token<'t> {
    const fn text(self) -> &'t str {
        match self {
            Self::End => "",
            Self::Word(text) | Self::Symbol(text) => text,
        }
    }
}

/// What upstream's reader takes for the end of the text where a token may begin, and drops where one ends.
const NUL: char = '\0';

/// The longest first.
const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

struct Parser<'t> {
    rest: &'t str,
    next: Token<'t>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, Error> {
    let mut parser = Parser {
        rest: text,
        next: Token::End,
    };
    parser.take();
    let mut requirements = Vec::new();
    loop {
        match parser.next {
            Token::End => return Ok(requirements),
            Token::Word(_) | Token::Symbol("!") => {}
            other @ Token::Symbol(_) => return found(other, ", expected: !, identifier, or 'end of string'"),
        }
        let requirement = parser.requirement();
        requirements.push(requirement.map_err(|error| Error(format!("unable to parse requirement: {error}")))?);
        match parser.take() {
            Token::End => return Ok(requirements),
            Token::Symbol(",") => match parser.next {
                Token::Word(_) | Token::Symbol("!") => {}
                other => return found(other, ", expected: identifier after ','"),
            },
            other => return found(other, ", expected: ',' or 'end of string'"),
        }
    }
}

fn found<T>(token: Token<'_>, expected: &str) -> Result<T, Error> {
    Err(Error(format!("found '{}'{expected}", token.text())))
}

impl<'t> Parser<'t> {
    /// The next token, taken.
    fn take(&mut self) -> Token<'t> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let next = if self.rest.is_empty() || self.rest.starts_with(NUL) {
            self.rest = "";
            Token::End
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol)) {
            self.rest = &self.rest[symbol.len()..];
            Token::Symbol(symbol)
        } else {
            let ends = |letter: char| {
                matches!(
                    letter,
                    '=' | '!' | '(' | ')' | ',' | '>' | '<' | ' ' | '\t' | '\r' | '\n' | NUL
                )
            };
            let (word, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
            self.rest = rest;
            Token::Word(word)
        };
        self.rest = self.rest.strip_prefix(NUL).unwrap_or(self.rest);
        std::mem::replace(&mut self.next, next)
    }

    fn requirement(&mut self) -> Result<Requirement, Error> {
        let mut first = self.take();
        let negated = first == Token::Symbol("!");
        if negated {
            first = self.take();
        }
        let Token::Word(key) = first else {
            return found(first, ", expected: identifier");
        };
        let messages = names::qualified_name(key);
        if !messages.is_empty() {
            let (key, messages) = (quote(key), messages.join("; "));
            return Err(Error(format!("<nil>: Invalid value: {key}: {messages}")));
        }
        if negated {
            return Requirement::new(key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.next, Token::End | Token::Symbol(",")) {
            return Requirement::new(key, Operator::Exists, Vec::new());
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => BTreeSet::from([self.value()?]),
        };
        Requirement::new(key, operator, values.into_iter().map(Text::from).collect())
    }

    fn operator(&mut self) -> Result<Operator, Error> {
        Ok(match self.take() {
            Token::Word("in") => Operator::In,
            Token::Word("notin") => Operator::NotIn,
            Token::Symbol("=") => Operator::Equals,
            Token::Symbol("==") => Operator::DoubleEquals,
            Token::Symbol("!=") => Operator::NotEquals,
            Token::Symbol(">") => Operator::GreaterThan,
            Token::Symbol("<") => Operator::LessThan,
            other => return found(other, ", expected: in, notin, =, ==, !=, gt, lt"),
        })
    }

    /// What follows `=`; it may be empty.
    fn value(&mut self) -> Result<&'t str, Error> {
        match self.next {
            Token::End | Token::Symbol(",") => Ok(""),
            Token::Word(word) => {
                self.take();
                Ok(word)
            }
            other @ Token::Symbol(_) => found(other, ", expected: identifier"),
        }
    }

    /// `(a,b)`, where what is left out is the empty value: `()`, `(,)`, `(a,,b)`.
    fn values(&mut self) -> Result<BTreeSet<&'t str>, Error> {
        let mut values = BTreeSet::new();
        match self.take() {
            Token::Symbol("(") => {}
            // Upstream's text has no comma here.
            other => return found(other, " expected: '('"),
        }
        match self.next {
            Token::Word(_) | Token::Symbol(",") => {}
            Token::Symbol(")") => {
                self.take();
                values.insert("");
                return Ok(values);
            }
            other => return found(other, ", expected: ',', ')' or identifier"),
        }
        loop {
            match self.take() {
                Token::Word(word) => {
                    values.insert(word);
                    match self.next {
                        Token::Symbol("," | ")") => {}
                        other => return found(other, ", expected: ',' or ')'"),
                    }
                }
                Token::Symbol(",") => {
                    if values.is_empty() || matches!(self.next, Token::Symbol("," | ")")) {
                        values.insert("");
                    }
                }
                Token::Symbol(")") => return Ok(values),
                other => return found(other, ", expected: ',', or identifier"),
            }
        }
    }
}
