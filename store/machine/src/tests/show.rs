//! Replies, effects and state as transcripts write them.

use std::fmt::Write as _;

use proto::Encoded;
use proto::etcd::response_op::Response;
use proto::etcd::{AlarmMember, Member, RangeResponse, ResponseHeader, TxnResponse};
use proto::fault::Fault;
use proto::mvcc::KeyValue;
use proto::store::Reply;
use proto::store::reply::Outcome;
use store_mvcc::Kind;

use crate::{Effect, State};

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn at(header: Option<&ResponseHeader>) -> String {
    header.map_or_else(String::new, |header| format!(" rev={}", header.revision))
}

fn key_value(kv: &Encoded<KeyValue>) -> String {
    let kv = kv.decode().unwrap();
    let mut out = format!("{}={}", text(&kv.key), text(&kv.value));
    write!(
        out,
        " create={} mod={} version={}",
        kv.create_revision, kv.mod_revision, kv.version
    )
    .unwrap();
    if kv.lease != 0 {
        write!(out, " lease={}", kv.lease).unwrap();
    }
    out
}

fn key_values(kvs: &[Encoded<KeyValue>]) -> String {
    kvs.iter()
        .fold(String::new(), |out, kv| format!("{out} ({})", key_value(kv)))
}

pub(super) fn range(response: &RangeResponse) -> String {
    let more = if response.more { " more" } else { "" };
    format!(
        "range{} count={}{more}{}",
        at(response.header.as_ref()),
        response.count,
        key_values(&response.kvs)
    )
}

fn txn(response: &TxnResponse) -> String {
    let responses = response.responses.iter().map(|response| match &response.response {
        None => "nothing".to_owned(),
        Some(Response::ResponseRange(response)) => range(response),
        Some(Response::ResponsePut(response)) => {
            let previous = response.prev_kv.as_slice();
            format!("put{}{}", at(response.header.as_ref()), key_values(previous))
        }
        Some(Response::ResponseDeleteRange(response)) => {
            format!(
                "del{} n={}{}",
                at(response.header.as_ref()),
                response.deleted,
                key_values(&response.prev_kvs)
            )
        }
        Some(Response::ResponseTxn(response)) => txn(response),
    });
    let responses = responses.fold(String::new(), |out, response| format!("{out} [{response}]"));
    format!(
        "txn{} {}{responses}",
        at(response.header.as_ref()),
        if response.succeeded { "then" } else { "else" }
    )
}

fn member(member: &Member) -> String {
    let mut out = format!(
        "{} name={} peer={}",
        member.id,
        member.name,
        member.peer_ur_ls.join(",")
    );
    if !member.client_ur_ls.is_empty() {
        write!(out, " client={}", member.client_ur_ls.join(",")).unwrap();
    }
    if member.is_learner {
        out.push_str(" learner");
    }
    out
}

fn alarms(alarms: &[AlarmMember]) -> String {
    alarms.iter().fold(String::new(), |out, alarm| {
        format!("{out} {}@{}", alarm.alarm().as_str_name(), alarm.member_id)
    })
}

pub(super) fn fault(fault: Fault) -> String {
    format!("{fault:?}: {fault}")
}

pub(super) fn reply(reply: &Reply) -> Vec<String> {
    let line = match reply.outcome.as_ref().unwrap() {
        Outcome::Fault(code) => fault(Fault::try_from(*code).unwrap()),
        Outcome::Put(response) => {
            let previous = response.prev_kv.as_slice();
            format!("put{}{}", at(response.header.as_ref()), key_values(previous))
        }
        Outcome::DeleteRange(response) => {
            format!(
                "del{} n={}{}",
                at(response.header.as_ref()),
                response.deleted,
                key_values(&response.prev_kvs)
            )
        }
        Outcome::Txn(response) => txn(response),
        Outcome::Compact(response) => format!("compact{}", at(response.header.as_ref())),
        Outcome::LeaseGrant(response) => {
            format!(
                "grant{} id={} ttl={}",
                at(response.header.as_ref()),
                response.id,
                response.ttl
            )
        }
        Outcome::LeaseRevoke(response) => format!("revoke{}", at(response.header.as_ref())),
        Outcome::Alarm(response) => format!("alarms{}{}", at(response.header.as_ref()), alarms(&response.alarms)),
        Outcome::Members(answer) => {
            return answer
                .members
                .iter()
                .map(|known| format!("member {}", member(known)))
                .collect();
        }
        Outcome::Done(done) => format!("done rev={}", done.revision),
    };
    vec![line]
}

pub(super) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Revision(batch) => {
            let changes = batch.changes.iter().map(|change| {
                let kind = if change.kind == Kind::Put { "put" } else { "del" };
                let (key, modified) = (text(&change.key), change.modified);
                let lease = if change.lease == 0 {
                    String::new()
                } else {
                    format!(" lease={}", change.lease)
                };
                format!(" {kind} {key}@{}.{}{lease}", modified.main, modified.sub)
            });
            format!("revision {}:{}", batch.revision, changes.collect::<Vec<_>>().join(","))
        }
        Effect::Compacted(revision) => format!("compacted {revision}"),
        Effect::LeaseGranted { id, ttl } => format!("lease granted id={id} ttl={ttl}"),
        Effect::LeaseRevoked(ids) => format!("leases revoked {ids:?}"),
        Effect::LeaseCheckpointed { id, remaining } => format!("lease checkpointed id={id} remaining={remaining}"),
        flag => format!("{flag:?}").to_lowercase(),
    }
}

/// A part of the state, by name.
pub(super) fn state(state: &State, what: &str) -> Vec<String> {
    match what {
        "leases" => {
            let leases = state.leases.iter().map(|lease| {
                let keys: Vec<String> = lease.keys().map(|key| text(key)).collect();
                format!(
                    "lease {} ttl={} remaining={} keys={}",
                    lease.id(),
                    lease.ttl(),
                    lease.remaining(),
                    keys.join(",")
                )
            });
            leases.collect()
        }
        "members" => {
            let members = state.members.iter().map(|known| format!("member {}", member(known)));
            members
                .chain(state.members.removed().map(|id| format!("removed {id}")))
                .collect()
        }
        "auth" => {
            let head = format!("enabled={} revision={}", state.auth.enabled(), state.auth.revision());
            let users = state
                .auth
                .users()
                .map(|user| format!("user {} roles={}", text(&user.name), user.roles.join(",")));
            let roles = state.auth.roles().map(|role| {
                let held = role.key_permission.iter().map(|held| {
                    format!(
                        " {}:{}..{}",
                        held.perm_type().as_str_name(),
                        text(&held.key),
                        text(&held.range_end)
                    )
                });
                format!("role {}{}", text(&role.name), held.collect::<String>())
            });
            std::iter::once(head).chain(users).chain(roles).collect()
        }
        "versions" => vec![format!(
            "cluster={:?} downgrade={:?}",
            state.cluster_version, state.downgrade
        )],
        what => panic!("{what} is no part of the state"),
    }
}
