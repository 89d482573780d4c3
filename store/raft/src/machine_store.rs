//! openraft's state machine over `store_machine`: whatever is ready becomes one engine batch.

use std::io;
use std::sync::Arc;

use futures_util::{FutureExt, Stream, StreamExt};
use openraft::OptionalSend;
use openraft::storage::{ApplyResponder, EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use prost::Message;
use proto::store::{Command, Reply};
use store_machine::{Run, Stamp};
use store_planted::{Bug, planted};

use crate::convert::{decode, meta_out};
use crate::image::SnapshotData;
use crate::shared::{Shared, recovered};
use crate::types::{Entry, LogId, Payload, Snapshot, SnapshotMeta, StoredMembership, Types};

/// A batch is closed at this many entries or bytes of commands, so that readers and replies need not wait for more.
const BATCH_ENTRIES: usize = 1024;
const BATCH_BYTES: usize = 4 << 20;

/// The machine as openraft applies to it.
pub(crate) struct MachineStore(pub(crate) Arc<Shared>);

/// Builds openraft's snapshot, which here only means that the engine needs no log up to there any more.
pub(crate) struct Builder(Arc<Shared>);

type Ready = (Entry, Option<ApplyResponder<Types>>);

impl MachineStore {
    /// Applies entries as one batch: run, commit, effects, replies, in this order.
    fn apply_batch(&self, entries: Vec<Ready>) -> io::Result<()> {
        let shared = &self.0;
        let mut core = shared.core()?;
        let core = &mut *core;
        let mut meta = core.meta.clone();
        let (mut replies, mut responders) = (Vec::new(), Vec::new());
        let mut run = core.machine.begin();
        for (entry, responder) in entries {
            replies.extend(self.apply_one(&mut run, &mut meta, entry)?);
            responders.extend(responder);
        }
        let state = meta_out(&meta, String::new()).encode_to_vec();
        let effects = run.commit(&state).map_err(io::Error::other)?;
        if core.meta.last_membership != meta.last_membership {
            shared.note_members(meta.last_membership.membership());
        }
        core.meta = meta;
        // Still under the lock: effects reach their sink in log order whoever applies.
        if !effects.is_empty() {
            shared.sink.apply(effects);
        }
        if let Some(last) = core.meta.last_log_id {
            shared.applied.send_replace(last.index);
        }
        shared.waiting.answer(replies);
        for responder in responders {
            responder.send(());
        }
        Ok(())
    }

    /// Answers the reply with the command's id where the command was asked for here.
    fn apply_one(&self, run: &mut Run<'_>, meta: &mut SnapshotMeta, entry: Entry) -> io::Result<Option<(u64, Reply)>> {
        let Entry { log_id, payload } = entry;
        meta.last_log_id = Some(log_id);
        let stamp = |now_ms| stamp(&log_id, now_ms);
        match payload {
            Payload::Normal(proposal) => {
                let command: Command = decode(proposal.bytes)?;
                if planted(Bug::LostApply) && log_id.index % 64 == 0 && self.0.options.id % 2 == 1 {
                    run.advance(stamp(command.now_ms));
                    return Ok(None);
                }
                let began = self.0.clock.monotonic();
                let reply = run.apply(stamp(command.now_ms), &command);
                let took = self.0.clock.monotonic().saturating_sub(began);
                self.0.sink.applied(&command, &reply, took);
                let asked_here = command.origin == self.0.options.id && command.id != 0;
                return Ok(asked_here.then_some((command.id, reply)));
            }
            Payload::Blank => {
                run.advance(stamp(0));
            }
            Payload::Membership(membership) => {
                if meta.last_membership.log_id().is_none() {
                    run.bootstrap(&self.0.genesis(&membership));
                }
                run.advance(stamp(0));
                meta.last_membership = StoredMembership::new(Some(log_id), membership);
            }
        }
        Ok(None)
    }
}

fn stamp(log_id: &LogId, now_ms: u64) -> Stamp {
    Stamp {
        index: log_id.index,
        term: log_id.leader_id.term,
        now_ms,
    }
}

fn weight(entry: &Entry) -> usize {
    match &entry.payload {
        Payload::Normal(proposal) => proposal.bytes.len(),
        Payload::Blank | Payload::Membership(_) => 0,
    }
}

impl RaftStateMachine<Types> for MachineStore {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        let meta = self.0.meta();
        Ok((meta.last_log_id, meta.last_membership))
    }

    async fn apply<Strm>(&mut self, mut entries: Strm) -> Result<(), io::Error>
    where
        Strm: Stream<Item = Result<EntryResponder<Types>, io::Error>> + Unpin + OptionalSend,
    {
        let mut batch: Vec<Ready> = Vec::new();
        let mut bytes = 0;
        loop {
            // Take what is there; only an empty batch waits for more.
            let next = match entries.next().now_or_never() {
                None if batch.is_empty() => Some(entries.next().await),
                ready => ready,
            };
            match next {
                Some(Some(ready)) => {
                    let ready = ready?;
                    bytes += weight(&ready.0);
                    batch.push(ready);
                    if batch.len() < BATCH_ENTRIES && bytes < BATCH_BYTES {
                        continue;
                    }
                }
                Some(None) => break,
                None => {}
            }
            self.apply_batch(std::mem::take(&mut batch))?;
            bytes = 0;
            tokio::task::yield_now().await;
        }
        if batch.is_empty() {
            Ok(())
        } else {
            self.apply_batch(batch)
        }
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder(self.0.clone())
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, snapshot: SnapshotData) -> Result<(), io::Error> {
        let incoming = snapshot.into_incoming(&self.0).await?;
        let wanted = meta.last_log_id;
        self.0
            .blocking("raft-install", move |shared| install(shared, incoming, wanted))
            .await
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        let (meta, snapshot) = SnapshotData::current(&self.0);
        Ok(meta.last_log_id.is_some().then_some(Snapshot { meta, snapshot }))
    }
}

/// Replaces the machine's contents. They hold at least what `wanted` names.
fn install(shared: &Shared, incoming: Box<dyn store_engine::Incoming>, wanted: Option<LogId>) -> io::Result<()> {
    let mut core = shared.core()?;
    shared.sink.prepare_reset();
    let installed = shared.engine.install(incoming).map_err(io::Error::other);
    let reloaded = installed.and_then(|()| core.machine.reload().map_err(io::Error::other));
    if reloaded.is_err() {
        shared.sink.reset();
        return reloaded;
    }
    core.meta = recovered(&core.machine)?;
    if planted(Bug::ThinSnapshot) {
        core.meta.last_log_id = core.meta.last_log_id.max(wanted);
    }
    if core.meta.last_log_id < wanted {
        let text = format!(
            "the snapshot ends at {:?}, before {wanted:?} as announced",
            core.meta.last_log_id
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    shared.note_members(core.meta.last_membership.membership());
    shared.note_flushed(&core.meta);
    shared.sink.reset();
    if let Some(last) = core.meta.last_log_id {
        shared.applied.send_replace(last.index);
    }
    shared.waiting.overtaken();
    Ok(())
}

impl RaftSnapshotBuilder<Types> for Builder {
    type SnapshotData = SnapshotData;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        let meta = self.0.blocking("raft-flush", Shared::flush).await?;
        Ok(Snapshot {
            meta,
            snapshot: SnapshotData::Later(self.0.clone()),
        })
    }
}
