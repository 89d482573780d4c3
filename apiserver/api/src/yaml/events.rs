//! The tokens of the first document of a YAML text as events: scalars, and where lists and maps begin and end.

use std::collections::{HashMap, HashSet};

use super::scan::Scanner;
use super::token::{Fault, Kind};

/// No tag is longer that means anything here, which are YAML's own.
const OWN_TAG_MAX: usize = 64;

/// What a document is made of.
#[derive(Debug)]
pub(super) enum Event {
    Scalar {
        anchor: Option<String>,
        tag: Option<String>,
        text: String,
        /// Its text says what it means: it has neither quotes nor a tag.
        plain: bool,
    },
    Alias(String),
    SequenceStart(Option<String>),
    SequenceEnd,
    MappingStart(Option<String>),
    MappingEnd,
    /// The document ends, or there is none.
    End,
}

/// What the parser waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    Document,
    End,
    BlockEntry { first: bool },
    IndentlessEntry,
    BlockKey { first: bool },
    BlockValue,
    FlowEntry { first: bool },
    FlowEntryKey,
    FlowEntryValue,
    FlowEntryEnd,
    FlowKey { first: bool },
    FlowValue { empty: bool },
}

pub(super) struct Events<'t> {
    pub(super) scanner: Scanner<'t>,
    pub(super) state: State,
    /// What to go on with when what is inside is complete.
    pub(super) outer: Vec<State>,
    /// Where the lists and maps began that are not complete.
    pub(super) lines: Vec<usize>,
    /// Handles of tags and what they stand for.
    handles: HashMap<String, String>,
}

/// A tag as it is written.
struct Tag {
    handle: String,
    suffix: String,
    line: usize,
}

/// An event, and the line that it begins on, counted from 0.
pub(super) type Step = Result<(Event, usize), Fault>;

impl<'t> Events<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            scanner: Scanner::new(text),
            state: State::Document,
            outer: Vec::new(),
            lines: Vec::new(),
            handles: HashMap::new(),
        }
    }

    pub(super) fn next(&mut self) -> Step {
        match self.state {
            State::Document => self.document(),
            // What follows the document is not read, but its first token must be one.
            State::End => Ok((Event::End, self.line()?)),
            State::BlockEntry { first } => self.block_entry(first),
            State::IndentlessEntry => self.indentless_entry(),
            State::BlockKey { first } => self.block_key(first),
            State::BlockValue => self.block_value(),
            State::FlowEntry { first } => self.flow_entry(first),
            State::FlowEntryKey => self.flow_entry_key(),
            State::FlowEntryValue => self.flow_entry_value(),
            State::FlowEntryEnd => {
                self.state = State::FlowEntry { first: false };
                let line = self.line()?;
                Ok((Event::MappingEnd, line))
            }
            State::FlowKey { first } => self.flow_key(first),
            State::FlowValue { empty } => self.flow_value(empty),
        }
    }

    pub(super) fn kind(&mut self) -> Result<&Kind, Fault> {
        self.scanner.peek().map(|token| &token.kind)
    }

    pub(super) fn line(&mut self) -> Result<usize, Fault> {
        self.scanner.peek().map(|token| token.line)
    }

    /// Passes the next token and gives its line.
    pub(super) fn pass(&mut self) -> Result<usize, Fault> {
        let line = self.line()?;
        self.scanner.take();
        Ok(line)
    }

    pub(super) fn pop(&mut self) {
        self.state = self.outer.pop().unwrap_or(State::End);
    }

    /// Something else was expected where the next token stands.
    pub(super) fn fault<T>(&mut self, problem: &'static str, context: usize) -> Result<T, Fault> {
        let line = self.line()?;
        Err(Fault {
            problem,
            line,
            context,
            scanner: false,
        })
    }

    /// A scalar that is not written.
    pub(super) fn empty(line: usize) -> (Event, usize) {
        let event = Event::Scalar {
            anchor: None,
            tag: None,
            text: String::new(),
            plain: true,
        };
        (event, line)
    }

    /// The beginning of the first document, and its first event.
    fn document(&mut self) -> Step {
        self.handles = HashMap::from([
            ("!".to_owned(), "!".to_owned()),
            ("!!".to_owned(), "tag:yaml.org,2002:".to_owned()),
        ]);
        let directives = self.directives()?;
        self.state = State::End;
        match self.kind()? {
            Kind::DocumentStart => {
                self.pass()?;
            }
            _ if directives => return self.fault("did not find expected <document start>", 0),
            Kind::StreamEnd => return self.next(),
            _ => return self.node(true, false),
        }
        match self.kind()? {
            Kind::StreamEnd | Kind::DocumentStart | Kind::DocumentEnd | Kind::Version(..) | Kind::TagDirective(..) => {
                Ok(Self::empty(self.line()?))
            }
            _ => self.node(true, false),
        }
    }

    /// Reads directives and says whether there were any.
    fn directives(&mut self) -> Result<bool, Fault> {
        let (mut any, mut version, mut named) = (false, false, HashSet::new());
        loop {
            match self.kind()?.clone() {
                Kind::Version(..) if version => return self.fault("found duplicate %YAML directive", 0),
                Kind::Version(1, 1) => version = true,
                Kind::Version(..) => return self.fault("found incompatible YAML document", 0),
                Kind::TagDirective(handle, prefix) => {
                    if !named.insert(handle.clone()) {
                        return self.fault("found duplicate %TAG directive", 0);
                    }
                    self.handles.insert(handle, prefix);
                }
                _ => return Ok(any),
            }
            any = true;
            self.pass()?;
        }
    }

    /// A node: an alias, or a value with its anchor and its tag.
    pub(super) fn node(&mut self, block: bool, indentless: bool) -> Step {
        let line = self.line()?;
        if let Kind::Alias(name) = self.kind()? {
            let name = name.clone();
            self.pop();
            self.pass()?;
            return Ok((Event::Alias(name), line));
        }
        let (anchor, tag) = self.properties()?;
        let tagged = tag.is_some();
        // `!` alone says that the text means what it says.
        let (bare, tag) = match tag {
            Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => (true, None),
            Some(tag) => (false, Some(self.resolved(tag, line)?)),
            None => (false, None),
        };
        let (state, event) = match self.kind()? {
            Kind::BlockEntry if indentless => (State::IndentlessEntry, Event::SequenceStart(anchor)),
            Kind::Scalar { plain, .. } => {
                let plain = bare || (*plain && !tagged);
                let text = match self.scanner.take().map(|token| token.kind) {
                    Some(Kind::Scalar { text, .. }) => text,
                    _ => String::new(),
                };
                self.pop();
                let event = Event::Scalar {
                    anchor,
                    tag,
                    text,
                    plain,
                };
                return Ok((event, line));
            }
            Kind::FlowSequenceStart => (State::FlowEntry { first: true }, Event::SequenceStart(anchor)),
            Kind::FlowMappingStart => (State::FlowKey { first: true }, Event::MappingStart(anchor)),
            Kind::BlockSequenceStart if block => (State::BlockEntry { first: true }, Event::SequenceStart(anchor)),
            Kind::BlockMappingStart if block => (State::BlockKey { first: true }, Event::MappingStart(anchor)),
            _ if anchor.is_some() || tagged => {
                self.pop();
                let event = Event::Scalar {
                    anchor,
                    tag,
                    text: String::new(),
                    plain: !tagged || bare,
                };
                return Ok((event, line));
            }
            _ => return self.fault("did not find expected node content", line),
        };
        self.state = state;
        Ok((event, line))
    }

    /// The anchor and the tag before a node, in any order.
    fn properties(&mut self) -> Result<(Option<String>, Option<Tag>), Fault> {
        let (mut anchor, mut tag) = (None, None);
        loop {
            let line = self.line()?;
            match self.kind()? {
                Kind::Anchor(name) if anchor.is_none() => anchor = Some(name.clone()),
                Kind::Tag(handle, suffix) if tag.is_none() => {
                    tag = Some(Tag {
                        handle: handle.clone(),
                        suffix: suffix.clone(),
                        line,
                    });
                }
                _ => return Ok((anchor, tag)),
            }
            self.pass()?;
        }
    }

    /// The tag with its handle replaced by what that stands for; empty where it is too long to mean anything.
    fn resolved(&self, tag: Tag, context: usize) -> Result<String, Fault> {
        if tag.handle.is_empty() {
            return Ok(tag.suffix);
        }
        match self.handles.get(&tag.handle) {
            // A prefix may be as long as the document, and each tag would copy it.
            Some(prefix) if prefix.len() + tag.suffix.len() > OWN_TAG_MAX => Ok(String::new()),
            Some(prefix) => Ok(format!("{prefix}{}", tag.suffix)),
            None => Err(Fault {
                problem: "found undefined tag handle",
                line: tag.line,
                context,
                scanner: false,
            }),
        }
    }

    /// The node inside of what is now read, or an empty one where one of these stands instead.
    pub(super) fn inside(&mut self, then: State, block: bool, line: usize, nothing: impl Fn(&Kind) -> bool) -> Step {
        if nothing(self.kind()?) {
            self.state = then;
            return Ok(Self::empty(line));
        }
        self.outer.push(then);
        // Below a key of a block, a list may stand at the key's column.
        let indentless = block && matches!(then, State::BlockKey { .. } | State::BlockValue);
        self.node(block, indentless)
    }
}
