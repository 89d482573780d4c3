//! What consensus needs from the outside: messages to peers, and someone who takes the effects.

use std::time::Duration;

use async_trait::async_trait;
use proto::peer;
use proto::store::{Command, Reply};
use store_machine::Effect;

/// A stream of messages.
pub type BoxStream<'a, T> = futures_util::stream::BoxStream<'a, T>;

/// Carries messages to peers. No call may wait for ever on a silent peer: connecting must end within about half an
/// election timeout, and the calls that are given a `timeout` within that. `target` holds the newest peer URLs known.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Opens a stream of append requests; answers come in the order of the requests, many of which may be under way.
    /// The caller watches for missing answers itself and drops the stream then.
    async fn append_stream(
        &self,
        target: &peer::Node,
        requests: BoxStream<'static, peer::AppendRequest>,
    ) -> Result<BoxStream<'static, Result<peer::AppendResponse, TransportError>>, TransportError>;

    /// Asks for a vote.
    async fn vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Result<peer::VoteResponse, TransportError>;

    /// Asks whether a vote would be given.
    async fn pre_vote(
        &self,
        target: &peer::Node,
        request: peer::VoteRequest,
        timeout: Duration,
    ) -> Result<peer::VoteResponse, TransportError>;

    /// Tells that leadership is being handed over, to the heir and to everybody else.
    async fn transfer_leader(
        &self,
        target: &peer::Node,
        request: peer::TransferLeaderRequest,
        timeout: Duration,
    ) -> Result<peer::TransferLeaderResponse, TransportError>;

    /// Asks how much of a snapshot the peer already holds.
    async fn snapshot_offer(
        &self,
        target: &peer::Node,
        request: peer::SnapshotOfferRequest,
        timeout: Duration,
    ) -> Result<peer::SnapshotOfferResponse, TransportError>;

    /// Sends a snapshot; the first chunk carries its head. The answer comes once it is installed, which may take long.
    async fn snapshot(
        &self,
        target: &peer::Node,
        chunks: BoxStream<'static, peer::SnapshotChunk>,
    ) -> Result<peer::SnapshotResponse, TransportError>;
}

/// Why a message did not arrive or was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection: wait before the next try.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The connection was lost under way.
    #[error("broken: {0}")]
    Broken(String),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The peer answered with an error.
    #[error("refused: {0}")]
    Refused(String),
}

/// Takes what applying commands brought about.
pub trait EffectSink: Send + Sync + 'static {
    /// Called in log order, after each commit to the engine and before any of its commands is answered; also while
    /// consensus starts, for what is applied again. Must not block, nor wait for consensus.
    fn apply(&self, effects: Vec<Effect>);

    /// One command was applied, which took so long; called in log order, before the commit. Must not block.
    fn applied(&self, _command: &Command, _reply: &Reply, _took: Duration) {}

    /// A snapshot is about to replace the whole state: until [`EffectSink::reset`] nobody may write to the engine.
    fn prepare_reset(&self) {}

    /// A snapshot replaced the whole state: whatever was derived from effects must be derived anew.
    fn reset(&self) {}
}
