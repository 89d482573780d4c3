//! The lines of a history: read with care, written, and paired into operations.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use super::{Call, Error, Fault, History, Mark, Operation, Outcome, Problem, Reply, Response};

/// What is said of a call that was open when the history ended.
const OPEN: &str = "open when the history ended";

/// One thing that happened. Times are nanoseconds of one monotonic clock; the time of an `invoke` is taken before
/// anything is sent, that of an outcome after everything was received, and no line is older than the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// A process calls.
    Invoke {
        /// Who.
        process: u64,
        /// When.
        time: u64,
        /// Which member is asked, where the client chose one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<String>,
        /// What.
        call: Call,
    },
    /// The process's call happened.
    Ok {
        /// Who.
        process: u64,
        /// When that was known.
        time: u64,
        /// The store's revision, from the header of the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<i64>,
        /// The raft term, from the header of the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        term: Option<u64>,
        /// The answer.
        reply: Reply,
    },
    /// The process's call did not happen and never will.
    Fail {
        /// Who.
        process: u64,
        /// When that was known.
        time: u64,
        /// What the client was told.
        error: String,
    },
    /// The process's call may have happened, and may yet happen.
    Info {
        /// Who.
        process: u64,
        /// When the client gave up.
        time: u64,
        /// What the client was told.
        error: String,
    },
    /// The process's watch delivered something.
    Response {
        /// Who.
        process: u64,
        /// When it came.
        time: u64,
        /// What.
        response: Response,
    },
    /// Something was done to the cluster.
    Fault {
        /// When.
        time: u64,
        /// What it is called.
        name: String,
        /// Whether it begins or ends.
        phase: Phase,
        /// When it was set about, for one that begins: making it takes a while, and it may show from then on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
        /// To whom, in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
}

/// A side of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// From here on.
    Begin,
    /// Up to here.
    End,
}

impl Line {
    /// When it happened.
    pub const fn time(&self) -> u64 {
        match self {
            Self::Invoke { time, .. }
            | Self::Ok { time, .. }
            | Self::Fail { time, .. }
            | Self::Info { time, .. }
            | Self::Response { time, .. }
            | Self::Fault { time, .. } => *time,
        }
    }

    /// Writes it, with its line break.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, writer: &mut impl Write) -> Result<(), Error> {
        let mut text = serde_json::to_vec(self).map_err(std::io::Error::from)?;
        text.push(b'\n');
        Ok(writer.write_all(&text)?)
    }
}

/// A history on its way from lines to operations.
#[derive(Default)]
struct Pairing {
    history: History,
    /// The open call of each process that has one.
    open: HashMap<u64, usize>,
    now: u64,
}

impl Pairing {
    fn push(&mut self, line: Line) -> Result<(), Problem> {
        let time = line.time();
        if time < self.now {
            return Err(Problem::Backwards { before: self.now, time });
        }
        self.now = time;
        match line {
            Line::Invoke {
                process, member, call, ..
            } => self.invoke(process, time, member, call),
            Line::Ok {
                process,
                revision,
                term,
                reply,
                ..
            } => self.complete(process, time, Outcome::Ok { reply, revision, term }),
            Line::Fail { process, error, .. } => self.complete(process, time, Outcome::Fail { error }),
            Line::Info { process, error, .. } => self.complete(process, time, Outcome::Info { error }),
            Line::Response { process, response, .. } => self.respond(process, time, response),
            Line::Fault {
                name,
                phase,
                since,
                detail,
                ..
            } => {
                if let Some(since) = since.filter(|since| *since > time) {
                    return Err(Problem::Ahead { since, time });
                }
                self.history.marks.push(Mark::Fault(self.history.faults.len()));
                self.history.faults.push(Fault {
                    time,
                    name,
                    phase,
                    since,
                    detail,
                });
                Ok(())
            }
        }
    }

    fn invoke(&mut self, process: u64, time: u64, member: Option<String>, call: Call) -> Result<(), Problem> {
        let index = self.history.operations.len();
        if self.open.insert(process, index).is_some() {
            return Err(Problem::Busy(process));
        }
        self.history.marks.push(Mark::Invoke(index));
        self.history.operations.push(Operation {
            index,
            process,
            member,
            call,
            start: time,
            end: None,
            outcome: Outcome::Info { error: OPEN.into() },
            responses: Vec::new(),
        });
        Ok(())
    }

    fn complete(&mut self, process: u64, time: u64, outcome: Outcome) -> Result<(), Problem> {
        let Some(index) = self.open.remove(&process) else {
            return Err(Problem::Idle(process));
        };
        let operation = &mut self.history.operations[index];
        if let Outcome::Ok { reply, .. } = &outcome
            && !operation.call.fits(reply)
        {
            return Err(Problem::Misfit {
                process,
                call: operation.call.to_string(),
                reply: reply.to_string(),
            });
        }
        operation.end = Some(time);
        operation.outcome = outcome;
        self.history.marks.push(Mark::Complete(index));
        Ok(())
    }

    fn respond(&mut self, process: u64, time: u64, response: Response) -> Result<(), Problem> {
        let open = self.open.get(&process).copied();
        let Some(operation) = open.and_then(|index| self.history.operations.get_mut(index)) else {
            return Err(Problem::NoWatch(process));
        };
        if !matches!(operation.call, Call::Watch(_)) {
            return Err(Problem::NoWatch(process));
        }
        let mark = Mark::Response(operation.index, operation.responses.len());
        operation.responses.push((time, response));
        self.history.marks.push(mark);
        Ok(())
    }
}

impl History {
    /// Pairs lines into operations.
    ///
    /// # Errors
    /// [`Error::Line`] for a line that cannot follow those before it; lines are counted from 1.
    pub fn from_lines(lines: impl IntoIterator<Item = Line>) -> Result<Self, Error> {
        let mut pairing = Pairing::default();
        for (before, line) in lines.into_iter().enumerate() {
            pairing.push(line).map_err(|problem| Error::Line {
                line: before + 1,
                problem,
            })?;
        }
        Ok(pairing.history)
    }

    /// Reads JSON lines. A call that is still open after the last line has an unknown outcome.
    ///
    /// # Errors
    /// The reader's, and [`Error::Line`] for the first line that is malformed, torn, empty, or cannot follow those
    /// before it.
    pub fn read(reader: impl BufRead) -> Result<Self, Error> {
        let mut pairing = Pairing::default();
        for (before, text) in reader.lines().enumerate() {
            let at = |problem| Error::Line {
                line: before + 1,
                problem,
            };
            let line: Line = serde_json::from_str(&text?).map_err(|error| at(Problem::Malformed(error.to_string())))?;
            pairing.push(line).map_err(at)?;
        }
        Ok(pairing.history)
    }

    /// Its lines, as they were read.
    pub fn lines(&self) -> impl Iterator<Item = Line> + '_ {
        self.marks.iter().filter_map(|mark| self.line(*mark))
    }

    /// Writes it as JSON lines.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, mut writer: impl Write) -> Result<(), Error> {
        for line in self.lines() {
            line.write(&mut writer)?;
        }
        Ok(writer.flush()?)
    }

    fn line(&self, mark: Mark) -> Option<Line> {
        match mark {
            Mark::Invoke(index) => self.operations.get(index).map(|one| Line::Invoke {
                process: one.process,
                time: one.start,
                member: one.member.clone(),
                call: one.call.clone(),
            }),
            Mark::Complete(index) => self.operations.get(index).and_then(outcome),
            Mark::Response(index, number) => {
                let operation = self.operations.get(index)?;
                let (time, response) = operation.responses.get(number)?;
                Some(Line::Response {
                    process: operation.process,
                    time: *time,
                    response: response.clone(),
                })
            }
            Mark::Fault(index) => self.faults.get(index).map(|one| Line::Fault {
                time: one.time,
                name: one.name.clone(),
                phase: one.phase,
                since: one.since,
                detail: one.detail.clone(),
            }),
        }
    }
}

/// The line that ended an operation.
fn outcome(operation: &Operation) -> Option<Line> {
    let process = operation.process;
    let time = operation.end?;
    Some(match operation.outcome.clone() {
        Outcome::Ok { reply, revision, term } => Line::Ok {
            process,
            time,
            revision,
            term,
            reply,
        },
        Outcome::Fail { error } => Line::Fail { process, time, error },
        Outcome::Info { error } => Line::Info { process, time, error },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"type":"invoke","process":1,"time":5,"member":"m1","call":{"put":{"key":"x","value":"1"}}}
{"type":"invoke","process":2,"time":6,"call":{"watch":{"key":"x","prev_kv":true}}}
{"type":"response","process":2,"time":7,"response":{"revision":1,"created":true}}
{"type":"ok","process":1,"time":9,"revision":2,"term":3,"reply":{"put":{}}}
{"type":"fault","time":10,"name":"partition","phase":"begin","since":8,"detail":"m1 alone"}
{"type":"response","process":2,"time":11,"response":{"revision":2,"events":[{"kind":"put","kv":{"key":"x","value":"1","create_revision":2,"mod_revision":2,"version":1}}]}}
{"type":"invoke","process":1,"time":12,"call":{"members":{}}}
{"type":"info","process":1,"time":13,"error":"timed out"}
{"type":"invoke","process":1,"time":14,"call":{"cas":{"key":"x","from":null,"to":"2"}}}
{"type":"fail","process":1,"time":15,"error":"no leader"}
"#;

    fn problem(text: &str) -> String {
        History::read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_history_is_written_as_it_was_read() {
        let history = History::read(GOOD.as_bytes()).unwrap();
        let mut written = Vec::new();
        history.write(&mut written).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), GOOD);
        let [put, watch, members, cas] = history.operations.as_slice() else {
            panic!("{history:?}");
        };
        assert_eq!((put.start, put.end, put.revision()), (5, Some(9), Some(2)));
        assert_eq!(put.member.as_deref(), Some("m1"));
        assert!(watch.is_unknown() && watch.end.is_none(), "{watch:?}");
        assert_eq!(watch.responses.len(), 2);
        assert!(members.is_unknown() && members.effective_by() == u64::MAX);
        assert!(cas.is_failed() && put.precedes(cas) && !members.precedes(cas));
        assert_eq!(history.faults[0].name, "partition");
        assert_eq!((history.faults[0].time, history.faults[0].began()), (10, 8));
    }

    #[test]
    fn malformed_lines_are_refused_by_their_number() {
        for (text, expected) in [
            ("\n", "line 1: not a line"),
            ("{}\n", "line 1: not a line"),
            ("[1]\n", "line 1: not a line"),
            (&GOOD[..GOOD.len() - 8], "line 10: not a line"),
            (
                r#"{"type":"invoke","process":1,"time":5,"call":{"get":{"key":"x","limits":1}}}"#,
                "unknown field `limits`",
            ),
            (
                r#"{"type":"invoke","process":1,"time":5,"colour":"red","call":{"get":{"key":"x"}}}"#,
                "unknown field `colour`",
            ),
            (
                r#"{"type":"invoke","process":1,"time":-5,"call":{"get":{"key":"x"}}}"#,
                "line 1: not a line",
            ),
            (
                r#"{"type":"invoke","process":1,"time":5,"call":{"fly":{}}}"#,
                "unknown variant `fly`",
            ),
            (
                r#"{"type":"invoke","process":1,"time":5,"call":{"get":{}}}"#,
                "missing field `key`",
            ),
        ] {
            let problem = problem(text);
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }

    #[test]
    fn lines_that_cannot_follow_each_other_are_refused() {
        let get = |time: u64| {
            format!("{{\"type\":\"invoke\",\"process\":1,\"time\":{time},\"call\":{{\"get\":{{\"key\":\"x\"}}}}}}\n")
        };
        let done = |time: u64, reply: &str| {
            format!("{{\"type\":\"ok\",\"process\":1,\"time\":{time},\"reply\":{{\"{reply}\":{{}}}}}}\n")
        };
        for (text, expected) in [
            (get(5) + &get(6), "line 2: process 1 calls while"),
            (get(5) + &done(4, "add"), "line 2: its time 4 is before 5"),
            (get(5) + &done(6, "add"), "line 2: process 1 asked get x"),
            (done(4, "add"), "line 1: process 1 has no open call"),
            (
                get(5) + r#"{"type":"response","process":1,"time":6,"response":{"revision":1}}"#,
                "line 2: process 1 has a response",
            ),
            (
                r#"{"type":"fault","time":4,"name":"kill","phase":"begin","since":5}"#.to_owned(),
                "line 1: its time is 4, and it was set about at 5",
            ),
        ] {
            let problem = problem(&text);
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }

    #[test]
    fn an_answer_must_have_the_shape_of_its_call() {
        for (call, reply, fits) in [
            (
                r#"{"txn":{"compare":[],"then":[{"put":{"key":"x","value":"1"}}]}}"#,
                r#"{"txn":{"succeeded":true,"replies":[{"put":{}}]}}"#,
                true,
            ),
            (
                r#"{"txn":{"compare":[],"then":[{"put":{"key":"x","value":"1"}}]}}"#,
                r#"{"txn":{"succeeded":false,"replies":[{"put":{}}]}}"#,
                false,
            ),
            (
                r#"{"lists":{"steps":[{"append":{"key":"x","value":1}},{"read":{"key":"x"}}]}}"#,
                r#"{"lists":{"steps":[{"append":{"key":"x","value":1}},{"read":{"key":"x","values":[1]}}]}}"#,
                true,
            ),
            (
                r#"{"lists":{"steps":[{"read":{"key":"x"}}]}}"#,
                r#"{"lists":{"steps":[{"read":{"key":"x"}}]}}"#,
                false,
            ),
        ] {
            let text = format!(
                "{{\"type\":\"invoke\",\"process\":1,\"time\":1,\"call\":{call}}}\n\
                 {{\"type\":\"ok\",\"process\":1,\"time\":2,\"reply\":{reply}}}\n"
            );
            assert_eq!(History::read(text.as_bytes()).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn a_process_gets_a_new_number_after_an_unknown_outcome() {
        let history = History::read(GOOD.as_bytes()).unwrap();
        assert_eq!(history.processes(), vec![1, 2, 1, 4]);
    }
}
