//! A YAML text in tokens, the way libyaml and Go's port of it scan.
//!
//! Indentation becomes tokens of its own. What may be a key of a map is noted when it begins; when a colon follows on the
//! same line, the tokens that say so are put in front of it.

use std::collections::{HashMap, VecDeque};

use super::keys::SimpleKey;
use super::token::{Fault, Kind, Token};

/// A place in the text; lines and columns are counted from 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) column: isize,
}

pub(super) struct Scanner<'t> {
    pub(super) text: &'t str,
    /// The byte that is next.
    pub(super) at: usize,
    pub(super) mark: Mark,
    /// The column of the innermost block; -1 outside of all.
    pub(super) indent: isize,
    indents: Vec<isize>,
    pub(super) flow_level: usize,
    pub(super) simple_key_allowed: bool,
    /// One for each level of brackets.
    pub(super) simple_keys: Vec<SimpleKey>,
    /// The level of each possible key, by its token.
    pub(super) keys_by_token: HashMap<usize, usize>,
    pub(super) tokens: VecDeque<Token>,
    /// How many tokens were taken.
    pub(super) taken: usize,
    ended: bool,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            mark: Mark::default(),
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
            keys_by_token: HashMap::new(),
            tokens: VecDeque::new(),
            taken: 0,
            ended: false,
        }
    }

    /// The next token, left where it is.
    pub(super) fn peek(&mut self) -> Result<&Token, Fault> {
        const END: &Token = &Token {
            kind: Kind::StreamEnd,
            line: 0,
        };
        self.fetch_more()?;
        Ok(self.tokens.front().unwrap_or(END))
    }

    /// Takes the token that was looked at.
    pub(super) fn take(&mut self) -> Option<Token> {
        self.taken += 1;
        self.tokens.pop_front()
    }

    /// Scans until it is known whether the next token begins a key.
    fn fetch_more(&mut self) -> Result<(), Fault> {
        loop {
            if !self.tokens.is_empty() {
                let level = self.keys_by_token.get(&self.taken).copied();
                let pending = match level {
                    Some(level) => self.is_valid_key(level)?,
                    None => false,
                };
                if !pending {
                    return Ok(());
                }
            }
            if self.ended {
                return Ok(());
            }
            self.fetch()?;
        }
    }

    pub(super) fn fault(&self, problem: &'static str, context: usize) -> Fault {
        Fault {
            problem,
            line: self.mark.line,
            context,
            scanner: true,
        }
    }

    fn push(&mut self, kind: Kind, line: usize) {
        self.tokens.push_back(Token { kind, line });
    }

    /// Scans one token, or what closes blocks before it.
    fn fetch(&mut self) -> Result<(), Fault> {
        self.skip_space();
        self.unroll(self.mark.column);
        let line = self.mark.line;
        let spaced = self.ends_word(1);
        let flow = self.flow_level > 0;
        match self.byte(0) {
            0 => self.end_stream(),
            b'%' if self.mark.column == 0 => {
                self.end_blocks()?;
                let kind = self.directive()?;
                self.push(kind, line);
                Ok(())
            }
            first @ (b'-' | b'.') if self.at_document_sign() => {
                self.end_blocks()?;
                let kind = if first == b'-' {
                    Kind::DocumentStart
                } else {
                    Kind::DocumentEnd
                };
                self.sign(3, kind);
                Ok(())
            }
            b'[' => self.open(Kind::FlowSequenceStart),
            b'{' => self.open(Kind::FlowMappingStart),
            b']' => self.close(Kind::FlowSequenceEnd),
            b'}' => self.close(Kind::FlowMappingEnd),
            b',' => {
                self.remove_key()?;
                self.simple_key_allowed = true;
                self.sign(1, Kind::FlowEntry);
                Ok(())
            }
            b'-' if spaced => self.block_entry(),
            b'?' if flow || spaced => self.key(),
            b':' if flow || spaced => self.value(),
            b'|' | b'>' if !flow => {
                self.remove_key()?;
                self.simple_key_allowed = true;
                let text = self.block_scalar()?;
                self.push(Kind::Scalar { text, plain: false }, line);
                Ok(())
            }
            first => self.content(first, flow, spaced),
        }
    }

    /// Closes all blocks, as what stands between documents does.
    fn end_blocks(&mut self) -> Result<(), Fault> {
        self.unroll(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        Ok(())
    }

    /// Scans a scalar, or what stands before one.
    fn content(&mut self, first: u8, flow: bool, spaced: bool) -> Result<(), Fault> {
        let line = self.mark.line;
        let is_plain = match first {
            b'-' => !matches!(self.byte(1), b' ' | b'\t'),
            b'?' | b':' => !flow && !spaced,
            b' ' | b'\t' | b',' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => false,
            _ => true,
        };
        if !is_plain {
            return Err(self.fault("found character that cannot start any token", line));
        }
        self.save_key()?;
        self.simple_key_allowed = false;
        let kind = match first {
            b'*' => Kind::Alias(self.anchor()?),
            b'&' => Kind::Anchor(self.anchor()?),
            b'!' => self.tag()?,
            b'\'' | b'"' => self.quoted()?,
            _ => self.plain()?,
        };
        self.push(kind, line);
        Ok(())
    }

    /// Passes white space, comments and line breaks.
    fn skip_space(&mut self) {
        loop {
            // Tabs may stand between tokens, but not where indentation counts.
            while self.byte(0) == b' ' || (self.byte(0) == b'\t' && (self.flow_level > 0 || !self.simple_key_allowed)) {
                self.skip();
            }
            self.skip_comment();
            if self.skip_line().is_none() {
                return;
            }
            // A key may begin on each line.
            self.simple_key_allowed |= self.flow_level == 0;
        }
    }

    fn end_stream(&mut self) -> Result<(), Fault> {
        // The end stands on a line of its own.
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        self.push(Kind::StreamEnd, self.mark.line);
        self.ended = true;
        Ok(())
    }

    /// A token of so many ASCII characters.
    fn sign(&mut self, length: usize, kind: Kind) {
        let line = self.mark.line;
        for _ in 0..length {
            self.skip();
        }
        self.push(kind, line);
    }

    fn open(&mut self, kind: Kind) -> Result<(), Fault> {
        self.save_key()?;
        self.simple_keys.push(SimpleKey {
            token: self.taken + self.tokens.len(),
            ..SimpleKey::default()
        });
        self.flow_level += 1;
        self.simple_key_allowed = true;
        self.sign(1, kind);
        Ok(())
    }

    fn close(&mut self, kind: Kind) -> Result<(), Fault> {
        self.remove_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            // As Go's scanner does, which so does not see that `[]` may be a key.
            let inner = self.simple_keys.pop().unwrap_or_default();
            self.keys_by_token.remove(&inner.token);
        }
        self.simple_key_allowed = false;
        self.sign(1, kind);
        Ok(())
    }

    fn block_entry(&mut self) -> Result<(), Fault> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                let problem = "block sequence entries are not allowed in this context";
                return Err(self.fault(problem, self.mark.line));
            }
            self.roll(self.mark, None, Kind::BlockSequenceStart);
        }
        self.remove_key()?;
        self.simple_key_allowed = true;
        self.sign(1, Kind::BlockEntry);
        Ok(())
    }

    fn key(&mut self) -> Result<(), Fault> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                let problem = "mapping keys are not allowed in this context";
                return Err(self.fault(problem, self.mark.line));
            }
            self.roll(self.mark, None, Kind::BlockMappingStart);
        }
        self.remove_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.sign(1, Kind::Key);
        Ok(())
    }

    fn value(&mut self) -> Result<(), Fault> {
        let level = self.simple_keys.len() - 1;
        if self.is_valid_key(level)? {
            let SimpleKey { token, mark, .. } = self.simple_keys[level];
            self.insert(Some(token), Kind::Key, mark.line);
            self.roll(mark, Some(token), Kind::BlockMappingStart);
            self.forget_key(level);
            // A key cannot follow another.
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    let problem = "mapping values are not allowed in this context";
                    return Err(self.fault(problem, self.mark.line));
                }
                self.roll(self.mark, None, Kind::BlockMappingStart);
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.sign(1, Kind::Value);
        Ok(())
    }

    /// Begins a block where the column is deeper than the last; its token stands before the one with that number.
    fn roll(&mut self, mark: Mark, before: Option<usize>, kind: Kind) {
        if self.flow_level > 0 || self.indent >= mark.column {
            return;
        }
        self.indents.push(self.indent);
        self.indent = mark.column;
        self.insert(before, kind, mark.line);
    }

    /// Puts a token in front of the one with that number; where that one was taken, behind all.
    fn insert(&mut self, before: Option<usize>, kind: Kind, line: usize) {
        let end = self.tokens.len();
        let at = before.and_then(|token| token.checked_sub(self.taken));
        self.tokens
            .insert(at.map_or(end, |at| at.min(end)), Token { kind, line });
    }

    /// Ends the blocks that are deeper than the column.
    fn unroll(&mut self, column: isize) {
        while self.flow_level == 0 && self.indent > column {
            self.push(Kind::BlockEnd, self.mark.line);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}
