//! Histories as EDN, for the checkers that Jepsen uses: one map for a call and one for its outcome.
//!
//! A register's calls are `:read`, `:write` and `:cas` with the key and its value, as Jepsen's independent keys have
//! them; transactions over lists are `:txn` with the steps `[:append k v]` and `[:r k vs]`. Everything else is written
//! under its own name, field by field.

use std::io::Write;

use serde_json::Value;

use super::{Action, Call, Error, Fault, History, Mark, Operation, Outcome, Phase, Reply, Step, action};

/// Writes a history as lines of EDN.
///
/// # Errors
/// The writer's.
pub fn write(history: &History, mut writer: impl Write) -> Result<(), Error> {
    let processes = history.processes();
    let mut index = 0_usize;
    for mark in &history.marks {
        let text = match *mark {
            Mark::Invoke(number) => {
                let operation = &history.operations[number];
                map(
                    index,
                    operation.start,
                    &processes[number].to_string(),
                    "invoke",
                    &asked(operation)?,
                )
            }
            Mark::Complete(number) => {
                let operation = &history.operations[number];
                let (kind, what) = answered(operation)?;
                let time = operation.end.unwrap_or(operation.start);
                map(index, time, &processes[number].to_string(), kind, &what)
            }
            Mark::Response(number, response) => {
                let operation = &history.operations[number];
                let Some((time, response)) = operation.responses.get(response) else {
                    continue;
                };
                let what = format!(":f :response, :value {}", edn(&to_value(response)?));
                map(index, *time, &processes[number].to_string(), "info", &what)
            }
            Mark::Fault(number) => {
                let Fault {
                    time,
                    name,
                    phase,
                    detail,
                    ..
                } = &history.faults[number];
                let side = match phase {
                    Phase::Begin => "begin",
                    Phase::End => "end",
                };
                let what = format!(":f {}, :value [:{side} {}]", keyword(name), string(detail));
                map(index, *time, ":nemesis", "info", &what)
            }
        };
        writeln!(writer, "{text}")?;
        index += 1;
    }
    Ok(writer.flush()?)
}

fn map(index: usize, time: u64, process: &str, kind: &str, what: &str) -> String {
    format!("{{:index {index}, :time {time}, :process {process}, :type :{kind}, {what}}}")
}

/// What a call asks: its function and its value.
fn asked(operation: &Operation) -> Result<String, Error> {
    if let Some((key, action)) = action(&operation.call) {
        let (name, value) = match action {
            Action::Read => ("read", "nil".to_owned()),
            Action::Write(value) => ("write", string(value)),
            Action::Delete => ("delete", "nil".to_owned()),
            Action::Swap { from, to } => (
                "cas",
                format!("[{} {}]", from.map_or("nil".to_owned(), string), string(to)),
            ),
        };
        return Ok(format!(":f :{name}, :value [{} {value}]", string(key)));
    }
    if let Call::Lists { steps } = &operation.call {
        return Ok(format!(":f :txn, :value {}", lists(steps)));
    }
    let (name, fields) = variant(to_value(&operation.call)?);
    Ok(format!(":f {}, :value {}", keyword(&name), edn(&fields)))
}

/// How a call ended: the type of its outcome, its function and its value.
fn answered(operation: &Operation) -> Result<(&'static str, String), Error> {
    let reply = match &operation.outcome {
        Outcome::Fail { error } => return Ok(("fail", format!("{}, :error {}", asked(operation)?, string(error)))),
        Outcome::Info { error } => return Ok(("info", format!("{}, :error {}", asked(operation)?, string(error)))),
        Outcome::Ok { reply, .. } => reply,
    };
    if let (Some((key, Action::Read)), Some(value)) = (action(&operation.call), operation.read_value()) {
        let value = value.map_or("nil".to_owned(), string);
        return Ok(("ok", format!(":f :read, :value [{} {value}]", string(key))));
    }
    match reply {
        // Jepsen's registers call a swap that did not find what it looked for a failure.
        Reply::Cas { succeeded: false } => Ok(("fail", asked(operation)?)),
        Reply::Lists { steps } => Ok(("ok", format!(":f :txn, :value {}", lists(steps)))),
        _ if action(&operation.call).is_some() => Ok(("ok", asked(operation)?)),
        _ => {
            let (name, fields) = variant(to_value(reply)?);
            Ok(("ok", format!(":f {}, :value {}", keyword(&name), edn(&fields))))
        }
    }
}

fn lists(steps: &[Step]) -> String {
    let steps: Vec<String> = steps
        .iter()
        .map(|step| match step {
            Step::Append { key, value } => format!("[:append {} {value}]", string(key)),
            Step::Read { key, values: None } => format!("[:r {} nil]", string(key)),
            Step::Read {
                key,
                values: Some(values),
            } => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                format!("[:r {} [{}]]", string(key), values.join(" "))
            }
        })
        .collect();
    format!("[{}]", steps.join(" "))
}

fn to_value(thing: &impl serde::Serialize) -> Result<Value, Error> {
    Ok(serde_json::to_value(thing).map_err(std::io::Error::from)?)
}

/// The one field of a map with one: the name of an enum's variant and what it holds.
fn variant(value: Value) -> (String, Value) {
    match value {
        Value::Object(fields) => fields.into_iter().next().unwrap_or_default(),
        other => (String::new(), other),
    }
}

fn keyword(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    format!(":{}", name.chars().map(plain).collect::<String>())
}

fn string(text: &str) -> String {
    Value::from(text).to_string()
}

fn edn(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(edn).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{} {}", keyword(name), edn(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{append, cas, get, lists as txn, ops, present, put, read};

    fn written(history: &History) -> Vec<String> {
        let mut text = Vec::new();
        write(history, &mut text).unwrap();
        String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn registers_are_written_as_jepsen_has_them() {
        let history = ops()
            .ok(1, 1, 2, put("x", "a"), Reply::Put { prev: None }, 2)
            .ok(1, 3, 4, cas("x", Some("b"), "c"), Reply::Cas { succeeded: false }, 2)
            .info(1, 5, 6, cas("x", None, "c"))
            .ok(1, 7, 8, get("x"), present("x", "a", 2, 2, 1), 2)
            .history();
        assert_eq!(
            written(&history),
            [
                r#"{:index 0, :time 1, :process 1, :type :invoke, :f :write, :value ["x" "a"]}"#,
                r#"{:index 1, :time 2, :process 1, :type :ok, :f :write, :value ["x" "a"]}"#,
                r#"{:index 2, :time 3, :process 1, :type :invoke, :f :cas, :value ["x" ["b" "c"]]}"#,
                r#"{:index 3, :time 4, :process 1, :type :fail, :f :cas, :value ["x" ["b" "c"]]}"#,
                r#"{:index 4, :time 5, :process 1, :type :invoke, :f :cas, :value ["x" [nil "c"]]}"#,
                r#"{:index 5, :time 6, :process 1, :type :info, :f :cas, :value ["x" [nil "c"]], :error "timed out"}"#,
                r#"{:index 6, :time 7, :process 2, :type :invoke, :f :read, :value ["x" nil]}"#,
                r#"{:index 7, :time 8, :process 2, :type :ok, :f :read, :value ["x" "a"]}"#,
            ]
        );
    }

    #[test]
    fn transactions_over_lists_are_written_as_elle_has_them() {
        let history = ops()
            .lists(1, 1, 2, &[append("x", 1), read("y", &[3, 4])])
            .info(2, 3, 4, txn(&[append("x", 2)]))
            .history();
        assert_eq!(
            written(&history),
            [
                r#"{:index 0, :time 1, :process 1, :type :invoke, :f :txn, :value [[:append "x" 1] [:r "y" nil]]}"#,
                r#"{:index 1, :time 2, :process 1, :type :ok, :f :txn, :value [[:append "x" 1] [:r "y" [3 4]]]}"#,
                r#"{:index 2, :time 3, :process 2, :type :invoke, :f :txn, :value [[:append "x" 2]]}"#,
                r#"{:index 3, :time 4, :process 2, :type :info, :f :txn, :value [[:append "x" 2]], :error "timed out"}"#,
            ]
        );
    }

    #[test]
    fn everything_else_is_written_field_by_field() {
        let lines = r#"{"type":"fault","time":1,"name":"kill all","phase":"begin","detail":"m1, m2"}
{"type":"invoke","process":1,"time":2,"call":{"watch":{"key":"x","prev_kv":true}}}
{"type":"response","process":1,"time":3,"response":{"revision":4}}
{"type":"ok","process":1,"time":4,"reply":{"watch":{"through":0}}}
"#;
        assert_eq!(
            written(&History::read(lines.as_bytes()).unwrap()),
            [
                r#"{:index 0, :time 1, :process :nemesis, :type :info, :f :kill-all, :value [:begin "m1, m2"]}"#,
                r#"{:index 1, :time 2, :process 1, :type :invoke, :f :watch, :value {:key "x", :prev-kv true}}"#,
                r"{:index 2, :time 3, :process 1, :type :info, :f :response, :value {:revision 4}}",
                r"{:index 3, :time 4, :process 1, :type :ok, :f :watch, :value {:through 0}}",
            ]
        );
    }
}
