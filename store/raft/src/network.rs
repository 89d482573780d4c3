//! openraft's network over the [`Transport`]: streams with many requests on the way, and the rarer calls.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::clock::Sleep;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt};
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Timeout, Unreachable};
use openraft::network::{Backoff, NetBackoff, NetSnapshot, NetStreamAppend, NetTransferLeader, NetVote, RPCOption};
use openraft::raft::{
    AppendEntriesRequest, SnapshotResponse, StreamAppendError, StreamAppendResult, TransferLeaderError,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, RPCTypes, RaftNetworkFactory};
use parking_lot::Mutex;
use proto::peer;
use tokio::sync::mpsc;

use crate::convert::{append_out, appended_in, ask_out, log_id_out, node_out, vote_in, vote_out, voted_in};
use crate::image::{self, SnapshotData};
use crate::shared::Shared;
use crate::transport::{BoxStream, TransportError};
use crate::types::{LogId, Peer, Snapshot, Types, Vote};

type Appended = StreamAppendResult<Types>;
type AppendResult = Result<Appended, RPCError<Types>>;

/// Makes the clients of openraft's tasks.
pub(crate) struct Factory {
    shared: Arc<Shared>,
    matched: BTreeMap<u64, Arc<Mutex<Matched>>>,
}

/// The last entry that a member said it has, to the leader of this vote. What it told another may be overwritten since.
#[derive(Default)]
struct Matched {
    vote: Option<Vote>,
    last: Option<LogId>,
    /// The answers that were refused; each kind is logged once a term.
    refused: BTreeSet<&'static str>,
}

impl Matched {
    fn under(&mut self, vote: Vote) -> &mut Self {
        if self.vote != Some(vote) {
            *self = Self {
                vote: Some(vote),
                ..Self::default()
            };
        }
        self
    }
}

/// One task's client of one member.
pub(crate) struct Link {
    shared: Arc<Shared>,
    target: peer::Node,
    matched: Arc<Mutex<Matched>>,
    /// Heartbeats open a stream each; here they share one that stays open.
    heartbeat: Option<Mutex<Option<Kept>>>,
}

/// An append stream that is used for one request at a time.
struct Kept {
    requests: mpsc::Sender<peer::AppendRequest>,
    answers: BoxStream<'static, Result<peer::AppendResponse, TransportError>>,
    /// When the last request was sent; it was answered.
    last: Option<Duration>,
}

/// A request that is not answered yet.
struct Asked {
    at: Duration,
    vote: Vote,
    prev: Option<LogId>,
    last: Option<LogId>,
}

impl Asked {
    fn of(request: &AppendEntriesRequest<Types>, at: Duration) -> Self {
        let prev = request.prev_log_id;
        let last = request.entries.last().map(|entry| entry.log_id).or(prev);
        let vote = request.vote;
        Self { at, vote, prev, last }
    }

    /// An answer that openraft may have. It asserts that members speak of what they were asked, and that none loses what
    /// it had.
    fn answer(&self, answer: peer::AppendResponse, from: u64, matched: &mut Matched) -> Result<Appended, String> {
        let result = appended_in(answer)?;
        let matched = matched.under(self.vote);
        let wrong = match &result {
            Ok(last) if *last == self.last => {
                matched.last = matched.last.max(*last);
                return Ok(result);
            }
            Ok(_) => "an answer to another append",
            Err(StreamAppendError::Conflict(at)) if Some(*at) != self.prev => "a conflict with another append",
            Err(StreamAppendError::Conflict(at)) if Some(*at) <= matched.last => "the member lost log that it had",
            Err(_) => return Ok(result),
        };
        if matched.refused.insert(wrong) {
            tracing::error!(
                member = format!("{from:x}"),
                reason = wrong,
                "a member's answer is refused and it is not written to; if it lost its disk, remove it and add it anew"
            );
        }
        Err(wrong.to_owned())
    }
}

impl Factory {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            matched: BTreeMap::new(),
        }
    }

    fn link(&mut self, id: u64, node: &Peer, heartbeat: bool) -> Link {
        Link {
            shared: self.shared.clone(),
            target: node_out(id, node),
            matched: self.matched.entry(id).or_default().clone(),
            heartbeat: heartbeat.then(Mutex::default),
        }
    }
}

impl RaftNetworkFactory<Types> for Factory {
    type Network = Link;

    async fn new_client(&mut self, target: u64, node: &Peer) -> Link {
        self.link(target, node, false)
    }

    async fn new_heartbeat_client(&mut self, target: u64, node: &Peer) -> Link {
        self.link(target, node, true)
    }
}

impl TransportError {
    pub(crate) fn into_rpc(self, from: u64, target: u64, timeout: Duration) -> RPCError<Types> {
        match self {
            // A peer that answers with errors is not helped by being asked again at once.
            TransportError::Unreachable(_) | TransportError::Refused(_) => {
                RPCError::Unreachable(Unreachable::new(&self))
            }
            TransportError::Timeout => RPCError::Timeout(Timeout {
                action: RPCTypes::AppendEntries,
                id: from,
                target,
                timeout,
            }),
            TransportError::Broken(_) => RPCError::Network(NetworkError::new(&self)),
        }
    }
}

impl Link {
    fn rpc_error(&self, error: TransportError) -> RPCError<Types> {
        error.into_rpc(self.shared.options.id, self.target.id, self.shared.options.election())
    }

    fn node(&self) -> peer::Node {
        self.shared.node(&self.target)
    }

    /// Looks at the time between two heartbeats, both on their way to a member that answers.
    fn note_pause(&self, pause: Duration) {
        let interval = Duration::from_millis(self.shared.options.heartbeat_ms);
        if pause > interval * 2 {
            self.shared.late_heartbeats.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                to = format!("{:x}", self.target.id),
                heartbeat_interval = ?interval,
                pause = ?pause,
                "sent a heartbeat late: this leader is overloaded, often by a slow disk"
            );
        }
    }

    /// Sends one request over the stream that stays open. If this is dropped half-way, so is the stream.
    async fn beat(&mut self, request: AppendEntriesRequest<Types>) -> AppendResult {
        let kept = self.heartbeat.as_mut().and_then(|kept| kept.get_mut().take());
        let mut kept = match kept {
            Some(kept) if !kept.requests.is_closed() => kept,
            _ => {
                let (requests, receiver) = mpsc::channel(1);
                let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
                    receiver.recv().await.map(|request| (request, receiver))
                });
                let answers = self.shared.transport.append_stream(&self.node(), stream.boxed()).await;
                Kept {
                    requests,
                    answers: answers.map_err(|error| self.rpc_error(error))?,
                    last: None,
                }
            }
        };
        let now = self.shared.clock.monotonic();
        if let Some(last) = kept.last.replace(now) {
            self.note_pause(now.saturating_sub(last));
        }
        let lost = || TransportError::Broken("the heartbeat stream ended".to_owned());
        let asked = Asked::of(&request, now);
        let sent = kept.requests.send(append_out(&request)).await;
        sent.map_err(|_| self.rpc_error(lost()))?;
        let answer = kept.answers.next().await.unwrap_or_else(|| Err(lost()));
        let answer = answer.map_err(|error| self.rpc_error(error))?;
        let result = asked.answer(answer, self.target.id, &mut self.matched.lock());
        let result = result.map_err(|text| self.rpc_error(TransportError::Refused(text)))?;
        // The peer ends the stream after a refusal.
        if let (Ok(_), Some(slot)) = (&result, &mut self.heartbeat) {
            *slot.get_mut() = Some(kept);
        }
        Ok(result)
    }
}

/// Watches that requests are answered, and turns answers into openraft's.
struct Watched<'s> {
    link: &'s Link,
    answers: BoxStream<'static, Result<peer::AppendResponse, TransportError>>,
    /// The requests that are not answered yet.
    sent: Arc<Mutex<VecDeque<Asked>>>,
    patience: Duration,
    alarm: Sleep,
}

impl<'s> Watched<'s> {
    async fn next(mut self) -> Option<(AppendResult, Option<Watched<'s>>)> {
        loop {
            tokio::select! {
                biased;
                answer = self.answers.next() => {
                    let asked = self.sent.lock().pop_front();
                    let unasked = || "an answer to nothing".to_owned();
                    return match answer? {
                        Ok(answer) => match asked
                            .ok_or_else(unasked)
                            .and_then(|asked| asked.answer(answer, self.link.target.id, &mut self.link.matched.lock()))
                        {
                            Ok(result) => Some((Ok(result), Some(self))),
                            Err(text) => Some((Err(self.link.rpc_error(TransportError::Refused(text))), None)),
                        },
                        Err(error) => Some((Err(self.link.rpc_error(error)), None)),
                    };
                }
                () = &mut self.alarm => {
                    let now = self.link.shared.clock.monotonic();
                    let oldest = self.sent.lock().front().map(|asked| asked.at);
                    if oldest.is_some_and(|oldest| now.saturating_sub(oldest) >= self.patience) {
                        return Some((Err(self.link.rpc_error(TransportError::Timeout)), None));
                    }
                    self.alarm = self.link.shared.clock.sleep(self.patience / 2);
                }
            }
        }
    }
}

impl NetStreamAppend<Types> for Link {
    fn stream_append<S>(
        &mut self,
        mut input: S,
        _option: RPCOption,
    ) -> BoxFuture<'_, Result<BoxStream<'_, AppendResult>, RPCError<Types>>>
    where
        S: Stream<Item = AppendEntriesRequest<Types>> + OptionalSend + Unpin + 'static,
    {
        Box::pin(async move {
            if self.heartbeat.is_some() {
                let answers = futures_util::stream::unfold((self, input), |(link, mut input)| async move {
                    let request = input.next().await?;
                    Some((link.beat(request).await, (link, input)))
                });
                return Ok(answers.boxed());
            }
            // openraft waits out its backoff inside the request stream: whoever dials before the first request comes
            // out of it dials without a pause.
            let Some(first) = input.next().await else {
                return Ok(futures_util::stream::empty().boxed());
            };
            let mut input = futures_util::stream::iter([first]).chain(input);
            let sent: Arc<Mutex<VecDeque<Asked>>> = Arc::default();
            let (asked, clock) = (sent.clone(), self.shared.clock.clone());
            let requests = futures_util::stream::poll_fn(move |context| {
                input.poll_next_unpin(context).map(|request| {
                    let request = request?;
                    asked.lock().push_back(Asked::of(&request, clock.monotonic()));
                    Some(append_out(&request))
                })
            });
            let answers = self
                .shared
                .transport
                .append_stream(&self.node(), requests.boxed())
                .await;
            let answers = answers.map_err(|error| self.rpc_error(error))?;
            let patience = self.shared.options.election() * 2;
            let alarm = self.shared.clock.sleep(patience / 2);
            let watched = Watched {
                link: self,
                answers,
                sent,
                patience,
                alarm,
            };
            let results = futures_util::stream::unfold(Some(watched), |watched| async move { watched?.next().await });
            Ok(results.boxed())
        })
    }
}

impl NetVote<Types> for Link {
    async fn vote(
        &mut self,
        request: VoteRequest<Types>,
        _option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        let timeout = self.shared.options.election();
        let answer = self
            .shared
            .transport
            .vote(&self.node(), ask_out(&request), timeout)
            .await;
        let answer = answer.map_err(|error| self.rpc_error(error))?;
        voted_in(answer).map_err(|error| self.rpc_error(TransportError::Refused(error.to_string())))
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<Types>,
        _option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        let timeout = self.shared.options.election();
        let answer = self
            .shared
            .transport
            .pre_vote(&self.node(), ask_out(&request), timeout)
            .await;
        let answer = answer.map_err(|error| self.rpc_error(error))?;
        voted_in(answer).map_err(|error| self.rpc_error(TransportError::Refused(error.to_string())))
    }
}

impl NetTransferLeader<Types> for Link {
    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        _option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, RPCError<Types>> {
        let message = peer::TransferLeaderRequest {
            vote: Some(vote_out(request.from_leader())),
            to: *request.to_node_id(),
            last_log_id: request.last_log_id().map(log_id_out),
        };
        let timeout = self.shared.options.election();
        let answer = self
            .shared
            .transport
            .transfer_leader(&self.node(), message, timeout)
            .await;
        let answer = answer.map_err(|error| self.rpc_error(error))?;
        if answer.refused.is_empty() {
            return Ok(Ok(()));
        }
        tracing::warn!(
            target = self.target.id,
            reason = answer.refused,
            "a member refuses to take leadership"
        );
        let expected = request.last_log_id().copied();
        Ok(Err(TransferLeaderError::LogNotFlushed { expected, actual: None }))
    }
}

impl NetSnapshot<Types> for Link {
    type SnapshotData = SnapshotData;

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let last = snapshot.meta.last_log_id;
        let answer = image::send(&self.shared, &self.node(), vote, snapshot.snapshot, cancel).await?;
        let mut matched = self.matched.lock();
        let matched = matched.under(vote);
        matched.last = matched.last.max(last);
        match vote_in(answer) {
            Ok(vote) => Ok(SnapshotResponse::new(vote)),
            Err(error) => Err(StreamingError::Network(NetworkError::new(&error))),
        }
    }
}

impl NetBackoff<Types> for Link {
    fn backoff(&self) -> Option<Backoff> {
        // A member that restarts should be found again within a heartbeat or two.
        let first = Duration::from_millis(self.shared.options.heartbeat_ms);
        let longest = self.shared.options.election();
        let delays = std::iter::successors(Some(first), move |delay| Some((*delay * 2).min(longest)));
        Some(Backoff::new(delays))
    }
}

#[cfg(test)]
mod tests {
    use peer::append_response::Outcome;

    use super::*;
    use crate::convert::log_id_in;

    fn at(index: u64) -> peer::LogId {
        peer::LogId {
            term: 3,
            node: 1,
            index,
        }
    }

    fn answered(outcome: Outcome, matched: &mut Matched) -> bool {
        let asked = Asked {
            at: Duration::ZERO,
            vote: Vote::new_committed(3, 1),
            prev: Some(log_id_in(at(4))),
            last: Some(log_id_in(at(6))),
        };
        let answer = peer::AppendResponse { outcome: Some(outcome) };
        asked.answer(answer, 2, matched).is_ok()
    }

    #[test]
    fn a_member_speaks_of_what_it_was_asked() {
        let has = |id| Outcome::Matched(peer::Matched { id });
        let mut matched = Matched::default();
        for id in [
            None,
            Some(at(4)),
            Some(at(5)),
            Some(at(7)),
            Some(peer::LogId { term: 2, ..at(6) }),
        ] {
            assert!(!answered(has(id), &mut matched), "{id:?}");
        }
        assert!(!answered(Outcome::Conflict(at(3)), &mut matched));
        assert!(
            answered(Outcome::Conflict(at(4)), &mut matched),
            "nothing is known of it"
        );
        assert_eq!(matched.last, None);
        assert!(answered(has(Some(at(6))), &mut matched));
        assert_eq!(matched.last, Some(log_id_in(at(6))));
        assert!(!answered(Outcome::Conflict(at(4)), &mut matched), "it had that");
        matched.under(Vote::new_committed(2, 1)).last = Some(log_id_in(at(6)));
        assert!(
            answered(Outcome::Conflict(at(4)), &mut matched),
            "another leader may have taken it away"
        );
    }
}
