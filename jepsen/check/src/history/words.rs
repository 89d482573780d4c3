//! Operations in words that a person understands.

use std::fmt::{self, Display, Formatter};

use super::{Call, Compare, Event, KeyValue, Kind, Operation, Outcome, Relation, Reply, Request, Step, Target};

/// Nanoseconds as seconds.
pub(crate) fn seconds(time: u64) -> String {
    format!("{}.{:06} s", time / 1_000_000_000, time % 1_000_000_000 / 1_000)
}

/// A key as stored, with what sets it apart from others of its name.
pub(crate) fn key_value(kv: &KeyValue) -> String {
    let KeyValue {
        key,
        value,
        create_revision,
        mod_revision,
        version,
        lease,
    } = kv;
    let lease = match lease {
        0 => String::new(),
        lease => format!(", lease {lease}"),
    };
    match mod_revision {
        0 => format!("{key} = {value:?}"),
        _ => format!(
            "{key} = {value:?} (version {version}, written at {mod_revision}, created at {create_revision}{lease})"
        ),
    }
}

/// A change in words.
pub(crate) fn event(event: &Event) -> String {
    let before = match &event.prev {
        None => String::new(),
        Some(prev) => format!(", before it {}", key_value(prev)),
    };
    match event.kind {
        Kind::Put => format!("put {}{before}", key_value(&event.kv)),
        Kind::Delete => format!("delete {} at {}{before}", event.kv.key, event.kv.mod_revision),
    }
}

/// Things in a row.
fn list<T>(things: &[T], one: impl Fn(&T) -> String) -> String {
    let texts: Vec<String> = things.iter().map(one).collect();
    format!("[{}]", texts.join(", "))
}

fn keys(key: &str, end: Option<&str>) -> String {
    match end {
        None => key.to_owned(),
        Some("\0") if key == "\0" => "all keys".to_owned(),
        Some("\0") => format!("all keys from {key} on"),
        Some(end) => format!("the keys from {key} to before {end}"),
    }
}

impl Display for Operation {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "operation {} (process {}", self.index, self.process)?;
        if let Some(member) = &self.member {
            write!(out, " at {member}")?;
        }
        write!(out, ", {} to ", seconds(self.start))?;
        match self.end {
            Some(end) => write!(out, "{}): ", seconds(end))?,
            None => write!(out, "the end): ")?,
        }
        write!(out, "{} -> ", self.call)?;
        match &self.outcome {
            Outcome::Ok { reply, revision, .. } => {
                write!(out, "{reply}")?;
                match revision {
                    Some(revision) => write!(out, " at revision {revision}"),
                    None => Ok(()),
                }
            }
            Outcome::Fail { error } => write!(out, "refused ({error})"),
            Outcome::Info { error } => write!(out, "unknown ({error})"),
        }
    }
}

impl Display for Request {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get(get) => {
                write!(out, "get {}", keys(&get.key, get.end.as_deref()))?;
                if get.revision != 0 {
                    write!(out, " as of revision {}", get.revision)?;
                }
                if get.limit != 0 {
                    write!(out, ", at most {}", get.limit)?;
                }
                if get.serializable {
                    write!(out, " (serializable)")?;
                }
                Ok(())
            }
            Self::Put(put) => {
                write!(out, "put {} = {:?}", put.key, put.value)?;
                if put.lease != 0 {
                    write!(out, " with lease {}", put.lease)?;
                }
                Ok(())
            }
            Self::Delete(delete) => write!(out, "delete {}", keys(&delete.key, delete.end.as_deref())),
        }
    }
}

impl Display for Compare {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let relation = match self.is {
            Relation::Equal => "=",
            Relation::NotEqual => "!=",
            Relation::Greater => ">",
            Relation::Less => "<",
        };
        let key = &self.key;
        match &self.target {
            Target::Value(value) => write!(out, "{key} {relation} {value:?}"),
            Target::Version(version) => write!(out, "version of {key} {relation} {version}"),
            Target::Create(revision) => write!(out, "creation of {key} {relation} {revision}"),
            Target::Mod(revision) => write!(out, "last write of {key} {relation} {revision}"),
            Target::Lease(lease) => write!(out, "lease of {key} {relation} {lease}"),
        }
    }
}

impl Display for Step {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append { key, value } => write!(out, "append {value} to {key}"),
            Self::Read { key, values: None } => write!(out, "read {key}"),
            Self::Read {
                key,
                values: Some(values),
            } => write!(out, "read {key} = {values:?}"),
        }
    }
}

impl Display for Call {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get(get) => Request::Get(get.clone()).fmt(out),
            Self::Put(put) => Request::Put(put.clone()).fmt(out),
            Self::Delete(delete) => Request::Delete(delete.clone()).fmt(out),
            Self::Txn(txn) => write!(
                out,
                "if {} then {} else {}",
                list(&txn.compare, ToString::to_string),
                list(&txn.then, ToString::to_string),
                list(&txn.otherwise, ToString::to_string)
            ),
            Self::Cas { key, from, to } => match from {
                Some(from) => write!(out, "cas {key} from {from:?} to {to:?}"),
                None => write!(out, "cas {key} from nothing to {to:?}"),
            },
            Self::Compact { revision } => write!(out, "compact {revision}"),
            Self::Watch(watch) => {
                write!(out, "watch {}", keys(&watch.key, watch.end.as_deref()))?;
                match watch.start_revision {
                    0 => Ok(()),
                    start => write!(out, " from revision {start}"),
                }
            }
            Self::Grant { lease, ttl } => write!(out, "grant lease {lease} for {ttl} s"),
            Self::KeepAlive { lease } => write!(out, "keep lease {lease} alive"),
            Self::Revoke { lease } => write!(out, "revoke lease {lease}"),
            Self::TimeToLive { lease } => write!(out, "time to live of lease {lease}"),
            Self::Lists { steps } => write!(out, "{}", list(steps, ToString::to_string)),
            Self::Add { value } => write!(out, "add {value}"),
            Self::Members {} => write!(out, "members"),
            Self::Transfer { from, to, amount } => write!(out, "transfer {amount} from {from} to {to}"),
            Self::Balances {} => write!(out, "balances"),
            Self::Lock { name } => write!(out, "lock {name}"),
            Self::Unlock { name, token } => write!(out, "unlock {name} held with token {token}"),
            Self::Guarded { name, token } => write!(out, "write under {name} with token {token}"),
            Self::Campaign { name, value } => write!(out, "campaign for {name} as {value:?}"),
            Self::Proclaim { name, token, value } => write!(out, "proclaim {value:?} for {name} with token {token}"),
            Self::Resign { name, token } => write!(out, "resign from {name} held with token {token}"),
            Self::Leader { name } => write!(out, "leader of {name}"),
            Self::Hash { revision: 0 } => write!(out, "hash"),
            Self::Hash { revision } => write!(out, "hash up to revision {revision}"),
        }
    }
}

impl Display for Reply {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get { kvs, .. } if kvs.is_empty() => write!(out, "nothing"),
            Self::Get { kvs, count } => {
                write!(out, "{}", list(kvs, key_value))?;
                match usize::try_from(*count) {
                    Ok(count) if count == kvs.len() => Ok(()),
                    _ => write!(out, " of {count}"),
                }
            }
            Self::Put { prev: Some(prev) } => write!(out, "ok, before it {}", key_value(prev)),
            Self::Delete { deleted, prev } if prev.is_empty() => write!(out, "{deleted} deleted"),
            Self::Delete { deleted, prev } => write!(out, "{deleted} deleted: {}", list(prev, key_value)),
            Self::Txn { succeeded, replies } => write!(
                out,
                "{} {}",
                if *succeeded { "then" } else { "else" },
                list(replies, ToString::to_string)
            ),
            Self::Cas { succeeded: true } => write!(out, "written"),
            Self::Cas { succeeded: false } => write!(out, "not written"),
            Self::Watch { through: 0 } => write!(out, "closed"),
            Self::Watch { through } => write!(out, "closed after waiting for revision {through}"),
            Self::Grant { ttl } => write!(out, "granted for {ttl} s"),
            Self::KeepAlive { ttl: ..=0 } | Self::TimeToLive { ttl: ..0 } => write!(out, "gone"),
            Self::KeepAlive { ttl } | Self::TimeToLive { ttl } => write!(out, "alive for {ttl} s"),
            Self::Lists { steps } => write!(out, "{}", list(steps, ToString::to_string)),
            Self::Members { values } => write!(out, "{} members", values.len()),
            Self::Balances { accounts } => write!(out, "{accounts:?}"),
            Self::Lock { token } | Self::Campaign { token } => write!(out, "won with token {token}"),
            Self::Guarded {} => write!(out, "accepted"),
            Self::Leader { leader: None } => write!(out, "nobody"),
            Self::Leader { leader: Some(leader) } => write!(out, "{:?} with token {}", leader.value, leader.token),
            Self::Hash { hash, revision, .. } => write!(out, "{hash:08x} of revision {revision}"),
            Self::Put { prev: None }
            | Self::Compact {}
            | Self::Revoke {}
            | Self::Add {}
            | Self::Transfer {}
            | Self::Unlock {}
            | Self::Proclaim {}
            | Self::Resign {} => write!(out, "ok"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{get, ops, present, put};

    #[test]
    fn an_operation_tells_who_asked_what_and_was_told_what() {
        let history = ops()
            .ok(
                3,
                1_204_000_000,
                1_310_500_000,
                put("x", "1"),
                crate::history::Reply::Put { prev: None },
                7,
            )
            .info(4, 2_000_000_000, 2_100_000_000, put("x", "2"))
            .ok(5, 3_000_000_000, 3_000_001_000, get("x"), present("x", "1", 7, 7, 1), 7)
            .history();
        let texts: Vec<String> = history.operations.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "operation 0 (process 3, 1.204000 s to 1.310500 s): put x = \"1\" -> ok at revision 7",
                "operation 1 (process 4, 2.000000 s to 2.100000 s): put x = \"2\" -> unknown (timed out)",
                "operation 2 (process 5, 3.000000 s to 3.000001 s): get x -> \
                 [x = \"1\" (version 1, written at 7, created at 7)] at revision 7",
            ]
        );
    }
}
