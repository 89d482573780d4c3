//! What a leader says: its vote, entries, and snapshots under true checksums.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use proto::peer;
use store_engine::{Checkpoint, Engine, Memory};

use super::sample::ME;
use super::{machine, must, sample};

/// The leader that messages pretend to come from.
const LEADER: u64 = 2;
/// The file of the engine in memory.
const STATE: &str = "state";

pub(crate) const fn vote() -> peer::Vote {
    peer::Vote {
        term: 3,
        node: LEADER,
        committed: true,
    }
}

pub(crate) const fn at(index: u64) -> peer::LogId {
    peer::LogId {
        term: 3,
        node: LEADER,
        index,
    }
}

pub(crate) fn membership() -> peer::Membership {
    let node = |id: u64| peer::Node {
        id,
        peer_urls: vec![format!("http://127.0.0.{id}:2380")],
    };
    peer::Membership {
        configs: vec![peer::NodeSet { ids: vec![ME, LEADER] }],
        nodes: vec![node(ME), node(LEADER), node(9)],
    }
}

pub(crate) fn meta(last: u64) -> peer::SnapshotMeta {
    peer::SnapshotMeta {
        id: format!("3-{last}-0badcafe"),
        last_log_id: Some(at(last)),
        membership_log_id: Some(at(0)),
        membership: Some(membership()),
    }
}

/// The beginning of a log: who is there, a blank entry, and commands.
pub(crate) fn append() -> peer::AppendRequest {
    let payload = |index, payload| peer::Entry {
        id: Some(at(index)),
        payload,
    };
    let mut entries = vec![
        payload(0, Some(peer::entry::Payload::Membership(membership()))),
        payload(1, None),
    ];
    for (index, command) in (2..).zip(sample::encoded()) {
        entries.push(payload(index, Some(peer::entry::Payload::Command(command.into()))));
    }
    peer::AppendRequest {
        vote: Some(vote()),
        prev: None,
        leader_commit: Some(at(entries.len() as u64 - 1)),
        entries,
    }
}

/// The offer of a snapshot of one file.
pub(crate) fn offer(state: &[u8]) -> peer::SnapshotOfferRequest {
    peer::SnapshotOfferRequest {
        vote: Some(vote()),
        meta: Some(meta(40)),
        files: vec![peer::SnapshotFile {
            name: STATE.to_owned(),
            bytes: state.len() as u64,
            crc: crc32c::crc32c(state),
        }],
    }
}

/// A snapshot of this state, in two chunks behind its head.
pub(crate) fn snapshot(meta: peer::SnapshotMeta, state: Bytes) -> Vec<peer::SnapshotChunk> {
    let head = peer::SnapshotOfferRequest {
        meta: Some(meta),
        ..offer(&state)
    };
    let (first, second) = (state.slice(..state.len() / 2), state.slice(state.len() / 2..));
    let chunk = |offset: usize, data: Bytes| peer::SnapshotChunk {
        head: None,
        file: 0,
        offset: offset as u64,
        data,
    };
    vec![
        peer::SnapshotChunk {
            head: Some(head),
            ..peer::SnapshotChunk::default()
        },
        chunk(0, first.clone()),
        chunk(first.len(), second),
    ]
}

/// A snapshot that a member begins with.
pub(crate) fn whole() -> Vec<peer::SnapshotChunk> {
    snapshot(meta(40), state())
}

/// The state of a machine that applied everything, as consensus leaves it in an engine.
pub(crate) fn state() -> Bytes {
    let engine = Arc::new(Memory::new());
    let mut machine = machine::founded(&engine);
    let raft = meta(40).encode_to_vec();
    let mut run = machine.begin();
    for (index, command) in (2..).zip(sample::commands()) {
        let stamp = store_machine::Stamp {
            index,
            term: 3,
            now_ms: command.now_ms,
        };
        drop(run.apply(stamp, &command));
    }
    must("commit to an engine in memory", run.commit(&raft));
    let image: Arc<dyn Checkpoint> = must("take a checkpoint", engine.checkpoint());
    let bytes = image.files().first().map_or(0, |file| file.bytes as usize);
    must("read a checkpoint", image.read(0, 0, bytes))
}
