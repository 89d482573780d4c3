//! One open watch at one member, message by message as the store sends them.

use std::time::Duration;

use jepsen_check::history::{Response, Watch};
use proto::etcd::watch_client::WatchClient;
use proto::etcd::watch_request::RequestUnion;
use proto::etcd::{WatchProgressRequest, WatchRequest, WatchResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::link::ANSWER_BYTES_MAX;
use super::wire::{self, Malformed};
use super::{Effect, Link, Mishap, classify};

/// Requests that may wait to be sent: the creation, and progress that is asked for.
const REQUESTS: usize = 8;

/// An open watch. Dropping it ends it at the store.
pub(crate) struct Stream {
    requests: mpsc::Sender<WatchRequest>,
    answers: Streaming<WatchResponse>,
}

impl Link {
    /// Opens a watch; the store's first message is still to come.
    ///
    /// # Errors
    /// The stream could not be opened in time.
    pub(crate) async fn watch(&self, watch: &Watch) -> Result<Stream, Mishap> {
        let (requests, receiver) = mpsc::channel(REQUESTS);
        let create = WatchRequest {
            request_union: Some(RequestUnion::CreateRequest(wire::watch(watch))),
        };
        // It is queued before the stream is opened: a store may send nothing at all, not even headers, before that.
        if requests.send(create).await.is_err() {
            return Err(Mishap::Refused("the stream was closed before it was opened".to_owned()));
        }
        let mut stub = WatchClient::new(self.channel()).max_decoding_message_size(ANSWER_BYTES_MAX);
        let answers = self
            .within(Effect::Reads, stub.watch(ReceiverStream::new(receiver)))
            .await?;
        Ok(Stream { requests, answers })
    }
}

impl Stream {
    /// The next message; `None` if there was none for so long.
    ///
    /// # Errors
    /// The stream broke, was ended by the store, or said what cannot be read.
    pub(crate) async fn next(&mut self, within: Duration) -> Result<Option<Response>, Mishap> {
        match tokio::time::timeout(within, self.answers.message()).await {
            Err(_) => Ok(None),
            Ok(Ok(Some(message))) => Ok(Some(wire::response(&message)?)),
            Ok(Ok(None)) => Err(Malformed("the store ended the stream".to_owned()).into()),
            Ok(Err(status)) => Err(classify(Effect::Waits, status)),
        }
    }

    /// Asks the store to say how far the watch is. If too many such requests wait already, this one is left out.
    pub(crate) fn ask_progress(&self) {
        let request = WatchRequest {
            request_union: Some(RequestUnion::ProgressRequest(WatchProgressRequest {})),
        };
        let _ = self.requests.try_send(request);
    }
}
