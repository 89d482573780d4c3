//! Messages of other members, handed to consensus as the peer port hands them over.
//!
//! An input: a byte that says which call, then pieces, the messages of the call. Each input meets a new member that
//! belongs to no cluster yet. One kind is a snapshot under true checksums: pieces are its meta and its state. The last
//! kind is several calls, one after the other: each piece is a byte that says which, and its message.

use std::sync::Arc;
use std::time::Duration;

use base::clock::SystemClock;
use base::task::Tasks;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use prost::Message;
use proto::peer;
use proto::peer::append_response::Outcome;
use store_engine::{Engine, Memory};
use store_log::{Executor, Log, LogOptions, MemoryDisk};
use store_machine::{Limits, Machine};
use store_raft::{Consensus, Options, Parts};

use crate::support::leader::{append, at, membership, meta, offer, snapshot, state, vote};
use crate::support::nobody::Nobody;
use crate::support::sample::{CLUSTER, ME};
use crate::support::{block_on, must};
use crate::{Verdict, pieces};

/// Nothing here waits for anybody; an answer that takes longer will never come.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// Messages of one input.
const MOST: usize = 64;
/// The kind of several calls.
const SEVERAL: u8 = 7;

/// Makes one call.
///
/// # Panics
/// Where a call is never answered.
pub fn run(data: &[u8]) -> Verdict {
    let Some((which, rest)) = data.split_first() else {
        return Verdict::Refused;
    };
    let messages: Vec<Bytes> = pieces::split(rest).take(MOST).map(Bytes::copy_from_slice).collect();
    block_on(async {
        let tasks = Tasks::new();
        let consensus = must("start consensus", start(&tasks, log(&MemoryDisk::new())).await);
        let answered = tokio::time::timeout(PATIENCE, calls(&consensus, *which, messages)).await;
        let understood = must("get an answer from consensus", answered);
        end(&tasks, &consensus).await;
        Verdict::of(understood)
    })
}

/// The log of a member.
pub(super) fn log(disk: &MemoryDisk) -> Log {
    let options = LogOptions {
        segment_bytes: 4096,
        cache_bytes: 4096,
        executor: Executor::Inline,
        on_fatal: Arc::new(|_| {}),
        ..LogOptions::new(CLUSTER, ME)
    };
    must("open a log", Log::open(Arc::new(disk.clone()), options))
}

/// A member with this log, and nothing else.
pub(super) async fn start(tasks: &Tasks, log: Log) -> Result<Consensus, store_raft::Error> {
    let engine: Arc<dyn Engine> = Arc::new(Memory::new());
    let machine = Machine::open(Arc::clone(&engine), None, Limits::default());
    let parts = Parts {
        log,
        machine: must("open an empty machine", machine),
        engine,
        transport: Arc::new(Nobody),
        effects: Arc::new(Nobody),
        tasks: tasks.child(),
        clock: Arc::new(SystemClock::new()),
    };
    let options = Options {
        on_fatal: Arc::new(|_| {}),
        ..Options::new(ME, CLUSTER)
    };
    Consensus::start(options, parts).await
}

/// Ends a member.
pub(super) async fn end(tasks: &Tasks, consensus: &Consensus) {
    let ended = tokio::time::timeout(PATIENCE, consensus.shutdown()).await;
    must("end consensus", ended);
    tasks.shutdown().await;
}

/// One call, or each message as a call of its own. Answers whether all were understood.
async fn calls(consensus: &Consensus, which: u8, messages: Vec<Bytes>) -> bool {
    if which != SEVERAL {
        return call(consensus, which, messages).await;
    }
    let mut understood = !messages.is_empty();
    for mut message in messages {
        if !message.is_empty() {
            let which = message.split_to(1);
            understood &= call(consensus, which[0], vec![message]).await;
        }
    }
    understood
}

/// Whatever a member says, it is told something, or its stream ends. Answers whether it was told anything but that it is
/// wrong.
async fn call(consensus: &Consensus, which: u8, messages: Vec<Bytes>) -> bool {
    let first = || messages.first().cloned().unwrap_or_default();
    match which % 7 {
        0 => match peer::VoteRequest::decode(first()) {
            Ok(request) => consensus.vote(request).await.is_ok(),
            Err(_) => false,
        },
        1 => match peer::VoteRequest::decode(first()) {
            Ok(request) => consensus.pre_vote(request).await.is_ok(),
            Err(_) => false,
        },
        2 => match peer::TransferLeaderRequest::decode(first()) {
            Ok(request) => consensus.take_leadership(request).await.is_ok(),
            Err(_) => false,
        },
        3 => {
            let requests: Vec<_> = messages
                .into_iter()
                .filter_map(|message| peer::AppendRequest::decode(message).ok())
                .collect();
            let answers = consensus
                .append(stream::iter(requests).boxed())
                .collect::<Vec<_>>()
                .await;
            answers
                .iter()
                .any(|answer| !matches!(answer.outcome, Some(Outcome::Error(_)) | None))
        }
        4 => match peer::SnapshotOfferRequest::decode(first()) {
            Ok(request) => consensus.snapshot_offer(request).await.is_ok(),
            Err(_) => false,
        },
        5 => {
            let chunks: Vec<_> = messages
                .into_iter()
                .filter_map(|message| peer::SnapshotChunk::decode(message).ok())
                .collect();
            receive(consensus, chunks).await
        }
        _ => {
            let state = messages.get(1).cloned().unwrap_or_default();
            match peer::SnapshotMeta::decode(first()) {
                Ok(meta) => receive(consensus, snapshot(meta, state)).await,
                Err(_) => false,
            }
        }
    }
}

async fn receive(consensus: &Consensus, chunks: Vec<peer::SnapshotChunk>) -> bool {
    let chunks = stream::iter(chunks).map(Ok).boxed();
    consensus.receive_snapshot(chunks).await.is_ok()
}

/// A call of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let ask = peer::VoteRequest {
        vote: Some(peer::Vote {
            committed: false,
            ..vote()
        }),
        last_log_id: Some(at(7)),
        leadership_transfer: false,
    };
    let transfer = peer::TransferLeaderRequest {
        vote: Some(vote()),
        to: ME,
        last_log_id: None,
    };
    let state = state();
    let more = peer::AppendRequest {
        vote: Some(vote()),
        prev: append().leader_commit,
        entries: Vec::new(),
        leader_commit: append().leader_commit,
    };
    let chunks = snapshot(meta(40), state.clone());
    let calls: [Vec<Vec<u8>>; 7] = [
        vec![ask.encode_to_vec()],
        vec![ask.encode_to_vec()],
        vec![transfer.encode_to_vec()],
        vec![append().encode_to_vec(), more.encode_to_vec()],
        vec![offer(&state).encode_to_vec()],
        chunks.iter().map(Message::encode_to_vec).collect(),
        vec![meta(40).encode_to_vec(), state.to_vec()],
    ];
    let seed = |which: u8, messages: &[Vec<u8>]| [&[which][..], &pieces::join(messages)].concat();
    let mut seeds: Vec<_> = (0..)
        .zip(&calls)
        .map(|(which, messages)| seed(which, messages))
        .collect();
    seeds.extend(several(&[(3, more.encode_to_vec()), (0, ask.encode_to_vec())]).map(|calls| seed(SEVERAL, &calls)));
    seeds
}

/// Calls of one member: after an append these; after an append one that overwrites half of it, and an offer.
fn several(then: &[(u8, Vec<u8>)]) -> [Vec<Vec<u8>>; 2] {
    let overwriting = peer::AppendRequest {
        vote: Some(peer::Vote { term: 4, ..vote() }),
        prev: Some(at(1)),
        leader_commit: Some(at(1)),
        entries: vec![peer::Entry {
            id: Some(peer::LogId { term: 4, ..at(2) }),
            payload: Some(peer::entry::Payload::Membership(membership())),
        }],
    };
    let begun = peer::AppendRequest {
        leader_commit: Some(at(1)),
        ..append()
    };
    let calls = |calls: &[(u8, Vec<u8>)]| {
        calls
            .iter()
            .map(|(which, call)| [&[*which][..], call].concat())
            .collect()
    };
    let first = (3, append().encode_to_vec());
    let second = [
        (3, begun.encode_to_vec()),
        (3, overwriting.encode_to_vec()),
        (4, offer(&state()).encode_to_vec()),
    ];
    [calls(&[&[first], then].concat()), calls(&second)]
}
