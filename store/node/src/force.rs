//! `--force-new-cluster`: the way out when the other members are gone for good.
//!
//! Entries that end the old membership are written behind what was committed, as if the old cluster had agreed on them:
//! first this member becomes the only voter, then the others leave the members table. Then the member starts as always.
//! What was not committed is cut off, as nobody was ever told that it was done.

use std::io;

use prost::Message;
use proto::etcd::MemberRemoveRequest;
use proto::peer;
use proto::store::command::Action;
use store_log::{Done, Log, Record};
use store_machine::{Machine, own};
use tokio::sync::oneshot;

use crate::identity::Identity;
use crate::member::node_of;

/// Makes this member the only one of its cluster, in the log.
pub(crate) async fn forget_others(log: &Log, machine: &Machine, identity: Identity, now_ms: u64) -> io::Result<()> {
    let state = machine.reader().state();
    let me = state.members.get(identity.member_id).map(node_of);
    let me = me.ok_or_else(|| io::Error::other("this member does not stand in its own members table"))?;
    let base = last_committed(log, machine)?;
    if log.last().is_some_and(|last| last > base.index) {
        done(|done| log.truncate_after(Some(base.index), done)).await?;
    }
    let membership = peer::Membership {
        configs: vec![peer::NodeSet {
            ids: vec![identity.member_id],
        }],
        nodes: vec![me],
    };
    let mut payloads = vec![peer::entry::Payload::Membership(membership)];
    for member in state.members.iter().filter(|member| member.id != identity.member_id) {
        let action = Action::MemberRemove(MemberRemoveRequest { id: member.id });
        let command = own(now_ms, identity.member_id, action);
        payloads.push(peer::entry::Payload::Command(command.encode_to_vec().into()));
        tracing::warn!(
            removed_member_id = format!("{:x}", member.id),
            "forcing a new cluster without this member"
        );
    }
    let mut id = base;
    let mut records = Vec::new();
    for payload in payloads {
        id.index += 1;
        let entry = peer::Entry {
            id: Some(id),
            payload: Some(payload),
        };
        records.push(Record {
            index: id.index,
            data: entry.encode_to_vec().into(),
        });
    }
    done(|done| log.append(records, done)).await?;
    log.save_committed(id.encode_to_vec().into());
    Ok(())
}

/// The last entry that surely was committed: by the log's mark, or because it was applied.
fn last_committed(log: &Log, machine: &Machine) -> io::Result<peer::LogId> {
    let marked = log.state().committed.map(peer::LogId::decode).transpose()?;
    let applied = machine.recovered().map(peer::SnapshotMeta::decode).transpose()?;
    let applied = applied.and_then(|meta| meta.last_log_id);
    // The mark may be newer than entries that a crash took.
    let held = log.last().unwrap_or(0);
    let marked = marked.filter(|id| id.index <= held);
    let newest = marked.into_iter().chain(applied).max_by_key(|id| id.index);
    newest.ok_or_else(|| io::Error::other("nothing was ever committed here"))
}

/// Waits until the log has done it.
async fn done(call: impl FnOnce(Done)) -> io::Result<()> {
    let (sender, receiver) = oneshot::channel();
    call(Box::new(move |result| drop(sender.send(result))));
    receiver.await.map_err(|_| io::Error::other("the log is closed"))?
}
