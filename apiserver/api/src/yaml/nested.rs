//! What stands inside of lists and maps, as the parser finds it.

use super::events::{Event, Events, State, Step};
use super::token::{Fault, Kind};

impl Events<'_> {
    fn begin(&mut self, first: bool) -> Result<usize, Fault> {
        if first {
            let line = self.pass()?;
            self.lines.push(line);
        }
        Ok(self.lines.last().copied().unwrap_or_default())
    }

    fn end(&mut self, event: Event) -> Step {
        self.pop();
        self.lines.pop();
        let line = self.pass()?;
        Ok((event, line))
    }

    pub(super) fn block_entry(&mut self, first: bool) -> Step {
        let context = self.begin(first)?;
        match self.kind()? {
            Kind::BlockEntry => {
                let line = self.pass()?;
                self.inside(State::BlockEntry { first: false }, true, line, |kind| {
                    matches!(kind, Kind::BlockEntry | Kind::BlockEnd)
                })
            }
            Kind::BlockEnd => self.end(Event::SequenceEnd),
            _ => self.fault("did not find expected '-' indicator", context),
        }
    }

    pub(super) fn indentless_entry(&mut self) -> Step {
        if *self.kind()? == Kind::BlockEntry {
            let line = self.pass()?;
            return self.inside(State::IndentlessEntry, true, line, |kind| {
                matches!(kind, Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd)
            });
        }
        self.pop();
        let line = self.line()?;
        Ok((Event::SequenceEnd, line))
    }

    pub(super) fn block_key(&mut self, first: bool) -> Step {
        let context = self.begin(first)?;
        match self.kind()? {
            Kind::Key => {
                let line = self.pass()?;
                self.inside(State::BlockValue, true, line, |kind| {
                    matches!(kind, Kind::Key | Kind::Value | Kind::BlockEnd)
                })
            }
            Kind::BlockEnd => self.end(Event::MappingEnd),
            _ => self.fault("did not find expected key", context),
        }
    }

    pub(super) fn block_value(&mut self) -> Step {
        let then = State::BlockKey { first: false };
        if *self.kind()? == Kind::Value {
            let line = self.pass()?;
            return self.inside(then, true, line, |kind| {
                matches!(kind, Kind::Key | Kind::Value | Kind::BlockEnd)
            });
        }
        self.state = then;
        Ok(Self::empty(self.line()?))
    }

    pub(super) fn flow_entry(&mut self, first: bool) -> Step {
        let context = self.begin(first)?;
        if *self.kind()? != Kind::FlowSequenceEnd {
            if !first {
                if *self.kind()? != Kind::FlowEntry {
                    return self.fault("did not find expected ',' or ']'", context);
                }
                self.pass()?;
            }
            match self.kind()? {
                Kind::Key => {
                    self.state = State::FlowEntryKey;
                    let line = self.pass()?;
                    return Ok((Event::MappingStart(None), line));
                }
                Kind::FlowSequenceEnd => {}
                _ => {
                    self.outer.push(State::FlowEntry { first: false });
                    return self.node(false, false);
                }
            }
        }
        self.end(Event::SequenceEnd)
    }

    pub(super) fn flow_entry_key(&mut self) -> Step {
        if matches!(self.kind()?, Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd) {
            // Upstream's parser passes the sign here, whatever it is.
            let line = self.pass()?;
            self.state = State::FlowEntryValue;
            return Ok(Self::empty(line));
        }
        self.outer.push(State::FlowEntryValue);
        self.node(false, false)
    }

    pub(super) fn flow_entry_value(&mut self) -> Step {
        if *self.kind()? == Kind::Value {
            let line = self.pass()?;
            return self.inside(State::FlowEntryEnd, false, line, |kind| {
                matches!(kind, Kind::FlowEntry | Kind::FlowSequenceEnd)
            });
        }
        self.state = State::FlowEntryEnd;
        Ok(Self::empty(self.line()?))
    }

    pub(super) fn flow_key(&mut self, first: bool) -> Step {
        let context = self.begin(first)?;
        if *self.kind()? != Kind::FlowMappingEnd {
            if !first {
                if *self.kind()? != Kind::FlowEntry {
                    return self.fault("did not find expected ',' or '}'", context);
                }
                self.pass()?;
            }
            match self.kind()? {
                Kind::Key => {
                    let line = self.pass()?;
                    return self.inside(State::FlowValue { empty: false }, false, line, |kind| {
                        matches!(kind, Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd)
                    });
                }
                Kind::FlowMappingEnd => {}
                _ => {
                    self.outer.push(State::FlowValue { empty: true });
                    return self.node(false, false);
                }
            }
        }
        self.end(Event::MappingEnd)
    }

    pub(super) fn flow_value(&mut self, empty: bool) -> Step {
        let then = State::FlowKey { first: false };
        if !empty && *self.kind()? == Kind::Value {
            let line = self.pass()?;
            return self.inside(then, false, line, |kind| {
                matches!(kind, Kind::FlowEntry | Kind::FlowMappingEnd)
            });
        }
        self.state = then;
        Ok(Self::empty(self.line()?))
    }
}
