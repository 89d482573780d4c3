//! The test logs of etcd that Porcupine reads: one register, no times, one line for a call and one for its outcome.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use super::{Action, Call, Error, Get, History, KeyValue, Line, Mark, Operation, Outcome, Problem, Put, Reply, action};

/// The key that a log's register gets; the log has no name for it.
pub const KEY: &str = "register";
/// What a log's line is counted as, in nanoseconds.
const LINE: u64 = 1_000_000;
const FORMAT: &str = "a log for Porcupine";

/// Reads a log. Lines that are not about clients' calls are left out.
///
/// # Errors
/// The reader's, and [`Error::Line`] for a client's line that is malformed or cannot follow those before it.
pub fn read(reader: impl BufRead) -> Result<History, Error> {
    let mut lines = Vec::new();
    let mut open: HashMap<u64, Call> = HashMap::new();
    for (before, text) in reader.lines().enumerate() {
        let text = text?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let ["INFO", "jepsen.util", "-", process, kind, rest @ ..] = words.as_slice() else {
            continue;
        };
        let Ok(process) = process.parse::<u64>() else {
            continue;
        };
        let at = |problem| Error::Line {
            line: before + 1,
            problem,
        };
        let malformed = || at(Problem::Malformed(text.clone()));
        let time = LINE * (before as u64 + 1);
        lines.push(if *kind == ":invoke" {
            let call = call(rest).ok_or_else(malformed)?;
            open.insert(process, call.clone());
            Line::Invoke {
                process,
                time,
                member: None,
                call,
            }
        } else {
            let call = open.remove(&process).ok_or_else(|| at(Problem::Idle(process)))?;
            outcome(process, time, &call, kind, rest).ok_or_else(malformed)?
        });
    }
    History::from_lines(lines)
}

fn call(words: &[&str]) -> Option<Call> {
    Some(match words {
        [":read", "nil"] => Call::Get(Get {
            key: KEY.into(),
            ..Get::default()
        }),
        [":write", value] => Call::Put(Put {
            key: KEY.into(),
            value: (*value).into(),
            ..Put::default()
        }),
        [":cas", from, to] => Call::Cas {
            key: KEY.into(),
            from: Some(from.strip_prefix('[')?.into()),
            to: to.strip_suffix(']')?.into(),
        },
        _ => return None,
    })
}

fn outcome(process: u64, time: u64, call: &Call, kind: &str, words: &[&str]) -> Option<Line> {
    let error = || words.join(" ");
    let reply = match (kind, call, words) {
        (":info", ..) => {
            return Some(Line::Info {
                process,
                time,
                error: error(),
            });
        }
        (":ok", Call::Get(_), [":read", value]) => read_reply(value),
        (":ok", Call::Put(_), [":write", _]) => Reply::Put { prev: None },
        (":ok", Call::Cas { .. }, [":cas", _, _]) => Reply::Cas { succeeded: true },
        // The store compared and found something else: the call was answered.
        (":fail", Call::Cas { .. }, [":cas", _, _]) => Reply::Cas { succeeded: false },
        (":fail", ..) => {
            return Some(Line::Fail {
                process,
                time,
                error: error(),
            });
        }
        _ => return None,
    };
    Some(Line::Ok {
        process,
        time,
        revision: None,
        term: None,
        reply,
    })
}

fn read_reply(value: &str) -> Reply {
    let kvs = if value == "nil" {
        Vec::new()
    } else {
        vec![KeyValue {
            key: KEY.into(),
            value: value.into(),
            ..KeyValue::default()
        }]
    };
    let count = i64::from(!kvs.is_empty());
    Reply::Get { kvs, count }
}

/// Writes the operations on one key as a log. Values that are not all whole numbers are numbered in the order in which
/// they come up: the reader only asks which are equal. Calls that did not happen are left out, and so are reads of several
/// keys or of the past: what is left of a good history is good.
///
/// # Errors
/// The writer's, and [`Error::NoWords`] for an operation on this key that such a log has no words for: a delete, a swap
/// of an absent key, a put with a lease, a transaction.
pub fn write(history: &History, key: &str, mut writer: impl Write) -> Result<(), Error> {
    let mut numbers = Numbers::of(history, key);
    let processes = history.processes();
    for mark in &history.marks {
        let (Mark::Invoke(index) | Mark::Complete(index)) = *mark else {
            continue;
        };
        let operation = &history.operations[index];
        let no_words = || Error::NoWords {
            operation: index,
            format: FORMAT,
        };
        let Some((name, done)) = action(&operation.call) else {
            if names(&operation.call, key) {
                return Err(no_words());
            }
            continue;
        };
        let is_read = done == Action::Read;
        if name != key || (operation.is_failed() && !is_read) {
            continue;
        }
        let asked = match done {
            Action::Read => "nil".to_owned(),
            Action::Write(value) => numbers.of_value(value),
            Action::Swap { from: Some(from), to } => format!("[{} {}]", numbers.of_value(from), numbers.of_value(to)),
            Action::Swap { from: None, .. } | Action::Delete => return Err(no_words()),
        };
        let (kind, what) = match mark {
            Mark::Invoke(_) => (":invoke", asked),
            _ => completion(operation, asked, &mut numbers),
        };
        let name = match done {
            Action::Read => ":read",
            Action::Write(_) => ":write",
            Action::Swap { .. } | Action::Delete => ":cas",
        };
        writeln!(
            writer,
            "INFO  jepsen.util - {}\t{kind}\t{name}\t{what}",
            processes[index]
        )?;
    }
    Ok(writer.flush()?)
}

fn completion(operation: &Operation, asked: String, numbers: &mut Numbers) -> (&'static str, String) {
    let timed_out = || ":timed-out".to_owned();
    match &operation.outcome {
        Outcome::Ok { .. } => match (operation.read_value(), operation.swapped()) {
            (Some(None), _) => (":ok", "nil".into()),
            (Some(Some(value)), _) => (":ok", numbers.of_value(value)),
            (None, Some(false)) => (":fail", asked),
            (None, _) => (":ok", asked),
        },
        // A read whose outcome is unknown says nothing, and changes nothing.
        Outcome::Info { .. } if matches!(operation.call, Call::Get(_)) => (":fail", timed_out()),
        Outcome::Info { .. } => (":info", timed_out()),
        Outcome::Fail { .. } => (":fail", timed_out()),
    }
}

/// Whether a call that is no register's may change this key all the same.
fn names(call: &Call, key: &str) -> bool {
    match call {
        Call::Delete(delete) => super::covers(&delete.key, delete.end.as_deref(), key),
        Call::Put(put) => put.key == key,
        Call::Txn(_) => true,
        _ => false,
    }
}

/// Values as whole numbers.
struct Numbers {
    /// None: values are whole numbers already.
    given: Option<HashMap<String, usize>>,
}

impl Numbers {
    fn of(history: &History, key: &str) -> Self {
        let whole = |value: &str| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let all = history.operations.iter().all(|operation| {
            let Some((name, action)) = action(&operation.call) else {
                return true;
            };
            name != key
                || match action {
                    Action::Read => operation.read_value().flatten().is_none_or(whole),
                    Action::Write(value) => whole(value),
                    Action::Swap { from, to } => whole(to) && from.is_none_or(whole),
                    Action::Delete => true,
                }
        });
        Self {
            given: (!all).then(HashMap::new),
        }
    }

    fn of_value(&mut self, value: &str) -> String {
        match &mut self.given {
            None => value.to_owned(),
            Some(given) => {
                let next = given.len();
                given.entry(value.to_owned()).or_insert(next).to_string()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{absent, cas, delete, get, ops, present, put};

    const LOG: &str = "INFO  jepsen.util - 4\t:invoke\t:read\tnil
INFO  jepsen.util - 4\t:ok\t:read\tnil
INFO  jepsen.util - 1\t:invoke\t:write\t1
INFO  jepsen.util - 2\t:invoke\t:cas\t[2 4]
INFO  jepsen.util - 1\t:ok\t:write\t1
INFO  jepsen.util - 2\t:fail\t:cas\t[2 4]
INFO  jepsen.util - 3\t:invoke\t:cas\t[1 3]
INFO  jepsen.util - 3\t:ok\t:cas\t[1 3]
INFO  jepsen.util - 5\t:invoke\t:read\tnil
INFO  jepsen.util - 5\t:fail\t:read\t:timed-out
INFO  jepsen.util - 6\t:invoke\t:write\t2
INFO  jepsen.util - 6\t:info\t:write\t:timed-out
INFO  jepsen.util - 7\t:invoke\t:read\tnil
INFO  jepsen.util - 7\t:ok\t:read\t3
";

    fn written(history: &History, key: &str) -> Result<String, Error> {
        let mut text = Vec::new();
        write(history, key, &mut text)?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn a_log_is_written_as_it_was_read() {
        let history = read(LOG.as_bytes()).unwrap();
        assert_eq!(written(&history, KEY).unwrap(), LOG);
        assert_eq!(history.operations.len(), 7);
        assert_eq!(history.operations[2].swapped(), Some(false));
        assert!(history.operations[4].is_failed() && history.operations[5].is_unknown());
        assert_eq!(history.operations[6].read_value(), Some(Some("3")));
    }

    #[test]
    fn lines_about_other_things_are_left_out_and_broken_ones_refused() {
        let noise = "INFO  jepsen.core - up\nINFO  jepsen.util - :nemesis\t:info\t:start\tnil\n";
        assert_eq!(read(noise.as_bytes()).unwrap().operations.len(), 0);
        for (log, expected) in [
            ("INFO  jepsen.util - 4\t:invoke\t:read\t7\n", "line 1: not a line"),
            (
                "INFO  jepsen.util - 4\t:ok\t:read\t7\n",
                "line 1: process 4 has no open call",
            ),
            (
                "INFO  jepsen.util - 4\t:invoke\t:read\tnil\nINFO  jepsen.util - 4\t:ok\t:write\t7\n",
                "line 2: not a line",
            ),
        ] {
            let problem = read(log.as_bytes()).unwrap_err().to_string();
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn one_key_is_written_with_its_values_numbered() {
        let history = ops()
            .ok(1, 1, 2, put("x", "red"), Reply::Put { prev: None }, 2)
            .ok(1, 3, 4, put("y", "blue"), Reply::Put { prev: None }, 3)
            .info(1, 5, 6, cas("x", Some("red"), "green"))
            .ok(1, 7, 8, get("x"), present("x", "green", 2, 4, 2), 4)
            .ok(2, 9, 10, get("y"), present("y", "blue", 3, 3, 1), 4)
            .history();
        let text = written(&history, "x").unwrap();
        let words: Vec<String> = text
            .lines()
            .map(|line| line.trim_start_matches("INFO  jepsen.util - ").replace('\t', " "))
            .collect();
        assert_eq!(
            words,
            [
                "1 :invoke :write 0",
                "1 :ok :write 0",
                "1 :invoke :cas [0 1]",
                "1 :info :cas :timed-out",
                "3 :invoke :read nil",
                "3 :ok :read 1",
            ]
        );
    }

    #[test]
    fn what_has_no_words_is_refused() {
        for call in [delete("x"), cas("x", None, "1")] {
            let history = ops().info(1, 1, 2, call).history();
            assert!(matches!(
                written(&history, "x"),
                Err(Error::NoWords { operation: 0, .. })
            ));
            assert_eq!(written(&history, "y").unwrap(), "");
        }
        let history = ops().ok(1, 1, 2, get("x"), absent(), 1).history();
        assert!(written(&history, "x").unwrap().ends_with(":ok\t:read\tnil\n"));
    }
}
