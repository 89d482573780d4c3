//! The tokens being read, and how upstream's parser generator mends what does not fit: one token dropped, one put in,
//! or all skipped up to what may follow. Its messages are contracts, so its steps are kept.

use super::token::{Kind, Set, Token};
use crate::source::{ISSUES_MAX, Issue, Location, Source};

/// How many times an error may be mended.
const RECOVERIES_MAX: usize = 30;
/// How many tokens may be skipped at once.
const SKIPPED_MAX: usize = 256;
/// How deep each rule may be nested.
pub(super) const DEPTH_MAX: usize = 250;

/// Why a rule stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// A token does not fit; the rule reports it and goes on after it.
    Mismatch(Set),
    /// No alternative fits the tokens from one to another.
    NoAlternative(usize, usize),
    /// Reading ends here; what is to be told has been told.
    Fatal,
}

/// What a place that tokens are checked at is: a block of alternatives, or the end of a loop's round.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Block,
    Loop,
}

/// The tokens, the place in them, and the rules that are open.
pub(super) struct Stream<'s> {
    pub(super) source: &'s Source,
    /// All tokens, blanks among them.
    all: Vec<Token>,
    /// The places in `all` of those that count.
    counted: Vec<usize>,
    at: usize,
    pub(super) issues: Vec<Issue>,
    /// What may follow each open rule in the rule around it.
    follows: Vec<Set>,
    /// Where in the grammar reading stands, by the generator's numbers.
    state: u16,
    recovering: bool,
    recoveries: usize,
    last_error: Option<(usize, Vec<u16>)>,
}

impl<'s> Stream<'s> {
    pub(super) fn new(source: &'s Source, all: Vec<Token>, issues: Vec<Issue>) -> Self {
        let counted = (0..all.len())
            .filter(|at| !matches!(all[*at].kind, Kind::Whitespace | Kind::Comment))
            .collect();
        Self {
            source,
            all,
            counted,
            at: 0,
            issues,
            follows: Vec::new(),
            state: 0,
            recovering: false,
            recoveries: 0,
            last_error: None,
        }
    }

    /// The token some places ahead; the end stays the end.
    fn ahead(&self, by: usize) -> Token {
        let last = self.counted.len() - 1;
        self.all[self.counted[(self.at + by).min(last)]]
    }

    pub(super) fn token(&self) -> Token {
        self.ahead(0)
    }

    pub(super) fn kind(&self) -> Kind {
        self.ahead(0).kind
    }

    pub(super) fn kind_ahead(&self, by: usize) -> Kind {
        self.ahead(by).kind
    }

    /// That no alternative fits from here to some places ahead.
    pub(super) fn no_alternative(&self, by: usize) -> Stop {
        Stop::NoAlternative(self.at, (self.at + by).min(self.counted.len() - 1))
    }

    fn consume(&mut self) {
        if self.kind() != Kind::Eof {
            self.at += 1;
        }
    }

    fn matched(&mut self) {
        self.recovering = false;
        self.last_error = None;
    }

    /// Takes a token that is known to fit.
    pub(super) fn take(&mut self) -> Token {
        let token = self.token();
        self.matched();
        self.consume();
        token
    }

    /// Takes a token of a kind, or mends that there is another; `after` is what may follow it in its rule.
    pub(super) fn expect(&mut self, state: u16, kind: Kind, after: Set) -> Result<Token, Stop> {
        self.state = state;
        if self.kind() == kind {
            return Ok(self.take());
        }
        let local = Set::of(&[kind]);
        self.count_recovery()?;
        if self.drop_one(local)? {
            return Ok(self.take());
        }
        if self.expected(after).has(self.kind()) {
            let missing = self.expected(local).print();
            self.report_here(|token| format!("missing {missing} at {token}"))?;
            return Ok(self.token());
        }
        Err(Stop::Mismatch(self.expected(local)))
    }

    /// Checks that the token fits what may stand here.
    pub(super) fn sync(&mut self, state: u16, local: Set, place: Place) -> Result<(), Stop> {
        self.state = state;
        if self.recovering || local.has_end() || local.has(self.kind()) {
            return Ok(());
        }
        match place {
            Place::Block if self.drop_one(local)? => Ok(()),
            Place::Block => Err(Stop::Mismatch(self.expected(local))),
            Place::Loop => {
                let expected = self.expected(local);
                self.report_unwanted(expected)?;
                self.skip_to(expected.and(self.recovery()), None)
            }
        }
    }

    /// Drops the token if the one after it fits.
    fn drop_one(&mut self, local: Set) -> Result<bool, Stop> {
        let expected = self.expected(local);
        if !expected.has(self.kind_ahead(1)) {
            return Ok(false);
        }
        self.report_unwanted(expected)?;
        self.consume();
        self.matched();
        Ok(true)
    }

    /// What may stand here: what the rule has, and where it may end what may follow it.
    fn expected(&self, local: Set) -> Set {
        let mut set = local.without(Set::END);
        let mut following = local;
        for follow in self.follows.iter().rev() {
            if !following.has_end() {
                return set;
            }
            set = set.and(follow.without(Set::END));
            following = *follow;
        }
        if following.has_end() {
            set.and(Set::of(&[Kind::Eof]))
        } else {
            set
        }
    }

    /// What any open rule may be followed by.
    fn recovery(&self) -> Set {
        self.follows
            .iter()
            .fold(Set::EMPTY, |all, one| all.and(one.without(Set::END)))
    }

    fn skip_to(&mut self, set: Set, limit: Option<usize>) -> Result<(), Stop> {
        let mut left = limit;
        while self.kind() != Kind::Eof && !set.has(self.kind()) {
            match &mut left {
                Some(0) => {
                    return Err(self.end(format!("error recovery token lookahead limit exceeded: {SKIPPED_MAX}")));
                }
                Some(more) => *more -= 1,
                None => {}
            }
            self.consume();
        }
        Ok(())
    }

    /// Opens a rule that is followed by some set, and closes it; what does not fit is reported and mended here.
    pub(super) fn open(&mut self, follow: Set) {
        self.follows.push(follow);
    }

    pub(super) fn close(&mut self) {
        self.follows.pop();
    }

    /// Reports why a rule stopped and skips to what may follow.
    pub(super) fn recover(&mut self, stop: &Stop) -> Result<(), Stop> {
        match stop {
            Stop::Fatal => return Err(Stop::Fatal),
            Stop::Mismatch(expected) => {
                let expected = expected.print();
                self.report_here(|token| format!("mismatched input {token} expecting {expected}"))?;
            }
            Stop::NoAlternative(from, to) => self.report_no_alternative(*from, *to)?,
        }
        self.count_recovery()?;
        let mut states = match self.last_error.take() {
            Some((at, states)) if at == self.at => {
                if states.contains(&self.state) {
                    self.consume();
                }
                states
            }
            Some((_, states)) => states,
            None => Vec::new(),
        };
        states.push(self.state);
        self.last_error = Some((self.at, states));
        self.skip_to(self.recovery(), Some(SKIPPED_MAX))
    }

    fn count_recovery(&mut self) -> Result<(), Stop> {
        if self.recoveries == RECOVERIES_MAX {
            let at = self.source.location(self.token().start);
            self.syntax(at, format!("error recovery attempt limit exceeded: {RECOVERIES_MAX}"))?;
            return Err(Stop::Fatal);
        }
        self.recoveries += 1;
        Ok(())
    }

    fn report_unwanted(&mut self, expected: Set) -> Result<(), Stop> {
        let expected = expected.print();
        self.report_here(|token| format!("extraneous input {token} expecting {expected}"))
    }

    /// Reports at the token, unless an error is being mended.
    fn report_here(&mut self, message: impl FnOnce(&str) -> String) -> Result<(), Stop> {
        if self.recovering {
            return Ok(());
        }
        self.recovering = true;
        let token = self.token();
        let text = match token.kind {
            Kind::Eof => "<EOF>".to_owned(),
            _ => self.source.slice(token.start, token.end),
        };
        let message = message(&quoted(&text));
        self.syntax(self.source.location(token.start), message)
    }

    fn report_no_alternative(&mut self, from: usize, to: usize) -> Result<(), Stop> {
        if self.recovering {
            return Ok(());
        }
        self.recovering = true;
        let tokens = &self.all[self.counted[from]..=self.counted[to]];
        let input: String = tokens.iter().map(|one| self.source.slice(one.start, one.end)).collect();
        let mut message = format!("no viable alternative at input {}", quoted(&input));
        let mut rest = input.chars();
        // A keyword where a name belongs is told in other words.
        if rest.next().is_some() && ["true", "false", "null"].contains(&rest.as_str()) {
            message = format!("mismatched input '{}' expecting IDENTIFIER", rest.as_str());
        }
        let at = self.all[self.counted[to]].start;
        self.syntax(self.source.location(at), message)
    }

    fn syntax(&mut self, location: Location, message: String) -> Result<(), Stop> {
        let full = self.issues.len() >= ISSUES_MAX;
        let message = if full {
            format!("Syntax error: More than {ISSUES_MAX} syntax errors")
        } else {
            format!("Syntax error: {message}")
        };
        self.issues.push(Issue { location, message });
        if full { Err(Stop::Fatal) } else { Ok(()) }
    }

    /// Ends reading with something that has no place.
    pub(super) fn end(&mut self, message: String) -> Stop {
        self.issues.push(Issue {
            location: Location::NONE,
            message,
        });
        Stop::Fatal
    }
}

fn quoted(text: &str) -> String {
    format!(
        "'{}'",
        text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
    )
}
