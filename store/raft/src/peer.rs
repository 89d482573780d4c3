//! What this member does when a peer's message arrives.

use futures_util::{StreamExt, stream};
use openraft::raft::TransferLeaderRequest;
use proto::peer;

use crate::consensus::Consensus;
use crate::convert::{Malformed, append_in, appended_out, ask_in, log_id_in, vote_in, voted_out};
use crate::error::Error;
use crate::known::Known;
use crate::receive;
use crate::transport::{BoxStream, TransportError};

impl From<Malformed> for Error {
    fn from(error: Malformed) -> Error {
        Error::Invalid(error.to_string())
    }
}

/// For the one who carries messages, after it made sure who sends them and that they are meant for this member.
impl Consensus {
    /// Takes append requests and answers each in its turn, while later ones are already being worked on. Ends after an
    /// answer other than `matched`.
    pub fn append(
        &self,
        requests: BoxStream<'static, peer::AppendRequest>,
    ) -> BoxStream<'static, peer::AppendResponse> {
        // A malformed request ends the stream, which the sender sees as a connection lost.
        let requests = stream::unfold(
            (requests, None, self.clone()),
            |(mut requests, known, member)| async move {
                let request = requests.next().await?;
                member.shared().note_heard();
                let mut known = match known {
                    Some(known) => known,
                    None => Known::of(member.raft()).await,
                };
                match append_in(request, member.id()).and_then(|request| known.check(request)) {
                    Ok(request) => Some((request, (requests, Some(known), member))),
                    Err(error) => {
                        tracing::warn!(%error, "dropping an append stream");
                        None
                    }
                }
            },
        );
        let answers = self.raft().stream_append(requests.boxed()).map(|answer| match answer {
            Ok(result) => appended_out(&result),
            Err(fatal) => {
                let outcome = peer::append_response::Outcome::Error(fatal.to_string());
                peer::AppendResponse { outcome: Some(outcome) }
            }
        });
        answers.boxed()
    }

    /// Gives or refuses a vote.
    ///
    /// # Errors
    /// `Invalid`, `Stopped`, `Storage`.
    pub async fn vote(&self, request: peer::VoteRequest) -> Result<peer::VoteResponse, Error> {
        self.shared().may_vote()?;
        Ok(voted_out(&self.raft().vote(ask_in(request, self.id())?).await?))
    }

    /// Says whether a vote would be given, and promises nothing.
    ///
    /// # Errors
    /// `Invalid`, `Stopped`, `Storage`.
    pub async fn pre_vote(&self, request: peer::VoteRequest) -> Result<peer::VoteResponse, Error> {
        self.shared().may_vote()?;
        Ok(voted_out(&self.raft().pre_vote(ask_in(request, self.id())?).await?))
    }

    /// Takes over leadership if it is handed to this member, or makes way for the heir.
    ///
    /// # Errors
    /// `Invalid`, `Stopped`, `Storage`.
    pub async fn take_leadership(
        &self,
        request: peer::TransferLeaderRequest,
    ) -> Result<peer::TransferLeaderResponse, Error> {
        let last_log_id = request.last_log_id.map(log_id_in);
        let request = TransferLeaderRequest::new(vote_in(request.vote)?, request.to, last_log_id);
        let answer = self.raft().handle_transfer_leader(request).await?;
        let refused = answer.err().map(|error| error.to_string()).unwrap_or_default();
        Ok(peer::TransferLeaderResponse { refused })
    }

    /// Says how much of an offered snapshot is here already.
    ///
    /// # Errors
    /// `Invalid`, `Stopped`, `Storage`.
    pub async fn snapshot_offer(
        &self,
        request: peer::SnapshotOfferRequest,
    ) -> Result<peer::SnapshotOfferResponse, Error> {
        receive::offer(self.shared(), self.raft(), request).await
    }

    /// Takes a snapshot and installs it. What was received of a broken one is kept for the next try.
    ///
    /// # Errors
    /// `Invalid`, `Stopped`, `Storage`.
    pub async fn receive_snapshot(
        &self,
        chunks: BoxStream<'static, Result<peer::SnapshotChunk, TransportError>>,
    ) -> Result<peer::SnapshotResponse, Error> {
        receive::receive(self.shared(), self.raft(), chunks).await
    }
}
