//! Histories for tests, told operation by operation.

use crate::history::{
    Call, Delete, Event, Get, History, KeyValue, Kind, Line, Phase, Put, Reply, Request, Response, Step, Txn, Watch,
};

pub(crate) fn get(key: &str) -> Call {
    Call::Get(Get {
        key: key.into(),
        ..Get::default()
    })
}

pub(crate) fn put(key: &str, value: &str) -> Call {
    Call::Put(Put {
        key: key.into(),
        value: value.into(),
        ..Put::default()
    })
}

pub(crate) fn put_leased(key: &str, value: &str, lease: i64) -> Call {
    Call::Put(Put {
        key: key.into(),
        value: value.into(),
        lease,
        ..Put::default()
    })
}

pub(crate) fn delete(key: &str) -> Call {
    Call::Delete(Delete {
        key: key.into(),
        ..Delete::default()
    })
}

pub(crate) fn cas(key: &str, from: Option<&str>, to: &str) -> Call {
    Call::Cas {
        key: key.into(),
        from: from.map(Into::into),
        to: to.into(),
    }
}

/// A transaction without conditions that writes these keys.
pub(crate) fn puts(pairs: &[(&str, &str)]) -> Call {
    let then = pairs
        .iter()
        .map(|(key, value)| {
            Request::Put(Put {
                key: (*key).into(),
                value: (*value).into(),
                ..Put::default()
            })
        })
        .collect();
    Call::Txn(Txn { then, ..Txn::default() })
}

pub(crate) fn puts_reply(count: usize) -> Reply {
    Reply::Txn {
        succeeded: true,
        replies: vec![Reply::Put { prev: None }; count],
    }
}

pub(crate) fn done() -> Reply {
    Reply::Put { prev: None }
}

pub(crate) fn swapped(succeeded: bool) -> Reply {
    Reply::Cas { succeeded }
}

pub(crate) fn kv(key: &str, value: &str, create_revision: i64, mod_revision: i64, version: i64) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: value.into(),
        create_revision,
        mod_revision,
        version,
        lease: 0,
    }
}

pub(crate) fn present(key: &str, value: &str, create_revision: i64, mod_revision: i64, version: i64) -> Reply {
    Reply::Get {
        kvs: vec![kv(key, value, create_revision, mod_revision, version)],
        count: 1,
    }
}

pub(crate) fn absent() -> Reply {
    Reply::Get {
        kvs: Vec::new(),
        count: 0,
    }
}

pub(crate) fn put_event(kv: KeyValue) -> Event {
    Event {
        kind: Kind::Put,
        kv,
        prev: None,
    }
}

pub(crate) fn delete_event(key: &str, revision: i64) -> Event {
    Event {
        kind: Kind::Delete,
        kv: KeyValue {
            key: key.into(),
            mod_revision: revision,
            ..KeyValue::default()
        },
        prev: None,
    }
}

/// A watch of every key.
pub(crate) fn watch_all(start_revision: i64) -> Watch {
    Watch {
        key: "\0".into(),
        end: Some("\0".into()),
        start_revision,
        ..Watch::default()
    }
}

pub(crate) fn created(revision: i64) -> Response {
    Response {
        revision,
        created: true,
        ..Response::default()
    }
}

pub(crate) fn progress(revision: i64) -> Response {
    Response {
        revision,
        ..Response::default()
    }
}

pub(crate) fn delivery(revision: i64, events: Vec<Event>) -> Response {
    Response {
        revision,
        events,
        ..Response::default()
    }
}

pub(crate) fn append(key: &str, value: i64) -> Step {
    Step::Append { key: key.into(), value }
}

pub(crate) fn read(key: &str, values: &[i64]) -> Step {
    Step::Read {
        key: key.into(),
        values: Some(values.to_vec()),
    }
}

/// The call that asks for these steps: reads lose what they read.
pub(crate) fn lists(steps: &[Step]) -> Call {
    let steps = steps
        .iter()
        .map(|step| match step {
            Step::Append { .. } => step.clone(),
            Step::Read { key, .. } => Step::Read {
                key: key.clone(),
                values: None,
            },
        })
        .collect();
    Call::Lists { steps }
}

/// Operations to be put in order by their times.
#[derive(Clone, Default)]
pub(crate) struct Operations {
    lines: Vec<Line>,
}

pub(crate) fn ops() -> Operations {
    Operations::default()
}

impl Operations {
    fn invoke(&mut self, process: u64, time: u64, call: Call) {
        self.lines.push(Line::Invoke {
            process,
            time,
            member: None,
            call,
        });
    }

    /// Answered from a revision; 0: the answer named none.
    pub(crate) fn ok(mut self, process: u64, start: u64, end: u64, call: Call, reply: Reply, revision: i64) -> Self {
        self.invoke(process, start, call);
        self.lines.push(Line::Ok {
            process,
            time: end,
            revision: (revision != 0).then_some(revision),
            term: None,
            reply,
        });
        self
    }

    pub(crate) fn info(mut self, process: u64, start: u64, end: u64, call: Call) -> Self {
        self.invoke(process, start, call);
        self.lines.push(Line::Info {
            process,
            time: end,
            error: "timed out".into(),
        });
        self
    }

    /// Answered by a member, whose calls are those of a process of its own.
    pub(crate) fn ok_at(self, member: &str, start: u64, end: u64, call: Call, reply: Reply) -> Self {
        let process = self.lines.len() as u64;
        self.ok(process, start, end, call, reply, 0).told_by(member, process)
    }

    /// Not answered by a member.
    pub(crate) fn info_at(self, member: &str, start: u64, end: u64, call: Call) -> Self {
        let process = self.lines.len() as u64;
        self.info(process, start, end, call).told_by(member, process)
    }

    /// The last answer names this term.
    pub(crate) fn in_term(mut self, number: u64) -> Self {
        if let Some(Line::Ok { term, .. }) = self.lines.last_mut() {
            *term = Some(number);
        }
        self
    }

    /// Names the member that a process asks.
    pub(crate) fn told_by(mut self, name: &str, by: u64) -> Self {
        for line in &mut self.lines {
            if let Line::Invoke { process, member, .. } = line
                && *process == by
            {
                *member = Some(name.to_owned());
            }
        }
        self
    }

    pub(crate) fn fail(mut self, process: u64, start: u64, end: u64, call: Call) -> Self {
        self.invoke(process, start, call);
        self.lines.push(Line::Fail {
            process,
            time: end,
            error: "refused".into(),
        });
        self
    }

    /// A transaction over lists that was answered.
    pub(crate) fn lists(self, process: u64, start: u64, end: u64, steps: &[Step]) -> Self {
        let reply = Reply::Lists { steps: steps.to_vec() };
        self.ok(process, start, end, lists(steps), reply, 0)
    }

    /// A watch with what it delivered; closed at `end` after waiting for revision `through`.
    pub(crate) fn watch(
        mut self,
        process: u64,
        start: u64,
        end: u64,
        watch: Watch,
        responses: Vec<(u64, Response)>,
        through: i64,
    ) -> Self {
        self.invoke(process, start, Call::Watch(watch));
        for (time, response) in responses {
            self.lines.push(Line::Response {
                process,
                time,
                response,
            });
        }
        self.lines.push(Line::Ok {
            process,
            time: end,
            revision: None,
            term: None,
            reply: Reply::Watch { through },
        });
        self
    }

    pub(crate) fn fault(mut self, time: u64, name: &str, phase: Phase) -> Self {
        self.lines.push(Line::Fault {
            time,
            name: name.into(),
            phase,
            since: None,
            detail: String::new(),
        });
        self
    }

    /// A fault that was there at `time`, and set about before.
    pub(crate) fn slow_fault(mut self, begun: u64, time: u64, name: &str) -> Self {
        self.lines.push(Line::Fault {
            time,
            name: name.into(),
            phase: Phase::Begin,
            since: Some(begun),
            detail: String::new(),
        });
        self
    }

    /// The history, each line at its time; lines of one time stay in the order in which they were told.
    pub(crate) fn history(mut self) -> History {
        self.lines.sort_by_key(Line::time);
        History::from_lines(self.lines).unwrap()
    }
}

/// When one call of a generated history is open, and by whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) process: u64,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// Calls that take effect one after the other, each at its own moment, opened and closed so many moments before and
/// after. Each gets the first process that is free; no two of the times are the same.
pub(crate) fn spread(around: &[(u64, u64)]) -> Vec<Interval> {
    let scale = 2 * around.len() as u64;
    let mut intervals: Vec<Interval> = Vec::new();
    for (number, (before, after)) in (0..).zip(around) {
        let moment: u64 = number + 1;
        let start = moment.saturating_sub(*before) * scale + 2 * number;
        let end = (moment + after) * scale + 2 * number + 1;
        let busy = |process: u64| {
            let overlaps = |one: &Interval| one.process == process && one.start < end && start < one.end;
            intervals.iter().any(overlaps)
        };
        let process = (0..=scale).find(|process| !busy(*process)).unwrap_or(scale);
        intervals.push(Interval { process, start, end });
    }
    intervals
}
