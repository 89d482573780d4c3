//! The two halves of a stream: frames out, answers in.

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};

use super::link::{head, status};
use super::{Fault, Skimmer, Visit};

/// What goes to the server. Dropping it cancels the stream.
pub(crate) struct Outgoing {
    stream: SendStream<Bytes>,
}

impl Outgoing {
    pub(crate) fn new(stream: SendStream<Bytes>) -> Self {
        Self { stream }
    }

    /// Sends one ready frame.
    ///
    /// # Errors
    /// A broken connection.
    pub(crate) fn send(&mut self, frame: Bytes) -> Result<(), Fault> {
        Ok(self.stream.send_data(frame, false)?)
    }
}

/// What comes from the server.
pub(crate) struct Incoming {
    answer: Answer,
    skimmer: Skimmer,
}

/// Some servers send the head of an answer only with the first message.
enum Answer {
    Waiting(ResponseFuture),
    Body(RecvStream),
}

impl Incoming {
    pub(crate) fn new(response: ResponseFuture) -> Self {
        Self {
            answer: Answer::Waiting(response),
            skimmer: Skimmer::new(),
        }
    }

    /// Waits for the next bytes and shows them to `visit`; `false` when the server has ended the stream.
    ///
    /// # Errors
    /// The server's error, or a broken connection.
    pub(crate) async fn receive(&mut self, visit: &mut impl Visit) -> Result<bool, Fault> {
        if let Answer::Waiting(response) = &mut self.answer {
            self.answer = Answer::Body(head(response.await?)?);
        }
        let Answer::Body(body) = &mut self.answer else {
            return Ok(false);
        };
        let Some(chunk) = body.data().await else {
            let trailers = body.trailers().await?.unwrap_or_default();
            return status(&trailers).map(|()| false);
        };
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        visit.arrive();
        self.skimmer.feed(&chunk, visit)?;
        Ok(true)
    }
}
